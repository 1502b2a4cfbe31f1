// SPDX-License-Identifier: Apache-2.0
// One service's slots: asks all targets at the slot's phase and has them judged once, at the last answer (S15); in
// suspicion also every tenth of the interval (S24).
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/judge.h"
#include "daemon/io/loop.h"
#include "daemon/shell/version_asker.h"
#include "daemon/sources/health.h"
#include "daemon/sources/prom_query.h"
#include "daemon/sources/scrape.h"

namespace revertd {

class HttpClient;
class ServiceWatch;
struct ServiceState;

/// What a watch tells the driver, on the loop.
class WatchListener {
  public:
    WatchListener() = default;
    WatchListener(const WatchListener&) = delete;
    WatchListener& operator=(const WatchListener&) = delete;
    virtual ~WatchListener() = default;
    virtual void judged(const ServiceWatch& watch, const JudgeReport& report) = 0;
    virtual void scraped(Duration took) = 0;
    virtual void version_read(const std::string& service, const Observation& observation) = 0;
};

class ServiceWatch final : private ScrapeListener, private HealthListener, private PromListener {
  public:
    struct Parts {
        Loop& loop;
        HttpClient& http;
        ScrapePool& pool;
        PromHub& prom;
        WatchListener& listener;
        std::unique_ptr<VersionAsker> version;  ///< null: nothing can be asked
        Time history_from = Time::min();        ///< what is older belongs to another deploy or to an incident
        const ServiceState* state = nullptr;    ///< what the engine knows of it: kept for the listener
    };

    [[nodiscard]] static Result<std::unique_ptr<ServiceWatch>> make(std::shared_ptr<const ServiceSettings> settings,
                                                                    Parts parts);
    ~ServiceWatch() override;

    /// The first slot is at `first`; the others follow every interval.
    void start(Time first);

    [[nodiscard]] Judge& judge() { return judge_; }

    [[nodiscard]] const Judge& judge() const { return judge_; }

    [[nodiscard]] const std::shared_ptr<const ServiceSettings>& settings() const { return settings_; }

    [[nodiscard]] const ServiceState* state() const { return parts_.state; }

    [[nodiscard]] Time next_slot() const { return next_slot_; }

  private:
    struct HealthCheck;
    struct Scrape;

    /// Two, because a control group may have targets of its own.
    struct Selectors {
        SeriesSelector service, control;
    };

    ServiceWatch(std::shared_ptr<const ServiceSettings> settings, Selectors selectors, Parts parts);
    Result<void> make_fetches();
    Result<void> connect(std::vector<HttpHeader> headers);
    void renew_credentials();

    void slot();
    void sample();
    void ask(Time deadline, bool is_sample);
    void ask_version();
    void one_answered();
    void close();
    void pass_over(HealthCheck& check);
    [[nodiscard]] JudgeReport judge_now(Time now);
    void plan_sample(Time at);
    void learn_labels();
    void localise(JudgeReport& report);
    [[nodiscard]] const Signal& signal_of(std::uint32_t rule) const;
    void ask_places(std::uint32_t rule, bool holds);
    void located(std::uint32_t rule, const PromAnswer& answer);
    [[nodiscard]] bool another_host_answered(std::size_t check) const;

    void name_signal(std::uint32_t signal, const Selector& found) override;
    SeriesId add_series(TargetIndex target, std::uint64_t identity_hash, const SeriesRole& role) override;
    [[nodiscard]] bool wants_labels() const override;
    void describe(SeriesId series, const std::vector<std::pair<std::string_view, std::string_view>>& labels) override;
    void scrape(TargetIndex target, const ScrapeResult& result, Time at) override;
    void health(TargetIndex target, const HealthFinding& finding, Time at) override;
    void query(std::uint32_t signal, const QueryResult& result, Time at) override;
    void history(std::uint32_t signal, std::span<const HistoryRow> rows) override;
    EndpointIndex name_endpoint(std::string_view name) override;
    void endpoints_before(std::uint32_t signal, std::span<const EndpointCell> cells) override;

    std::shared_ptr<const ServiceSettings> settings_;
    Parts parts_;
    Judge judge_;
    Selectors selectors_;
    std::vector<HttpHeader> headers_;  ///< with the secrets that were read last
    std::string judging_;              ///< what it is busy with while it judges
    std::vector<std::unique_ptr<HealthCheck>> checks_;
    std::vector<std::unique_ptr<Scrape>> scrapes_;
    std::vector<std::unique_ptr<PromQuery>> queries_;
    TimerId timer_ = TimerId::None, sample_timer_ = TimerId::None;
    Time next_slot_{}, asked_{};
    std::size_t pending_ = 0;
    bool asking_ = false, is_sample_ = false, slot_waits_ = false, labelled_ = false, asked_once_ = false;

    /// Where a rule over a Prometheus is breached: asked once a breach, and told when it is known.
    struct Places {
        bool asked = false, asked_again = false;
        std::string where;
        std::vector<PlaceShare> places;
    };

    std::map<std::uint32_t, Places> places_;  ///< by rule
    Time deploy_since_{};
    Health last_health_ = Health::Unknown;
    std::shared_ptr<int> alive_ = std::make_shared<int>();  ///< answers may come after the end
};

}  // namespace revertd
