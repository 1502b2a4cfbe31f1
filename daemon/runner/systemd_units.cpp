// SPDX-License-Identifier: Apache-2.0
// What runs is what the process was started from, not what the link says: a flipped link with a surviving old process
// is the classic half rollback.
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>

#include "actions/step.h"
#include "daemon/io/system_clock.h"
#include "daemon/runner/fd.h"
#include "daemon/runner/helpers.h"

namespace revertd::runner {
namespace {

namespace fs = std::filesystem;

constexpr int kExitConfiguration = 78;

struct Unit {
    std::string load, active;
    pid_t pid = 0;
    Duration started{};   ///< of its last process, since the boot; 0: none yet
    std::string release;  ///< empty: it does not run, or not from a release
};

int complain(const char* helper, const std::string& why, int exit) {
    std::fprintf(stderr, "%s: %s\n", helper, why.c_str());
    return exit;
}

/// Blocks of NAME=VALUE, one a unit, with an empty line between.
std::vector<Unit> parse_show(const std::string& text) {
    std::vector<Unit> units;
    bool inside = false;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        const std::string line = text.substr(begin, end - begin);
        begin = end + 1;
        if (line.empty()) {
            inside = false;
            continue;
        }
        if (!inside) units.emplace_back();
        inside = true;
        const std::string value = line.substr(std::min(line.find('=') + 1, line.size()));
        if (line.starts_with("LoadState=")) units.back().load = value;
        if (line.starts_with("ActiveState=")) units.back().active = value;
        if (line.starts_with("ExecMainStartTimestampMonotonic="))
            units.back().started = std::chrono::microseconds(std::atoll(value.c_str()));
        if (line.starts_with("MainPID=")) units.back().pid = static_cast<pid_t>(std::atol(value.c_str()));
    }
    return units;
}

/// The first part of `path` below `releases`; empty if it lies elsewhere. A release that was removed under its process
/// is still its release.
std::string release_in(std::string path, const std::string& releases) {
    static const std::string kDeleted = " (deleted)";
    if (path.ends_with(kDeleted)) path.resize(path.size() - kDeleted.size());
    if (!path.starts_with(releases + "/")) return {};
    const std::string rest = path.substr(releases.size() + 1);
    return rest.substr(0, rest.find('/'));
}

Result<std::string> read_link(const std::string& path) {
    std::array<char, 4096> buffer{};
    const ssize_t n = ::readlink(path.c_str(), buffer.data(), buffer.size());
    if (n < 0) return system_error(path);
    return std::string(buffer.data(), static_cast<std::size_t>(n));
}

Result<std::string> release_of(pid_t pid, const std::string& releases) {
    for (const char* name : {"/cwd", "/exe"}) {
        const Result<std::string> path = read_link("/proc/" + std::to_string(pid) + name);
        if (!path) return path.error();
        const std::string release = release_in(*path, releases);
        if (!release.empty()) return release;
    }
    return std::string();
}

std::string whole_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// Of the boot's time, by the wall clock.
WallTime wall_of(Duration after_boot) {
    return SystemClock().now().wall - (since_boot() - after_boot);
}

/// The release that the link names, if it was not changed after a process started by way of it.
std::string release_at(const std::string& link, WallTime started, const std::string& releases) {
    constexpr Duration kTick = 20ms;  // of the times compared

    struct stat entry {};

    if (::lstat(link.c_str(), &entry) != 0) return {};
    const WallTime changed(std::chrono::seconds(entry.st_ctim.tv_sec) + Duration(entry.st_ctim.tv_nsec));
    if (started + kTick < changed) return {};
    std::error_code error;
    const fs::path target = fs::canonical(link, error);
    return error ? std::string{} : release_in(target.string(), releases);
}

/// When a process started, by the wall clock. Nothing: it is gone.
std::optional<WallTime> started_at(pid_t pid) {
    constexpr int kStartTime = 22;  // of proc(5); the second field may hold blanks, but ends with the last bracket
    const std::string stat = whole_file("/proc/" + std::to_string(pid) + "/stat");
    std::istringstream fields(stat.substr(std::min(stat.rfind(')') + 1, stat.size())));
    std::string field;
    for (int i = 3; i <= kStartTime; ++i) fields >> field;
    if (!fields) return std::nullopt;
    return wall_of(Duration(1s) * std::atoll(field.c_str()) / ::sysconf(_SC_CLK_TCK));
}

/// A program that is not its own process, such as a script: its command line names it. Below `releases` that says all;
/// by way of the link it does only if the link has not been changed since.
std::string release_by_command(pid_t pid, const std::string& link, const std::string& releases) {
    std::istringstream words(whole_file("/proc/" + std::to_string(pid) + "/cmdline"));
    for (std::string word; std::getline(words, word, '\0');) {
        if (const std::string named = release_in(word, releases); !named.empty()) return named;

        const auto started = word.starts_with(link + "/") ? started_at(pid) : std::nullopt;
        const std::string release = started ? release_at(link, *started, releases) : std::string{};
        if (!release.empty()) return release;
    }
    return {};
}

bool is_moving(const Unit& unit) {
    return unit.active == "activating" || unit.active == "deactivating" || unit.active == "reloading";
}

/// Nothing runs. A release whose process was started, and is gone, was tried; one that the link only names was not.
int report_nothing(const Unit& unit, const std::string& link, const std::string& releases) {
    const std::string tried =
        unit.started > Duration{} ? release_at(link, wall_of(unit.started), releases) : std::string{};
    std::printf("%s\n", tried.empty() ? "" : (tried + " tried").c_str());
    return kExitNothingRuns;
}

}  // namespace

