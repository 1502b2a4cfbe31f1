// SPDX-License-Identifier: Apache-2.0
// Drives the core: feeds the Engine one event at a time, makes its records durable, carries out its effects.
#pragma once
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/engine.h"
#include "daemon/api/backend.h"
#include "daemon/journal/journal.h"
#include "daemon/shell/config_store.h"
#include "daemon/shell/metrics_text.h"
#include "daemon/shell/power_worker.h"
#include "daemon/shell/prune_worker.h"
#include "daemon/shell/service_watch.h"

namespace revertd {

class HttpClient;
class Loop;
class RunnerClient;
struct Receipt;

/// Told of every record once it is durable, in order: notifications, reports and the log hang on here.
using Published = std::function<void(const Record& record, const State& state)>;

class Driver final : public Backend, private WatchListener {
  public:
    struct Parts {
        Loop& loop;
        HttpClient& http;
        RunnerClient& runner;
        ConfigStore& configs;
        Published published;
        std::function<Result<void>()> reload;
        std::function<std::map<std::string, NotificationCounts>()> notifications;  ///< counted so far, by channel
        std::function<void(ChannelsAnswered)> test_channels = {};
        std::string external_url = {};  ///< where people reach this daemon; empty: no links
        /// A page that the journal cannot take, because it is about the journal (S43).
        std::function<void(const Record& record)> tell_anyway = {};
    };

    explicit Driver(Parts parts);
    ~Driver() override;

    /// Folds the journal. Errors: Conflict (another daemon), Corrupt (a person is needed), Io.
    Result<void> open_journal(const std::string& dir);

    /// The last record's time, and the last start: what the timeline continues from.
    struct Past {
        bool any = false;
        Time at{};
        WallTime wall{};
        std::string boot;
        Duration offset{};
        std::set<std::string> keys;      ///< of all intents: what the runner may have a receipt of
        std::uint64_t accepted_seq = 0;  ///< the last time that a person let the daemon go on with a damaged journal
    };

    [[nodiscard]] const Past& past() const { return past_; }

    /// The first call starts the watches. `text` is the whole configuration as read.
    Result<void> configure(std::shared_ptr<const Loaded> loaded, const std::string& text);
    /// `in_progress`: what the run before was busy with when it crashed; empty after an orderly end.
    /// `journal_failed`: it has told of a failed journal that could not keep this.
    void start(const std::string& boot, Duration offset, const std::string& in_progress, bool journal_failed = false);
    /// Snapshots every window; the journal is written by its destructor.
    void stop();

    void feed(Event event);

    [[nodiscard]] journal::Journal& journal() { return *journal_; }

    [[nodiscard]] Meters& meters() { return meters_; }

    /// Steps taken since the start: what the watchdog is fed by.
    [[nodiscard]] std::uint64_t progress() const { return progress_; }

    // -- Backend
    [[nodiscard]] const Engine& engine() const override { return *engine_; }

    [[nodiscard]] Now now() const override;

    [[nodiscard]] bool ready() const override { return started_; }

    [[nodiscard]] std::optional<JudgeView> view(const std::string& service) const override;
    [[nodiscard]] std::optional<Time> next_check(const std::string& service) const override;
    void command(const Peer& peer, const Command& command, Answer answer) override;

    Result<void> reload() override { return parts_.reload(); }

    void prune(const Peer& peer, WallTime before, PruneAnswered answered) override;

    void test_channels(ChannelsAnswered answered) override {
        parts_.test_channels ? parts_.test_channels(std::move(answered)) : answered({});
    }

    [[nodiscard]] Result<std::string> report(const std::string& incident, const std::string& format) const override;
    [[nodiscard]] Result<std::vector<std::string>> explain(const std::string& id) const override;
    [[nodiscard]] std::string metrics() const override;
    [[nodiscard]] std::string config_text() const override;
    [[nodiscard]] RuntimeInfo runtime() const override;
    [[nodiscard]] std::vector<StreamEvent> events_after(std::uint64_t id) override;
    std::uint64_t subscribe(Listener listener) override;
    void unsubscribe(std::uint64_t subscription) override;

