// SPDX-License-Identifier: Apache-2.0
#include "daemon/runner/exec_run.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "daemon/runner/descendants.h"
#include "daemon/runner/limits.h"

namespace revertd::runner {
namespace {

constexpr int kExitAlreadyThere = 10;
constexpr std::size_t kReadPerLook = 256 * 1024;  // then the others get their turn

Process former_process(const StartRecord& record) {
    Process process;
    process.pid = record.pid;
    process.start_ticks = record.start_ticks;
    return process;
}

}  // namespace

ExecRun::ExecRun(Process process, Duration deadline, Duration grace, std::string key)
    : process_(std::move(process)),
      key_(std::move(key)),
      deadline_(deadline),
      grace_(grace),
      output_(kOutputTail),
      errors_(kOutputTail) {}

ExecRun::ExecRun(const StartRecord& record, Duration grace)
    : process_(former_process(record)),
      key_(record.key),
      deadline_(record.deadline),
      grace_(grace),
      adopted_(true),
      output_(0),
      errors_(0) {}

/// Only of a probe, or of a step that was never released: a released step is never destroyed before it has finished.
ExecRun::~ExecRun() {
    if (finished_ || adopted_ || leader_gone_) return;
    signal_group(process_.pid, SIGKILL);
    ::kill(process_.pid, SIGKILL);  // it may not have made its group yet
    ::waitpid(process_.pid, nullptr, 0);
}

void ExecRun::look(Duration now) {
    if (finished_) return;
    drain(process_.output, output_, kReadPerLook);
    drain(process_.errors, errors_, kReadPerLook);
    if (!leader_gone_) {
        reap();
        gone_at_ = now;
    }
    if (stop_reason_.empty() && !leader_gone_ && now >= deadline_) stop(now, "its deadline passed");
    if (!stop_reason_.empty() && !killed_ && now >= kill_at_) {
        signal_all(SIGKILL);
        killed_ = true;
    }
    if (leader_gone_) judge_end(now);
}

Duration ExecRun::wake_in(Duration now) const {
    Duration wait = stop_reason_.empty() ? deadline_ - now : kill_at_ - now;
    if (killed_) wait = kLook;
    // Nothing tells when the process of a former runner ends, or the rest of a group.
    return adopted_ || leader_gone_ ? std::min(wait, kLook) : wait;
}

void ExecRun::add_descriptors(std::vector<int>& out) const {
    if (process_.output) out.push_back(process_.output.get());
    if (process_.errors) out.push_back(process_.errors.get());
}

void ExecRun::stop(Duration now, const std::string& reason) {
    if (!stop_reason_.empty() || leader_gone_) return;
    stop_reason_ = reason;
    kill_at_ = now + grace_;
    signal_all(SIGTERM);
}

std::vector<pid_t> ExecRun::descendants() const {
    return descendants_of(process_.pid, key_, find_orphans_ ? find_orphans_() : std::vector<pid_t>{});
}

void ExecRun::signal_all(int signal) const {
    const std::vector<pid_t> others = descendants();  // before their parents are gone
    cgroup_.signal(signal);
    signal_group(process_.pid, signal);
    for (const pid_t pid : others) ::kill(pid, signal);
}

Receipt ExecRun::receipt() const {
    Receipt receipt;
    receipt.reason = reason();
    receipt.output = printable(output_.text());
    receipt.survivors = survivors_;
    receipt.state = StepState::Unknown;
    if (stop_reason_.empty() && status_ && WIFEXITED(*status_)) {
        receipt.exit = WEXITSTATUS(*status_);
        const bool done = receipt.exit == 0 || receipt.exit == kExitAlreadyThere;
        receipt.state = done ? StepState::Done : StepState::Failed;
    }
    return receipt;
}

ProbeResult ExecRun::probe_result() const {
    ProbeResult result;
    result.output = printable(output_.text());
    result.error = reason();
    if (output_.total() > kOutputTail) result.error = "it printed more than 64 KiB";
    if (!result.error.empty()) return result;
    if (status_ && WIFEXITED(*status_)) result.exit = WEXITSTATUS(*status_);
    result.error = printable(errors_.text());
    return result;
}

void ExecRun::end_survivors() const {
    if (survivors_) signal_group(process_.pid, SIGKILL);  // which is theirs as long as one of them lives
}

Fd ExecRun::take_leftover() {
    return std::move(process_.output);
}

bool ExecRun::is_alive(const StartRecord& record, const std::string& boot_id) {
    return record.pid > 1 && record.boot_id == boot_id && start_ticks_of(record.pid) == record.start_ticks;
}

void ExecRun::drain(Fd& pipe, OutputTail& tail, std::size_t most) const {
    std::array<char, 16 * 1024> buffer{};
    for (std::size_t total = 0; pipe && total < most;) {
        const ssize_t n = ::read(pipe.get(), buffer.data(), buffer.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return;
        if (n == 0) return pipe.reset();
        tail.append({buffer.data(), static_cast<std::size_t>(n)});
        total += static_cast<std::size_t>(n);
    }
}

void ExecRun::reap() {
    if (adopted_) {
        leader_gone_ = start_ticks_of(process_.pid) != process_.start_ticks;
        return;
    }
    int status = 0;
    if (::waitpid(process_.pid, &status, WNOHANG) != process_.pid) return;
    leader_gone_ = true;
    status_ = status;
    drain(process_.output, output_, kLastDrain);
    drain(process_.errors, errors_, kLastDrain);
    exec_errno_ = exec_errno(process_);
}

/// The leader has ended. Where it was told to, its group gets the rest of the grace; otherwise what it left behind is
/// its own business: a script that starts a service does nothing else.
void ExecRun::judge_end(Duration now) {
    survivors_ = signal_group(process_.pid, 0);
    const bool dying = stop_reason_.empty() && now < gone_at_ + kDyingGrace;
    if (survivors_ && dying) return;
    if (!stop_reason_.empty()) {
        survivors_ = survivors_ || cgroup_.populated() || !descendants().empty();
        if (survivors_ && !killed_ && now < kill_at_) return;
        if (survivors_ && killed_ && now < kill_at_ + kKillPatience)
            return signal_all(SIGKILL);  // who forked meanwhile
    }
    finished_ = true;
}

std::string ExecRun::reason() const {
    if (exec_errno_) return std::string("could not be executed: ") + std::strerror(*exec_errno_);
    if (!stop_reason_.empty())
        return stop_reason_ + (killed_ ? "; ended by SIGTERM, then SIGKILL" : "; ended by SIGTERM");
    if (adopted_) return "it ended after its runner had died: the exit code is lost";
    if (status_ && WIFSIGNALED(*status_)) return std::string("ended by signal ") + std::to_string(WTERMSIG(*status_));
    return {};
}

}  // namespace revertd::runner
