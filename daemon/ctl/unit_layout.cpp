// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/unit_layout.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>

namespace revertd::ctl {

namespace fs = std::filesystem;

namespace {

/// Absolute paths among the words of a line, without systemd's prefixes and quotes.
std::vector<fs::path> paths_in(const std::string& value) {
    std::vector<fs::path> out;
    std::istringstream words(value);
    for (std::string word; words >> word;) {
        const auto first = word.find_first_not_of("-@:+!\"'");
        if (first == std::string::npos || word[first] != '/') continue;
        const auto last = word.find_last_not_of("\"';");
        out.emplace_back(word.substr(first, last + 1 - first));
    }
    return out;
}

void read_unit(const fs::path& file, std::vector<fs::path>& out) {
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) {
        while (line.ends_with('\\')) {
            std::string next;
            line.back() = ' ';
            if (std::getline(in, next)) line += next;
        }
        for (const std::string_view key : {"ExecStart=", "WorkingDirectory="}) {
            if (!line.starts_with(key)) continue;
            const auto found = paths_in(line.substr(key.size()));
            out.insert(out.end(), found.begin(), found.end());
        }
    }
}

std::vector<fs::path> paths_of(const std::string& unit, const std::vector<std::string>& directories) {
    std::vector<fs::path> out;
    std::error_code ignored;
    for (const std::string& directory : directories) {
        const fs::path file = fs::path(directory) / unit;
        if (!fs::is_regular_file(file, ignored)) continue;
        read_unit(file, out);
        break;
    }
    for (const std::string& directory : directories) {
        fs::directory_iterator files(fs::path(directory) / (unit + ".d"), ignored);
        for (const fs::directory_entry& file : files)
            if (file.path().extension() == ".conf") read_unit(file.path(), out);
    }
    return out;
}

/// Merged-/usr and the like: links that every system has, and no release.
bool is_of_the_system(const fs::path& link) {
    static constexpr std::array kSystem{"/bin", "/sbin", "/lib",  "/lib64", "/usr",
                                        "/etc", "/run",  "/proc", "/sys",   "/dev"};
    return link.parent_path() == "/" || std::any_of(kSystem.begin(), kSystem.end(), [&](const char* root) {
               return link.string().starts_with(std::string(root) + "/");
           });
}

std::optional<ReleaseLayout> layout_on(const fs::path& path) {
    fs::path at;
    for (const fs::path& part : path) {
        at /= part;
        std::error_code error;
        if (!fs::is_symlink(at, error) || is_of_the_system(at)) continue;
        const fs::path target = fs::canonical(at, error);
        if (!error && fs::is_directory(target, error)) return ReleaseLayout{target.parent_path().string(), at.string()};
    }
    return std::nullopt;
}

}  // namespace

std::vector<std::string> unit_directories() {
    return {"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
            "/lib/systemd/system"};
}

std::optional<ReleaseLayout> layout_of(const std::string& unit, const std::vector<std::string>& directories) {
    if (unit.empty() || unit.find('/') != std::string::npos) return std::nullopt;
    const std::string name = unit.find('.') == std::string::npos ? unit + ".service" : unit;
    for (const fs::path& path : paths_of(name, directories))
        if (auto layout = layout_on(path)) return layout;
    return std::nullopt;
}

}  // namespace revertd::ctl
