// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <span>

namespace revertd {

/// The quantile of a histogram, interpolated as Prometheus does. `bounds` ascend and end in +infinity; `counts` are the
/// cumulative increases of the buckets, summed over targets, and are made monotone here. Nothing without a +infinity
/// bucket, without a finite one, or without any observation.
[[nodiscard]] std::optional<double> bucket_quantile(double quantile, std::span<const double> bounds,
                                                    std::span<double> counts);

}  // namespace revertd
