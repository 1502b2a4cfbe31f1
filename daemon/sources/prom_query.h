// SPDX-License-Identifier: Apache-2.0
// Signals whose source is a Prometheus: one PromQuery each, asked once a slot. Queries that differ in the value of one
// label only are asked as one, whatever service they belong to (S21).
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/promql_text.h"
#include "core/judge.h"
#include "core/settings.h"
#include "daemon/sources/prom_endpoints.h"
#include "daemon/sources/prom_server.h"
#include "daemon/sources/prom_starts.h"

namespace revertd {

class PromHub;

/// Where answers go: the Judge of the service.
class PromListener {
  public:
    PromListener() = default;
    PromListener(const PromListener&) = delete;
    PromListener& operator=(const PromListener&) = delete;
    virtual ~PromListener() = default;
    /// What the result points to is valid during the call. `at` is the instant that was asked about.
    virtual void query(std::uint32_t signal, const QueryResult& result, Time at) = 0;

    /// A well-known signal has been found under this name.
    virtual void name_signal(std::uint32_t, const Selector&) {}

    /// As Judge::name_endpoint and Judge::endpoints_before.
    virtual EndpointIndex name_endpoint(std::string_view) { return 0; }

    virtual void endpoints_before(std::uint32_t, std::span<const EndpointCell>) {}

    virtual void history(std::uint32_t signal, std::span<const HistoryRow> rows) = 0;
};

/// The interval at which the samples of some series are taken, read off their timestamps.
struct ScrapeInterval {
    std::optional<Duration> value;
    Time tried = Time::min();
    bool trying = false;
    std::vector<std::function<void()>> waiting;  ///< until the first try has ended
};

/// The endpoints of those of a group whose deploys are watched.
struct EndpointsTogether {
    std::vector<std::string> values;  ///< of the group's label; none without a group
    std::string text;                 ///< empty: not made yet
    Duration window{};                ///< of the text
    PromServer::Memory memory;
};

/// Queries that are asked as one, or one alone. Hundreds of members write their text once.
struct Together {
    config::promql::Group group;
    std::string selector;  ///< whose samples' times are looked at; empty: none, or not made yet
    std::string text;      ///< empty: not made yet
    Duration window{};     ///< of the text
    PromServer::Memory memory;
    std::map<std::string, EndpointsTogether> endpoints;  ///< by the label that names them
};

class PromQuery {
  public:
    PromQuery(PromHub& hub, PromServer& server, const ServiceSettings& settings, std::uint32_t index,
              PromListener& listener);
    PromQuery(const PromQuery&) = delete;
    PromQuery& operator=(const PromQuery&) = delete;
    ~PromQuery();

    /// The listener is told exactly once, by the deadline; possibly at once.
    void ask(Time deadline);

    /// Asks for the values of the last `length`, but of nothing before `from`. The listener's `history` is told if any
    /// come; nothing is said if not.
    void ask_history(Duration length, Time from);

    /// A deploy is watched from now on; nothing: none is. Meanwhile endpoints and starts of instances are asked for,
    /// where they are tested.
    void watch(const std::optional<PromDeploy>& deploy);
    /// Whoever is asked together has changed.
    void join_endpoints();

    /// Under the name that was found, if it was not written.
    [[nodiscard]] const Signal& signal() const { return signal_; }

    [[nodiscard]] bool is_named() const { return !signal_.well_known || !signal_.selector.metric.empty(); }

    [[nodiscard]] std::uint32_t index() const { return index_; }

    [[nodiscard]] const std::string& service() const { return service_; }

    [[nodiscard]] Duration interval() const { return interval_; }

    [[nodiscard]] PromServer& server() const { return server_; }

    /// Set by the hub: who is asked together with it, and its own value of the label.
    std::shared_ptr<Together> together = std::make_shared<Together>();
    std::string value;
    std::string key;                            ///< of what is shared by the group
    ScrapeInterval* scrape_interval = nullptr;  ///< of the key, once it was searched for

