// SPDX-License-Identifier: Apache-2.0
#include "systemd/notify.h"

#include <systemd/sd-daemon.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>

namespace revertd::systemd {

namespace {

bool tell(const std::string& state) {
    return sd_notify(0, state.c_str()) > 0;
}

/// A line break would start a second assignment: a service name must not be able to say "WATCHDOG=trigger".
std::string one_line(std::string_view text) {
    std::string line(text);
    for (char& c : line) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    }
    return line;
}

}  // namespace

bool ready(std::string_view status) {
    return tell("READY=1\nSTATUS=" + one_line(status));
}

bool status(std::string_view text) {
    return tell("STATUS=" + one_line(text));
}

bool reloading() {
    return tell("RELOADING=1");
}

bool stopping() {
    return tell("STOPPING=1");
}

bool watchdog() {
    return tell("WATCHDOG=1");
}

std::optional<Duration> watchdog_interval() {
    std::uint64_t microseconds = 0;
    if (sd_watchdog_enabled(0, &microseconds) <= 0) return std::nullopt;
    return std::chrono::microseconds(microseconds);
}

std::vector<ListenSocket> listen_sockets() {
    char** names = nullptr;
    const int count = sd_listen_fds_with_names(1, &names);
    std::vector<ListenSocket> sockets;
    for (int i = 0; i < count; ++i) {
        sockets.push_back({SD_LISTEN_FDS_START + i, names[i]});
        std::free(names[i]);
    }
    std::free(names);
    return sockets;
}

std::optional<std::string> credentials_directory() {
    const char* directory = std::getenv("CREDENTIALS_DIRECTORY");
    if (directory == nullptr || directory[0] != '/') return std::nullopt;
    return directory;
}

}  // namespace revertd::systemd