    /// Durable records from `from` on that concern an incident or a deployment, for reports.
    [[nodiscard]] Result<std::vector<Record>> records_of(const std::string& incident, const std::string& deploy) const;

  private:
    struct Waiting {
        std::uint64_t seq = 0;
        effect::Reply reply;
        Answer answer;
    };

    // -- driver.cpp
    void drain();
    void take(Output out);
    void tell_of_journal(const std::vector<Record>& records);
    void durable(std::uint64_t seq);
    void give_up_waiting(const std::string& reason);
    [[nodiscard]] Error not_on_disk() const;
    void publish(const Record& record);
    void read_past_events();
    void plan_tick();
    void carry_out(const effect::Observe& e);
    void carry_out(const effect::Resolve& e);
    void carry_out(const effect::RunStep& e);
    void carry_out(const effect::AskRunner& e);
    void carry_out(const effect::AskWitness& e);
    void carry_out(const effect::StopStep& e);
    void carry_out(const effect::SetPhase& e);
    void carry_out(const effect::Summarise& e);
    void carry_out(const effect::Reply& e);
    void receipt(const std::string& key, const Receipt& receipt);

    // -- driver_watches.cpp
    void judged(const ServiceWatch& watch, const JudgeReport& report) override;

    void scraped(Duration took) override { meters_.scrapes.observe(took); }

    void version_read(const std::string& service, const Observation& observation) override;
    Result<std::unique_ptr<ServiceWatch>> make_watch(const std::shared_ptr<const ServiceSettings>& settings);
    [[nodiscard]] Time history_from(const std::string& service) const;
    void refresh_watches();
    void find_power(const std::string& service, const std::string& deploy);
    void resync();
    void notice_suspension();
    void prepare_steps(const std::string& service);
    void snapshot(const std::string& service, const std::string& incident);
    void snapshot_some();
    [[nodiscard]] VersionAsker* platform(const std::string& service, int entry);
    void mark_quarantined();

    Parts parts_;
    std::unique_ptr<Engine> engine_;
    std::unique_ptr<journal::Journal> journal_;
    std::unique_ptr<PruneWorker> pruning_;  ///< while what is to be pruned is looked for
    journal::Doomed doomed_;                ///< until the record that says so
    std::uint64_t pruned_seq_ = 0;
    std::string dir_;  ///< of the state
    Past past_;
    bool started_ = false, draining_ = false;
    Time alive_{};  ///< when the loop was last seen to turn
    std::uint64_t progress_ = 0;
    std::deque<Event> events_;
    std::string journal_lost_;  ///< why nothing becomes durable any more
    std::deque<Record> not_durable_;
    std::vector<Waiting> waiting_;
    std::map<std::uint64_t, Answer> asked_;
    std::uint64_t next_question_ = 1;
    TimerId tick_ = TimerId::None, snapshots_ = TimerId::None, witness_again_ = TimerId::None;
    Time tick_at_ = Time::max();
    std::uint64_t snapshot_round_ = 0;

    std::unique_ptr<ScrapePool> pool_;
    std::unique_ptr<PromHub> prom_;
    std::map<std::string, std::unique_ptr<ServiceWatch>> watches_;
    std::vector<std::string> watched_;    ///< names of the watches, in their order: whose turn it is
    std::set<std::string> no_power_yet_;  ///< services whose guard is open
    std::map<std::string, std::pair<std::string, Health>> reported_;  ///< health as last fed, by service
    std::map<std::pair<std::string, int>, std::unique_ptr<VersionAsker>> platforms_;
    std::map<std::pair<std::string, int>, std::unique_ptr<VersionAsker>> resolvers_;  ///< of a deployment
    Meters meters_;
    WallTime started_wall_{};
    std::deque<StreamEvent> stream_;
    std::uint64_t journaled_ = 0;  ///< the last record before this start
    bool past_read_ = false;       ///< the stream holds what was before this start, as far as it is kept
    std::map<std::uint64_t, Listener> listeners_;
    std::unique_ptr<PowerWorker> power_;  ///< null until a deploy is watched
};

}  // namespace revertd
