// SPDX-License-Identifier: Apache-2.0
// What each endpoint of a service did: by signal, in the slot that is being added up, and before the deploy. Kept only
// while a deploy is watched; outside of that a series costs two bytes, which services with the same series share.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "core/places.h"

namespace revertd {

/// Counted from 1; 0: of none that is known.
using EndpointIndex = std::uint16_t;

class EndpointCounts {
  public:
    static constexpr std::size_t kMost = SeriesGains::kMostValues;  ///< a label with more of them is an id
    static constexpr std::size_t kLongest = SeriesGains::kLongestValue;

    /// A deploy is watched from now on. By signal, then by endpoint: what each did before it; none where that is not
    /// known yet.
    void begin(std::vector<std::vector<PlaceCounts>> before) {
        before_ = std::move(before);
        now_ = before_;
        end_slot();
    }

    /// What one signal's endpoints did before the deploy is known now.
    void learn(std::size_t signal, std::vector<PlaceCounts> before) {
        if (signal >= now_.size()) return;
        now_[signal].assign(before.size(), {});
        before_[signal] = std::move(before);
    }

    /// There are more names than before: so many.
    void widen(std::size_t signal, std::size_t names) {
        if (signal >= now_.size()) return;
        before_[signal].resize(names);
        now_[signal].resize(names);
    }

    void end() { before_ = now_ = {}; }

    [[nodiscard]] bool watching() const { return !now_.empty(); }

    /// Endpoints that nobody has seen before the deploy have nothing to be compared with.
    void gained(std::size_t signal, EndpointIndex endpoint, bool bad, double increase) {
        if (endpoint == 0 || signal >= now_.size() || endpoint > now_[signal].size()) return;
        PlaceCounts& counts = now_[signal][endpoint - 1U];
        (bad ? counts.bad : counts.requests) += increase;
    }

    void end_slot() {
        for (auto& counts : now_) std::fill(counts.begin(), counts.end(), PlaceCounts{});
    }

    [[nodiscard]] std::span<const PlaceCounts> now(std::size_t signal) const { return of(now_, signal); }

    [[nodiscard]] std::span<const PlaceCounts> before(std::size_t signal) const { return of(before_, signal); }

  private:
    using Rows = std::vector<std::vector<PlaceCounts>>;

    [[nodiscard]] static std::span<const PlaceCounts> of(const Rows& rows, std::size_t signal) {
        return signal < rows.size() ? std::span(rows[signal]) : std::span<const PlaceCounts>();
    }

    Rows before_, now_;
};

}  // namespace revertd
