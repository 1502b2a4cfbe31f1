// SPDX-License-Identifier: Apache-2.0
#include "daemon/shell/service_watch.h"

#include <algorithm>

#include "config/promql_text.h"
#include "daemon/io/http_client.h"
#include "daemon/io/http_options.h"
#include "daemon/io/marked_sink.h"
#include "daemon/sources/prom_places.h"
#include "detectors/localise.h"

namespace revertd {

namespace {

constexpr int kSamplesPerSlot = 10;    // S24: a tenth of the interval
constexpr double kAskShare = 0.8;      // S15: what has not answered by then is late
constexpr Duration kHealthLimit = 3s;  // a health check that takes longer is down, however long the interval
constexpr const char* kQuarantined = "quarantined: it has crashed revertd";
constexpr Duration kTimerSlack = 20ms;  // two timer slots: a late answer must not meet the next slot

Duration ask_limit(Duration interval) {
    return Duration(static_cast<Duration::rep>(static_cast<double>(interval.count()) * kAskShare));
}

std::string version_of(const ServiceSettings& settings) {
    return "version of " + settings.name;
}

std::string host_of(std::string_view url) {
    constexpr std::string_view kTcp = "tcp://";
    const bool tcp = url.starts_with(kTcp);
    const auto parsed = parse_url(tcp ? "http://" + std::string(url.substr(kTcp.size())) : std::string(url));
    return parsed ? parsed->host : std::string{};
}

}  // namespace

struct ServiceWatch::HealthCheck {
    HealthCheck(TargetIndex index, const HealthTarget& target_, HealthListener& listener, InputMark& mark,
                const std::string& service)
        : target(target_),
          sink(index, target_, listener),
          marked(mark, "health of " + service + ", " + target_.url, sink) {}

    const HealthTarget& target;
    std::string host;
    HealthSink sink;
    MarkedSink marked;
    std::unique_ptr<Fetch> fetch;
    HealthFinding finding;
    Time at{};
    std::optional<Time> asked;

    /// Between two questions the last answer counts (`every`); a suspicion is asked about at once.
    [[nodiscard]] bool is_due(Time now, Duration interval, bool is_sample) const {
        return is_sample || !asked || !target.every || now - *asked + interval / 2 >= *target.every;
    }
};

struct ServiceWatch::Scrape {
    Scrape(TargetIndex index, const ScrapeContext& context, InputMark& mark, const std::string& input)
        : target(index, context), marked(mark, input, target) {}

