// SPDX-License-Identifier: Apache-2.0
#include "daemon/journal/state_dir.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <system_error>

namespace revertd::journal {

namespace {

constexpr const char* kLock = "lock";

Result<void> write_all(int fd, std::string_view content, const std::string& path) {
    while (!content.empty()) {
        const ssize_t written = ::write(fd, content.data(), content.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return errno_error("write " + path);
        content.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

Result<std::string> canonical(const std::string& path) {
    const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr), &std::free);
    if (!real && errno == ENOENT)
        return Error(ErrorCode::NotFound, "there is no directory " + path, "--storage.path is that of the daemon");
    if (!real) return errno_error("open " + path);
    return std::string(real.get());
}

Result<void> check_directory(int fd, const std::string& path) {
    struct stat status {};

    if (::fstat(fd, &status) != 0) return errno_error("stat " + path);
    if (status.st_uid != ::geteuid()) {
        return Error(
            ErrorCode::NotAllowed,
            path + " belongs to uid " + std::to_string(status.st_uid) + ", this is uid " + std::to_string(::geteuid()),
            "run as the owner of the directory");
    }
    if ((status.st_mode & 077) != 0) {
        return Error(ErrorCode::NotAllowed, path + " is open to other users", "chmod 700 " + path);
    }
    return {};
}

}  // namespace

File& File::operator=(File&& other) noexcept {
    if (this != &other) {
        if (is_open()) ::close(fd_);
        fd_ = other.release();
    }
    return *this;
}

File::~File() {
    if (is_open()) ::close(fd_);
}

int File::release() {
    const int fd = fd_;
    fd_ = -1;
    return fd;
}

Error errno_error(const std::string& doing) {
    const int number = errno;
    const ErrorCode code = number == ENOSPC || number == EDQUOT ? ErrorCode::Limit : ErrorCode::Io;
    return {code, doing + ": " + std::generic_category().message(number)};
}

Result<StateDir> StateDir::open(const std::string& path, Missing missing) {
    if (missing == Missing::Create && ::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
        return errno_error("create " + path);
    auto real = canonical(path);
    if (!real) return real.error();
    File dir(::open(real->c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!dir.is_open()) return errno_error("open " + path);
    auto ours = check_directory(dir.fd(), path);
    if (!ours) return ours.error();
    return StateDir(std::move(*real), std::move(dir));
}

Result<void> StateDir::lock() {
    auto file = open_file(kLock, O_RDWR | O_CREAT);
    if (!file) return file.error();
    if (::flock(file->fd(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return errno_error("lock " + path_);
        auto holder = read_file(kLock);
        const std::string who = holder && !holder->empty() ? " (process " + *holder + ")" : "";
        return Error(ErrorCode::Conflict, "another revertd" + who + " holds " + path_,
                     "one state directory serves one daemon");
    }
    lock_ = std::move(*file);
    if (::ftruncate(lock_.fd(), 0) != 0) return errno_error("write " + this->file(kLock));
    return write_all(lock_.fd(), std::to_string(::getpid()), this->file(kLock));
}

Result<bool> StateDir::has(const std::string& name) const {
    struct stat status {};

    if (::fstatat(dir_.fd(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) return false;
        return errno_error("stat " + file(name));
    }
    if (!S_ISREG(status.st_mode) || status.st_uid != ::geteuid() || status.st_nlink != 1) {
        return Error(ErrorCode::NotAllowed, file(name) + " is a link, no plain file, or belongs to another user",
                     "find out who put it there before removing it");
    }
    return true;
}

Result<FileId> StateDir::id_of(const std::string& name) const {
    struct stat status {};

    if (::fstatat(dir_.fd(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0)
        return FileId{status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_size)};
    if (errno == ENOENT) return Error(ErrorCode::NotFound, "there is no " + file(name));
    return errno_error("stat " + file(name));
}

Result<File> StateDir::open_file(const std::string& name, int flags) const {
    auto there = has(name);
    if (!there) return there.error();
    File opened(::openat(dir_.fd(), name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!opened.is_open()) return errno_error("open " + file(name));
    return opened;
}

Result<std::string> StateDir::read_file(const std::string& name) const {
    auto opened = open_file(name, O_RDONLY);
    if (!opened) return opened.error();
    std::string content;
    char buffer[4096];
    for (;;) {
        const ssize_t count = ::read(opened->fd(), buffer, sizeof buffer);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return errno_error("read " + file(name));
        if (count == 0) return content;
        content.append(buffer, static_cast<std::size_t>(count));
    }
}

Result<void> StateDir::replace_file(const std::string& name, std::string_view content) const {
    const std::string next = name + ".new";
    auto opened = open_file(next, O_WRONLY | O_CREAT | O_TRUNC);
    if (!opened) return opened.error();
    auto written = write_all(opened->fd(), content, file(next));
    if (!written) return written;
    if (::fsync(opened->fd()) != 0) return errno_error("sync " + file(next));
    return rename_file(next, name);
}

Result<void> StateDir::rename_file(const std::string& name, const std::string& to) const {
    if (::renameat(dir_.fd(), name.c_str(), dir_.fd(), to.c_str()) != 0) return errno_error("rename " + file(name));
    return sync();
}

Result<void> StateDir::take_file(const StateDir& from, const std::string& name) const {
    if (::renameat(from.dir_.fd(), name.c_str(), dir_.fd(), name.c_str()) != 0)
        return errno_error("move " + from.file(name));
    return sync();
}

Result<void> StateDir::remove_file(const std::string& name) const {
    if (::unlinkat(dir_.fd(), name.c_str(), 0) == 0) return sync();
    if (errno == ENOENT) return {};
    return errno_error("remove " + file(name));
}

Result<void> StateDir::make_empty_file(const std::string& name) const {
    auto made = open_file(name, O_RDWR | O_CREAT);
    if (!made) return made.error();
    return sync();
}

Result<void> StateDir::reserve(const std::string& name, std::uint64_t bytes) const {
    auto opened = open_file(name, O_RDWR | O_CREAT);
    if (!opened) return opened.error();
    errno = ::posix_fallocate(opened->fd(), 0, static_cast<off_t>(bytes));
    if (errno != 0) return errno_error("reserve " + file(name));
    return {};
}

Result<void> StateDir::sync() const {
    if (::fsync(dir_.fd()) != 0) return errno_error("sync " + path_);
    return {};
}

}  // namespace revertd::journal
