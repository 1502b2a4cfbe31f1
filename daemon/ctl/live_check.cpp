// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/live_check.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <map>
#include <memory>
#include <set>

#include "actions/rollback.h"
#include "core/quantile.h"
#include "daemon/ctl/live_power.h"
#include "daemon/ctl/text.h"
#include "daemon/io/http_client.h"
#include "daemon/io/http_options.h"
#include "daemon/io/loop.h"
#include "daemon/io/system_clock.h"
#include "daemon/runner/client.h"
#include "daemon/runner/launch.h"
#include "daemon/shell/version_asker.h"
#include "daemon/sources/health.h"
#include "daemon/sources/prom_query.h"
#include "daemon/sources/scrape.h"

namespace revertd::ctl {
namespace {

constexpr Duration kLimit = 5s;
constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

/// What one scrape of every target says of a signal: totals since the counters began, for counters have no past here.
struct Totals {
    std::size_t series = 0;
    double all = 0, bad = 0, last = kUnknown;
    std::map<double, double> buckets;  ///< by upper bound
    std::string found;
};

std::string value_of(const Signal& signal, const Totals& totals) {
    const char* unit = signal.unit == Unit::Ratio ? "ratio" : signal.unit == Unit::Seconds ? "seconds" : "none";
    double value = totals.last * signal.to_base;
    if (signal.kind == Signal::Kind::Ratio) value = totals.all > 0 ? totals.bad / totals.all : kUnknown;
    if (signal.kind == Signal::Kind::Rate) value = totals.all;
    if (signal.kind == Signal::Kind::Quantile) {
        std::vector<double> bounds, counts;
        for (const auto& [bound, count] : totals.buckets) bounds.push_back(bound), counts.push_back(count);
        value = bucket_quantile(signal.quantile, bounds, counts).value_or(kUnknown) * signal.to_base;
    }
    return std::isfinite(value) ? value_words(value, unit) : "-";
}

/// A default that finds nothing is left out of the guard; what somebody wrote is relied upon, and would be blind.
bool may_be_missing(const ServiceSettings& settings, std::size_t signal) {
    return settings.signals[signal].well_known && std::ranges::all_of(settings.rules, [&](const Rule& rule) {
               return !is_of_signal(rule) || rule.signal != signal || rule.from_default_guard;
           });
}

/// Everything of one service.
class ServiceCheck final : private HealthListener, private ScrapeListener, private PromListener {
  public:
    ServiceCheck(const ServiceSettings& settings, Loop& loop, PromHub& hub, std::function<void()> finished)
        : settings_(settings),
          loop_(loop),
          hub_(hub),
          totals_(settings.signals.size()),
          finished_(std::move(finished)) {}

    /// Questions that are out.
    std::size_t ask(HttpClient& http, RunnerClient& runner, const RollbackSpec* rollback) {
        asked_ = loop_.now();
        connect(http);
        for (const HealthTarget& target : settings_.health) order_.push_back("health " + target.url);
        for (const std::string& target : settings_.metrics) order_.push_back("metrics " + target);
        for (const HealthTarget& target : settings_.health) ask_health(http, target);
        ask_metrics(http);
        ask_queries();
        ask_versions(http, runner, rollback);
        return pending_;
    }

    /// In the order of the configuration, whoever answered first; the signals come last.
    [[nodiscard]] std::vector<LiveFinding> findings() {
        std::ranges::stable_sort(
            findings_, {}, [&](const LiveFinding& f) { return std::ranges::find(order_, f.what) - order_.begin(); });
        if (!settings_.metrics.empty())
            for (std::size_t i = 0; i < settings_.signals.size(); ++i)
                if (settings_.signals[i].source == Signal::Source::Scrape && !settings_.signals[i].is_control)
                    add_signal(i);
        return std::move(findings_);
    }

  private:
    struct Question {
        std::unique_ptr<Sink> sink;
        std::unique_ptr<Fetch> fetch;
    };

