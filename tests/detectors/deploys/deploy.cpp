// SPDX-License-Identifier: Apache-2.0
#include "tests/detectors/deploys/deploy.h"

#include <algorithm>
#include <numbers>
#include <numeric>
#include <utility>

namespace revertd::deploys {
namespace {

constexpr double kEpoch = 1700000000, kDay = 86400, kHalfHour = 1800, kMinutes = 240;
constexpr double kMostErrors = 0.97;

double below(double log_edge, double log_median, double sigma) {
    return 0.5 * std::erfc(-(log_edge - log_median) / sigma / std::numbers::sqrt2);
}

}  // namespace

Deploy::Deploy(Spec spec, Random& random) : spec_(std::move(spec)), random_(random) {
    double shares = 0, errors = 0;
    for (std::size_t p = 0; p < spec_.parts; ++p) {
        part_shares_.push_back(0.02 + random_.clump(0.5) / static_cast<double>(spec_.parts));
        part_errors_.push_back(std::exp(0.6 * random_.normal()));
        shares += part_shares_.back();
    }
    for (std::size_t p = 0; p < spec_.parts; ++p) errors += (part_shares_[p] /= shares) * part_errors_[p];
    for (double& part : part_errors_) part /= errors;
    for (double* state : {&burst_, &drift_errors_, &drift_latency_}) *state = random_.normal();
    double load = 0;
    for (int i = 0; i < 20; ++i)
        load += 1 + spec_.daily * std::sin(2 * std::numbers::pi * (spec_.phase - spec_.before * i / 20) / kDay);
    usual_load_ = load / 20;
}

/// An autoregressive course of order 1 with this standard deviation, in `seconds` of correlation.
double Deploy::wandering(double& state, double sd, double seconds) {
    const double keep = std::exp(-spec_.interval / seconds);
    state = keep * state + std::sqrt(1 - keep * keep) * random_.normal();
    return std::exp(sd * state - sd * sd / 2);
}

Deploy::Common Deploy::common(double middle) {
    Common now;
    now.load = (1 + spec_.daily * std::sin(2 * std::numbers::pi * (middle + spec_.phase) / kDay)) *
               wandering(burst_, spec_.burst, kMinutes);
    now.errors = wandering(drift_errors_, spec_.drift_errors, kHalfHour) * random_.clump(spec_.shared_errors);
    now.latency = wandering(drift_latency_, spec_.drift_latency, kHalfHour) *
                  std::exp(spec_.shared_latency * random_.normal()) *
                  (1 + spec_.load_latency * (now.load / usual_load_ - 1));
    return now;
}

/// The same group with new processes: counters begin at zero.
Deploy::Group Deploy::started(const Group& before) const {
    Group group(spec_);
    group.behaviour = before.behaviour;
    group.errors = before.errors;
    group.latency = before.latency;
    return group;
}

void Deploy::tick(Group& group, const Common& common, double share, double middle, bool fresh) {
    const auto& behaviour = *group.behaviour;
    double mean = spec_.requests * spec_.interval * common.load * share * behaviour.traffic(middle);
    for (const double restart : behaviour.restarts) {
        const double since = middle + spec_.interval / 2 - restart;
        if (since < 0 || since >= spec_.interval) continue;
        group = started(group);
        mean *= since / spec_.interval;
    }
    const double requests = random_.poisson(mean * random_.clump(0.01));
    const bool host = fresh || spec_.control;  // without a control group the host's factors come with the deploy
    const double rate = spec_.error_rate * (host ? group.errors : 1) * common.errors * random_.clump(spec_.own_errors) *
                        behaviour.errors(middle);
    const double failing = behaviour.failing(middle);
    group.requests += requests;
    count_errors(group, requests, rate, failing, middle, fresh);
    count_latency(group, requests,
                  (host ? group.latency : 1) * common.latency * std::exp(spec_.own_latency * random_.normal()) *
                      std::max(0.05, behaviour.latency(middle)),
                  behaviour.slow(middle));
}

void Deploy::count_errors(Group& group, double requests, double rate, double failing, double middle, bool fresh) {
    if (spec_.parts == 0) {
        group.failed += random_.binomial(requests, std::min(rate + failing, kMostErrors));
        return;
    }
    double left = requests, share_left = 1;
    for (std::size_t p = 0; p < spec_.parts; ++p) {
        const bool last = p + 1 == spec_.parts;
        const double of_part = last ? left : random_.binomial(left, std::min(1.0, part_shares_[p] / share_left));
        left -= of_part;
        share_left = std::max(share_left - part_shares_[p], 1e-9);
        const double more = fresh && p == group.behaviour->part ? group.behaviour->part_errors(middle) : 1;
        const double failed = random_.binomial(of_part, std::min(rate * part_errors_[p] * more + failing, kMostErrors));
        group.parts[p] += {of_part, failed};
        group.failed += failed;
    }
}

void Deploy::count_latency(Group& group, double requests, double factor, double slow) {
    const double median = std::log(spec_.median * factor), usual = std::log(spec_.median);
    const double body = 1 - spec_.slow_share - spec_.tail_share;
    double left = requests, before = 0;
    for (std::size_t b = 0; b < spec_.edges.size() && left > 0; ++b) {
        const double x = std::log(spec_.edges[b]);
        const double ordinary = body * below(x, median, spec_.sigma) +
                                spec_.slow_share * below(x, median + std::log(spec_.slow_factor), 0.8 * spec_.sigma) +
                                spec_.tail_share * below(x, median + std::log(6 * spec_.slow_factor), 1);
        const double cdf =
            slow > 0 ? (1 - slow) * ordinary + slow * below(x, usual + std::log(group.behaviour->slow_times), 0.25)
                     : ordinary;
        const double n = random_.binomial(left, std::clamp((cdf - before) / std::max(1 - before, 1e-12), 0.0, 1.0));
        group.buckets[b] += n;
        left -= n;
        before = cdf;
    }
    group.buckets.back() += left;
}

void Deploy::scrape(Group& group, double at, const char* target, bool fresh, const Line& line) {
    const bool blind = std::any_of(group.behaviour->blind.begin(), group.behaviour->blind.end(),
                                   [&](const auto& gap) { return at > gap.first && at <= gap.second; });
    if (blind || random_.chance(spec_.lost)) return;
    line_.kind = ctl::JudgeLine::Kind::Sample;
    line_.t = kEpoch + at + spec_.jitter * spec_.interval * random_.uniform(-1, 1);
    line_.target = target;
    line_.requests = group.requests;
    line_.errors = group.failed;
    line_.endpoints = group.parts;
    line_.has_endpoints = spec_.parts > 0;
    line_.buckets.resize(group.buckets.size());
    std::partial_sum(group.buckets.begin(), group.buckets.end(), line_.buckets.begin());
    line_.has_buckets = true;
    const double saw = std::fmod((at + 1e6) / 240, 1.0);
    line_.memory = std::clamp(
        spec_.memory + 0.05 * saw + 0.01 * random_.normal() + (fresh ? group.behaviour->memory(at) : 0), 0.01, 1.0);
    line(line_);
}

void Deploy::play(const std::string& id, const Line& line) {
    Group fresh(spec_), reference(spec_);
    for (auto* group : {&fresh, &reference}) {
        group->behaviour = group == &fresh ? &spec_.fresh : &spec_.reference;
        group->errors = std::exp(spec_.host_errors * random_.normal());
        group->latency = std::exp(spec_.host_latency * random_.normal());
    }
    line_.kind = ctl::JudgeLine::Kind::Case;
    line_.id = id;
    line_.version = 1;
    line_.start = kEpoch - spec_.before;
    line_.deploy = kEpoch;
    line_.bake = spec_.bake;
    line_.interval = spec_.interval;
    line_.control = spec_.control;
    line_.control_kind = spec_.control ? spec_.control_kind : "none";
    line_.endpoint_count = static_cast<double>(spec_.parts);
    line_.edges = spec_.edges;
    line(line_);
    Group& before = spec_.control ? reference : fresh;
    before.requests = 1e6;  // counters have a history
    before.buckets.front() = 1e6;
    for (double at = spec_.interval - spec_.before; at <= spec_.bake + 1e-6; at += spec_.interval) {
        const double middle = at - spec_.interval / 2;
        const bool after = at > 1e-6;
        const auto now = common(middle);
        const double share = spec_.control && after ? spec_.share(middle) : 0;
        if (spec_.control) {
            tick(reference, now, 1 - share, middle, false);
            scrape(reference, at, "baseline", false, line);
            if (!after) continue;
        }
        if (!spec_.control && after && at <= spec_.interval + 1e-6) fresh = started(fresh);
        tick(fresh, now, spec_.control ? share : 1, middle, after);
        scrape(fresh, at, spec_.control ? "canary" : "service", after, line);
    }
    line_.kind = ctl::JudgeLine::Kind::End;
    line_.t = kEpoch + spec_.bake;
    line(line_);
}

}  // namespace revertd::deploys
