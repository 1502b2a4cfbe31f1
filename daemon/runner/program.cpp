// SPDX-License-Identifier: Apache-2.0
#include "daemon/runner/program.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "actions/step.h"
#include "daemon/runner/fd.h"

namespace revertd::runner {
namespace {

bool is_trusted(uid_t owner) {
    return owner == 0 || owner == ::geteuid();
}

Error refused(const std::string& path, const std::string& why) {
    return {ErrorCode::NotAllowed, "refused to execute " + path + ": " + why, "chown root, chmod go-w"};
}

/// In a sticky directory (/tmp) others cannot replace what is not theirs.
Result<void> check_directory(const std::string& path) {
    struct stat info {};

    if (::stat(path.c_str(), &info) != 0) return system_error(path);
    const bool replaceable = (info.st_mode & S_IWOTH) != 0 && (info.st_mode & S_ISVTX) == 0;
    if (replaceable) return refused(path, "everybody may write this directory");
    if (!is_trusted(info.st_uid)) return refused(path, "this directory belongs to neither root nor the runner's user");
    return {};
}

}  // namespace

Result<std::string> find_program(const std::string& argv0) {
    if (argv0 == kRunnerWord) return std::string("/proc/self/exe");
    if (!argv0.starts_with('/')) return refused(argv0, "not an absolute path");
    std::error_code error;
    const std::filesystem::path real = std::filesystem::canonical(argv0, error);
    if (error) return Error(ErrorCode::NotFound, argv0 + ": " + error.message());

    struct stat info {};

    if (::stat(real.c_str(), &info) != 0) return system_error(argv0);
    if (!S_ISREG(info.st_mode)) return refused(argv0, "not a file");
    if (!is_trusted(info.st_uid)) return refused(argv0, "it belongs to neither root nor the runner's user");
    if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) return refused(argv0, "its group or everybody may write it");
    if (::access(real.c_str(), X_OK) != 0) return system_error(argv0);
    for (auto directory = real.parent_path();; directory = directory.parent_path()) {
        if (Result<void> checked = check_directory(directory.string()); !checked) return checked.error();
        if (directory == directory.root_path()) return real.string();
    }
}

}  // namespace revertd::runner