    void add(const std::string& what, bool good, const std::string& value, const std::string& words) {
        findings_.push_back({settings_.name, what, good, value, std::nullopt, loop_.now() - asked_, words});
    }

    void answered() {
        --pending_;
        finished_();
    }

    void start(HttpClient& http, const std::string& what, const std::string& url, const FetchOptions& options,
               std::unique_ptr<Sink> sink) {
        auto fetch = http.make_fetch(url, options);
        if (!fetch) return add(what, false, {}, fetch.error().message);
        ++pending_;
        (*fetch)->start(loop_.now() + kLimit, *sink);
        questions_.push_back({std::move(sink), std::move(*fetch)});
    }

    /// As the daemon connects: with what `http` says of this service.
    void connect(HttpClient& http) {
        auto headers = headers_of(*settings_.http, http.secrets());
        if (!headers) add("http", false, {}, headers.error().message);
        options_.headers = headers ? std::move(*headers) : settings_.http->headers;
        options_.tls = tls_of(*settings_.http);
        options_.proxy = settings_.http->proxy;
    }

    void ask_health(HttpClient& http, const HealthTarget& target) {
        const auto index = static_cast<TargetIndex>(&target - settings_.health.data());
        start(http, "health " + target.url, target.url, options_,
              std::make_unique<HealthSink>(index, target, static_cast<HealthListener&>(*this)));
    }

    void health(TargetIndex target, const HealthFinding& finding, Time) override {
        add("health " + settings_.health[target].url, finding.health == Health::Up,
            std::string(to_string(finding.health)), finding.reason);
        answered();
    }

    void ask_metrics(HttpClient& http) {
        if (settings_.metrics.empty()) return;
        auto selector = SeriesSelector::make(settings_.signals);
        if (!selector) return add("metrics", false, {}, selector.error().message);
        selector_ = std::make_unique<SeriesSelector>(std::move(*selector));
        FetchOptions options = options_;
        options.accept = kScrapeAccept;
        for (TargetIndex i = 0; i < settings_.metrics.size(); ++i)
            start(http, "metrics " + settings_.metrics[i], settings_.metrics[i], options,
                  std::make_unique<ScrapeTarget>(i, ScrapeContext{pool_, *selector_, *this, false}));
    }

    void ask_queries() {
        if (!settings_.prometheus) return;
        for (std::uint32_t i = 0; i < settings_.signals.size(); ++i)
            if (settings_.signals[i].source == Signal::Source::Prometheus)
                queries_.push_back(hub_.add(settings_, i, *this)), queried_.push_back(i);
        pending_ += queries_.size();
        for (const auto& query : queries_) query->ask(loop_.now() + kLimit);
        for (std::size_t i = 0; i < queries_.size(); ++i) ask_history(*queries_[i], queried_[i]);
    }

    /// What a bake would find is known from the time before, which the server keeps; or it does not answer in time.
    void ask_history(PromQuery& query, std::uint32_t signal) {
        if (!test_of(settings_, signal)) return;
        ++pending_;
        histories_.insert(signal);
        query.ask_history(settings_.baseline, Time::min());
        loop_.at(loop_.now() + kLimit, [this, signal] { history_ended(signal); });
    }

    void history_ended(std::uint32_t signal) {
        if (histories_.erase(signal) > 0) answered();
    }

    void history(std::uint32_t signal, std::span<const HistoryRow> rows) override {
        if (!histories_.contains(signal)) return;
        const std::string words = power_words(settings_, signal, rows);
        if (!words.empty()) add("power of " + settings_.signals[signal].name, true, "known", words);
        history_ended(signal);
    }

