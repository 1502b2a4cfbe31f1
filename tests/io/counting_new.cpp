// SPDX-License-Identifier: Apache-2.0
#include "tests/io/counting_new.h"

#include <cstdlib>
#include <new>

namespace {

thread_local std::size_t count = 0;

void* try_allocate(std::size_t size, std::size_t alignment) noexcept {
    ++count;
    void* memory = nullptr;
    return posix_memalign(&memory, alignment, size ? size : 1) == 0 ? memory : nullptr;
}

void* allocate(std::size_t size, std::size_t alignment) {
    if (void* memory = try_allocate(size, alignment)) return memory;
    throw std::bad_alloc();
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

void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return try_allocate(size, kDefault);
}

void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
    return try_allocate(size, kDefault);
}

void operator delete(void* memory, const std::nothrow_t&) noexcept {
    std::free(memory);
}

void operator delete[](void* memory, const std::nothrow_t&) noexcept {
    std::free(memory);
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

// Asio takes the memory of its handlers from here.
extern "C" void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
    return try_allocate(size, alignment);
}
