// SPDX-License-Identifier: Apache-2.0
// What families do to an ordinary service.
#pragma once
#include "tests/detectors/deploys/courses.h"

namespace revertd::deploys {

inline void slower(Behaviour& group, Course course) {
    group.latency = times(std::move(group.latency), std::move(course));
}

inline void failing(Behaviour& group, Course course) {
    group.failing = plus(std::move(group.failing), std::move(course));
}

/// Of both groups.
inline void traffic(Spec& spec, const Course& course) {
    for (auto* group : {&spec.fresh, &spec.reference}) group->traffic = times(group->traffic, course);
}

/// Errors of instances that start: short, and gone before a blip's end.
inline void starting(Behaviour& group, double at, Random& random) {
    failing(group, window(at, random.uniform(4, 18), random.uniform(0.01, 0.1), 0));
}

inline void always_control(Spec& spec, Random& random) {
    if (!spec.control) spec.before = random.of({600, 1200, 1800});
    spec.control = true;
}

inline void never_control(Spec& spec, Random& random) {
    if (spec.control) spec.before = random.of({3600, 5400});
    spec.control = false;
}

}  // namespace revertd::deploys
