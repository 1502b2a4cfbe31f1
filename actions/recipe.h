// SPDX-License-Identifier: Apache-2.0
// A platform as data: one YAML file in actions/recipes, compiled in. `$name` in it stands for a parameter, `{to}` and
// its kin for values that are known when it acts.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actions/spec.h"
#include "core/result.h"

namespace revertd {

struct RecipeParameter {
    enum class Kind : std::uint8_t {
        Word,    ///< plain text
        Words,   ///< plain text or a list of it
        Path,    ///< absolute
        Url,     ///< http or https
        Method,  ///< of a request that changes something
        Argv,    ///< program and arguments, placeholders allowed behind the program
        Probe,   ///< argv, or { http, json }
        Texts,   ///< map of texts, placeholders allowed
        Tree,    ///< anything, placeholders allowed in its strings
        Span,    ///< a duration: 30s
        Map      ///< with `keys`
    };

    std::string name;
    Kind kind = Kind::Word;
    bool required = false;
    std::string words;
    std::optional<Param> fallback;
    std::vector<RecipeParameter> keys;
};

struct Recipe {
    std::string name;
    std::string words;    ///< one line for `revertctl recipes`
    std::string example;  ///< flow YAML
    std::vector<RecipeParameter> parameters;
    std::optional<Param> observe;
    std::vector<Param> act;
    bool settles = false;           ///< its observe can say ` settling`
    bool reports_progress = false;  ///< it can say that nothing is in progress (S34)
};

[[nodiscard]] std::string_view to_string(RecipeParameter::Kind kind);

/// In alphabetical order.
[[nodiscard]] const std::vector<Recipe>& recipes();
/// From here on as if it were compiled in, instead of one of the same name: for trying a file before it is.
void try_recipe(Recipe recipe);
[[nodiscard]] const Recipe* find_recipe(std::string_view name);

/// Reads one recipe file; the message says what is wrong with it.
[[nodiscard]] Result<Recipe> parse_recipe(const std::string& name, const std::string& yaml);

struct EmbeddedRecipe {
    const char* name;
    const char* yaml;
};

[[nodiscard]] const std::vector<EmbeddedRecipe>& embedded_recipes();

}  // namespace revertd
