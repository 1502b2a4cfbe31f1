// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <span>

namespace revertd::detect {

/// How much more counts vary from tick to tick than chance alone: Var = v + extra mean^2, each tick against its own
/// neighbourhood of six ticks on either side, so that a slow drift does not count. `prior` counts as `strength` ticks.
/// `binomial`: events are a part of the requests (v = mean (1 - rate)), else Poisson (v = mean).
[[nodiscard]] double local_dispersion(std::span<const double> events, std::span<const double> requests, double prior,
                                      double strength, bool binomial);

}  // namespace revertd::detect