int observe_systemd(const HelperArguments& arguments) {
    static constexpr const char* kName = "observe-systemd";
    std::error_code error;
    const std::string releases = fs::canonical(arguments.options.at("--releases"), error).string();
    if (error) return complain(kName, arguments.options.at("--releases") + ": " + error.message(), kExitConfiguration);
    const std::string link = fs::path(arguments.options.at("--current")).lexically_normal().string();
    std::vector<std::string> argv{arguments.options.at("--systemctl"), "show",
                                  "--property=LoadState,ActiveState,MainPID,ExecMainStartTimestampMonotonic", "--"};
    argv.insert(argv.end(), arguments.words.begin(), arguments.words.end());
    const Result<Captured> shown = capture(argv);
    if (!shown) return complain(kName, shown.error().message, 1);
    std::vector<Unit> units = parse_show(shown->output);
    if (shown->exit != 0 || units.size() != arguments.words.size())
        return complain(kName, "systemctl gave no answer", 1);

    for (std::size_t i = 0; i < units.size(); ++i) {
        Unit& unit = units[i];
        if (unit.load == "not-found") return complain(kName, arguments.words[i] + ": no such unit", kExitConfiguration);
        if (unit.pid <= 0) continue;
        const Result<std::string> release = release_of(unit.pid, releases);
        if (!release) return complain(kName, release.error().message, 1);
        unit.release = release->empty() ? release_by_command(unit.pid, link, releases) : *release;
    }
    const Unit& first = units.front();
    if (first.pid <= 0) return report_nothing(first, link, releases);
    if (first.release.empty())
        return complain(kName,
                        "the process of " + arguments.words[0] +
                            " runs neither in a release nor from one, or the link was changed since it started; " +
                            "set WorkingDirectory= to the link",
                        1);
    const bool settling = std::any_of(units.begin(), units.end(), [&](const Unit& unit) {
        return is_moving(unit) || (!unit.release.empty() && unit.release != first.release);
    });
    std::printf("%s%s\n", first.release.c_str(), settling ? " settling" : "");
    return 0;
}

int restart_unit(const HelperArguments& arguments) {
    const std::string systemctl = arguments.options.at("--systemctl"), unit = arguments.words.front();
    // A release that crashes at start has used up the unit's start limit, and a restart would be refused. It fails for
    // a unit that is not loaded, which needs no reset.
    if (const Result<Captured> reset = capture({systemctl, "reset-failed", "--", unit}); !reset)
        return complain("restart-unit", reset.error().message, 1);
    const Result<Captured> restarted = capture({systemctl, "restart", "--", unit});
    if (!restarted) return complain("restart-unit", restarted.error().message, 1);
    std::fputs(restarted->output.c_str(), stdout);
    return restarted->exit < 0 ? 1 : restarted->exit;
}

}  // namespace revertd::runner
