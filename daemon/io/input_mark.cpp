// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/input_mark.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

namespace revertd {

InputMark::~InputMark() {
    if (place_ != unmapped_.data()) ::munmap(place_, kBytes);
}

Result<std::string> InputMark::open(const std::string& path) {
    auto left = map(path);
    if (left) write(levels_[depth_].input());
    return left;
}

Result<std::string> InputMark::open_and_leave(const std::string& path) {
    return map(path);
}

void InputMark::clear() {
    depth_ = 0;
    write(levels_[depth_].input());
}

Result<std::string> InputMark::map(const std::string& path) {
    const auto failed = [&](const char* what) {
        return Error(ErrorCode::Io, path + ": " + what + ": " + std::strerror(errno));
    };
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) return failed("cannot be opened");
    void* mapped = MAP_FAILED;
    if (::ftruncate(file, kBytes) == 0) mapped = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    ::close(file);
    if (mapped == MAP_FAILED) return failed("cannot be mapped");
    place_ = static_cast<char*>(mapped);
    written_ = 0;
    return std::string(place_, ::strnlen(place_, kBytes));
}

void InputMark::push(std::string_view input) {
    if (++depth_ >= kLevels) return;
    Level& level = levels_[depth_];
    level.size = std::min(input.size(), kBytes - 1);
    std::copy_n(input.begin(), level.size, level.text.begin());
    write(level.input());
}

void InputMark::pop() {
    if (depth_-- > kLevels) return;
    if (depth_ < kLevels) write(levels_[depth_].input());
}

/// The first byte last: a crash in between leaves no half of a name. Without it nothing is there, and the same input,
/// which comes again and again, needs only that.
void InputMark::write(std::string_view input) {
    place_[0] = '\0';
    if (input.empty()) return;
    std::atomic_signal_fence(std::memory_order_release);
    if (input.size() != written_ || std::memcmp(place_ + 1, input.data() + 1, input.size() - 1) != 0) {
        std::copy(input.begin() + 1, input.end(), place_ + 1);
        place_[input.size()] = '\0';
        written_ = input.size();
        std::atomic_signal_fence(std::memory_order_release);
    }
    place_[0] = input[0];
}

}  // namespace revertd
