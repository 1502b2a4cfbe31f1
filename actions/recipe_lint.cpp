// SPDX-License-Identifier: Apache-2.0
#include "actions/recipe_lint.h"

#include <algorithm>

#include "actions/bind.h"
#include "actions/runner_verbs.h"
#include "actions/similar.h"
#include "actions/step.h"

namespace revertd {
namespace {

using Names = std::vector<std::string>;

Error at(const Param& place, const std::string& what, const std::string& hint) {
    const int line = place.key_line != 0 ? place.key_line : place.line;
    return {ErrorCode::Invalid, "line " + std::to_string(line) + ": " + what, hint};
}

std::string meant_or_all(const std::string& word, const Names& names) {
    const std::string meant = most_similar(word, names);
    return meant.empty() ? "known are " + in_words(names) : "did you mean '" + meant + "'?";
}

Result<void> only(const Param& map, const Names& keys, const std::string& of) {
    if (!map.is_map()) return at(map, of + " is a mapping", "its keys are " + in_words(keys));
    for (const Param& item : map.items)
        if (std::ranges::find(keys, item.key) == keys.end())
            return at(item, "unknown key '" + item.key + "' in " + of, meant_or_all(item.key, keys));
    return {};
}

Result<void> only_known_keys(const Param& parameter) {
    static const Names keys{"kind", "required", "default", "words", "keys"};
    if (auto known = only(parameter, keys, "the parameter " + parameter.key); !known) return known;
    const Param* inner = parameter.find("keys");
    for (const Param& key : inner != nullptr ? inner->items : std::vector<Param>{})
        if (auto known = only_known_keys(key); !known) return known;
    return {};
}

/// `names` may stand behind a `$` in any text of `tree`.
Result<void> refers_to(const Param& tree, const Names& names) {
    for (const Param& item : tree.items)
        if (auto fine = refers_to(item, names); !fine) return fine;
    for (const std::string& path : references_of(tree.text)) {
        const std::string name = path.substr(0, path.find('.'));
        if (std::ranges::find(names, name) != names.end()) continue;
        if (name.empty())
            return at(tree, "a `$` without the name of a parameter: " + tree.text, "$name stands for a parameter");
        return at(tree, "$" + name + " is no parameter that is known here", meant_or_all(name, names));
    }
    return {};
}

/// A default may use the parameters before it.
Result<void> defaults_refer(const std::vector<RecipeParameter>& parameters) {
    Names before;
    for (const RecipeParameter& parameter : parameters) {
        if (parameter.fallback)
            if (auto fine = refers_to(*parameter.fallback, before); !fine) return fine;
        before.push_back(parameter.name);
    }
    return {};
}

/// `[revertd-runner, verb, --option, value, …, --, word…]`: the runner would refuse anything else in the middle of a
/// rollback.
Result<void> calls_the_runner(const Param& argv) {
    if (argv.items.empty() || argv.items.front().text != kRunnerWord) return {};
    Names verbs;
    for (const RunnerVerb& verb : kRunnerVerbs) verbs.emplace_back(verb.name);
    if (argv.items.size() < 2) return at(argv, "revertd-runner does nothing by itself", meant_or_all({}, verbs));
    const Param& said = argv.items[1];
    const auto* verb = std::ranges::find(kRunnerVerbs, said.text, &RunnerVerb::name);
    if (verb == kRunnerVerbs.end())
        return at(said, "revertd-runner has no '" + said.text + "'", meant_or_all(said.text, verbs));
    Names missing;
    for (const std::string_view option : verb->options)
        if (!option.empty()) missing.emplace_back(option);
    const Names known = missing;
    std::size_t i = 2;
    for (; i < argv.items.size() && argv.items[i].text != "--"; i += 2) {
        const std::string& option = argv.items[i].text;
        if (std::ranges::find(known, option) == known.end())
            return at(argv.items[i], "revertd-runner " + said.text + " has no '" + option + "'",
                      meant_or_all(option, known));
        if (std::erase(missing, option) == 0) return at(argv.items[i], "'" + option + "' stands there twice", "");
        if (i + 1 >= argv.items.size() || argv.items[i + 1].text == "--")
            return at(argv.items[i], "'" + option + "' has no value", "");
    }
    if (!missing.empty()) return at(said, "revertd-runner " + said.text + " needs " + in_words(missing), "");
    const std::size_t words = i < argv.items.size() ? argv.items.size() - i - 1 : 0;
    if (words < verb->least_words || words > verb->most_words)
        return at(said,
                  "revertd-runner " + said.text + (verb->most_words == 0 ? " takes no words" : " takes a unit") +
                      " behind --",
                  "");
    return {};
}

Result<void> lint_step(const Param& step, Names names) {
    static const Names keys{"name", "exec", "http", "cwd", "env", "deadline", "each"};
    static const Names of_http{"url", "method", "headers", "body"};
    if (auto known = only(step, keys, "a step of `act`"); !known) return known;
    const Param *exec = step.find("exec"), *http = step.find("http");
    if (step.find("name") == nullptr) return at(step, "a step has no name", "name: what it does, for the report");
    if ((exec == nullptr) == (http == nullptr)) return at(step, "a step needs either `exec` or `http`", "");
    if (exec != nullptr)
        if (auto fine = calls_the_runner(*exec); !fine) return fine;
    if (http != nullptr) {
        if (auto known = only(*http, of_http, "`http`"); !known) return known;
        for (const char* needed : {"url", "method", "body"})
            if (http->find(needed) == nullptr) return at(*http, "`http` has no `" + std::string(needed) + "`", "");
    }
    if (const Param* each = step.find("each")) {
        if (!each->is_map() || each->items.size() != 1)
            return at(*each, "`each` names one list", "each: { unit: $systemd } repeats the step with $unit");
        if (auto fine = refers_to(*each, names); !fine) return fine;
        names.push_back(each->items.front().key);
    }
    return refers_to(step, names);
}

}  // namespace

Result<void> lint_recipe(const Param& tree, const Recipe& recipe) {
    static const Names keys{"words", "example", "parameters", "observe", "settles", "reports_progress", "act"};
    if (auto known = only(tree, keys, "a recipe"); !known) return known;
    for (const Param& parameter : tree.find("parameters")->items)
        if (auto known = only_known_keys(parameter); !known) return known;
    if (auto fine = defaults_refer(recipe.parameters); !fine) return fine;
    Names names;
    for (const RecipeParameter& parameter : recipe.parameters) names.push_back(parameter.name);
    if (recipe.observe) {
        if (auto fine = refers_to(*recipe.observe, names); !fine) return fine;
        if (auto fine = calls_the_runner(*recipe.observe); !fine) return fine;
    }
    for (const Param& step : recipe.act)
        if (auto fine = lint_step(step, names); !fine) return fine;
    return {};
}

}  // namespace revertd
