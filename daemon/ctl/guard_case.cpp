// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/guard_case.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/policy.h"
#include "core/slot_grid.h"

namespace revertd::ctl {
namespace {

using Feed = GuardedService::Feed;

constexpr double kSameInstant = 1e-6;
constexpr double kOrigin = 1e9;    // seconds: no case begins that long before its deploy
constexpr double kJudgedAt = 0.4;  // of the interval: scrapes are off the grid by less
constexpr double kUnseen = std::numeric_limits<double>::quiet_NaN();
constexpr TargetIndex kFresh = 0, kControl = 1;

bool within(double x, double low, double high) {
    return x >= low && x <= high;
}

Duration duration_of(double seconds) {
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

Feed feed_of(const Signal& signal) {
    const std::string name = signal.name.substr(0, signal.name.find(' '));  // a twin's goes on behind it
    switch (signal.kind) {
        case Signal::Kind::Ratio:
            return {Feed::Kind::Counts, {}};
        case Signal::Kind::Quantile:
            return {Feed::Kind::Buckets, {}};
        case Signal::Kind::Rate:
            return {name == "requests" || name == "traffic" ? Feed::Kind::Requests : Feed::Kind::Nothing, {}};
        case Signal::Kind::Gauge:
            break;
    }
    return {Feed::Kind::Gauge, name == "memory" ? "mem" : name};
}

/// The signals as those of a direct scrape of one target, whatever they are to the daemon.
ServiceSettings of_stream(const ServiceSettings& settings) {
    ServiceSettings out = settings;
    out.health.assign(1, {});
    out.metrics = {"http://service/metrics"};
    out.control_from.reset();
    out.prometheus.reset();
    for (Signal& signal : out.signals) {
        signal.source = Signal::Source::Scrape;
        signal.promql.clear();
        signal.reach = {};
        signal.to_base = 1;
        // A query that nobody has said more of is one number: as a gauge of its name.
        signal.aggregate = Signal::Aggregate::Single;
    }
    return out;
}

ServiceSettings without_control(ServiceSettings out) {
    for (Signal& signal : out.signals) signal.control.reset();
    return out;
}

ServiceSettings with_control(ServiceSettings out) {
    out.metrics = {"http://canary/metrics", "http://baseline/metrics"};
    out.control_from = kControl;
    const std::size_t own = out.signals.size();
    for (std::size_t i = 0; i < own; ++i) {
        if (out.signals[i].is_control || out.signals[i].control) continue;
        Signal twin = out.signals[i];
        twin.is_control = true;
        twin.name += " (control group)";
        out.signals[i].control = static_cast<std::uint32_t>(out.signals.size());
        out.signals.push_back(std::move(twin));
    }
    return out;
}

std::string_view severity_word(Severity severity) {
    return severity == Severity::P0 ? "critical" : severity == Severity::P1 ? "major" : "minor";
}

}  // namespace

GuardedService::GuardedService(const ServiceSettings& settings) {
    ServiceSettings ours = of_stream(settings);
    for (Rule& rule : ours.rules) {
        if (!is_of_signal(rule)) continue;
        const Signal& signal = ours.signals[rule.signal];
        // Where a case has no such series, its rule is left out, as one of the default guard is (S26).
        rule.from_default_guard = true;
        if (feed_of(signal).kind != Feed::Kind::Nothing) continue;
        if (std::ranges::find(without_data_, signal.name) == without_data_.end()) without_data_.push_back(signal.name);
    }
    alone_ = without_control(ours);
    beside_ = with_control(std::move(ours));
}

std::shared_ptr<const ServiceSettings> GuardedService::settings(const JudgeLine& header,
                                                                std::vector<Feed>& feeds) const {
    auto out = std::make_shared<ServiceSettings>(header.control ? beside_ : alone_);
    out->interval = std::max(duration_of(header.interval), Duration(1));
    out->bake = duration_of(header.bake);
    if (within(header.deploy - header.start, 0, 1e8))
        out->baseline = std::min(out->baseline, duration_of(header.deploy - header.start));
    out->baseline = std::max(out->baseline, 2 * out->interval);
    feeds.clear();
    for (const Signal& signal : out->signals) feeds.push_back(feed_of(signal));
    return out;
}

Result<std::unique_ptr<StreamCase>> GuardCase::open(const JudgeLine& header, const GuardedService& service) {
    const auto form = check_header(header);
    if (!form) return form.error();
    std::vector<Feed> feeds;
    auto settings = service.settings(header, feeds);
    constexpr std::size_t kMostSlots = 200'000;
    if (slots_in(settings->baseline, settings->interval) > kMostSlots)
        return Error(ErrorCode::Invalid, "the time before the deploy has more than 200,000 intervals");
    return std::unique_ptr<StreamCase>(new GuardCase(header, *form, std::move(settings), std::move(feeds)));
}

GuardCase::GuardCase(const JudgeLine& header, const CaseForm& form, std::shared_ptr<const ServiceSettings> settings,
                     std::vector<Feed> feeds)
    : deploy_(header.deploy),
      bake_(header.bake),
      interval_(header.interval),
      form_(form),
      settings_(std::move(settings)),
      feeds_(std::move(feeds)),
      judge_(settings_),
      targets_(settings_->metrics.size()),
      closed_(std::numeric_limits<std::int64_t>::min()) {
    for (const double edge : header.edges) edges_.push_back(edge / 1000);
    edges_.push_back(std::numeric_limits<double>::infinity());
    for (Target& target : targets_) {
        target.last = -std::numeric_limits<double>::infinity();
        for (auto* ids : {&target.requests, &target.errors, &target.gauges}) ids->assign(feeds_.size(), kNoSeries);
        target.buckets.resize(feeds_.size());
        target.endpoints.resize(feeds_.size());
    }
    judge_.set_phase({JudgePhase::Kind::Good, {}, {}});
}

Time GuardCase::time_of(double at) const {
    return Time(duration_of(kOrigin + at));
}

void GuardCase::begin() {
    baking_ = true;
    const Time since = time_of(0);
    judge_.freeze_baseline(since);
    judge_.set_phase({JudgePhase::Kind::Baking, since, since + settings_->warmup});
}

void GuardCase::give(std::vector<SeriesId>& ids, TargetIndex target, std::uint32_t signal, bool bad, double value) {
    if (ids[signal] == kNoSeries) ids[signal] = judge_.add_series(target, 2 * signal + bad, {signal, bad, 0});
    values_.push_back({ids[signal], value});
}

void GuardCase::give_buckets(TargetIndex target, std::uint32_t signal, const JudgeLine& line) {
    auto& ids = targets_[target].buckets[signal];
    for (std::size_t i = 0; i < line.buckets.size(); ++i) {
        if (i == ids.size())
            ids.push_back(judge_.add_series(target, (signal + 1ULL) << 32 | i, {signal, false, edges_[i]}));
        values_.push_back({ids[i], line.buckets[i]});
    }
}

/// As a page has it: a counter a route, and none of the total. A line without them tells nothing.
void GuardCase::give_endpoints(TargetIndex target, std::uint32_t signal, const JudgeLine& line) {
    auto& ids = targets_[target].endpoints[signal];
    const bool told = line.has_endpoints && !std::isnan(line.requests) && !std::isnan(line.errors);
    for (std::size_t i = 0; i < form_.endpoints; ++i) {
        if (2 * i == ids.size()) {
            const std::string name = std::to_string(i);
            for (const bool bad : {false, true})
                ids.push_back(
                    judge_.add_series(target, (signal + 1ULL) << 48 | 2 * i | (bad ? 1U : 0U), {signal, bad, 0, name}));
        }
        const detect::Events now = told ? line.endpoints[i] : detect::Events{kUnseen, kUnseen};
        values_.push_back({ids[2 * i], now.requests});
        values_.push_back({ids[2 * i + 1], now.errors});
    }
}

void GuardCase::scrape(TargetIndex index, const JudgeLine& line, double at) {
    Target& target = targets_[index];
    if (line.t <= target.last) return;  // it was told already
    target.last = line.t;
    target.answered = true;
    newest_ = std::max(newest_, line.t);
    values_.clear();
    for (std::uint32_t signal = 0; signal < feeds_.size(); ++signal) {
        if (form_.control && settings_->signals[signal].is_control != (index == kControl)) continue;
        switch (feeds_[signal].kind) {
            case Feed::Kind::Counts:
                if (form_.endpoints > 0) {
                    give_endpoints(index, signal, line);
                    break;
                }
                give(target.requests, index, signal, false, line.requests);
                give(target.errors, index, signal, true, line.errors);
                break;
            case Feed::Kind::Buckets:
                give_buckets(index, signal, line);
                break;
            case Feed::Kind::Requests:
                give(target.requests, index, signal, false, line.requests);
                break;
            case Feed::Kind::Gauge:
                for (const auto& gauge : line.gauges)
                    if (gauge.name == feeds_[signal].gauge) give(target.gauges, index, signal, false, gauge.value);
                break;
            case Feed::Kind::Nothing:
                break;
        }
    }
    judge_.scrape(index, {Verdict::Ok, values_, {}}, time_of(at));
}

bool GuardCase::all_answered() const {
    if (!form_.control) return targets_[kFresh].answered;
    return targets_[kControl].answered && (targets_[kFresh].answered || !baking_);
}

Result<std::optional<CaseVerdict>> GuardCase::sample(const JudgeLine& line) {
    if (const auto checked = check_sample(line, form_); !checked) return checked.error();
    const double at = line.t - deploy_;
    if (!within(at, -1e8, bake_ + 1)) return std::optional<CaseVerdict>();
    const auto slot = static_cast<std::int64_t>(std::llround(at / interval_));
    const bool starts = !baking_ && at > kSameInstant;
    if (slot_ && (starts || slot > *slot_))
        if (auto decided = close()) return decided;
    if (starts) begin();
    if (slot <= closed_) return std::optional<CaseVerdict>();
    slot_ = slot;
    scrape(form_.control && line.target == "baseline" ? kControl : kFresh, line, at);
    if (all_answered()) return close();
    return std::optional<CaseVerdict>();
}

/// Judges the slot with what has come.
std::optional<CaseVerdict> GuardCase::close() {
    closed_ = *slot_;
    slot_.reset();
    const double at = (static_cast<double>(closed_) + kJudgedAt) * interval_;
    judge_.health(0, {Health::Up, {}}, time_of(at));
    const JudgeReport report = judge_.close_slot(time_of(at));
    for (Target& target : targets_) target.answered = false;
    if (!baking_) return std::nullopt;
    return decide(report);
}

/// The worst rule that holds, as its severity has it (S27, S44).
std::optional<CaseVerdict> GuardCase::decide(const JudgeReport& report) {
    const RuleChange* worst = nullptr;
    const auto severity_of = [&](const RuleChange& change) { return settings_->rules[change.rule].severity; };
    for (const RuleChange& change : report.changes) {
        if (!change.holds || change.verdict != Verdict::Breach || severity_of(change) > Severity::P2) continue;
        if (worst == nullptr || severity_of(change) < severity_of(*worst)) worst = &change;
    }
    if (worst != nullptr) {
        using Rollback = SeverityPolicy::Rollback;
        const Severity severity = severity_of(*worst);
        const Rollback rollback = settings_->policy(severity).rollback;
        CaseVerdict verdict{newest_, rollback == Rollback::Now && !worst->control_blind ? "rollback" : "ask",
                            std::string(severity_word(severity)), settings_->rules[worst->rule].text, worst->words};
        if (rollback != Rollback::Never) return verdict;
        verdict.verdict = "inconclusive";
        if (!held_) held_ = std::move(verdict);
    }
    return ends_early(report.excluded) ? std::optional(passed(newest_)) : std::nullopt;
}

/// S11, as far as it is about data.
bool GuardCase::ends_early(double excluded) const {
    const double baked = newest_ - deploy_;
    return settings_->until_excluded > 0 && excluded <= settings_->until_excluded && !held_ &&
           baked >= seconds(std::max(settings_->bake_at_least, settings_->warmup));
}

/// S26.
CaseVerdict GuardCase::passed(double t) const {
    if (held_) return {t, held_->verdict, held_->severity, held_->detector, held_->evidence};
    const PassVerdict pass = judge_summary(*settings_, judge_.summarise());
    if (!pass.passed) return {t, "inconclusive", "none", pass.rule.empty() ? "no-pass" : pass.rule, pass.words};
    std::string words;
    for (const auto* list : {&pass.excluded, &pass.left_out})
        for (const std::string& word : *list)
            words += (words.empty() ? "" : "; ") + (list == &pass.left_out ? "not judged: " + word : word);
    return {t, "pass", "none", "end-of-bake", words};
}

CaseVerdict GuardCase::end(double t) {
    if (slot_)
        if (auto decided = close()) return *decided;
    const double at = std::isfinite(t) ? t : deploy_ + bake_;
    if (!baking_) return {at, "inconclusive", "none", "too-little-data", "nothing was seen after the deploy"};
    return passed(at);
}

}  // namespace revertd::ctl
