// SPDX-License-Identifier: Apache-2.0
// Decides. A pure state machine: the same events give the same records and effects, bit for bit.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/event.h"
#include "core/gates.h"
#include "core/planner.h"
#include "core/state.h"
#include "core/target.h"

namespace revertd {

class Engine {
  public:
    /// `planner` expands the configured recipes; it is pure and outlives the Engine.
    Engine(const Planner& planner, SettingsLookup pinned);

    /// Fold: before the first step(), for every record of the journal in order.
    void replay(const Record& record);

    [[nodiscard]] Output step(const Event& event, Now now);

    /// When something is due without an event; Time::max() if nothing is.
    [[nodiscard]] Time next_deadline() const;

    [[nodiscard]] const State& state() const { return state_; }

    [[nodiscard]] const Settings* settings() const { return settings_.get(); }

    /// `gate SERVICE VERSION` for CI: 0 go, 3 known bad, 4 frozen or an incident is open, 5 the rollback is not ready.
    struct GateAnswer {
        int code = 0;
        std::string reason;
    };

    [[nodiscard]] GateAnswer gate(const std::string& service, const std::string& version, WallTime now) const;
    /// Why no deploy is wanted now: a person's freeze, or hours of the configuration; empty: deploys are welcome.
    [[nodiscard]] std::string frozen_why(const std::string& service, WallTime now) const;
    /// Why a rollback could not be done right now; empty: it could.
    [[nodiscard]] std::string why_not_ready(const std::string& service) const;

    /// That nobody says which version runs: deploys are not seen by themselves, and nothing can be compared (S5, S32).
    struct Silence {
        Time since{};
        std::string words;  ///< why, as the platform or the key `current` answered it last
    };

    /// Nothing while it answers, before it was first asked, and where there is nothing to ask.
    [[nodiscard]] std::optional<Silence> version_silence(const std::string& service) const;
    /// What the guard of a service was not told by those who know which version is good (S4), and why.
    [[nodiscard]] std::vector<std::string> silent_resolvers(const Deployment& deployment) const;
    /// The end of the bake as fixed by S11; nothing while it is not known.
    [[nodiscard]] static std::optional<Time> bake_ends(const Deployment& deployment);

  private:
    friend struct Reader;

    // -- engine.cpp: the frame
    template <class F>
    void note(F fact);
    template <class E>
    void emit(E effect);
    void settle(const std::string& service);
    void refresh_phase(const std::string& service);
    void refresh_due(const std::string& service);
    void page(const Incident& incident, const std::string& kind, const std::string& summary,
              const std::string& to = {});
    void page(const Deployment& deployment, const std::string& level, const std::string& summary);
    void page_critical(const Incident& incident, const std::string& summary, const std::string& details);
    [[nodiscard]] const ServiceSettings* settings_of_incident(const Incident& incident) const;
    ServiceState& service(const std::string& name);
    [[nodiscard]] std::shared_ptr<const ServiceSettings> settings_of(const std::string& service) const;
    [[nodiscard]] const ServiceSettings* pinned(const Deployment& deployment) const;

    void on(const event::Start&);
    void on(const event::Suspended&);
    void on(const event::Tick&);
    void on(const event::Durable&);
    void on(const event::JournalFailed&);
    void on(const event::Configured&);
    void on(const event::Judged&);
    void count_crash(const std::string& input);
    [[nodiscard]] bool judged_anew(const std::string& service) const;
    [[nodiscard]] bool version_heard_anew(const std::string& service) const;
    void on(const event::PowerFound&);
    void remember_holding(const event::Judged& judged, const ServiceSettings& settings);
    void on(const event::Observed&);
    void on(const event::Resolved&);
    void on(const event::Summarised&);
    void on(const event::StepEnded&);
    void on(const event::ReceiptRead&);
    void on(const event::Witnessed&);
    void on(const event::Asked&);

    // -- commands.cpp: people and tools
    void answer(const effect::Reply& reply);
    [[nodiscard]] effect::Reply obey(const command::DeployStart&, const Peer&);
    [[nodiscard]] effect::Reply obey(const command::DeployFinish&, const Peer&);
    [[nodiscard]] effect::Reply obey(const command::DeployAbort&, const Peer&);
    [[nodiscard]] effect::Reply obey(const command::Approve&, const Peer&);
    [[nodiscard]] effect::Reply obey(const command::Deny&, const Peer&);
    [[nodiscard]] effect::Reply obey(const command::Hold&, const Peer&);
    [[nodiscard]] effect::Reply obey(const command::Take&, const Peer&);
    [[nodiscard]] effect::Reply obey(const command::Acknowledge&, const Peer&);
    [[nodiscard]] effect::Reply obey(const command::Label&, const Peer&);
    [[nodiscard]] effect::Reply obey(const command::Trigger&, const Peer&);
    [[nodiscard]] effect::Reply obey(const command::RollbackStart&, const Peer&);
    [[nodiscard]] effect::Reply obey(const command::Halt&, const Peer&);
    [[nodiscard]] effect::Reply obey(const command::Resume&, const Peer&);
    [[nodiscard]] effect::Reply obey(const command::MarkVersion&, const Peer&);
    [[nodiscard]] effect::Reply obey(const command::Freeze&, const Peer&);
    [[nodiscard]] effect::Reply obey(const command::Prune&, const Peer&);
    [[nodiscard]] std::optional<effect::Reply> refuse_answer(const std::string& incident, const Peer& peer) const;

