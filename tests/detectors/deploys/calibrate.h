// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

namespace revertd::deploys {

/// Of the deploys whose effect is the one that was announced as found with 90 %: how many are found in the announced
/// time? A table by what is judged; 1 if nothing was announced.
int calibrate(int each, std::uint64_t seed, double alpha);

}  // namespace revertd::deploys
