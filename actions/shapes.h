// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <vector>

#include "actions/recipe.h"
#include "actions/spec.h"

namespace revertd {

/// Whether a written value is what its parameter wants; says where and why not.
void check_shape(const Param& value, const RecipeParameter& parameter, std::vector<Problem>& problems);

}  // namespace revertd