    void query(std::uint32_t index, const QueryResult& result, Time) override {
        const Signal& signal = settings_.signals[index];
        Totals totals;
        for (const QueryCell& cell : result.values) {
            ++totals.series;
            (cell.bad ? totals.bad : totals.all) += cell.value;
            totals.buckets[cell.le] += cell.value;
            totals.last = cell.value;
        }
        const bool seen = result.verdict == Verdict::Ok && totals.series > 0;
        const bool good = seen || (result.verdict == Verdict::Ok && may_be_missing(settings_, index));
        std::string words = result.verdict == Verdict::Ok ? "the query finds no series" : std::string(result.reason);
        if (!seen && !result.reason.empty()) words = result.reason;
        if (seen) words = signal.kind == Signal::Kind::Gauge ? "" : "over the last " + to_words(result.span);
        if (seen && !totals_[index].found.empty()) words = totals_[index].found + ", " + words;
        const std::size_t series = signal.kind == Signal::Kind::Gauge ? totals.series : seen ? 1 : 0;
        Signal scaled = signal;
        scaled.to_base = 1;  // bounds come in base units
        findings_.push_back({settings_.name, "signal " + signal.name, good,
                             seen                            ? value_of(scaled, totals)
                             : result.verdict == Verdict::Ok ? std::string("-")
                                                             : std::string(to_string(result.verdict)),
                             series, loop_.now() - asked_, std::move(words)});
        answered();
    }

    void name_signal(std::uint32_t signal, const Selector& found) override { totals_[signal].found = found.metric; }

    SeriesId add_series(TargetIndex, std::uint64_t, const SeriesRole& role) override {
        roles_.push_back(role);
        return static_cast<SeriesId>(roles_.size() - 1);
    }

    void scrape(TargetIndex target, const ScrapeResult& result, Time) override {
        for (const SeriesValue& value : result.values) {
            if (value.series >= roles_.size()) continue;
            const SeriesRole& role = roles_[value.series];
            Totals& totals = totals_[role.signal];
            if (!role.bad) ++totals.series;
            (role.bad ? totals.bad : totals.all) += value.value;
            if (settings_.signals[role.signal].kind == Signal::Kind::Quantile) totals.buckets[role.le] += value.value;
            totals.last = value.value;
        }
        const bool good = result.verdict == Verdict::Ok;
        if (good) ++read_;
        add("metrics " + settings_.metrics[target], good, good ? "read" : std::string(to_string(result.verdict)),
            std::string(result.reason));
        answered();
    }

    void add_signal(std::size_t index) {
        const Signal& signal = settings_.signals[index];
        const Totals& totals = totals_[index];
        LiveFinding finding{settings_.name,
                            "signal " + signal.name,
                            totals.series > 0,
                            value_of(signal, totals),
                            totals.series,
                            {},
                            {}};
        const bool counts = signal.kind != Signal::Kind::Gauge;
        if (read_ == 0) {
            finding.good = false;
            finding.words = "no target's metrics could be read";
        } else if (totals.series == 0) {
            finding.words = signal.well_known ? "no series of a well-known name" : "no series: " + signal.text;
            finding.good = may_be_missing(settings_, index);
        } else {
            finding.words =
                totals.found +
                (counts ? (totals.found.empty() ? "" : ", ") + std::string("since the counters began") : "");
        }
        if (signal.kind == Signal::Kind::Gauge && signal.aggregate == Signal::Aggregate::Single &&
            totals.series > settings_.metrics.size()) {
            finding.good = false;
            finding.words =
                "several series where one a target is expected; aggregate them: sum(), max(), min() or avg()";
        }
        findings_.push_back(std::move(finding));
    }

    void ask_versions(HttpClient& http, RunnerClient& runner, const RollbackSpec* rollback) {
        if (rollback != nullptr) {
            const auto entries = observe_of(*rollback, settings_.name);
            if (!entries) return add("observe", false, {}, entries.error().message);
            for (std::size_t i = 0; i < entries->size(); ++i)
                ask_version(http, runner, "observe " + std::to_string(i + 1), (*entries)[i].observe);
        }
        if (settings_.current) ask_version(http, runner, "current", probe_of(*settings_.current));
        for (const ResolverSettings& resolver : settings_.resolvers)
            ask_version(http, runner, "resolver " + resolver.name, probe_of(resolver.probe));
    }

