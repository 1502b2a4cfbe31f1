// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <utility>
#include <vector>

#include "daemon/runner/output.h"
#include "daemon/runner/process.h"
#include "daemon/runner/receipt_store.h"
#include "daemon/runner/run.h"
#include "daemon/runner/step_cgroup.h"

namespace revertd::runner {

/// A process group until its leader has ended or its deadline has: then SIGTERM, and SIGKILL after the grace, to the
/// group and to everything that comes from it, whatever session it has made for itself.
class ExecRun final : public Run {
  public:
    /// `key`: by what its processes are found that left the group; empty: by their parents only.
    ExecRun(Process process, Duration deadline, Duration grace, std::string key = {});

    /// Of a former runner: its exit code is lost, so it ends unknown. Only where is_alive(record) said so.
    ExecRun(const StartRecord& record, Duration grace);

    ~ExecRun() override;

    void look(Duration now) override;
    [[nodiscard]] Duration wake_in(Duration now) const override;
    void add_descriptors(std::vector<int>& out) const override;
    void stop(Duration now, const std::string& reason) override;

    [[nodiscard]] bool finished() const override { return finished_; }

    [[nodiscard]] Receipt receipt() const override;

    [[nodiscard]] ProbeResult probe_result() const;

    /// A step may start a service; a question, asked every few seconds, leaves nothing of its group behind.
    void end_survivors() const;

    [[nodiscard]] pid_t leader() const { return process_.pid; }

    [[nodiscard]] std::uint64_t start_ticks() const { return process_.start_ticks; }

    /// Names processes that its own have left behind; asked when it is stopped.
    void find_orphans_by(std::function<std::vector<pid_t>()> find) { find_orphans_ = std::move(find); }

    /// The group in which its processes are, and nobody else's.
    void live_in(StepCgroup cgroup) { cgroup_ = std::move(cgroup); }

    /// The pipe of a finished step, if somebody still holds its other end; reading it on keeps SIGPIPE from them.
    [[nodiscard]] Fd take_leftover();

    /// The recorded process, and not a later one with its number, still runs.
    [[nodiscard]] static bool is_alive(const StartRecord& record, const std::string& boot_id);

  private:
    void drain(Fd& pipe, OutputTail& tail, std::size_t most) const;
    void reap();
    void judge_end(Duration now);
    [[nodiscard]] std::vector<pid_t> descendants() const;
    void signal_all(int signal) const;
    void read_exec_error();
    [[nodiscard]] std::string reason() const;

    Process process_;
    std::string key_;
    StepCgroup cgroup_;
    std::function<std::vector<pid_t>()> find_orphans_;
    Duration deadline_, grace_;
    bool adopted_ = false;
    OutputTail output_, errors_;

    std::optional<int> status_;  // of waitpid
    bool leader_gone_ = false;
    std::string stop_reason_;  // not empty: SIGTERM was sent
    Duration kill_at_{}, gone_at_{};
    bool killed_ = false;
    bool finished_ = false;
    bool survivors_ = false;
    std::optional<int> exec_errno_;
};

}  // namespace revertd::runner
