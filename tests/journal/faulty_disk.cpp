// SPDX-License-Identifier: Apache-2.0
#include "tests/journal/faulty_disk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <mutex>

namespace revertd::journal {

namespace {

using Kind = DiskOperation::Kind;

struct Plan {
    std::mutex mutex;
    std::string dir;
    int sync_in = 0;  // counts down to the sync that fails; 0: none
    int write_in = 0;
    int kill_in = 0;
    bool for_good = false;
    bool failed_for_good = false;
    bool full = false;
    std::string reserve;
    bool recording = false;
    std::vector<DiskOperation> operations;
    int syncs = 0;
    bool struck = false;
};

std::atomic<bool> active = false;
Plan plan;

bool due(int& countdown) {
    if (countdown == 0 || --countdown > 0) return false;
    plan.struck = true;
    return true;
}

// The path of a file below the watched directory, or nothing.
std::string watched(int fd) {
    if (!active) return {};
    char path[PATH_MAX];
    const std::string link = "/proc/self/fd/" + std::to_string(fd);
    const ssize_t length = ::readlink(link.c_str(), path, sizeof path);
    if (length <= 0) return {};
    const std::string name(path, static_cast<std::size_t>(length));
    return name.starts_with(plan.dir) ? name : std::string();
}

bool grows(int fd, std::uint64_t end) {
    struct stat status {};

    return ::fstat(fd, &status) == 0 && end > static_cast<std::uint64_t>(status.st_size);
}

void maybe_kill() {
    if (due(plan.kill_in)) ::raise(SIGKILL);
}

// 0, or the errno with which the change of the file fails.
int before_change(int fd, const DiskOperation& change) {
    const std::lock_guard lock(plan.mutex);
    maybe_kill();
    if (due(plan.write_in)) return EIO;
    const bool no_room = plan.full && (plan.reserve.empty() || ::access(plan.reserve.c_str(), F_OK) == 0);
    const std::uint64_t end = change.offset + change.bytes.size();
    if (no_room && change.kind == Kind::Write && grows(fd, end)) {
        plan.struck = true;
        return ENOSPC;
    }
    if (plan.recording) plan.operations.push_back(change);
    return 0;
}

int before_sync(const std::string& file) {
    const std::lock_guard lock(plan.mutex);
    maybe_kill();
    ++plan.syncs;
    if (due(plan.sync_in)) {
        plan.failed_for_good = plan.for_good;
        return EIO;
    }
    if (plan.failed_for_good) return EIO;
    if (plan.recording) plan.operations.push_back({Kind::Sync, file, 0, {}});
    return 0;
}

// The kernel's own memory is all that these tests ask of a sync.
int sync(int fd, long number) {
    const std::string file = watched(fd);
    if (file.empty()) return static_cast<int>(::syscall(number, fd));
    errno = before_sync(file);
    return errno == 0 ? 0 : -1;
}

ssize_t write_at(int fd, const void* data, std::size_t size, off64_t offset) {
    if (const std::string file = watched(fd); !file.empty()) {
        const std::string bytes(static_cast<const char*>(data), size);
        errno = before_change(fd, {Kind::Write, file, static_cast<std::uint64_t>(offset), bytes});
        if (errno != 0) return -1;
    }
    return ::syscall(SYS_pwrite64, fd, data, size, offset);
}

}  // namespace

FaultyDisk::FaultyDisk(const std::string& dir) {
    plan.dir = dir;
    plan.syncs = 0;
    plan.struck = false;
    active = true;
}

FaultyDisk::~FaultyDisk() {
    active = false;
    make_room();
    plan.sync_in = plan.write_in = plan.kill_in = 0;
    plan.failed_for_good = plan.recording = false;
    plan.operations.clear();
}

void FaultyDisk::fail_sync(int nth, bool for_good) {
    const std::lock_guard lock(plan.mutex);
    plan.sync_in = nth;
    plan.for_good = for_good;
}

void FaultyDisk::fail_write(int nth) {
    const std::lock_guard lock(plan.mutex);
    plan.write_in = nth;
}

void FaultyDisk::fill_up(const std::string& reserve) {
    const std::lock_guard lock(plan.mutex);
    plan.full = true;
    plan.reserve = reserve;
}

void FaultyDisk::make_room() {
    const std::lock_guard lock(plan.mutex);
    plan.full = false;
}

void FaultyDisk::kill_before(int nth) {
    const std::lock_guard lock(plan.mutex);
    plan.kill_in = nth;
}

void FaultyDisk::record() {
    const std::lock_guard lock(plan.mutex);
    plan.recording = true;
}

void FaultyDisk::told(std::uint64_t seq) {
    const std::lock_guard lock(plan.mutex);
    if (plan.recording) plan.operations.push_back({Kind::Told, {}, seq, {}});
}

std::vector<DiskOperation> FaultyDisk::recording() const {
    const std::lock_guard lock(plan.mutex);
    return plan.operations;
}

int FaultyDisk::syncs() const {
    const std::lock_guard lock(plan.mutex);
    return plan.syncs;
}

bool FaultyDisk::struck() const {
    const std::lock_guard lock(plan.mutex);
    return plan.struck;
}

extern "C" {

int fsync(int fd) {
    return sync(fd, SYS_fsync);
}

int fdatasync(int fd) {
    return sync(fd, SYS_fdatasync);
}

ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) {
    return write_at(fd, data, size, offset);
}

ssize_t pwrite64(int fd, const void* data, size_t size, off64_t offset) {
    return write_at(fd, data, size, offset);
}

ssize_t write(int fd, const void* data, size_t size) {
    if (const std::string file = watched(fd); !file.empty()) {
        const auto offset = static_cast<std::uint64_t>(::lseek(fd, 0, SEEK_CUR));
        errno = before_change(fd, {Kind::Write, file, offset, std::string(static_cast<const char*>(data), size)});
        if (errno != 0) return -1;
    }
    return ::syscall(SYS_write, fd, data, size);
}

int ftruncate64(int fd, off64_t size) noexcept {
    if (const std::string file = watched(fd); !file.empty()) {
        errno = before_change(fd, {Kind::Truncate, file, static_cast<std::uint64_t>(size), {}});
        if (errno != 0) return -1;
    }
    return static_cast<int>(::syscall(SYS_ftruncate, fd, size));
}

int renameat(int from_dir, const char* from, int to_dir, const char* to) noexcept {
    if (const std::string dir = watched(to_dir); !dir.empty()) {
        const std::lock_guard lock(plan.mutex);
        maybe_kill();
        const std::string old = watched(from_dir) + "/" + from;
        if (plan.recording) plan.operations.push_back({Kind::Rename, dir + "/" + to, 0, old});
    }
    return static_cast<int>(::syscall(SYS_renameat, from_dir, from, to_dir, to));
}

int unlinkat(int dir, const char* name, int flags) noexcept {
    if (!watched(dir).empty()) {
        const std::lock_guard lock(plan.mutex);
        maybe_kill();
    }
    return static_cast<int>(::syscall(SYS_unlinkat, dir, name, flags));
}
}

}  // namespace revertd::journal
