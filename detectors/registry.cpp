// SPDX-License-Identifier: Apache-2.0
#include "detectors/registry.h"

#include <array>

namespace revertd::detectors {

// Each is defined in the file of its name; a row here makes it known.
#define REVERTD_DETECTORS(ROW) ROW(fills) ROW(grows) ROW(repeat) ROW(stalls) ROW(worse)

#define REVERTD_ROW(NAME) extern const DetectorKind NAME;
REVERTD_DETECTORS(REVERTD_ROW)
#undef REVERTD_ROW

std::span<const DetectorKind* const> all() {
#define REVERTD_ROW(NAME) &(NAME),
    static constexpr std::array kAll{REVERTD_DETECTORS(REVERTD_ROW)};
#undef REVERTD_ROW
    return kAll;
}

}  // namespace revertd::detectors
