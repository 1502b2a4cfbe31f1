// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>

#include "core/bytes.h"

namespace revertd::detect {

/// How many slots make a tick. Statistics gain nothing from ticks that are shorter than 5 s, and the noise of these is
/// known worse; and an hour before the deploy is no more ticks than are kept.
///
/// A Prometheus answers every slot with rates that look back over several: a request is in all of them, and a blip of
/// 20 s would seem to last for a minute and 20 s. Of such answers those are taken that have no request in common.
class TickLength {
  public:
    static constexpr double kShortest = 5;  ///< seconds

    TickLength(double interval, double longest_history, std::size_t most_ticks)
        : least_(std::max<std::size_t>(
              1, static_cast<std::size_t>(
                     std::lround(std::max(kShortest, longest_history / static_cast<double>(most_ticks)) / interval)))) {
    }

    /// Answers look back over so many slots from now on. True: it was another number.
    bool look_back(std::size_t slots) {
        if (slots == reach_) return false;
        reach_ = slots;
        since_ = 0;
        return true;
    }

    /// One slot: is it to be taken? `counts`: as of the slot; the first one that does is.
    [[nodiscard]] bool takes(bool counts) {
        ++since_;
        if (counts && !counted_) since_ = reach_;
        counted_ = counts;
        if (since_ < reach_) return false;
        since_ = 0;
        return true;
    }

    void begin() { since_ = 0, counted_ = false; }

    /// What a slot that is taken stands for.
    [[nodiscard]] std::size_t reach() const { return reach_; }

    [[nodiscard]] std::size_t slots() const { return std::max(least_, reach_); }

    void save(ByteWriter& out) const { out.put(static_cast<std::uint64_t>(reach_)); }

    bool load(ByteReader& in) {
        constexpr std::uint64_t kMost = 1'000'000;
        std::uint64_t reach = 0;
        if (!in.get(reach) || reach == 0 || reach > kMost) return in.fail();
        reach_ = static_cast<std::size_t>(reach);
        begin();
        return true;
    }

  private:
    std::size_t least_, reach_ = 1, since_ = 0;
    bool counted_ = false;
};

}  // namespace revertd::detect
