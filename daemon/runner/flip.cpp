// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "daemon/runner/fd.h"
#include "daemon/runner/helpers.h"

namespace revertd::runner {
namespace {

namespace fs = std::filesystem;

constexpr int kExitAlreadyThere = 10;
constexpr int kExitConfiguration = 78;

int refuse(const std::string& why) {
    std::fprintf(stderr, "flip: %s\n", why.c_str());
    return kExitConfiguration;
}

bool is_name(const std::string& id) {
    return !id.empty() && id != "." && id != ".." && id.find('/') == std::string::npos;
}

/// Relative where the link lies above the releases: the layout can then be moved, or mounted elsewhere.
std::string link_text(const fs::path& link, const fs::path& target) {
    const fs::path relative = target.lexically_relative(link.parent_path());
    return relative.empty() || *relative.begin() == ".." ? target.string() : relative.string();
}

/// By rename over the old link, durable when it returns.
Result<void> replace_link(const fs::path& link, const std::string& text) {
    const std::string temporary = link.string() + ".revertd-" + std::to_string(::getpid());
    ::unlink(temporary.c_str());
    if (::symlink(text.c_str(), temporary.c_str()) != 0) return system_error("symlink " + temporary);
    if (::rename(temporary.c_str(), link.c_str()) != 0) {
        const Error error = system_error("rename to " + link.string());
        ::unlink(temporary.c_str());
        return error;
    }
    return fsync_directory(link.parent_path().string());
}

}  // namespace

int flip(const HelperArguments& arguments) {
    const fs::path link = arguments.options.at("--link"), releases = arguments.options.at("--releases");
    const std::string& id = arguments.options.at("--to");
    if (!is_name(id)) return refuse("'" + id + "' is not the name of a release");
    const fs::path target = releases / id;
    std::error_code error;
    const fs::path real = fs::canonical(target, error);
    if (error) return refuse(target.string() + ": " + error.message());
    if (!fs::is_directory(real, error)) return refuse(target.string() + " is not a directory");
    if (real.parent_path() != fs::canonical(releases, error))
        return refuse(target.string() + " leads out of the releases");

    const fs::file_status now = fs::symlink_status(link, error);
    if (fs::exists(now) && !fs::is_symlink(now)) return refuse(link.string() + " is there, and is not a symlink");
    if (fs::is_symlink(now) && fs::equivalent(link, target, error)) {
        std::printf("%s is %s already\n", link.c_str(), id.c_str());
        return kExitAlreadyThere;
    }
    if (const Result<void> replaced = replace_link(link, link_text(link, target)); !replaced) {
        std::fprintf(stderr, "flip: %s\n", replaced.error().message.c_str());
        return 1;
    }
    std::printf("%s -> %s\n", link.c_str(), id.c_str());
    return 0;
}

}  // namespace revertd::runner
