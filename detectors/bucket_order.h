// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <span>
#include <vector>

namespace revertd::detect {

/// The buckets of a histogram come in the order of their first sight.
[[nodiscard]] std::vector<std::size_t> order_of(std::span<const double> bounds);

/// `bounds` in the order of `order` are `sorted`.
[[nodiscard]] bool orders(std::span<const std::size_t> order, std::span<const double> bounds,
                          std::span<const double> sorted);

/// Adds to `sums`, a cell a bucket, what lies in each: the cells are cumulative over the bounds.
void add_buckets(std::span<const double> cells, std::span<const std::size_t> order, double times,
                 std::span<double> sums);

}  // namespace revertd::detect