  private:
    void ask_name(Time deadline);
    void take_name(const std::shared_ptr<const PromRound>& round, Time deadline);
    void ask_values(Time deadline);
    void take_history(const PromRound& round, Duration step);
    void take_values(const std::shared_ptr<const PromRound>& round);
    void take_ages(const std::shared_ptr<const PromRound>& round);
    void judge();
    void tell(Verdict verdict, const std::string& reason);
    void judge_rows();
    void tell_rows(const std::vector<const PromSeries*>& rows, std::vector<QueryCell>& cells);
    void tell_value();
    [[nodiscard]] bool is_stale(double at, std::string& words);
    [[nodiscard]] bool is_ahead(std::string& words);
    [[nodiscard]] Duration scraped_every();
    [[nodiscard]] std::string selector() const;
    [[nodiscard]] const std::string& text();
    void leave_endpoints();
    void ask_endpoints(Time deadline);
    void ask_starts(Time deadline);
    void take_endpoints(const std::shared_ptr<const PromRound>& round);
    [[nodiscard]] std::vector<const PromSeries*> own_rows(const PromAnswer& answer) const;

    PromHub& hub_;
    PromServer& server_;
    std::string service_;
    std::vector<Matcher> service_selector_;
    Signal signal_;
    std::uint32_t index_;
    Duration interval_;
    PromListener& listener_;
    std::string freshness_;  ///< a query beside the signal's own; empty: none
    PromServer::Memory ages_memory_;
    PromEndpoints endpoints_;
    std::vector<EndpointCell> endpoint_cells_;  ///< of this slot
    PromStarts starts_;
    std::shared_ptr<const PromRound> values_, ages_;
    std::shared_ptr<const Together> asked_;  ///< as it was asked
    std::string asked_value_;
    int missing_ = 0;
    Duration window_{};
    Time seen_ = Time::min(), seen_ages_ = Time::min(), seen_endpoints_ = Time::min();
    Duration name_pause_{};  ///< until the name is looked for again; it grows
    Time name_again_ = Time::min();
    std::string unnamed_;                                      ///< why there is no name
    std::optional<std::pair<Duration, Time>> history_wanted_;  ///< until there is a name
    PromServer::Ticket name_ticket_, values_ticket_, ages_ticket_, history_ticket_, endpoints_ticket_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  ///< for those who hold it weakly
};

/// All servers and queries of the daemon.
class PromHub {
  public:
    PromHub(Loop& loop, HttpClient& http) : loop_(loop), http_(http) {}

    [[nodiscard]] Loop& loop() { return loop_; }

    /// One for equal settings.
    [[nodiscard]] PromServer& server(const PrometheusSettings& settings);

    [[nodiscard]] std::unique_ptr<PromQuery> add(const ServiceSettings& settings, std::uint32_t signal,
                                                 PromListener& listener);

    /// Groups are made anew when members came or went.
    void regroup_if_changed();

    [[nodiscard]] ScrapeInterval& scrape_interval(PromQuery& query) {
        if (query.scrape_interval == nullptr) query.scrape_interval = &scrape_intervals_[&query.server()][query.key];
        return *query.scrape_interval;
    }

    /// No other service has signals without a name there.
    [[nodiscard]] bool is_alone(const PromQuery& query) const;

    [[nodiscard]] const std::vector<std::unique_ptr<PromServer>>& servers() const { return servers_; }

  private:
    friend class PromQuery;

    /// Two queries: any one series, and its samples of the last minutes.
    void learn(ScrapeInterval& interval, PromServer& server, const std::string& selector, Duration every,
               Time deadline);

    Loop& loop_;
    HttpClient& http_;
    std::vector<std::unique_ptr<PromServer>> servers_;
    std::vector<PromQuery*> queries_;
    std::map<const PromServer*, std::map<std::string, ScrapeInterval>> scrape_intervals_;
    bool changed_ = false;
    std::vector<const PromSeries*> rows_;  ///< scratch of whoever judges an answer
    std::vector<QueryCell> cells_;
};

}  // namespace revertd
