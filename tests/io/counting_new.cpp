// SPDX-License-Identifier: Apache-2.0
#include "tests/io/counting_new.h"

#include <cstdlib>
#include <new>

namespace {

thread_local std::size_t count = 0;

void* allocate(std::size_t size, std::size_t alignment) {
    ++count;
    void* memory = nullptr;
    if (posix_memalign(&memory, alignment, size ? size : 1) != 0) throw std::bad_alloc();
    return memory;
}

constexpr std::size_t kDefault = alignof(std::max_align_t);

}  // namespace

std::size_t revertd::test::allocations() {
    return count;
}

void* operator new(std::size_t size) {
    return allocate(size, kDefault);
}

void* operator new[](std::size_t size) {
    return allocate(size, kDefault);
}

void* operator new(std::size_t size, std::align_val_t alignment) {
    return allocate(size, static_cast<std::size_t>(alignment));
}

void* operator new[](std::size_t size, std::align_val_t alignment) {
    return allocate(size, static_cast<std::size_t>(alignment));
}

void operator delete(void* memory) noexcept {
    std::free(memory);
}

void operator delete[](void* memory) noexcept {
    std::free(memory);
}

void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}

void operator delete[](void* memory, std::size_t) noexcept {
    std::free(memory);
}

void operator delete(void* memory, std::align_val_t) noexcept {
    std::free(memory);
}

void operator delete[](void* memory, std::align_val_t) noexcept {
    std::free(memory);
}

void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
    std::free(memory);
}

void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept {
    std::free(memory);
}
