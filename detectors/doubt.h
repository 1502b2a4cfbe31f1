// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

namespace revertd::detect {

/// Why more evidence is needed than usual, and how many times as much.
struct Doubt {
    enum class Why : std::uint8_t { None, SharedIncident, SharedSlowness, MoreLoad, EarlierIncident };

    Why why = Why::None;
    double times = 1;
};

}  // namespace revertd::detect