    void ask_version(HttpClient& http, RunnerClient& runner, const std::string& what,
                     const std::optional<Probe>& probe) {
        if (!probe) return add(what, false, {}, "the recipe cannot say what runs: every action asks");
        askers_.push_back(std::make_unique<VersionAsker>(loop_, http, runner, *probe, what));
        ++pending_;
        order_.push_back(what);
        askers_.back()->ask(kLimit, [this, what](const Observation& seen) {
            using Kind = Observation::Kind;
            const bool good = seen.kind == Kind::Version || seen.kind == Kind::Nothing;
            add(what, good, seen.kind == Kind::Nothing ? "nothing runs" : seen.version,
                seen.words.empty() && !seen.settled ? "still settling" : seen.words);
            answered();
        });
    }

    const ServiceSettings& settings_;
    Loop& loop_;
    PromHub& hub_;
    std::vector<Totals> totals_;
    std::function<void()> finished_;
    Time asked_{};
    std::size_t pending_ = 0;
    std::vector<LiveFinding> findings_;
    std::vector<std::string> order_;  ///< of what was asked
    std::size_t read_ = 0;            ///< targets whose metrics were read
    FetchOptions options_;
    ScrapePool pool_;
    std::unique_ptr<SeriesSelector> selector_;
    std::vector<SeriesRole> roles_;
    std::vector<Question> questions_;
    std::vector<std::unique_ptr<VersionAsker>> askers_;
    std::vector<std::unique_ptr<PromQuery>> queries_;
    std::vector<std::uint32_t> queried_;  ///< the signal of each
    std::set<std::uint32_t> histories_;   ///< signals whose history was asked for and has not come
};

/// A folder that is gone at the end.
class Folder {
  public:
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "revertctl-XXXXXX").string();
        if (::mkdtemp(name.data()) != nullptr) path_ = name;
    }

    ~Folder() {
        std::error_code ignored;
        if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
    }

    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    [[nodiscard]] const std::string& path() const { return path_; }

  private:
    std::string path_;
};

/// Programs are asked by nothing else than what would ask them later; without any, nothing is started.
bool runs_programs(const Loaded& loaded) {
    const auto is_program = [](const ResolverSettings& resolver) { return !resolver.probe.argv.empty(); };
    for (const auto& [name, settings] : loaded.settings.services) {
        if (settings->current && !settings->current->argv.empty()) return true;
        if (std::any_of(settings->resolvers.begin(), settings->resolvers.end(), is_program)) return true;
    }
    for (const auto& [name, spec] : loaded.rollbacks) {
        const auto entries = observe_of(spec, name);
        for (const Entry& entry : entries ? *entries : std::vector<Entry>{})
            if (entry.observe && std::holds_alternative<ExecCall>(*entry.observe)) return true;
    }
    return false;
}

}  // namespace

Result<std::vector<LiveFinding>> check_live(const Loaded& loaded) {
    const Folder folder;
    if (folder.path().empty()) return Error(ErrorCode::Io, "no folder for temporary files");
    const auto place = find_runner("child", folder.path());
    if (!place) return place.error();
    if (runs_programs(loaded))
        if (auto launched = launch_runner(*place, runner_program()); !launched) return launched.error();
    const SystemClock clock;
    Loop loop(clock);
    HttpClient http(loop);
    PromHub hub(loop, http);
    RunnerClient runner(loop, {place->socket, {}});
    std::size_t pending = 0;
    std::vector<std::unique_ptr<ServiceCheck>> checks;
    for (const auto& [name, settings] : loaded.settings.services) {
        checks.push_back(std::make_unique<ServiceCheck>(*settings, loop, hub, [&] {
            if (--pending == 0) loop.stop();
        }));
        const auto rollback = loaded.rollbacks.find(name);
        pending += checks.back()->ask(http, runner, rollback == loaded.rollbacks.end() ? nullptr : &rollback->second);
    }
    if (pending > 0) loop.run();
    std::vector<LiveFinding> findings;
    for (const auto& check : checks)
        for (LiveFinding& finding : check->findings()) findings.push_back(std::move(finding));
    return findings;
}

}  // namespace revertd::ctl
