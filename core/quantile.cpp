// SPDX-License-Identifier: Apache-2.0
#include "core/quantile.h"

#include <algorithm>
#include <cmath>

namespace revertd {

std::optional<double> bucket_quantile(double quantile, std::span<const double> bounds, std::span<double> counts) {
    if (bounds.size() < 2 || bounds.size() != counts.size() || !std::isinf(bounds.back())) return std::nullopt;
    // Buckets of one scrape are read one after another while requests go on, and targets may differ in their bounds.
    for (std::size_t i = 1; i < counts.size(); ++i) counts[i] = std::max(counts[i], counts[i - 1]);
    const double observations = counts.back();
    if (!(observations > 0)) return std::nullopt;

    double rank = quantile * observations;
    const auto found = std::lower_bound(counts.begin(), counts.end() - 1, rank);
    const auto bucket = static_cast<std::size_t>(found - counts.begin());
    if (bucket == counts.size() - 1) return bounds[bucket - 1];
    if (bucket == 0 && bounds[0] <= 0) return bounds[0];
    const double start = bucket == 0 ? 0 : bounds[bucket - 1];
    const double below = bucket == 0 ? 0 : counts[bucket - 1];
    const double inside = counts[bucket] - below;
    if (!(inside > 0)) return start;  // rank 0 in an empty first bucket
    rank -= below;
    return start + (bounds[bucket] - start) * (rank / inside);
}

}  // namespace revertd
