// SPDX-License-Identifier: Apache-2.0
// Preloaded into revertd by bench/run: counts its allocations in the file `allocations` of the working directory, as
// two numbers of 64 bits: those of the first thread, which is the loop's, and those of all others.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>

extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
}

namespace {

using Count = std::atomic<std::uint64_t>;

Count* counts = nullptr;

/// Programs that revertd starts inherit the preload, and are not counted.
[[gnu::constructor]] void open_counts() {
    char name[64] = {};
    const int self = open("/proc/self/comm", O_RDONLY | O_CLOEXEC);
    const bool is_revertd = read(self, name, sizeof name - 1) > 0 && std::strcmp(name, "revertd\n") == 0;
    close(self);
    if (!is_revertd) return;
    const int file = open("allocations", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0 || ftruncate(file, 2 * sizeof(Count)) != 0) return;
    void* const shared = mmap(nullptr, 2 * sizeof(Count), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (shared != MAP_FAILED) counts = static_cast<Count*>(shared);
}

void count() {
    if (counts == nullptr) return;
    counts[getpid() == gettid() ? 0 : 1].fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

extern "C" {

void* malloc(std::size_t size) {
    count();
    return __libc_malloc(size);
}

void* calloc(std::size_t number, std::size_t size) {
    count();
    return __libc_calloc(number, size);
}

void* realloc(void* memory, std::size_t size) {
    count();
    return __libc_realloc(memory, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) {
    count();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
    count();
    *memory = __libc_memalign(alignment, size);
    return *memory != nullptr ? 0 : ENOMEM;
}

}  // extern "C"
