// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "actions/step.h"
#include "core/clock.h"
#include "daemon/runner/limits.h"
#include "daemon/runner/receipt.h"

namespace revertd {

class Loop;

/// The daemon's side of revertd-runner, on the daemon's loop. It connects by itself, as often as needed, and never
/// blocks. Callbacks come from the loop, never from inside the call that asked; they may ask again, but not destroy
/// the client.
class RunnerClient {
  public:
    struct Options {
        std::string socket;            ///< path
        std::function<void()> revive;  ///< nobody listens; at most once a second. Empty: somebody else looks after it
        Duration connect_patience = runner::kConnectPatience;
    };

    using OnReceipt = std::function<void(const Receipt&)>;
    using OnProbe = std::function<void(const ProbeResult&)>;

    RunnerClient(Loop& loop, Options options);
    RunnerClient(const RunnerClient&) = delete;
    RunnerClient& operator=(const RunnerClient&) = delete;
    ~RunnerClient();

    /// Calls back once: Done, Failed or Unknown when the step has ended; None when nothing was started, and `reason`
    /// says why; with `repeated` when the key was started before. NoAnswer: the order was sent and the runner was lost;
    /// ask again by key.
    void start(const StepOrder& order, OnReceipt callback);

    /// What the receipt says now.
    void query(const std::string& key, OnReceipt callback);

    /// Like query, but where it runs the answer comes when it has ended.
    void wait(const std::string& key, OnReceipt callback);

    /// `newest` of the answer: the key with the highest number that was ever started, or state NoAnswer.
    void witness(OnReceipt callback);

    /// SIGTERM to the step's group, then SIGKILL. Its outcome, unknown, goes to whoever waits for it.
    void stop(const std::string& key);

    /// Leaves no receipt. The answer comes at the deadline at the latest, but for the runner's grace.
    void probe(const ExecCall& call, Duration deadline, OnProbe callback);

    /// An http step may come soon: what it needs is loaded now rather than then.
    void prepare();

    [[nodiscard]] bool connected() const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace revertd
