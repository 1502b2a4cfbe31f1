// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/places.h"
#include "core/rule.h"
#include "daemon/sources/prom_answer.h"

namespace revertd {

/// The answer to config::promql::places_of, divided by each label that its series have.
[[nodiscard]] PlaceTable places_of(const Signal& signal, const PromAnswer& answer);

}  // namespace revertd
