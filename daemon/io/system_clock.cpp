// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/system_clock.h"

#include <ctime>
#include <fstream>

namespace revertd {
namespace {

Duration read(clockid_t id) {
    timespec ts{};
    clock_gettime(id, &ts);
    return std::chrono::seconds(ts.tv_sec) + std::chrono::nanoseconds(ts.tv_nsec);
}

}  // namespace

Duration since_boot() {
    return read(CLOCK_BOOTTIME);
}

Now SystemClock::now() const {
    return {Time(since_boot() + offset()), WallTime(read(CLOCK_REALTIME))};
}

Result<std::string> read_boot_id() {
    static constexpr const char* kPath = "/proc/sys/kernel/random/boot_id";
    std::ifstream file(kPath);
    std::string id;
    if (!(file >> id)) return Error(ErrorCode::Io, std::string("read ") + kPath + ": nothing there");
    return id;
}

}  // namespace revertd