    // -- guard.cpp: a deployment from start to its end
    std::string open_guard(const command::DeployStart& start, const Peer* peer, const std::string& opened_by,
                           Time started);
    [[nodiscard]] std::string broken_before(const std::string& service, const ServiceSettings& settings,
                                            Time started) const;
    void hear_version(const std::string& service, const Observation& read);
    void read_version(const std::string& service, const Observation& observation);
    void read_tried(const std::string& service, const Observation& observation);
    void read_another(const std::string& service, const Observation& observation);
    void first_sight(const std::string& deploy, Time at);
    bool close_superseded(const std::string& service);
    void read_in_guard(const Deployment& deployment, const Observation& observation);
    bool advance_guard(const std::string& deploy);
    bool advance_rolling(const Deployment& deployment, const ServiceSettings& settings);
    bool judge_rollout(const Deployment& deployment, const ServiceSettings& settings);
    bool page_if_blind(const Deployment& deployment, const ServiceSettings& settings);
    bool end_bake(const Deployment& deployment);
    void shorten_bake(const Deployment& deployment, double excluded);
    void take_back(const Incident& i, Reason reason, const std::string& words);
    void close_guard(const std::string& deploy, DeployState state, int exit_code, Reason reason,
                     const std::string& words, const std::vector<std::string>& excluded = {});
    bool advance_adoption(const std::string& service);
    void judge_pass(const Deployment& deployment, const std::vector<RuleSummary>& rules);

    // -- steady.cpp: outside of guards (S14)
    bool advance_steady(const std::string& service);
    bool note_steady(const std::string& service, const RuleChange& change, const Rule& rule);
    bool end_steady(const std::string& service, const std::string& rule, const std::string& words);
    void page_steady(const ServiceState& service, const std::string& rule, const std::string& kind,
                     const std::string& summary, const std::string& details);
    void forget_unjudged();

    // -- resolving.cpp: what else says which version is good (S4)
    void ask_resolvers(const Deployment& deployment, const ServiceSettings& settings);
    [[nodiscard]] std::string resolve_target(const Incident& incident, const Deployment* deployment,
                                             TargetChoice& target);

    // -- incident.cpp: from a rule that holds to a decision, and the waiting
    bool advance_incident(const std::string& service);
    bool raise_or_open(const std::string& service);
    bool decide(const Incident& incident);
    [[nodiscard]] std::vector<std::string> reasons_to_ask(const ServiceSettings& settings, const Deployment* deployment,
                                                          const TargetChoice& target, const SeverityPolicy& policy,
                                                          Mode mode);
    bool wait_for_approval(const Incident& incident);
    [[nodiscard]] bool asks_now(const Incident& incident) const;
    [[nodiscard]] SeverityPolicy asking_policy(const Incident& incident) const;
    bool recover_by_itself(const Incident& incident);
    bool void_if_tightened(const Incident& incident);
    bool hold_without_journal(const Incident& incident);
    void hold(const Incident& incident, Reason gate, const std::string& words);
    void close_incident(const std::string& incident, Reason reason, const std::string& words);
    [[nodiscard]] GateInput gate_input(const Incident& incident) const;

    // -- reminding.cpp: the ladder of people, what was promised to them, updates until closed
    bool advance_reminders(const std::string& service);
    bool climb(const Incident& incident, const std::vector<Rung>& ladder, const std::string& why);
    bool remind(const Incident& incident, const SeverityPolicy& policy);

    // -- acting.cpp: observe, intent, step, outcome, confirm (S31-S34)
    bool advance_action(const Incident& incident);
    bool look_ahead(const Incident& incident);
    [[nodiscard]] static bool observes_first(const Incident& incident);
    void begin_action(const Incident& incident);
    void observe(const Incident& incident, Stage stage);
    void observed_before(const Incident& incident, const Observation& observation);
    void observed_while_confirming(const Incident& incident, const Observation& observation);
    void observed_after_unknown(const Incident& incident, const Observation& observation);
    [[nodiscard]] std::optional<Held> held_before(const Incident& incident, const PlannedStep& step, int attempt) const;
    void write_intent(const Incident& incident);
    bool await_witness(const Incident& incident);
    void run_step(const Incident& incident);
    void step_ended(const Incident& incident, const event::StepEnded& ended);
    void attempt_again(const Incident& incident, const std::string& words, int index);
    void give_up(const Incident& incident, Reason reason, const std::string& words);
    void exhausted_step_ended(const Incident& incident, const event::StepEnded& ended);
    void exhausted_done(const Incident& incident, const std::string& words);
    void fail(const Incident& incident, Reason reason, const std::string& words);
    void entry_confirmed(const Incident& incident, const std::string& words);

    // -- verification.cpp (S36, S37)
    bool advance_recovered(const Incident& incident);
    void begin_verification(const Incident& incident, const std::string& words);
    bool advance_verification(const Incident& incident);

    const Planner& planner_;
    State state_;
    std::shared_ptr<const Settings> settings_;

    // Of this run of the daemon only: asked again after a restart, never part of a decision's past.
    struct Run;
    std::unique_ptr<Run> run_;
    Now now_{};
    Output* out_ = nullptr;
    std::set<std::pair<Time, std::string>> due_;
    std::map<std::string, Time> due_of_;

  public:
    ~Engine();
};

}  // namespace revertd
