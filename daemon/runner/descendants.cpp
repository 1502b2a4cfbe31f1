// SPDX-License-Identifier: Apache-2.0
#include "daemon/runner/descendants.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string_view>

#include "daemon/runner/fd.h"
#include "daemon/runner/process.h"

namespace revertd::runner {
namespace {

constexpr std::size_t kMaxEnvironment = 2 * 1024 * 1024;  // ARG_MAX: what the kernel takes at all

struct Living {
    pid_t parent = 0;
    bool marked = false;  ///< its environment has the key
};

/// Field 4 of /proc/PID/stat; nothing of a zombie, which does nothing any more.
std::optional<pid_t> parent_of(const std::string& directory) {
    const Result<std::string> stat = read_file(directory + "/stat", 4096);
    if (!stat) return std::nullopt;
    const std::size_t name_end = stat->rfind(')');  // the name before it may hold blanks and parentheses
    if (name_end == std::string::npos || name_end + 4 >= stat->size()) return std::nullopt;
    if (const char state = (*stat)[name_end + 2]; state == 'Z' || state == 'X') return std::nullopt;
    pid_t parent = 0;
    const char* begin = stat->data() + name_end + 4;
    if (std::from_chars(begin, stat->data() + stat->size(), parent).ec != std::errc()) return std::nullopt;
    return parent;
}

bool has_variable(const std::string& directory, const std::string& variable) {
    const Result<std::string> environment = read_file(directory + "/environ", kMaxEnvironment);
    if (!environment) return false;
    for (std::size_t at = environment->find(variable); at != std::string::npos;
         at = environment->find(variable, at + 1)) {
        const std::size_t end = at + variable.size();
        const bool whole =
            (at == 0 || (*environment)[at - 1] == '\0') && (end == environment->size() || (*environment)[end] == '\0');
        if (whole) return true;
    }
    return false;
}

std::map<pid_t, Living> all_living(const std::string& variable) {
    std::map<pid_t, Living> out;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
        const std::string name = entry.path().filename().string();
        pid_t pid = 0;
        const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (error != std::errc() || end != name.data() + name.size()) continue;
        const std::string directory = entry.path().string();
        if (const auto parent = parent_of(directory))
            out[pid] = {*parent, !variable.empty() && has_variable(directory, variable)};
    }
    return out;
}

}  // namespace

void adopt_orphans() {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

std::vector<pid_t> orphans_since(std::uint64_t since, const std::vector<pid_t>& ours) {
    std::vector<pid_t> out;
    for (const auto& [pid, process] : all_living({}))
        if (process.parent == ::getpid() && std::find(ours.begin(), ours.end(), pid) == ours.end() &&
            start_ticks_of(pid).value_or(0) >= since)
            out.push_back(pid);
    return out;
}

std::vector<pid_t> descendants_of(pid_t leader, const std::string& key, const std::vector<pid_t>& orphans) {
    const std::map<pid_t, Living> living = all_living(key.empty() ? std::string{} : "REVERTD_KEY=" + key);
    std::set<pid_t> found(orphans.begin(), orphans.end());
    if (leader > 1) found.insert(leader);
    for (const auto& [pid, process] : living)
        if (process.marked) found.insert(pid);
    for (bool more = true; more;) {
        more = false;
        for (const auto& [pid, process] : living)
            if (found.contains(process.parent)) more = found.insert(pid).second || more;
    }
    for (const pid_t never : {leader, ::getpid(), pid_t{1}}) found.erase(never);
    return {found.begin(), found.end()};
}

void reap_orphans(const std::vector<pid_t>& ours) {
    siginfo_t info{};
    while (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0) {
        if (std::find(ours.begin(), ours.end(), info.si_pid) != ours.end()) return;  // it is waited for right after
        ::waitpid(info.si_pid, nullptr, WNOHANG);
        info = {};
    }
}

}  // namespace revertd::runner