    ScrapeTarget target;
    MarkedSink marked;
    std::unique_ptr<Fetch> fetch;
};

Result<std::unique_ptr<ServiceWatch>> ServiceWatch::make(std::shared_ptr<const ServiceSettings> settings, Parts parts) {
    const bool apart = settings->control_from.has_value();
    const auto of_group = [apart](bool control) {
        return [apart, control](const Signal& signal) { return !apart || signal.is_control == control; };
    };
    auto selector = SeriesSelector::make(settings->signals, of_group(false));
    if (!selector) return selector.wrap("service " + settings->name);
    auto control = SeriesSelector::make(apart ? settings->signals : std::vector<Signal>{}, of_group(true));
    if (!control) return control.wrap("service " + settings->name);
    std::unique_ptr<ServiceWatch> watch(
        new ServiceWatch(std::move(settings), {std::move(*selector), std::move(*control)}, std::move(parts)));
    if (auto made = watch->make_fetches(); !made) return made.error();
    return watch;
}

ServiceWatch::ServiceWatch(std::shared_ptr<const ServiceSettings> settings, Selectors selectors, Parts parts)
    : settings_(std::move(settings)),
      parts_(std::move(parts)),
      judge_(settings_, &parts_.pool.identities),
      selectors_(std::move(selectors)),
      judging_("judging of " + settings_->name) {}

ServiceWatch::~ServiceWatch() {
    parts_.loop.cancel(timer_);
    parts_.loop.cancel(sample_timer_);
}

Result<void> ServiceWatch::make_fetches() {
    TargetIndex index = 0;
    for (const HealthTarget& target : settings_->health) {
        auto check = std::make_unique<HealthCheck>(index++, target, static_cast<HealthListener&>(*this),
                                                   parts_.loop.mark(), settings_->name);
        check->host = host_of(target.url);
        checks_.push_back(std::move(check));
    }
    for (index = 0; index < settings_->metrics.size(); ++index) {
        const bool control = settings_->control_from && index >= *settings_->control_from;
        SeriesSelector& selector = control ? selectors_.control : selectors_.service;
        scrapes_.push_back(
            std::make_unique<Scrape>(index, ScrapeContext{parts_.pool, selector, *this, false}, parts_.loop.mark(),
                                     "metrics of " + settings_->name + ", " + settings_->metrics[index]));
    }
    // A secret that cannot be read yet is asked for in every slot; until then the targets say what they think of that.
    auto headers = headers_of(*settings_->http, parts_.http.secrets());
    if (auto connected = connect(headers ? std::move(*headers) : settings_->http->headers); !connected)
        return connected;
    for (std::uint32_t signal = 0; signal < settings_->signals.size(); ++signal) {
        const bool queried = settings_->signals[signal].source == Signal::Source::Prometheus;
        if (queried && settings_->prometheus) queries_.push_back(parts_.prom.add(*settings_, signal, *this));
    }
    return {};
}

Result<void> ServiceWatch::connect(std::vector<HttpHeader> headers) {
    FetchOptions options;
    options.headers = headers_ = std::move(headers);
    options.tls = tls_of(*settings_->http);
    options.proxy = settings_->http->proxy;
    for (std::size_t i = 0; i < checks_.size(); ++i) {
        auto fetch = parts_.http.make_fetch(settings_->health[i].url, options);
        if (!fetch) return fetch.wrap("health of " + settings_->name);
        checks_[i]->fetch = std::move(*fetch);
    }
    options.accept = kScrapeAccept;
    for (std::size_t i = 0; i < scrapes_.size(); ++i) {
        auto fetch = parts_.http.make_fetch(settings_->metrics[i], options);
        if (!fetch) return fetch.wrap("metrics of " + settings_->name);
        scrapes_[i]->fetch = std::move(*fetch);
    }
    return {};
}

/// Tokens and passwords are rotated under a running daemon. A file that cannot be read now changes nothing.
void ServiceWatch::renew_credentials() {
    const HttpSettings& http = *settings_->http;
    if (!http.password && !http.credentials) return;
    auto headers = headers_of(http, parts_.http.secrets());
    if (headers && *headers != headers_) static_cast<void>(connect(std::move(*headers)));
}

// -- slots

void ServiceWatch::start(Time first) {
    next_slot_ = slot_end(first);  // else a timer that fires a little late finds services that are due a little later
    for (const auto& query : queries_) query->ask_history(settings_->baseline, parts_.history_from);
    timer_ = parts_.loop.at(next_slot_, [this] { slot(); });
}

void ServiceWatch::slot() {
    const Time now = parts_.loop.now();
    const auto late = (now - next_slot_) / settings_->interval;
    next_slot_ +=
        settings_->interval * (late + 1);  // slots missed in a suspend stay missed: the Judge counts them blind
    timer_ = parts_.loop.at(next_slot_, [this] { slot(); });
    if (parts_.loop.mark().is_quarantined(judging_)) return;
    if (asking_) {  // a sample is still out; its end is bounded, and the slot begins then
        slot_waits_ = true;
        return;
    }
    renew_credentials();
    ask(now + ask_limit(settings_->interval), false);
    ask_version();
}

void ServiceWatch::sample() {
    if (asking_) return;
    ask(std::min(parts_.loop.now() + ask_limit(settings_->interval), next_slot_ - kTimerSlack), true);
}

void ServiceWatch::ask(Time deadline, bool is_sample) {
    parts_.loop.cancel(sample_timer_);
    is_sample_ = is_sample;
    asking_ = true;
    learn_labels();
    pending_ = checks_.size() + scrapes_.size() + (is_sample ? 0 : queries_.size()) +
               1;  // one for us, so that the last answer closes after all have begun
    const Time now = asked_ = parts_.loop.now();
    for (const auto& check : checks_) {
        if (!check->is_due(now, settings_->interval, is_sample)) {
            one_answered();
            continue;
        }
        check->asked = now;
        check->finding = {};
        const Time limit = std::min(deadline, now + check->target.timeout.value_or(kHealthLimit));
        if (check->marked.is_quarantined())
            pass_over(*check);
        else
            check->fetch->start(limit, check->marked);
    }
    for (std::size_t i = 0; i < scrapes_.size(); ++i) {
        if (scrapes_[i]->marked.is_quarantined())
            scrape(static_cast<TargetIndex>(i), {Verdict::Error, {}, kQuarantined}, now);
        else
            scrapes_[i]->fetch->start(deadline, scrapes_[i]->marked);
    }
    if (!is_sample)  // a server has nothing new after a tenth of the interval
        for (const auto& query : queries_) query->ask(deadline);
    one_answered();
}

/// S39: what has crashed the daemon is not asked any more: blind.
void ServiceWatch::pass_over(HealthCheck& check) {
    check.finding.health = Health::Blind;
    check.finding.reason = kQuarantined;
    check.at = parts_.loop.now();
    one_answered();
}

void ServiceWatch::ask_version() {
    if (!parts_.version || parts_.loop.mark().is_quarantined(version_of(*settings_))) return;
    const Duration limit = std::min<Duration>(ask_limit(settings_->interval), kHealthLimit);
    parts_.version->ask(limit,
                        [this](const Observation& seen) { parts_.listener.version_read(settings_->name, seen); });
}

void ServiceWatch::one_answered() {
    if (--pending_ == 0) close();
}

/// S16: a connect timeout is down if a target on another host answered in the same slot.
bool ServiceWatch::another_host_answered(std::size_t check) const {
    return std::any_of(checks_.begin(), checks_.end(), [&](const auto& other) {
        return other->finding.answered && other->host != checks_[check]->host;
    });
}

JudgeReport ServiceWatch::judge_now(Time now) {
    const InputMark::Busy busy(parts_.loop.mark(), judging_);
    return is_sample_ ? judge_.close_sample(now) : judge_.close_slot(now);
}

void ServiceWatch::close() {
    for (std::size_t i = 0; i < checks_.size(); ++i) {
        const HealthFinding& finding = checks_[i]->finding;
        judge_.health(static_cast<TargetIndex>(i), {finding.in_slot(another_host_answered(i)), finding.reason},
                      checks_[i]->at);
    }
    asking_ = false;
    const Time now = parts_.loop.now();
    JudgeReport report = judge_now(now);
    localise(report);
    if (report.suspicious) plan_sample(now);
    if (std::exchange(slot_waits_, false)) {
        ask(now + ask_limit(settings_->interval), false);
        ask_version();
    }
    const InputMark::Busy idle(parts_.loop.mark(), {});  // what follows from it is no input
    parts_.listener.judged(*this, report);
}

void ServiceWatch::plan_sample(Time at) {
    const Duration tenth = settings_->interval / kSamplesPerSlot;
    if (at + tenth + tenth / 2 >= next_slot_) return;  // the slot itself is the next sample
    sample_timer_ = parts_.loop.at(at + tenth, [this] { sample(); });
}

/// Labels cost memory, so they are read only while a deploy is watched: once, by reading the pages as if they were new.
void ServiceWatch::learn_labels() {
    const bool wanted = judge_.wants_labels();
    if (wanted && !labelled_)
        for (const auto& scrape : scrapes_) scrape->target.forget_page();
    // A watch that begins in the middle of a deploy knows from when on nothing is older than it.
    if (wanted && !labelled_) deploy_since_ = asked_once_ ? parts_.loop.now() : parts_.history_from, places_.clear();
    if (wanted != labelled_)
        for (const auto& query : queries_)
            query->watch(wanted ? std::optional(PromDeploy{deploy_since_, settings_->baseline}) : std::nullopt);
    labelled_ = wanted;
    asked_once_ = true;
}

void ServiceWatch::localise(JudgeReport& report) {
    last_health_ = report.health == Health::Unknown ? last_health_ : report.health;
    for (RuleChange& change : report.changes) {
        if (change.verdict != Verdict::Breach) {
            places_.erase(change.rule);
            continue;
        }
        const Rule& rule = settings_->rules[change.rule];
        const bool of_signal = is_of_signal(rule) && rule.signal < settings_->signals.size();
        if (of_signal && settings_->signals[rule.signal].source == Signal::Source::Prometheus) {
            ask_places(change.rule, change.holds);
            change.where = places_[change.rule].where, change.places = places_[change.rule].places;
            continue;
        }
        const PlaceTable table = judge_.places(change.rule);
        const auto found = detect::localise(table);
        change.where = detect::words(found, table);
        change.places = found.places();
    }
}

/// Of a rule over a Prometheus: as it is asked, under the name that was found.
const Signal& ServiceWatch::signal_of(std::uint32_t rule) const {
    const std::uint32_t index = settings_->rules[rule].signal;
    const auto query = std::ranges::find(queries_, index, &PromQuery::index);
    return query == queries_.end() ? settings_->signals[index] : (*query)->signal();
}

/// One query, for every series of the signal, and one when the rule holds: then there is more to see. A breach waits
/// for nothing.
void ServiceWatch::ask_places(std::uint32_t rule, bool holds) {
    constexpr Duration kNow = 5min, kLimit = 10s;
    if (!settings_->prometheus || std::exchange(holds ? places_[rule].asked_again : places_[rule].asked, true)) return;
    const Time now = parts_.loop.now();
    const Duration since = std::max<Duration>(now - std::max(deploy_since_, now - 24h), settings_->interval);
    // A deploy is noticed after three equal reads: what ran then already is not what was before.
    const Duration unnoticed = 4 * settings_->interval;
    const std::string text =
        config::promql::places_of(signal_of(rule), std::min(since, kNow), settings_->baseline, since + unnoticed);
    if (text.empty()) return;
    PromServer& server = parts_.prom.server(*settings_->prometheus);
    server.ask(text, settings_->interval, Time::min(), now + kLimit,
               [this, rule, alive = std::weak_ptr(alive_)](const std::shared_ptr<const PromRound>& round) {
                   if (!alive.expired() && round->answer.verdict == Verdict::Ok) located(rule, round->answer);
               });
}

/// Told as soon as it is known, if the rule is breached still.
void ServiceWatch::located(std::uint32_t rule, const PromAnswer& answer) {
    const PlaceTable table = places_of(signal_of(rule), answer);
    const auto found = detect::localise(table);
    const auto place = places_.find(rule);
    if (place == places_.end()) return;
    place->second.where = detect::words(found, table);
    place->second.places = found.places();
    if (place->second.where.empty()) return;
    JudgeReport report;
    report.health = last_health_;
    for (RuleChange& change : judge_.view().rules)
        if (change.rule == rule && change.verdict == Verdict::Breach) report.changes.push_back(std::move(change));
    if (report.changes.empty()) return;
    report.changes.front().where = place->second.where, report.changes.front().places = place->second.places;
    parts_.listener.judged(*this, report);
}

// -- answers

bool ServiceWatch::wants_labels() const {
    return judge_.wants_labels();
}

void ServiceWatch::describe(SeriesId series, const std::vector<std::pair<std::string_view, std::string_view>>& labels) {
    judge_.describe(series, labels);
}

void ServiceWatch::name_signal(std::uint32_t signal, const Selector& found) {
    judge_.name_signal(signal, found);
}

SeriesId ServiceWatch::add_series(TargetIndex target, std::uint64_t identity_hash, const SeriesRole& role) {
    return judge_.add_series(target, identity_hash, role);
}

void ServiceWatch::scrape(TargetIndex target, const ScrapeResult& result, Time at) {
    judge_.scrape(target, result, at);
    parts_.listener.scraped(at - asked_);
    one_answered();
}

void ServiceWatch::history(std::uint32_t signal, std::span<const HistoryRow> rows) {
    judge_.fill_baseline(signal, rows);
}

EndpointIndex ServiceWatch::name_endpoint(std::string_view name) {
    return judge_.name_endpoint(name);
}

void ServiceWatch::endpoints_before(std::uint32_t signal, std::span<const EndpointCell> cells) {
    judge_.endpoints_before(signal, cells);
}

void ServiceWatch::query(std::uint32_t signal, const QueryResult& result, Time at) {
    judge_.query(signal, result, at);
    one_answered();
}

void ServiceWatch::health(TargetIndex target, const HealthFinding& finding, Time at) {
    checks_[target]->finding = finding;
    checks_[target]->at = at;
    one_answered();
}

}  // namespace revertd
