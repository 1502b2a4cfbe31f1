// SPDX-License-Identifier: Apache-2.0
#include "detectors/statistics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

namespace revertd::detect {
namespace {

constexpr double kHalfLogTwoPi = 0.91893853320467274178;
constexpr double kFewFactors = 8;

template <std::size_t N>
double polynomial(const std::array<double, N>& coefficients, double x) {
    double sum = 0;
    for (const double c : coefficients) sum = sum * x + c;
    return sum;
}

/// P. J. Acklam, "An algorithm for computing the inverse normal cumulative distribution function" (2003).
double acklam(double p) {
    constexpr std::array a = {-3.969683028665376e+01, 2.209460984245205e+02,  -2.759285104469687e+02,
                              1.383577518672690e+02,  -3.066479806614716e+01, 2.506628277459239e+00};
    constexpr std::array b = {-5.447609879822406e+01, 1.615858368580409e+02,  -1.556989798598866e+02,
                              6.680131188771972e+01,  -1.328068155288572e+01, 1.0};
    constexpr std::array c = {-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
                              -2.549732539343734e+00, 4.374664141464968e+00,  2.938163982698783e+00};
    constexpr std::array d = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
                              3.754408661907416e+00, 1.0};
    constexpr double kLow = 0.02425;
    if (p > 1 - kLow) return -acklam(1 - p);
    if (p < kLow) {
        const double q = std::sqrt(-2 * std::log(p));
        return polynomial(c, q) / polynomial(d, q);
    }
    const double q = p - 0.5;
    return q * polynomial(a, q * q) / polynomial(b, q * q);
}

}  // namespace

double log_gamma(double x) {
    double shift = 1;
    while (x < 12) shift *= x++;
    const double y = 1 / (x * x);
    const double series =
        (1.0 / 12 - y * (1.0 / 360 - y * (1.0 / 1260 - y * (1.0 / 1680 - y * (1.0 / 1188 - y * 691.0 / 360360))))) / x;
    const double large = (x - 0.5) * std::log(x) - x + kHalfLogTwoPi + series;
    return shift == 1 ? large : large - std::log(shift);
}

double normal_above(double z) {
    return 0.5 * std::erfc(z / std::numbers::sqrt2);
}

double probit(double p) {
    const double x = acklam(p);
    const double error = normal_above(-x) - p;
    const double step = error * std::sqrt(2 * std::numbers::pi) * std::exp(x * x / 2);
    return x - step / (1 + x * step / 2);
}

double log_sum_exp(std::span<const double> x) {
    if (x.empty()) return -std::numeric_limits<double>::infinity();
    const double top = *std::max_element(x.begin(), x.end());
    if (!std::isfinite(top)) return top;
    double sum = 0;
    for (const double v : x) sum += std::exp(v - top);
    return top + std::log(sum);
}

double log_rising(double x, double k) {
    if (k == 0) return 0;
    if (k > kFewFactors || k != std::floor(k)) return log_gamma(x + k) - log_gamma(x);
    double product = 1;
    for (double i = 0; i < k; ++i) product *= x + i;
    return std::log(product);
}

double negative_binomial_log(double k, double mean, double shape) {
    mean = std::max(mean, 1e-12);
    const double odds = mean / shape, none = std::log(1 + odds);
    return k == 0 ? -shape * none : log_rising(shape, k) + k * std::log(odds) - (shape + k) * none;
}

double binomial_tail(double k, double n, double p) {
    if (k <= 0) return 1;
    if (k > n || p <= 0) return 0;
    if (p >= 1) return 1;
    // Below the mean the other tail has fewer terms that count.
    const bool lower = k <= n * p;
    double term = std::exp(log_gamma(n + 1) - log_gamma(k + 1) - log_gamma(n - k + 1) + k * std::log(p) +
                           (n - k) * std::log1p(-p));
    double sum = 0;
    if (!lower) {
        for (double x = k; x <= n && term > sum * 1e-17; ++x) {
            sum += term;
            term *= (n - x) / (x + 1) * p / (1 - p);
        }
        return std::min(sum, 1.0);
    }
    for (double x = k; x > 0 && term > sum * 1e-17;) {
        term *= x / (n - x + 1) * (1 - p) / p;
        --x;
        sum += term;
    }
    return std::max(1 - sum, 0.0);
}

}  // namespace revertd::detect
