// SPDX-License-Identifier: Apache-2.0
#include "actions/recipe.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "actions/recipe_lint.h"
#include "actions/similar.h"
#include "actions/yaml.h"

namespace revertd {
namespace {

using Kind = RecipeParameter::Kind;

constexpr std::array<std::pair<std::string_view, Kind>, 11> kKinds{{{"word", Kind::Word},
                                                                    {"words", Kind::Words},
                                                                    {"path", Kind::Path},
                                                                    {"url", Kind::Url},
                                                                    {"method", Kind::Method},
                                                                    {"argv", Kind::Argv},
                                                                    {"probe", Kind::Probe},
                                                                    {"texts", Kind::Texts},
                                                                    {"tree", Kind::Tree},
                                                                    {"duration", Kind::Span},
                                                                    {"map", Kind::Map}}};

std::string text_of(const Param& map, std::string_view key) {
    const Param* found = map.find(key);
    return found == nullptr ? std::string() : found->text;
}

bool is_true(const Param& map, std::string_view key) {
    return text_of(map, key) == "true";
}

Result<RecipeParameter> parse_parameter(const Param& item) {
    RecipeParameter parameter;
    parameter.name = item.key;
    parameter.required = is_true(item, "required");
    parameter.words = text_of(item, "words");
    const std::string kind = text_of(item, "kind");
    const auto* found = std::find_if(kKinds.begin(), kKinds.end(), [&](const auto& k) { return k.first == kind; });
    if (found == kKinds.end()) {
        std::vector<std::string> kinds;
        for (const auto& [name, unused] : kKinds) kinds.emplace_back(name);
        return Error(ErrorCode::Invalid, item.key + " has the unknown kind '" + kind + "'",
                     "a kind is " + in_words(kinds));
    }
    parameter.kind = found->second;
    if (const Param* fallback = item.find("default")) parameter.fallback = *fallback;
    if (const Param* keys = item.find("keys")) {
        for (const Param& key : keys->items) {
            Result<RecipeParameter> inner = parse_parameter(key);
            if (!inner) return inner;
            parameter.keys.push_back(*std::move(inner));
        }
    }
    return parameter;
}

std::vector<Recipe> load() {
    std::vector<Recipe> all;
    for (const EmbeddedRecipe& embedded : embedded_recipes()) {
        Result<Recipe> recipe = parse_recipe(embedded.name, embedded.yaml);
        assert(recipe.has_value());  // tests/actions reads each of them
        if (recipe) all.push_back(*std::move(recipe));
    }
    std::sort(all.begin(), all.end(), [](const Recipe& a, const Recipe& b) { return a.name < b.name; });
    return all;
}

std::vector<Recipe>& known() {
    static std::vector<Recipe> all = load();
    return all;
}

}  // namespace

std::string_view to_string(RecipeParameter::Kind kind) {
    const auto* found = std::find_if(kKinds.begin(), kKinds.end(), [&](const auto& k) { return k.second == kind; });
    return found == kKinds.end() ? std::string_view() : found->first;
}

const std::vector<Recipe>& recipes() {
    return known();
}

void try_recipe(Recipe recipe) {
    std::vector<Recipe>& all = known();
    std::erase_if(all, [&](const Recipe& other) { return other.name == recipe.name; });
    const auto place = std::find_if(all.begin(), all.end(), [&](const Recipe& r) { return r.name > recipe.name; });
    all.insert(place, std::move(recipe));
}

const Recipe* find_recipe(std::string_view name) {
    const auto& all = recipes();
    const auto found = std::find_if(all.begin(), all.end(), [&](const Recipe& r) { return r.name == name; });
    return found == all.end() ? nullptr : &*found;
}

Result<Recipe> parse_recipe(const std::string& name, const std::string& yaml) {
    const Result<Param> tree = parse_yaml(yaml);
    if (!tree) return tree.wrap("recipe " + name);
    Recipe recipe;
    recipe.name = name;
    recipe.words = text_of(*tree, "words");
    recipe.example = text_of(*tree, "example");
    recipe.settles = is_true(*tree, "settles");
    recipe.reports_progress = is_true(*tree, "reports_progress");
    if (const Param* observe = tree->find("observe")) recipe.observe = *observe;
    const Param* act = tree->find("act");
    const Param* parameters = tree->find("parameters");
    if (act == nullptr || act->items.empty() || parameters == nullptr)
        return Error(ErrorCode::Invalid, "recipe " + name + ": needs `parameters` and `act`");
    recipe.act = act->items;
    for (const Param& item : parameters->items) {
        Result<RecipeParameter> parameter = parse_parameter(item);
        if (!parameter) return parameter.wrap("recipe " + name);
        recipe.parameters.push_back(*std::move(parameter));
    }
    if (std::none_of(recipe.parameters.begin(), recipe.parameters.end(), [&](const auto& p) { return p.name == name; }))
        return Error(ErrorCode::Invalid, "recipe " + name + ": the parameter that names it is missing",
                     "the file's name is that of the recipe: `rollback: { " + name + ": ... }` must be one of its " +
                         "parameters");
    if (const auto clean = lint_recipe(*tree, recipe); !clean) return clean.wrap("recipe " + name);
    return recipe;
}

}  // namespace revertd
