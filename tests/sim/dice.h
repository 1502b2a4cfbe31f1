// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

#include "core/clock.h"

namespace revertd::sim {

/// SplitMix64, and nothing of <random>: its distributions differ between libraries, and a seed must replay anywhere.
class Dice {
  public:
    explicit Dice(std::uint64_t seed) : state_(seed) {}

    std::uint64_t roll() {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
        z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
        return z ^ (z >> 31U);
    }

    /// 0 .. n - 1
    std::size_t below(std::size_t n) { return static_cast<std::size_t>(roll() % n); }

    bool chance(int percent) { return below(100) < static_cast<std::size_t>(percent); }

    /// In whole milliseconds.
    Duration between(Duration from, Duration to) {
        const auto span = static_cast<std::uint64_t>((to - from) / 1ms);
        return from + Duration(1ms) * static_cast<std::int64_t>(roll() % (span + 1));
    }

  private:
    std::uint64_t state_;
};

}  // namespace revertd::sim
