// SPDX-License-Identifier: Apache-2.0
// An entry of `rollback:` laid over its recipe: shapes checked, defaults filled in, `$name` resolved.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actions/recipe.h"
#include "actions/spec.h"
#include "core/clock.h"

namespace revertd {

struct BoundEntry {
    const Recipe* recipe = nullptr;  ///< null: no such recipe, a problem says so
    Param scope;                     ///< the entry as a map, with defaults
};

/// Complaints go to `problems`; the result is of use only if there was none.
[[nodiscard]] BoundEntry bind_entry(const Param& entry, std::vector<Problem>& problems);

/// A template of the recipe with its `$name`s replaced; nothing where an optional parameter was not written.
/// A list in the place of a list's item becomes its items.
[[nodiscard]] std::optional<Param> resolve(const Param& tree, const Param& scope);

/// The paths behind every `$` of a text: "releases" of "$releases/../current". Empty: a `$` with no name behind it.
[[nodiscard]] std::vector<std::string> references_of(std::string_view text);

}  // namespace revertd
