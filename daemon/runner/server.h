// SPDX-License-Identifier: Apache-2.0
// revertd-runner's loop: one thread, everything non-blocking but the fsync of receipts.
#pragma once
#include <sys/types.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "daemon/runner/connection.h"
#include "daemon/runner/exec_run.h"
#include "daemon/runner/http_run.h"
#include "daemon/runner/limits.h"
#include "daemon/runner/protocol.h"
#include "daemon/runner/receipt_store.h"
#include "daemon/runner/step_cgroup.h"

namespace revertd::runner {

struct ServerOptions {
    std::string socket;        ///< path; empty: `listener`
    Fd listener;               ///< given by systemd
    std::string storage;       ///< directory of receipts, made if it is missing
    Duration idle_exit{};      ///< ends when so long nobody is connected and nothing runs; zero: never
    Duration grace = kGrace;   ///< between SIGTERM and SIGKILL
    std::vector<uid_t> users;  ///< who may speak, beside root, the own user and the owner of the storage
};

class Server {
  public:
    /// Takes the lock of the storage (`Conflict`: another runner has it), listens, and looks after the steps of a
    /// former life. SIGCHLD, SIGTERM and SIGINT must be blocked.
    [[nodiscard]] static Result<std::unique_ptr<Server>> open(ServerOptions options);

    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server();

    /// Until SIGTERM and the end of all steps, or until it was idle for long enough.
    void run();

  private:
    struct Waiter {
        std::uint64_t client = 0, id = 0;
    };

    struct ActiveStep {
        StartRecord record;
        std::unique_ptr<Run> run;
        ExecRun* exec = nullptr;  ///< of `run`, if it is one
        /// Whoever is left behind while it runs was left behind by it: nobody was before, and no other step has run.
        bool alone = false;
        std::vector<Waiter> waiters;
    };

    struct ActiveProbe {
        std::unique_ptr<ExecRun> run;
        Waiter waiter;
    };

    Server(ServerOptions options, Fd lock, Fd signals, std::string boot_id);

    void adopt();

    // One turn of the loop.
    [[nodiscard]] bool is_over(Duration now);
    void wait(Duration now);
    void take_signals();
    void reap();
    void take_clients();
    void take_requests();
    void look_after_steps(Duration now);
    void look_after_probes(Duration now);
    void drain_leftovers();

    void answer(const Waiter& waiter, const Answer& what);
    void answer(const Waiter& waiter, const Receipt& receipt);
    void on_line(Connection& client, const std::string& line);
    void on(const Waiter& from, const StartRequest& start);
    void on(const Waiter& from, const QueryRequest& query);
    void on(const Waiter& from, const StopRequest& stop);
    void on(const Waiter& from, const ProbeRequest& probe);
    void on(const Waiter& from, const PrepareRequest& prepare);

    [[nodiscard]] Result<ActiveStep> begin(const StartRequest& start, const Fd& file, Duration now);
    [[nodiscard]] std::vector<pid_t> leaders() const;
    [[nodiscard]] std::vector<pid_t> orphans_of(const std::string& key) const;
    [[nodiscard]] Receipt receipt_of(const std::string& key) const;
    void finish(ActiveStep& step);

    ServerOptions options_;
    Fd lock_, signals_;
    std::string boot_id_;
    ReceiptStore receipts_;
    HttpEngine http_;
    StepCgroups cgroups_;
    std::map<std::string, ActiveStep> steps_;  ///< by key
    std::vector<ActiveProbe> probes_;
    std::vector<std::unique_ptr<Connection>> clients_;
    std::vector<Fd> leftovers_;
    std::uint64_t last_client_ = 0;
    std::string newest_;  ///< the key with the highest number that was ever started
    bool ending_ = false;
    Duration idle_since_{};
};

}  // namespace revertd::runner
