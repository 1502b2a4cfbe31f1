// SPDX-License-Identifier: Apache-2.0
// The guarantee, by simulation: of healthy deploys that are looked at after every tick, no more than alpha are ever
// called bad. 10,000 deploys each; the upper 99 % bound at alpha 0.001 needs 100,000:
// REVERTD_NULL_DEPLOYS=100000 detectors_test --gtest_filter='*Null.*'
#pragma once
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace revertd::detect {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kNullDeploys = 500;  // there memory is looked at, not statistics
#else
constexpr int kNullDeploys = 10000;
#endif

inline int null_deploys() {
    const char* wanted = std::getenv("REVERTD_NULL_DEPLOYS");
    return wanted == nullptr ? kNullDeploys : std::atoi(wanted);
}

/// The upper 99 % bound of a share, after Wilson.
inline double upper_bound(int found, int of) {
    const double z = 2.326, n = of, p = found / n;
    return (p + z * z / (2 * n) + z * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n))) / (1 + z * z / n);
}

/// `most` of a seed: the most evidence that was seen in a healthy deploy.
template <class Most>
void never_more_than_alpha(const Most& most) {
    constexpr std::array kAlphas = {0.05, 0.01, 0.001};
    std::array<int, kAlphas.size()> alarmed{};
    const int of = null_deploys();
    for (int i = 0; i < of; ++i) {
        const double evidence = most(1000003ULL * static_cast<std::uint64_t>(i) + 17);
        for (std::size_t a = 0; a < kAlphas.size(); ++a) alarmed[a] += evidence >= 1 / kAlphas[a] ? 1 : 0;
    }
    for (std::size_t a = 0; a < kAlphas.size(); ++a) {
        // Few deploys cannot show a small alpha beyond chance: there the share itself counts, or none but the odd one.
        const bool bound = of * kAlphas[a] >= 100;
        const double share =
            bound ? upper_bound(alarmed[a], of) : static_cast<double>(alarmed[a] - (of < 1 / kAlphas[a] ? 1 : 0)) / of;
        EXPECT_LE(share, kAlphas[a]) << alarmed[a] << " of " << of;
        std::printf("alpha %g: %d of %d\n", kAlphas[a], alarmed[a], of);
    }
}

}  // namespace revertd::detect
