// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/judge_case.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "detectors/evidence_words.h"
#include "detectors/localise.h"
#include "detectors/tuning.h"

namespace revertd::ctl {
namespace {

constexpr double kSameInstant = 1e-6;
constexpr std::size_t kMoves = 3;  // of an instance within a bake
constexpr double kTogether = 0.6;  // of the interval: scrapes of both groups this near are one tick

bool within(double x, double low, double high) {
    return x >= low && x <= high;
}

}  // namespace

Result<std::unique_ptr<StreamCase>> JudgeCase::open(const JudgeLine& header, double alpha, bool announce) {
    const auto form = check_header(header);
    if (!form) return form.error();
    detect::DeployShape shape;
    shape.bake = header.bake;
    shape.interval = header.interval;
    shape.control = header.control;
    if (header.control_kind == "stable") shape.control_kind = detect::ControlKind::Stable;
    if (header.control_kind == "fresh") shape.control_kind = detect::ControlKind::Fresh;
    shape.alpha = alpha;
    shape.parts = form->endpoints;
    shape.edges = header.edges;
    shape.unit = " ms";
    return std::unique_ptr<StreamCase>(new JudgeCase(header, *form, shape, announce));
}

JudgeCase::JudgeCase(const JudgeLine& header, const CaseForm& form, const detect::DeployShape& shape, bool announce)
    : deploy_(header.deploy),
      bake_(header.bake),
      interval_(header.interval),
      form_(form),
      test_(shape),
      parts_before_(form_.endpoints),
      parts_now_(form_.endpoints) {
    for (auto* counters : {&now_, &zero_, &fresh_.last, &reference_.last}) {
        counters->buckets.assign(form_.buckets, 0.0);
        counters->endpoints.assign(form_.endpoints, {});
    }
    // Beside a control group only if it is known how large the new one will be.
    const bool sized = header.weight > 0 && header.weight < 1;
    if (announce && (!form_.control || sized)) before_.emplace().shape = shape;
    if (before_ && form_.control) before_->fresh_share = header.weight, before_->control_share = 1 - header.weight;
    for (auto* group : {&fresh_, &reference_}) {
        group->buckets.assign(form_.buckets, 0.0);
        group->endpoints.assign(form_.endpoints, {});
    }
}

/// Takes one scrape; true when it gave a difference.
bool JudgeCase::differ(Group& group, bool fresh, const JudgeLine& line) {
    const bool has_value =
        !std::isnan(line.requests) && !std::isnan(line.errors) && (form_.buckets == 0 || line.has_buckets) &&
        std::none_of(line.buckets.begin(), line.buckets.end(), [](double x) { return std::isnan(x); });
    if (!has_value || (group.last.known && line.t <= group.last.t)) return false;
    now_.known = true;
    now_.t = line.t;
    now_.all = {line.requests, line.errors};
    for (std::size_t b = 0; b < form_.buckets; ++b)
        now_.buckets[b] = line.buckets[b] - (b == 0 ? 0 : line.buckets[b - 1]);
    for (std::size_t p = 0; p < form_.endpoints; ++p)
        now_.endpoints[p] = p < line.endpoints.size() ? line.endpoints[p] : group.last.endpoints[p];
    bool gave = true;
    if (!group.last.known) {
        // History unknown: the first scrape is a reference, but a new group began with the deploy.
        gave = fresh && form_.control;
        if (gave) add(group, zero_, line.t - std::min(deploy_, line.t - 1e-3), line.t);
    } else {
        const auto& last = group.last;
        bool reset = now_.all.requests < last.all.requests || now_.all.errors < last.all.errors;
        for (std::size_t b = 0; b < form_.buckets; ++b) reset = reset || now_.buckets[b] < last.buckets[b];
        add(group, reset ? zero_ : last, line.t - last.t, line.t);
        // That of the deploy itself is none; and more than a few are no moves to other hosts.
        if (reset && last.t - deploy_ > kSameInstant && ++group.restarts <= kMoves) group.tick.restarted = 1;
    }
    std::swap(group.last, now_);
    return gave;
}

void JudgeCase::add(Group& group, const Counters& from, double dt, double at) {
    auto difference = now_.all - from.all;
    difference.errors = std::min(difference.errors, difference.requests);
    group.tick.all += difference;
    for (std::size_t b = 0; b < form_.buckets; ++b) group.buckets[b] += now_.buckets[b] - from.buckets[b];
    for (std::size_t p = 0; p < form_.endpoints; ++p) {
        auto part = now_.endpoints[p] - from.endpoints[p];
        if (part.requests < 0 || part.errors < 0) part = now_.endpoints[p];
        part.errors = std::min(part.errors, part.requests);
        group.endpoints[p] += part;
    }
    group.tick.dt += dt;
    group.tick.at = at - deploy_;
    ++group.scrapes;
}

void JudgeCase::clear(Group& group) {
    group.tick = {};
    std::fill(group.buckets.begin(), group.buckets.end(), 0.0);
    std::fill(group.endpoints.begin(), group.endpoints.end(), detect::Events{});
    group.scrapes = 0;
}

Result<std::optional<CaseVerdict>> JudgeCase::sample(const JudgeLine& line) {
    if (const auto checked = check_sample(line, form_); !checked) return checked.error();
    const double at = line.t - deploy_;
    if (!within(at, -1e8, bake_ + 1)) return std::optional<CaseVerdict>();
    const bool after = at > kSameInstant;
    const bool fresh = line.target == "canary" || (line.target == "service" && after);
    auto& group = form_.control && !fresh ? reference_ : fresh_;
    if (!differ(group, fresh, line)) return std::optional<CaseVerdict>();
    group.tick.buckets = group.buckets;
    group.tick.parts = group.endpoints;
    if (!after) {
        if (!fresh) test_.before(group.tick);
        if (before_) remember(group.tick);
        divide(group, parts_before_);
        clear(group);
        return std::optional<CaseVerdict>();
    }
    test_.begin();
    if (!std::isnan(line.memory)) test_.memory(fresh, at, line.memory);
    return judge();
}

std::optional<CaseVerdict> JudgeCase::judge() {
    if (form_.control && (fresh_.scrapes == 0 || reference_.scrapes == 0)) return std::nullopt;
    if (form_.control && std::abs(fresh_.tick.at - reference_.tick.at) >= kTogether * interval_) return std::nullopt;
    const double at = fresh_.tick.at;
    const auto found = test_.tick(fresh_.tick, form_.control ? &reference_.tick : nullptr);
    if (form_.control) divide(reference_, parts_before_);
    // Errors of starting up are everywhere.
    if (at - fresh_.tick.dt >= detect::tuning().grace - 0.5 * interval_) divide(fresh_, parts_now_);
    clear(fresh_);
    clear(reference_);
    if (found) return with_power(words(*found));
    // What is long past says nothing of where it is now.
    constexpr double kMemories = 5;
    if (form_.endpoints > 0 && at - halved_ > bake_ / kMemories) {
        halved_ = at;
        for (auto& part : parts_now_) part = {part.requests / 2, part.errors / 2};
    }
    return std::nullopt;
}

void JudgeCase::remember(const detect::GroupTick& tick) {
    before_->at.push_back(tick.at);
    before_->all.push_back(tick.all);
    before_->buckets.emplace_back(tick.buckets.begin(), tick.buckets.end());
}

CaseVerdict JudgeCase::with_power(CaseVerdict verdict) const {
    if (!before_) return verdict;
    constexpr std::uint64_t kSeed = 20'260'101;  // any: the same deploy is told the same
    detect::PowerTicks ticks = *before_;
    for (const bool latency : {false, true}) {
        if (latency && form_.buckets == 0) continue;
        ticks.latency = latency;
        if (const auto power = detect::power_of(ticks, kSeed))
            verdict.announced.push_back({latency ? "latency" : "errors", power->effect, power->within,
                                         power->from_start, power->later, power->share});
    }
    return verdict;
}

void JudgeCase::divide(const Group& group, std::vector<detect::Events>& parts) const {
    for (std::size_t p = 0; p < form_.endpoints; ++p) parts[p] += group.endpoints[p];
}

std::string JudgeCase::where() const {
    PlaceTable table;
    PlaceLabel label{"endpoint", false, {}};
    for (std::size_t p = 0; p < form_.endpoints; ++p) {
        const auto &before = parts_before_[p], &now = parts_now_[p];
        label.places.push_back({std::to_string(p), {before.requests, before.errors}, {now.requests, now.errors}});
        table.before += label.places.back().before;
        table.now += label.places.back().now;
    }
    if (form_.endpoints > 1) table.labels.push_back(std::move(label));
    return detect::words(detect::localise(table), table);
}

CaseVerdict JudgeCase::words(const detect::Finding& finding) const {
    using Kind = detect::Finding::Kind;
    const bool critical =
        finding.kind == Kind::HardFailure || finding.kind == Kind::TrafficLost || finding.kind == Kind::Errors;
    return {deploy_ + finding.at,
            "rollback",
            critical                       ? "critical"
            : finding.kind == Kind::Memory ? "minor"
                                           : "major",
            std::string(detect::to_string(finding.kind)),
            detect::words(finding, form_.control),
            where()};
}

CaseVerdict JudgeCase::end(double t) {
    const double at = std::isfinite(t) ? t : deploy_ + bake_;
    if (!test_.saw_enough()) return with_power({at, "inconclusive", "none", "too-little-data", ""});
    return with_power({at, "pass", "none", "end-of-bake", ""});
}

}  // namespace revertd::ctl
