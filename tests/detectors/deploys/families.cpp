// SPDX-License-Identifier: Apache-2.0
// What healthy deploys go through, and what bad ones do. A family draws its numbers from ranges: no deploy is tuned
// for.
#include <array>

#include "tests/detectors/deploys/spec.h"
#include "tests/detectors/deploys/special.h"

namespace revertd::deploys {
namespace {

// ---- healthy ----

void steady(Spec&, Random&) {}

void busy(Spec& spec, Random& random) {
    spec.requests = random.log_uniform(1000, 8000);
    spec.own_errors = random.uniform(0.08, 0.35);
    spec.shared_errors = random.uniform(0.1, 0.5);
    spec.own_latency = random.uniform(0.02, 0.05);
    spec.burst = random.uniform(0.15, 0.4);
}

void low_traffic(Spec& spec, Random& random) {
    spec.requests = random.log_uniform(0.2, 5);
    spec.error_rate = random.log_uniform(3e-4, 1e-2);
}

void hardly_any_errors(Spec& spec, Random& random) {
    spec.error_rate = random.log_uniform(1e-7, 5e-5);
}

void clumped_errors(Spec& spec, Random& random) {
    spec.own_errors = random.uniform(0.3, 0.8);
    spec.shared_errors = random.uniform(0.2, 0.8);
}

void heavy_tail(Spec& spec, Random& random) {
    spec.sigma = random.uniform(0.8, 1.3);
    spec.slow_share = random.uniform(0.05, 0.25);
    spec.slow_factor = random.uniform(4, 12);
    spec.tail_share = random.uniform(0.01, 0.04);
    spec.own_latency = random.uniform(0.03, 0.08);
}

void warm_up(Spec& spec, Random& random) {
    slower(spec.fresh, decay(0, random.uniform(0.2, 3.5), random.log_uniform(15, 300)));
    starting(spec.fresh, 0, random);
}

/// The control group was started anew at the deploy as well, and is cold in its own way.
void cold_control(Spec& spec, Random& random) {
    always_control(spec, random);
    spec.control_kind = random.chance(0.5) ? "fresh" : "unknown";
    slower(spec.fresh, decay(0, random.uniform(0.2, 2), random.log_uniform(15, 150)));
    slower(spec.reference, decay(0, random.uniform(0.2, 2), random.log_uniform(15, 150)));
}

/// After each step the new instances are cold; those that were there are warm.
void canary_steps(Spec& spec, Random& random) {
    always_control(spec, random);
    const double first = random.of({0.02, 0.05, 0.1}), second = random.of({0.2, 0.25, 0.33}),
                 third = random.of({0.5, 0.75});
    const double a = spec.bake * random.uniform(0.15, 0.4), b = spec.bake * random.uniform(0.45, 0.75);
    spec.share = [=](double t) { return t < a ? first : t < b ? second : third; };
    const double amplitude = random.uniform(0.2, 2.5), tau = random.log_uniform(15, 180);
    for (const double at : {0.0, a, b}) {
        const double cold = at == 0 ? 1 : at == a ? 1 - first / second : 1 - second / third;
        slower(spec.fresh, decay(at, amplitude * cold, tau));
        if (random.chance(0.4)) starting(spec.fresh, at, random);
    }
}

/// The share of the new version grows all the time, with new instances every minute.
void gradual_rollout(Spec& spec, Random& random) {
    always_control(spec, random);
    const double last = random.uniform(0.3, 0.9), amplitude = random.uniform(0.1, 0.6), tau = random.uniform(15, 60);
    const double bake = spec.bake;
    spec.share = [=](double t) { return 0.02 + (last - 0.02) * std::floor(std::clamp(t / bake, 0.0, 1.0) * 15) / 15; };
    for (int i = 0; i < 15; ++i) slower(spec.fresh, decay(i * bake / 15, amplitude / (i + 1), tau));
}

/// More instances in the middle of the bake: of the new group, or of the old one.
void instances_added(Spec& spec, Random& random) {
    always_control(spec, random);
    const double at = spec.bake * random.uniform(0.1, 0.8), share = random.of({0.1, 0.2, 0.3});
    const bool fresh = random.chance(0.6);
    const double later = fresh ? std::min(0.9, share * random.uniform(1.5, 3)) : share * random.uniform(0.3, 0.7);
    spec.share = step(at, later, share);
    slower(fresh ? spec.fresh : spec.reference, decay(at, random.uniform(0.1, 1.2), random.log_uniform(15, 90)));
}

/// Without a control group nobody sees new instances come; they are few beside the warm ones.
void instances_added_alone(Spec& spec, Random& random) {
    never_control(spec, random);
    for (const double at : {random.uniform(0.1, 0.45), random.uniform(0.5, 0.9)})
        slower(spec.fresh, decay(at * spec.bake, random.uniform(0.05, 0.3), random.uniform(10, 30)));
}

/// An instance of the new group is moved to another host, and another one later: counters begin anew, it is cold for a
/// while. More often than that would be a defect.
void restarts(Spec& spec, Random& random) {
    for (int i = 0; i < 2; ++i) {
        const double at = spec.bake * random.uniform(0.05, 0.9);
        spec.fresh.restarts.push_back(at);
        slower(spec.fresh, decay(at, random.uniform(0.05, 0.3), random.uniform(10, 30)));
        if (random.chance(0.5)) starting(spec.fresh, at, random);
    }
}

void counter_resets(Spec& spec, Random& random) {
    for (int i = 0; i < 4; ++i) {
        spec.fresh.restarts.push_back(spec.bake * random.uniform(0, 1));
        spec.reference.restarts.push_back(spec.bake * random.uniform(-0.5, 1));
    }
}

void lossy_scrapes(Spec& spec, Random& random) {
    spec.lost = random.uniform(0.05, 0.4);
    spec.jitter = random.uniform(0, 0.3);
}

void blind_minutes(Spec& spec, Random& random) {
    for (auto* group : {&spec.fresh, &spec.reference}) {
        const double at = spec.bake * random.uniform(0, 0.8);
        group->blind.emplace_back(at, at + random.uniform(30, 240));
    }
}

/// Load, and latency with it, go up through the morning.
void daily_load(Spec& spec, Random& random) {
    spec.daily = random.uniform(0.5, 0.85);
    spec.load_latency = random.uniform(0.1, 0.4);
    spec.phase = random.uniform(-10800, 10800);
    if (random.chance(0.7)) never_control(spec, random);
}

/// Latency and errors go up and down within an hour or two, deploy or not.
void hourly_drift(Spec& spec, Random& random, bool alone) {
    if (alone)
        never_control(spec, random);
    else
        always_control(spec, random);
    const double period = random.uniform(2700, 7200), phase = random.uniform(0, 2 * std::numbers::pi);
    const double amplitude = random.uniform(0.03, 0.12), errors = random.uniform(0.05, 0.2);
    for (auto* group : {&spec.fresh, &spec.reference}) {
        slower(*group, wave(amplitude, period, phase));
        group->errors = wave(errors, period, phase);
    }
}

void hourly_drift_alone(Spec& spec, Random& random) {
    hourly_drift(spec, random, true);
}

void hourly_drift_beside(Spec& spec, Random& random) {
    hourly_drift(spec, random, false);
}

void two_blips(Spec& spec, Random& random) {
    for (const double at : {random.uniform(0.05, 0.45), random.uniform(0.5, 0.95)}) {
        const double seconds = random.uniform(5, 20);
        spec.fresh.errors = times(spec.fresh.errors, window(at * spec.bake, seconds, random.uniform(4, 20)));
        if (random.chance(0.5))
            slower(spec.fresh, window(at * spec.bake, std::min(seconds, 12.0), random.uniform(1.1, 2)));
    }
}

void noisy_neighbour(Spec& spec, Random& random) {
    for (int i = 0; i < 2; ++i)
        slower(spec.fresh,
               window(spec.bake * random.uniform(0, 0.9), random.uniform(20, 120), random.uniform(1.02, 1.08)));
}

/// A job runs every few minutes and slows some requests of all groups down.
void batch_jobs(Spec& spec, Random& random) {
    always_control(spec, random);
    const double period = random.uniform(120, 600), duty = random.uniform(0.05, 0.3), more = random.uniform(0.01, 0.1);
    for (auto* group : {&spec.fresh, &spec.reference}) {
        group->slow_times = 8;
        group->slow = [=](double t) { return std::fmod(t + 1e5, period) < duty * period ? more : 0.0; };
    }
}

void shared_incident(Spec& spec, Random& random) {
    always_control(spec, random);
    const double at = spec.bake * random.uniform(0, 0.8), seconds = random.uniform(40, 400);
    const double errors = random.log_uniform(3, 80), latency = random.uniform(1, 3);
    for (auto* group : {&spec.fresh, &spec.reference}) {
        group->errors = window(at, seconds, errors);
        slower(*group, window(at, seconds, latency));
    }
}

/// A shared cache is emptied: both groups are slow for a while, not quite equally.
void cache_flush(Spec& spec, Random& random) {
    always_control(spec, random);
    const double at = spec.bake * random.uniform(0.05, 0.8), amplitude = random.uniform(0.3, 2),
                 tau = random.uniform(30, 300);
    for (auto* group : {&spec.fresh, &spec.reference})
        slower(*group, decay(at, amplitude * std::exp(0.05 * random.normal()), tau));
}

void traffic_jump(Spec& spec, Random& random) {
    const double at = spec.bake * random.uniform(0.05, 0.9), factor = random.of({0.02, 0.2, 0.5, 2, 4});
    spec.fresh.traffic = spec.reference.traffic = step(at, factor);
    if (factor > 1) {
        if (!spec.control) return;
        slower(spec.fresh, step(at, random.uniform(1, 1.5)));
        spec.reference.latency = spec.fresh.latency;
    }
}

void traffic_lost_for_all(Spec& spec, Random& random) {
    const double at = spec.bake * random.uniform(0.05, 0.8);
    spec.fresh.traffic = spec.reference.traffic = window(at, random.uniform(60, 900), random.of({0, 0.01, 0.05}));
}

void improvement(Spec& spec, Random& random) {
    spec.fresh.errors = step(0, random.uniform(0.2, 0.9));
    slower(spec.fresh, step(0, random.uniform(0.5, 0.95)));
}

void long_bake(Spec& spec, Random& random) {
    spec.bake = 7200;
    spec.interval = random.of({5, 10});
}

// ---- bad ----

double onset(Spec& spec, Random& random) {
    return spec.onset = spec.bake * random.uniform(0, 0.4);
}

template <int percent>
void more_errors(Spec& spec, Random& random) {
    spec.fresh.errors = step(onset(spec, random), percent / 100.0);
}

void many_fail(Spec& spec, Random& random) {
    spec.requests = random.log_uniform(1, 2000);
    failing(spec.fresh, step(onset(spec, random), random.uniform(0.1, 0.6), 0));
}

void some_fail_low_traffic(Spec& spec, Random& random) {
    low_traffic(spec, random);
    spec.requests = random.log_uniform(0.5, 5);
    failing(spec.fresh, step(onset(spec, random), random.uniform(0.05, 0.4), 0));
}

template <int percent>
void slower_by(Spec& spec, Random& random) {
    slower(spec.fresh, step(onset(spec, random), percent / 100.0));
}

void tail_only(Spec& spec, Random& random) {
    spec.fresh.slow_times = random.uniform(8, 30);
    spec.fresh.slow = step(onset(spec, random), random.uniform(0.01, 0.04), 0);
}

void errors_ramp(Spec& spec, Random& random) {
    spec.onset = spec.bake * random.uniform(0, 0.2);
    spec.fresh.errors = ramp(spec.onset, 0.8 * spec.bake, random.uniform(3, 10));
}

void leak(Spec& spec, Random& random) {
    spec.onset = spec.bake * random.uniform(0, 0.2);
    slower(spec.fresh, ramp(spec.onset, 0.8 * spec.bake, random.uniform(1.8, 3)));
    spec.fresh.memory = ramp(0, spec.bake, random.uniform(0.3, 0.5), 0);
}

void memory_only(Spec& spec, Random& random) {
    spec.memory = random.uniform(0.35, 0.5);
    spec.fresh.memory = ramp(0, spec.bake, random.uniform(0.25, 0.5), 0);
}

void one_of_ten(Spec& spec, Random& random) {
    spec.parts = 10;
    spec.fresh.part = static_cast<std::size_t>(random.of({0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
    spec.fresh.part_errors = step(onset(spec, random), random.log_uniform(8, 100));
}

void flapping(Spec& spec, Random& random) {
    spec.fresh.errors =
        flap(onset(spec, random), random.uniform(60, 180), random.uniform(0.15, 0.35), random.uniform(8, 30));
}

void silent(Spec& spec, Random& random) {
    always_control(spec, random);
    spec.fresh.traffic = step(spec.onset = spec.bake * random.uniform(0.1, 0.5), 0);
}

/// A warm-up that never ends where it should.
void slow_under_warm_up(Spec& spec, Random& random) {
    slower(spec.fresh, decay(0, random.uniform(0.5, 2), random.uniform(20, 90)));
    slower(spec.fresh, step(0, 1.5));
}

/// Only the second canary step brings the load that breaks it.
void errors_after_a_step(Spec& spec, Random& random) {
    always_control(spec, random);
    spec.onset = spec.bake * random.uniform(0.25, 0.5);
    spec.share = step(spec.onset, 0.3, 0.05);
    spec.fresh.errors = step(spec.onset, random.uniform(3, 8));
}

void slower_after_a_step(Spec& spec, Random& random) {
    always_control(spec, random);
    spec.onset = spec.bake * random.uniform(0.25, 0.5);
    spec.share = step(spec.onset, 0.3, 0.05);
    slower(spec.fresh, step(spec.onset, random.uniform(1.4, 2)));
}

constexpr std::array kFamilies = {
    Family{"steady", false, steady},
    Family{"busy", false, busy},
    Family{"low traffic", false, low_traffic},
    Family{"hardly any errors", false, hardly_any_errors},
    Family{"clumped errors", false, clumped_errors},
    Family{"heavy tail", false, heavy_tail},
    Family{"warm-up", false, warm_up},
    Family{"cold control group", false, cold_control},
    Family{"canary steps", false, canary_steps},
    Family{"gradual rollout", false, gradual_rollout},
    Family{"instances added", false, instances_added},
    Family{"instances added, alone", false, instances_added_alone},
    Family{"restarts", false, restarts},
    Family{"counter resets", false, counter_resets},
    Family{"lossy scrapes", false, lossy_scrapes},
    Family{"blind minutes", false, blind_minutes},
    Family{"daily load", false, daily_load},
    Family{"hourly drift, alone", false, hourly_drift_alone},
    Family{"hourly drift, control", false, hourly_drift_beside},
    Family{"two blips", false, two_blips},
    Family{"noisy neighbour", false, noisy_neighbour},
    Family{"batch jobs", false, batch_jobs},
    Family{"shared incident", false, shared_incident},
    Family{"cache flush", false, cache_flush},
    Family{"traffic jump", false, traffic_jump},
    Family{"traffic lost for all", false, traffic_lost_for_all},
    Family{"improvement", false, improvement},
    Family{"long bake", false, long_bake},
    Family{"errors 1.2x", true, more_errors<120>, 0.0075},
    Family{"errors 1.5x", true, more_errors<150>, 0.16},
    Family{"errors 2x", true, more_errors<200>, 0.53},
    Family{"errors 5x", true, more_errors<500>, 0.89},
    Family{"many fail", true, many_fail, 1},
    Family{"low traffic, some fail", true, some_fail_low_traffic, 0.94},
    Family{"errors ramp", true, errors_ramp, 0.89},
    Family{"one of ten endpoints", true, one_of_ten, 0.8},
    Family{"flapping", true, flapping, 0.87},
    Family{"errors after a step", true, errors_after_a_step, 0.93},
    Family{"latency 1.2x", true, slower_by<120>, 0.92},
    Family{"latency 1.5x", true, slower_by<150>, 0.99},
    Family{"latency 2x", true, slower_by<200>, 1},
    Family{"latency after a step", true, slower_after_a_step, 0.98},
    Family{"slow under warm-up", true, slow_under_warm_up, 0.97},
    Family{"tail only", true, tail_only, 0.9},
    Family{"leak", true, leak, 1},
    Family{"memory only", true, memory_only, 0.91},
    Family{"silent", true, silent, 1},
};

const std::vector<double> kFine = {5, 10, 25, 50, 75, 100, 150, 250, 350, 500, 750, 1000, 2500, 5000, 10000};
const std::vector<double> kClient = {5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000};  // of client libraries

}  // namespace

std::span<const Family> families() {
    static const std::vector<Family> all = [] {
        std::vector<Family> list(kFamilies.begin(), kFamilies.end());
        for (const auto more : {families_of_production(), families_of_surroundings()})
            list.insert(list.end(), more.begin(), more.end());
        return list;
    }();
    return all;
}

Spec draw(const Family& family, Random& random) {
    Spec spec;
    spec.control = random.chance(0.65);
    if (random.chance(0.3)) spec.control_kind = "unknown";
    spec.interval = random.of({5, 10, 10, 15});
    spec.bake = random.of({600, 900, 1200, 1800});
    spec.before = spec.control ? random.of({600, 1200, 1800}) : random.of({3600, 5400});
    const double share = random.of({0.05, 0.1, 0.2, 0.5});
    spec.share = [share](double) { return share; };
    spec.requests = random.log_uniform(20, 2000);
    spec.error_rate = random.log_uniform(2e-4, 8e-3);
    spec.median = random.log_uniform(12, 250);
    spec.sigma = random.uniform(0.3, 0.8);
    spec.slow_share = random.uniform(0.01, 0.15);
    spec.slow_factor = random.uniform(2, 6);
    spec.tail_share = random.uniform(0.001, 0.01);
    spec.edges = random.chance(0.6) ? kFine : kClient;
    spec.parts = random.chance(0.3) ? 10 : 0;
    spec.own_errors = random.log_uniform(0.015, 0.2);
    spec.shared_errors = random.log_uniform(0.02, 0.25);
    spec.own_latency = random.uniform(0.005, 0.035);
    spec.shared_latency = random.uniform(0.01, 0.06);
    spec.drift_errors = random.uniform(0.02, 0.1);
    spec.drift_latency = random.uniform(0.005, 0.03);
    spec.burst = random.uniform(0.03, 0.2);
    spec.daily = random.uniform(0.1, 0.6);
    spec.phase = random.uniform(0, 86400);
    spec.load_latency = random.uniform(0, 0.15);
    spec.memory = random.uniform(0.2, 0.6);
    if (random.chance(0.5)) slower(spec.fresh, decay(0, random.uniform(0, 0.3), random.uniform(15, 60)));
    family.make(spec, random);
    return spec;
}

}  // namespace revertd::deploys
