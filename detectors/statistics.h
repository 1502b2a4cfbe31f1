// SPDX-License-Identifier: Apache-2.0
// The few special functions that the detectors need, each with its accuracy.
#pragma once
#include <span>

namespace revertd::detect {

/// log Gamma(x) for x > 0, by Stirling's series after shifting x above 12; relative error below 1e-12. Unlike
/// std::lgamma it writes no global, so it may be used on any thread.
[[nodiscard]] double log_gamma(double x);

/// Probability that a standard normal variable exceeds `z`.
[[nodiscard]] double normal_above(double z);

/// The inverse of the standard normal distribution function, 0 < p < 1: Acklam's rational approximation with one step
/// of Halley's method, relative error below 1e-12.
[[nodiscard]] double probit(double p);

/// log of the sum of exp(x); -infinity for an empty span.
[[nodiscard]] double log_sum_exp(std::span<const double> x);

/// log(Gamma(x + k) / Gamma(x)), which is log(x (x + 1) ... (x + k - 1)), for x > 0, k >= 0; relative error below
/// 1e-12.
[[nodiscard]] double log_rising(double x, double k);

/// log NB(k; mean, shape) without the term in k! alone, which cancels in every ratio: a Poisson count whose mean is
/// itself Gamma distributed, Var = mean + mean^2 / shape.
[[nodiscard]] double negative_binomial_log(double k, double mean, double shape);

/// P(X >= k) for X ~ Binomial(n, p), exact: the terms are summed upwards from k until they no longer count.
[[nodiscard]] double binomial_tail(double k, double n, double p);

}  // namespace revertd::detect
