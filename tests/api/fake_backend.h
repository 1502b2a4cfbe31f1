// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/engine.h"
#include "daemon/api/backend.h"
#include "daemon/io/loop.h"

namespace revertd::test {

/// One service `api` with a ratio signal, rules P0 to P2 and a rollback that can be observed.
[[nodiscard]] std::shared_ptr<Settings> small_settings();

/// A real Engine behind the API. The journal is durable at once unless it is told to keep its answers.
class FakeBackend final : public Backend {
  public:
    explicit FakeBackend(Loop& loop);

    // -- what the outside does; all on the loop
    void feed(Event event);

    void configure(std::shared_ptr<const Settings> settings) { feed(event::Configured{std::move(settings)}); }

    /// The platform shows this version, read as often as it takes.
    void runs(const std::string& version);
    void judge(RuleChange change);
    void publish(StreamEvent event);

    bool is_ready = true;
    bool journal_hangs = false;  ///< answers are owed until `release`
    void release();
    JudgeView seen;
    std::vector<std::pair<Peer, Command>> commands;
    std::function<void()> on_metrics = [] {};
    int reloads = 0;
    std::optional<Error> reload_error;
    std::vector<StreamEvent> kept;

    // -- Backend
    [[nodiscard]] const Engine& engine() const override { return engine_; }

    [[nodiscard]] Now now() const override { return loop_.clock().now(); }

    [[nodiscard]] bool ready() const override { return is_ready; }

    [[nodiscard]] std::optional<JudgeView> view(const std::string& service) const override;
    [[nodiscard]] std::optional<Time> next_check(const std::string& service) const override;
    void command(const Peer& peer, const Command& command, Answer answer) override;

    void prune(const Peer&, WallTime, PruneAnswered answered) override { answered(PruneAnswer{2, 1, 9}); }

    Result<void> reload() override;
    [[nodiscard]] Result<std::string> report(const std::string& incident, const std::string& format) const override;
    [[nodiscard]] Result<std::vector<std::string>> explain(const std::string& id) const override;

    [[nodiscard]] std::string metrics() const override;

    [[nodiscard]] std::string config_text() const override { return "services: {}\n"; }

    [[nodiscard]] RuntimeInfo runtime() const override { return {.records = 7, .journal = "0af", .events_kept = 3}; }

    [[nodiscard]] std::vector<StreamEvent> events_after(std::uint64_t id) override;
    std::uint64_t subscribe(Listener listener) override;

    void unsubscribe(std::uint64_t subscription) override { listeners_.erase(subscription); }

    [[nodiscard]] std::size_t listeners() const { return listeners_.size(); }

  private:
    class OneStep final : public Planner {
      public:
        [[nodiscard]] Result<std::vector<PlannedStep>> plan(const PlanRequest& request) const override;
    };

    void take(const Output& out);
    [[nodiscard]] Observation observation() const;

    Loop& loop_;
    OneStep planner_;
    Engine engine_;
    std::string version_;
    std::map<std::uint64_t, Answer> asked_;
    std::vector<std::function<void()>> owed_;
    std::uint64_t next_id_ = 1;
    std::map<std::uint64_t, Listener> listeners_;
};

}  // namespace revertd::test
