// SPDX-License-Identifier: Apache-2.0
// What befalls both groups, but mildly, or the control group alone; starts that are cold for some requests only; shares
// of the traffic that fall.
#include <array>

#include "tests/detectors/deploys/spec.h"
#include "tests/detectors/deploys/special.h"

namespace revertd::deploys {
namespace {

void both_fail(Spec& spec, const Course& course) {
    for (auto* group : {&spec.fresh, &spec.reference}) group->errors = times(group->errors, course);
}

// ---- healthy ----

/// Something that both depend on fails somewhat more often from some time on.
void mild_incident(Spec& spec, Random& random) {
    always_control(spec, random);
    both_fail(spec, step(spec.bake * random.uniform(0, 0.7), random.log_uniform(1.3, 5)));
}

/// It becomes worse all the time.
void decline(Spec& spec, Random& random) {
    always_control(spec, random);
    both_fail(spec, ramp(spec.bake * random.uniform(0, 0.3), spec.bake * random.uniform(0.3, 0.8),
                         random.log_uniform(2, 10)));
}

void slow_control(Spec& spec, Random& random) {
    always_control(spec, random);
    slower(spec.reference,
           window(spec.bake * random.uniform(0.05, 0.6), random.uniform(60, 300), random.uniform(1.2, 3)));
}

void failing_control(Spec& spec, Random& random) {
    always_control(spec, random);
    spec.reference.errors =
        window(spec.bake * random.uniform(0.05, 0.6), random.uniform(60, 300), random.log_uniform(3, 30));
}

/// A neighbour of the control group alone has moved away, or a client that asks for what is slow or fails.
void better_control(Spec& spec, Random& random) {
    always_control(spec, random);
    const double from = spec.bake * random.uniform(0.05, 0.6), seconds = random.uniform(60, 300);
    if (random.chance(0.7)) slower(spec.reference, window(from, seconds, random.uniform(0.5, 0.9)));
    if (random.chance(0.7)) spec.reference.errors = window(from, seconds, random.log_uniform(0.1, 0.7));
}

/// Only what misses the cold cache is slow.
Course cold_tail(double at, Random& random) {
    const double share = random.uniform(0.02, 0.2), tau = random.log_uniform(10, 60);
    return [=](double t) { return t < at ? 0 : share * std::exp(-(t - at) / tau); };
}

void cold_for_some(Spec& spec, Random& random) {
    spec.fresh.slow_times = random.uniform(4, 20);
    spec.fresh.slow = cold_tail(0, random);
}

void cold_for_some_after_a_step(Spec& spec, Random& random) {
    always_control(spec, random);
    const double at = spec.bake * random.uniform(0.2, 0.7);
    spec.share = step(at, random.uniform(0.2, 0.5), 0.05);
    spec.fresh.slow_times = random.uniform(4, 20);
    spec.fresh.slow = cold_tail(at, random);
}

/// Somebody takes most of the traffic back.
void share_falls(Spec& spec, Random& random) {
    always_control(spec, random);
    const double share = random.uniform(0.3, 0.5);
    spec.share = step(spec.bake * random.uniform(0.2, 0.7), share * random.uniform(0.25, 0.5), share);
}

/// A cache in memory fills up to where it stays.
void memory_fills(Spec& spec, Random& random) {
    spec.memory = random.uniform(0.2, 0.6);
    spec.fresh.memory = ramp(0, spec.bake * random.uniform(0.05, 0.5), random.uniform(0.1, 0.3), 0);
}

void quicker_at_first(Spec& spec, Random& random) {
    slower(spec.fresh, window(0, random.uniform(30, 300), random.uniform(0.5, 0.85)));
}

/// New instances come with the load, cold, and nobody else tells that it is them.
void more_load_alone(Spec& spec, Random& random) {
    never_control(spec, random);
    const double at = spec.bake * random.uniform(0.2, 0.6);
    traffic(spec, step(at, random.uniform(1.5, 3)));
    slower(spec.fresh, decay(at, random.uniform(0.2, 1), random.uniform(15, 90)));
}

/// It is drained as the deploy begins, and then comes back.
void control_away(Spec& spec, Random& random) {
    always_control(spec, random);
    spec.reference.traffic = window(random.uniform(0, 60), random.uniform(60, 300), 0);
}

/// Traffic was cut off upstream, and comes back to cold caches and connections.
void back_alone(Spec& spec, Random& random) {
    never_control(spec, random);
    const double at = spec.bake * random.uniform(0.1, 0.4), seconds = random.uniform(60, 300);
    traffic(spec, window(at, seconds, random.of({0.0, 0.05, 0.2})));
    slower(spec.fresh, decay(at + seconds, random.uniform(0.2, 1.5), random.uniform(15, 60)));
}

/// A rollout of configuration restarts both groups.
void both_restarted(Spec& spec, Random& random) {
    always_control(spec, random);
    const double at = spec.bake * random.uniform(0.2, 0.7);
    const double amplitude = random.uniform(0.2, 2), tau = random.uniform(15, 90);
    for (auto* group : {&spec.fresh, &spec.reference}) {
        const double from = at + random.uniform(0, 20);
        slower(*group, decay(from, amplitude * random.uniform(0.8, 1.2), tau * random.uniform(0.8, 1.2)));
        group->restarts.push_back(from);
    }
}

/// One instance of the new group after the other is moved to another host, and is cold there.
void moved(Spec& spec, Random& random) {
    const double n = random.of({1, 2, 3});
    const double from = spec.bake * random.uniform(0.05, 0.4), every = random.uniform(20, 120);
    const double amplitude = random.uniform(0.3, 2.5) / n, tau = random.uniform(15, 60);
    for (double at = from; at < from + n * every; at += every) {
        slower(spec.fresh, decay(at, amplitude, tau));
        spec.fresh.restarts.push_back(at);
    }
}

// ---- bad ----

double onset(Spec& spec, Random& random) {
    return spec.onset = spec.bake * random.uniform(0.1, 0.4);
}

void quiet_and_silent(Spec& spec, Random& random) {
    always_control(spec, random);
    spec.requests = random.log_uniform(10, 50);
    spec.share = step(0, 0.05, 0);
    spec.fresh.traffic = step(onset(spec, random), 0);
}

void next_to_no_traffic(Spec& spec, Random& random) {
    always_control(spec, random);
    spec.requests = random.log_uniform(50, 2000);
    spec.share = step(0, 0.2, 0);
    spec.fresh.traffic = step(onset(spec, random), 0.04);
}

/// The incident is everybody's, the rest is the deploy's.
void worse_in_a_mild_incident(Spec& spec, Random& random) {
    always_control(spec, random);
    spec.requests = random.log_uniform(100, 2000);
    both_fail(spec, step(spec.bake * random.uniform(0, 0.1), random.uniform(1.5, 4)));
    spec.fresh.errors = times(spec.fresh.errors, step(onset(spec, random), random.uniform(4, 10)));
}

/// It restarts again and again, and is cold each time; but it is slow anyway.
void slow_and_restarting(Spec& spec, Random& random) {
    spec.requests = random.log_uniform(50, 2000);
    slower(spec.fresh, step(onset(spec, random), random.uniform(1.4, 2)));
    const double every = random.uniform(30, 180), amplitude = random.uniform(0.2, 1), tau = random.uniform(15, 60);
    for (double at = spec.onset; at < spec.bake; at += every * random.uniform(0.8, 1.2)) {
        slower(spec.fresh, decay(at, amplitude, tau));
        spec.fresh.restarts.push_back(at);
    }
}

constexpr std::array kFamilies = {
    Family{"mild incident", false, mild_incident},
    Family{"decline", false, decline},
    Family{"slow control group", false, slow_control},
    Family{"failing control group", false, failing_control},
    Family{"better control group", false, better_control},
    Family{"cold for some", false, cold_for_some},
    Family{"cold for some, step", false, cold_for_some_after_a_step},
    Family{"share falls", false, share_falls},
    Family{"memory fills", false, memory_fills},
    Family{"quicker at first", false, quicker_at_first},
    Family{"quiet and silent", true, quiet_and_silent, 1},
    Family{"next to no traffic", true, next_to_no_traffic, 1},
    Family{"worse in an incident", true, worse_in_a_mild_incident, 0.99},
    Family{"more load, alone", false, more_load_alone},
    Family{"control group away", false, control_away},
    Family{"back, alone", false, back_alone},
    Family{"both restarted", false, both_restarted},
    Family{"moved", false, moved},
    Family{"slow and restarting", true, slow_and_restarting, 0.75},
};

}  // namespace

std::span<const Family> families_of_surroundings() {
    return kFamilies;
}

}  // namespace revertd::deploys
