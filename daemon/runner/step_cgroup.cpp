// SPDX-License-Identifier: Apache-2.0
#include "daemon/runner/step_cgroup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string_view>

#include "core/sha256.h"
#include "daemon/runner/fd.h"

namespace revertd::runner {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "step-";
constexpr std::size_t kMaxText = 1024 * 1024;

bool write_to(const std::string& path, std::string_view text) {
    const Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    return file && write_all(file.get(), text);
}

/// systemd marks what it has delegated; both names, because older ones know only the first, which only root reads.
bool is_delegated(const std::string& directory) {
    for (const char* name : {"trusted.delegate", "user.delegate"}) {
        std::array<char, 8> value{};
        if (::getxattr(directory.c_str(), name, value.data(), value.size()) == 1 && value[0] == '1') return true;
    }
    return false;
}

/// mountinfo writes blanks and the like as \040.
std::string unescaped(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 3 < text.size()) {
            out += static_cast<char>(std::strtol(std::string(text.substr(i + 1, 3)).c_str(), nullptr, 8));
            i += 3;
        } else {
            out += text[i];
        }
    }
    return out;
}

/// The directory itself and everything below it.
std::vector<std::string> tree_of(const std::string& directory) {
    std::vector<std::string> out{directory};
    std::error_code error;
    for (fs::recursive_directory_iterator it(directory, error), end; !error && it != end; it.increment(error))
        if (it->is_directory(error)) out.push_back(it->path().string());
    return out;
}

}  // namespace

bool StepCgroup::populated() const {
    if (directory_.empty()) return false;
    const Result<std::string> events = read_file(directory_ + "/cgroup.events", kMaxText);
    return events && events->find("populated 1") != std::string::npos;
}

void StepCgroup::signal(int number) const {
    if (directory_.empty()) return;
    if (number == SIGKILL) {
        write_to(directory_ + "/cgroup.kill", "1");
        return;
    }
    for (const std::string& directory : tree_of(directory_)) {
        const Result<std::string> members = read_file(directory + "/cgroup.procs", kMaxText);
        if (!members) continue;
        std::istringstream lines(*members);
        for (pid_t pid = 0; lines >> pid;)
            if (pid > 1) ::kill(pid, number);
    }
}

StepCgroups StepCgroups::of_this_process() {
    const Result<std::string> mounts = read_file("/proc/self/mountinfo", kMaxText);
    const Result<std::string> membership = read_file("/proc/self/cgroup", kMaxText);
    if (!mounts || !membership) return {};
    std::string directory = cgroup_directory(*mounts, *membership);
    if (directory.empty() || !is_delegated(directory)) return {};
    const bool can_kill = ::access((directory + "/cgroup.kill").c_str(), W_OK) == 0;
    if (!can_kill || ::access(directory.c_str(), W_OK) != 0) return {};
    return StepCgroups(std::move(directory));
}

StepCgroup StepCgroups::make(const std::string& key, pid_t pid) const {
    if (parent_.empty()) return {};
    const std::string path = path_of(key);
    if (::mkdir(path.c_str(), 0755) != 0) return {};
    if (write_to(path + "/cgroup.procs", std::to_string(pid))) return StepCgroup(path);
    ::rmdir(path.c_str());
    return {};
}

StepCgroup StepCgroups::find(const std::string& key) const {
    if (parent_.empty() || ::access(path_of(key).c_str(), F_OK) != 0) return {};
    return StepCgroup(path_of(key));
}

void StepCgroups::sweep() const {
    if (parent_.empty()) return;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(parent_, ignored)) {
        if (!entry.path().filename().string().starts_with(kPrefix)) continue;
        if (StepCgroup(entry.path().string()).populated()) continue;
        std::vector<std::string> groups = tree_of(entry.path().string());
        std::reverse(groups.begin(), groups.end());  // the kernel removes only what has nothing below it
        for (const std::string& group : groups) ::rmdir(group.c_str());
    }
}

std::string StepCgroups::path_of(const std::string& key) const {
    return parent_ + "/" + std::string(kPrefix) + sha256_hex(key);
}

std::string cgroup_directory(const std::string& mountinfo, const std::string& membership) {
    std::string path, line;
    for (std::istringstream lines(membership); std::getline(lines, line);)
        if (line.starts_with("0::/")) path = line.substr(3);
    if (path.empty() || path.starts_with("/..")) return {};  // of another cgroup namespace
    for (std::istringstream lines(mountinfo); std::getline(lines, line);) {
        const std::size_t type = line.find(" - cgroup2 ");
        if (type == std::string::npos) continue;
        std::string id, parent, device, root, point;
        std::istringstream(line) >> id >> parent >> device >> root >> point;
        root = unescaped(root);
        if (root == "/") root.clear();
        const bool below = path.starts_with(root) && (path.size() == root.size() || path[root.size()] == '/');
        if (!below) continue;
        const std::string rest = path.substr(root.size());
        return unescaped(point) + (rest == "/" ? std::string{} : rest);
    }
    return {};
}

}  // namespace revertd::runner
