// SPDX-License-Identifier: Apache-2.0
#include "actions/bind.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <utility>

#include "actions/placeholders.h"
#include "actions/shapes.h"
#include "actions/similar.h"

namespace revertd {
namespace {

/// Recipes that users will look for; a word about them is kinder than "unknown".
constexpr std::array<std::string_view, 17> kNotBuilt{
    "kubernetes", "helm",       "argocd",  "compose", "docker",  "podman", "swarm",     "fly",  "github",
    "git",        "databricks", "airflow", "flag",    "alembic", "django", "terraform", "nginx"};

void complain_unknown_recipe(const Param& entry, std::vector<Problem>& problems) {
    const Param& first = entry.items.front();
    std::vector<std::string> names;
    for (const Recipe& recipe : recipes()) names.push_back(recipe.name);
    for (const Param& item : entry.items) {
        if (std::find(kNotBuilt.begin(), kNotBuilt.end(), item.key) == kNotBuilt.end()) continue;
        problems.push_back({false, item.key_line, item.key_column, "the recipe '" + item.key + "' is not built yet",
                            "until then: exec, with a script that goes to the version {to}"});
        return;
    }
    for (const Param& item : entry.items) {
        const std::string meant = most_similar(item.key, names);
        if (meant.empty()) continue;
        problems.push_back({false, item.key_line, item.key_column, "unknown recipe '" + item.key + "'",
                            "did you mean '" + meant + "'?"});
        return;
    }
    problems.push_back({false, first.key_line, first.key_column, "no recipe in this entry of rollback",
                        "one of its keys must be " + in_words(names)});
}

const Recipe* choose_recipe(const Param& entry, std::vector<Problem>& problems) {
    const Recipe* chosen = nullptr;
    for (const Param& item : entry.items) {
        const Recipe* recipe = find_recipe(item.key);
        if (recipe == nullptr) continue;
        if (chosen != nullptr) {
            problems.push_back({false, item.key_line, item.key_column,
                                "two recipes in one entry: '" + chosen->name + "' and '" + recipe->name + "'",
                                "write a list; its entries run in order"});
            return nullptr;
        }
        chosen = recipe;
    }
    if (chosen == nullptr) complain_unknown_recipe(entry, problems);
    return chosen;
}

/// A `$name.part` reference at the front of `text`; `length` counts the dollar sign.
struct Reference {
    std::string path;
    std::size_t length = 0;
};

Reference reference_at(std::string_view text) {
    std::size_t end = 1;
    const auto is_name = [](char c) { return (c >= 'a' && c <= 'z') || c == '_' || (c >= '0' && c <= '9'); };
    while (end < text.size() &&
           (is_name(text[end]) || (text[end] == '.' && end + 1 < text.size() && is_name(text[end + 1]))))
        ++end;
    return {std::string(text.substr(1, end - 1)), end};
}

const Param* look_up(const Param& scope, std::string_view path) {
    const std::size_t dot = path.find('.');
    const std::string_view name = path.substr(0, dot);
    const Param* found = scope.find(name);
    std::size_t index = 0;
    if (scope.is_list() && std::from_chars(name.data(), name.data() + name.size(), index).ec == std::errc() &&
        index < scope.items.size())
        found = &scope.items[index];
    if (found == nullptr || dot == std::string_view::npos) return found;
    return look_up(*found, path.substr(dot + 1));
}

std::optional<Param> resolve_scalar(const Param& tree, const Param& scope) {
    if (tree.text.starts_with('$')) {
        const Reference whole = reference_at(tree.text);
        if (whole.length == tree.text.size()) {
            const Param* found = look_up(scope, whole.path);
            if (found == nullptr) return std::nullopt;
            Param value = *found;
            value.key = tree.key;
            return value;
        }
    }
    Param out = tree;
    out.text.clear();
    std::string_view rest = tree.text;
    while (!rest.empty()) {
        const std::size_t dollar = std::min(rest.find('$'), rest.size());
        out.text += rest.substr(0, dollar);
        rest.remove_prefix(dollar);
        if (rest.empty()) break;
        const Reference part = reference_at(rest);
        const Param* found = look_up(scope, part.path);
        if (found != nullptr) out.text += found->text;
        rest.remove_prefix(part.length);
    }
    return out;
}

void normalise(Param& value, RecipeParameter::Kind kind) {
    if (kind == RecipeParameter::Kind::Words && value.is_scalar()) {
        Param list = value;
        list.kind = Param::Kind::List;
        list.items = {value};
        list.text.clear();
        value = list;
    }
    if (kind == RecipeParameter::Kind::Path) {
        std::string path = std::filesystem::path(value.text).lexically_normal().string();
        while (path.size() > 1 && path.ends_with('/')) path.pop_back();
        value.text = path;
    }
}

/// The written map and its defaults, in the order of the recipe; `$name` in a default means a parameter before it.
Param bind_map(const Param& map, const std::vector<RecipeParameter>& parameters, std::vector<Problem>& problems) {
    std::vector<std::string> names;
    for (const RecipeParameter& p : parameters) names.push_back(p.name);
    for (const Param& item : map.items) {
        if (std::find(names.begin(), names.end(), item.key) != names.end()) continue;
        const std::string meant = most_similar(item.key, names);
        problems.push_back({false, item.key_line, item.key_column, "unknown parameter '" + item.key + "'",
                            meant.empty() ? "known are " + in_words(names) : "did you mean '" + meant + "'?"});
    }
    Param bound = map;
    bound.items.clear();
    for (const RecipeParameter& p : parameters) {
        std::optional<Param> value;
        if (const Param* written = map.find(p.name)) {
            check_shape(*written, p, problems);
            value = *written;
        } else if (p.fallback) {
            value = resolve(*p.fallback, bound);
        } else if (p.required) {
            problems.push_back({false, map.line, map.column, "'" + p.name + "' is missing", p.words});
        }
        if (!value) continue;
        value->key = p.name;
        if (p.kind == RecipeParameter::Kind::Map && value->is_map()) {
            *value = bind_map(*value, p.keys, problems);
            value->key = p.name;
        }
        normalise(*value, p.kind);
        bound.items.push_back(*std::move(value));
    }
    return bound;
}

}  // namespace

BoundEntry bind_entry(const Param& entry, std::vector<Problem>& problems) {
    if (!entry.is_map() || entry.items.empty()) {
        problems.push_back({false, entry.line, entry.column, "an entry of rollback is a mapping that names a recipe",
                            "for example " + recipes().front().example});
        return {};
    }
    const Recipe* recipe = choose_recipe(entry, problems);
    if (recipe == nullptr) return {};
    return {recipe, bind_map(entry, recipe->parameters, problems)};
}

std::vector<std::string> references_of(std::string_view text) {
    std::vector<std::string> paths;
    for (std::size_t at = text.find('$'); at < text.size(); at = text.find('$', at + 1))
        paths.push_back(reference_at(text.substr(at)).path);
    return paths;
}

std::optional<Param> resolve(const Param& tree, const Param& scope) {
    if (tree.is_scalar()) return resolve_scalar(tree, scope);
    Param out = tree;
    out.items.clear();
    for (const Param& item : tree.items) {
        std::optional<Param> value = resolve(item, scope);
        if (!value) continue;
        const bool splice = tree.is_list() && item.is_scalar() && value->is_list();
        if (splice)
            out.items.insert(out.items.end(), value->items.begin(), value->items.end());
        else
            out.items.push_back(*std::move(value));
    }
    return out;
}

}  // namespace revertd
