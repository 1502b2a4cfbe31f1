// SPDX-License-Identifier: Apache-2.0
// What a recipe file must not say: a misspelled key or parameter would be left out in silence, in the middle of a
// rollback.
#pragma once
#include "actions/recipe.h"
#include "actions/spec.h"
#include "core/result.h"

namespace revertd {

/// Keys that mean something, a step that does one thing, and a parameter of the recipe behind every `$`. `tree` is the
/// file, `recipe` what was read from it.
[[nodiscard]] Result<void> lint_recipe(const Param& tree, const Recipe& recipe);

}  // namespace revertd
