// SPDX-License-Identifier: Apache-2.0
// What people, machines and clients do to a service while it is deployed: autoscalers, jobs, retries, load tests,
// caches, collectors. Harmless, all of it; and some defects that only look like it.
#include <array>

#include "tests/detectors/deploys/spec.h"
#include "tests/detectors/deploys/special.h"

namespace revertd::deploys {
namespace {

/// Runs the whole day, deploy or not: `inside` for `seconds` of every period.
Course regularly(double period, double seconds, double phase, double inside, double outside = 1) {
    return [=](double t) { return std::fmod(t + phase + 1e6, period) < seconds ? inside : outside; };
}

// ---- healthy ----

/// Load doubles, and a minute or two later each group has twice the instances: half of it is cold then, not at the same
/// moment in both.
void autoscaler(Spec& spec, Random& random) {
    always_control(spec, random);
    const double at = spec.bake * random.uniform(0.1, 0.7), amplitude = random.uniform(0.05, 0.6);
    const double busy = random.uniform(1, 1.25);
    traffic(spec, ramp(at, 120, random.uniform(1.6, 2.5)));
    for (auto* group : {&spec.fresh, &spec.reference}) {
        const double here = at + random.uniform(60, 150);
        slower(*group, [=](double t) { return 1 + (busy - 1) * std::clamp((t - at) / 60, 0.0, t < here ? 1.0 : 0.0); });
        slower(*group, decay(here, amplitude * random.uniform(0.8, 1.2), random.uniform(15, 60)));
    }
}

/// The shops open, or close: traffic is another within ten minutes.
void opening_hours(Spec& spec, Random& random) {
    const double at = spec.bake * random.uniform(-0.2, 0.7);
    traffic(spec, ramp(at, random.uniform(120, 900), random.of({0.15, 0.3, 0.5, 2, 3, 5})));
    spec.load_latency = random.uniform(0, 0.05);
}

/// Every few minutes a job calls one endpoint many times, which fails more often than the others.
void job_calls(Spec& spec, Random& random) {
    const double period = random.of({60, 120, 300, 600}), seconds = random.uniform(5, 40);
    const double phase = random.uniform(0, period), errors = random.uniform(1.5, 8);
    traffic(spec, regularly(period, seconds, phase, random.uniform(1.1, 2.5)));
    for (auto* group : {&spec.fresh, &spec.reference})
        group->errors = times(group->errors, regularly(period, seconds, phase, errors));
}

/// Clients try again: much traffic, many errors, in both groups, as the balancer deals them.
void retry_storm(Spec& spec, Random& random) {
    always_control(spec, random);
    const double at = spec.bake * random.uniform(0, 0.8), seconds = random.uniform(30, 400);
    const double errors = random.log_uniform(3, 60), slow = random.uniform(1, 2);
    for (auto* group : {&spec.fresh, &spec.reference}) {
        group->traffic = window(at, seconds, random.uniform(1.5, 5));
        group->errors = window(at, seconds, errors * std::exp(0.06 * random.normal()));
        slower(*group, window(at, seconds, slow * std::exp(0.02 * random.normal())));
    }
}

/// One instance of several has a noisy neighbour for two minutes.
void slow_instance(Spec& spec, Random& random) {
    const double instances = random.of({8, 12, 20}), at = spec.bake * random.uniform(0, 0.8);
    spec.fresh.slow_times = random.uniform(1.3, 2);
    spec.fresh.slow = window(at, random.uniform(20, 120), 1 / instances, 0);
}

/// A collector stops each process every minute or two, in either version.
void collections(Spec& spec, Random& random) {
    const double period = random.uniform(40, 200), paused = random.uniform(0.3, 2), most = random.uniform(0.1, 0.6);
    for (auto* group : {&spec.fresh, &spec.reference}) {
        group->slow_times = random.uniform(5, 20);
        const double share = std::min(0.5, most * paused / spec.interval);
        group->slow =
            regularly(period * random.uniform(0.97, 1.03), spec.interval, random.uniform(0, period), share, 0);
    }
}

/// The deploy empties a cache, which is filled again within ten minutes, about as fast at its end as in the beginning.
void cold_cache(Spec& spec, Random& random) {
    const double more = random.uniform(0.1, 0.8), seconds = random.uniform(200, 600);
    slower(spec.fresh, [=](double t) { return t < 0 ? 1 : 1 + more * std::max(0.0, 1 - t / seconds); });
}

/// Another client prefers another endpoint, a slow one: more slow requests, in both groups alike.
void other_requests(Spec& spec, Random& random) {
    always_control(spec, random);
    const double at = spec.bake * random.uniform(0, 0.7), seconds = random.uniform(1, 400);
    const double share = random.uniform(0.02, 0.2), times_slower = random.uniform(3, 12);
    for (auto* group : {&spec.fresh, &spec.reference}) {
        group->slow_times = times_slower;
        group->slow = ramp(at, seconds, share, 0);
    }
}

void load_test(Spec& spec, Random& random) {
    always_control(spec, random);
    const double at = spec.bake * random.uniform(0, 0.7), seconds = random.uniform(60, 500);
    const double slow = random.uniform(1, 2.5), errors = random.uniform(0.3, 4);
    traffic(spec, window(at, seconds, random.uniform(3, 12)));
    for (auto* group : {&spec.fresh, &spec.reference}) {
        slower(*group, window(at, seconds, slow * std::exp(0.015 * random.normal())));
        group->errors = window(at, seconds, errors);
    }
}

/// Processes end after some hundred thousand requests, in either version; each has a counter of its own.
void worker_recycling(Spec& spec, Random& random) {
    const double period = random.uniform(80, 300);
    for (auto* group : {&spec.fresh, &spec.reference})
        for (double at = -spec.before + random.uniform(0, period); at < spec.bake;
             at += period * random.uniform(0.8, 1.2))
            if (group == &spec.reference || at > 0 || !spec.control) group->restarts.push_back(at);
}

void half_of_the_scrapes(Spec& spec, Random& random) {
    spec.lost = random.uniform(0.4, 0.6);
    spec.jitter = random.uniform(0.1, 0.35);
}

/// Somebody tries addresses that do not exist, now here, now there, all day long.
void scanners(Spec& spec, Random& random) {
    for (auto* group : {&spec.fresh, &spec.reference}) {
        for (double at = -spec.before; at < spec.bake; at += random.uniform(60, 500))
            group->errors = times(group->errors, window(at, random.uniform(5, 20), random.uniform(1.5, 8)));
    }
    if (!spec.control) spec.fresh.errors = times(spec.fresh.errors, spec.reference.errors);
}

/// What was bad before the deploy is over by now, or soon.
void incident_before(Spec& spec, Random& random) {
    const double from = -random.uniform(300, 900), seconds = random.uniform(100, 280) + (random.chance(0.5) ? 400 : 0);
    const double errors = random.log_uniform(3, 40), slow = random.uniform(1, 2);
    for (auto* group : {&spec.fresh, &spec.reference}) {
        group->errors = times(group->errors, window(from, seconds, errors));
        slower(*group, window(from, seconds, slow));
    }
}

/// A zone is drained: its requests go to the others, most of them to the new group.
void zone_drained(Spec& spec, Random& random) {
    always_control(spec, random);
    const double at = spec.bake * random.uniform(0.05, 0.8), back = at + random.uniform(60, 600);
    spec.share = [=](double t) { return t > at && t < back ? 0.35 : 0.15; };
    slower(spec.fresh, window(at, back - at, random.uniform(1, 1.04)));
    slower(spec.reference, window(at, back - at, random.uniform(0.98, 1.02)));
    slower(spec.reference, decay(back, random.uniform(0, 0.3), random.uniform(15, 60)));
}

// ---- bad ----

double onset(Spec& spec, Random& random) {
    return spec.onset = spec.bake * random.uniform(0, 0.4);
}

/// One instance of several answers nothing but errors.
void broken_instance(Spec& spec, Random& random) {
    failing(spec.fresh, step(onset(spec, random), 1 / random.of({5, 10, 20}), 0));
}

/// Processes die again and again; each start costs some requests.
void crash_loop(Spec& spec, Random& random) {
    const double period = random.uniform(40, 180);
    for (double at = onset(spec, random); at < spec.bake; at += period * random.uniform(0.8, 1.2)) {
        spec.fresh.restarts.push_back(at);
        failing(spec.fresh, window(at, random.uniform(5, 20), random.uniform(0.1, 0.5), 0));
        slower(spec.fresh, decay(at, random.uniform(0.2, 0.8), random.uniform(10, 30)));
    }
}

/// A cache is not used any more: what it answered takes several times as long.
void cache_unused(Spec& spec, Random& random) {
    spec.fresh.slow_times = random.uniform(2.5, 6);
    spec.fresh.slow = step(onset(spec, random), random.uniform(0.15, 0.5), 0);
}

/// It fails under load only, and load comes when it comes.
void fails_under_load(Spec& spec, Random& random) {
    spec.onset = spec.bake * random.uniform(0.1, 0.5);
    traffic(spec, step(spec.onset, random.uniform(1.5, 3)));
    spec.fresh.errors = step(spec.onset, random.uniform(5, 20));
}

/// Some requests wait for something that never comes, and fail.
void time_outs(Spec& spec, Random& random) {
    const double at = onset(spec, random), share = random.uniform(0.005, 0.05);
    spec.fresh.slow_times = 40;
    spec.fresh.slow = step(at, share, 0);
    failing(spec.fresh, step(at, share, 0));
}

/// Killed for its memory every other minute, and well in between. Only who counts restarts sees it.
void killed_and_restarted(Spec& spec, Random& random) {
    const double period = random.uniform(60, 150);
    spec.bake = std::max(spec.bake, 900.0);
    spec.onset = spec.bake * random.uniform(0, 0.2);
    for (double at = spec.onset; at < spec.bake; at += period * random.uniform(0.8, 1.2))
        spec.fresh.restarts.push_back(at);
}

constexpr std::array kFamilies = {
    Family{"autoscaler", false, autoscaler},
    Family{"opening hours", false, opening_hours},
    Family{"job calls", false, job_calls},
    Family{"retry storm", false, retry_storm},
    Family{"slow instance", false, slow_instance},
    Family{"collections", false, collections},
    Family{"cold cache", false, cold_cache},
    Family{"other requests", false, other_requests},
    Family{"load test", false, load_test},
    Family{"worker recycling", false, worker_recycling},
    Family{"half of the scrapes", false, half_of_the_scrapes},
    Family{"scanners", false, scanners},
    Family{"incident before", false, incident_before},
    Family{"zone drained", false, zone_drained},
    Family{"broken instance", true, broken_instance, 1},
    Family{"crash loop", true, crash_loop, 0.81},
    Family{"cache unused", true, cache_unused, 0.99},
    Family{"fails under load", true, fails_under_load, 0.99},
    Family{"time-outs", true, time_outs, 0.99},
    Family{"killed and restarted", true, killed_and_restarted, 0},
};

}  // namespace

std::span<const Family> families_of_production() {
    return kFamilies;
}

}  // namespace revertd::deploys
