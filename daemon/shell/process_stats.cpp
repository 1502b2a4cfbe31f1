// SPDX-License-Identifier: Apache-2.0
#include "daemon/shell/process_stats.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

namespace revertd {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

/// The fields of /proc/self/stat behind the program's name, which may hold anything: `state` is number 0, field 3 of
/// proc(5).
std::vector<double> stat_fields() {
    std::ifstream file("/proc/self/stat");
    std::string text;
    std::getline(file, text);
    const auto name_end = text.rfind(')');
    std::vector<double> fields;
    if (name_end == std::string::npos) return fields;
    std::istringstream rest(text.substr(name_end + 1));
    for (std::string word; rest >> word;) {
        char* end = nullptr;
        const double value = std::strtod(word.c_str(), &end);
        fields.push_back(end != word.c_str() ? value : kUnknown);
    }
    return fields;
}

double boot_seconds() {
    std::ifstream file("/proc/stat");
    for (std::string word; file >> word;) {
        if (word != "btime") continue;
        double seconds = kUnknown;
        return file >> seconds ? seconds : kUnknown;
    }
    return kUnknown;
}

double open_files() {
    std::error_code error;
    std::filesystem::directory_iterator files("/proc/self/fd", error);
    if (error) return kUnknown;
    return static_cast<double>(std::distance(begin(files), end(files)));
}

}  // namespace

ProcessStats read_process_stats() {
    // proc(5) counts from 1; our first field is its third.
    constexpr std::size_t kUser = 11, kSystem = 12, kThreads = 17, kStart = 19, kVirtual = 20, kResident = 21;
    const auto fields = stat_fields();
    const auto field = [&](std::size_t index) { return index < fields.size() ? fields[index] : kUnknown; };
    const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
    rlimit files{};
    const bool limited = ::getrlimit(RLIMIT_NOFILE, &files) == 0;
    return {.cpu_seconds = (field(kUser) + field(kSystem)) / ticks,
            .resident_bytes = field(kResident) * static_cast<double>(::sysconf(_SC_PAGESIZE)),
            .virtual_bytes = field(kVirtual),
            .open_fds = open_files(),
            .max_fds = limited ? static_cast<double>(files.rlim_cur) : kUnknown,
            .start_seconds = boot_seconds() + field(kStart) / ticks,
            .threads = field(kThreads)};
}

}  // namespace revertd
