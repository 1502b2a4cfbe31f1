// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "actions/recipe.h"

namespace revertd {

/// One thing that every recipe must do.
struct Conformance {
    std::string what;  ///< "the same request is the same plan"
    std::string why;   ///< what is wrong; empty: it conforms
};

/// What the engine relies on, tried on the recipe's own example with harmless, odd and hostile values. Nothing is
/// executed. The recipe counts from here on (try_recipe).
[[nodiscard]] std::vector<Conformance> check_conformance(const Recipe& recipe);

}  // namespace revertd
