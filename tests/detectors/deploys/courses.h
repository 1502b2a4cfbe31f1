// SPDX-License-Identifier: Apache-2.0
// Courses over time that families are made of.
#pragma once
#include <cmath>
#include <numbers>
#include <utility>

#include "tests/detectors/deploys/spec.h"

namespace revertd::deploys {

inline Course times(Course a, Course b) {
    return [a = std::move(a), b = std::move(b)](double t) { return a(t) * b(t); };
}

inline Course plus(Course a, Course b) {
    return [a = std::move(a), b = std::move(b)](double t) { return a(t) + b(t); };
}

/// `before` until `at`, then `after`.
inline Course step(double at, double after, double before = 1) {
    return [=](double t) { return t < at ? before : after; };
}

inline Course window(double from, double seconds, double inside, double outside = 1) {
    return [=](double t) { return t >= from && t < from + seconds ? inside : outside; };
}

/// From `low` to `high` within `seconds` from `at` on.
inline Course ramp(double at, double seconds, double high, double low = 1) {
    return [=](double t) { return low + (high - low) * std::clamp((t - at) / seconds, 0.0, 1.0); };
}

/// A warm-up: 1 + `amplitude` at `at`, decaying.
inline Course decay(double at, double amplitude, double tau) {
    return [=](double t) { return t < at ? 1 : 1 + amplitude * std::exp(-(t - at) / tau); };
}

inline Course wave(double amplitude, double period, double phase) {
    return [=](double t) { return 1 + amplitude * std::sin(2 * std::numbers::pi * t / period + phase); };
}

/// `inside` for the first `duty` of every period, from `at` on.
inline Course flap(double at, double period, double duty, double inside) {
    return [=](double t) { return t >= at && std::fmod(t - at, period) < duty * period ? inside : 1; };
}

}  // namespace revertd::deploys
