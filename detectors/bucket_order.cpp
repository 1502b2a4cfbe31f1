// SPDX-License-Identifier: Apache-2.0
#include "detectors/bucket_order.h"

#include <algorithm>
#include <numeric>

namespace revertd::detect {

std::vector<std::size_t> order_of(std::span<const double> bounds) {
    std::vector<std::size_t> order(bounds.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return bounds[a] < bounds[b]; });
    return order;
}

bool orders(std::span<const std::size_t> order, std::span<const double> bounds, std::span<const double> sorted) {
    if (order.size() != bounds.size() || bounds.size() != sorted.size()) return false;
    for (std::size_t i = 0; i < order.size(); ++i)
        if (bounds[order[i]] != sorted[i]) return false;
    return true;
}

void add_buckets(std::span<const double> cells, std::span<const std::size_t> order, double times,
                 std::span<double> sums) {
    for (std::size_t i = 0; i < order.size(); ++i) {
        const double below = i == 0 ? 0 : cells[order[i - 1]];
        sums[i] += times * std::max(0.0, cells[order[i]] - below);
    }
}

}  // namespace revertd::detect
