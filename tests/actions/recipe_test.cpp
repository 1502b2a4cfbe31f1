// SPDX-License-Identifier: Apache-2.0
#include "actions/recipe.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/actions/spec_of.h"

namespace revertd {
namespace {

TEST(Recipes, every_file_is_compiled_in_and_readable) {
    std::size_t files = 0;
    for (const auto& file : std::filesystem::directory_iterator(REVERTD_SOURCE_DIR "/actions/recipes")) {
        ++files;
        EXPECT_NE(find_recipe(file.path().stem().string()), nullptr) << file.path();
    }
    EXPECT_EQ(recipes().size(), files);
}

TEST(Recipes, explain_themselves) {
    for (const Recipe& recipe : recipes()) {
        EXPECT_FALSE(recipe.words.empty()) << recipe.name;
        EXPECT_TRUE(recipe.observe.has_value()) << recipe.name;
        for (const RecipeParameter& parameter : recipe.parameters)
            EXPECT_FALSE(parameter.words.empty()) << parameter.name;
        for (const Param& act : recipe.act) EXPECT_NE(act.find("name"), nullptr) << recipe.name;
    }
}

TEST(Recipes, their_examples_pass_their_own_check_and_expand) {
    for (const Recipe& recipe : recipes()) {
        EXPECT_TRUE(check_rollback(spec_of(recipe.example)).empty()) << recipe.name;
        EXPECT_TRUE(expand(spec_of(recipe.example), usual_values()).has_value()) << recipe.name;
    }
}

TEST(Recipes, a_broken_file_says_what_is_wrong) {
    EXPECT_FALSE(parse_recipe("x", "{ words: a"));
    EXPECT_FALSE(parse_recipe("x", "{ words: a }"));
    EXPECT_FALSE(parse_recipe("x", "{ parameters: { x: { kind: odd } }, act: [ { name: a, exec: [/a] } ] }"));
    EXPECT_FALSE(parse_recipe("x", "{ parameters: { y: { kind: word } }, act: [ { name: a, exec: [/a] } ] }"));
    EXPECT_TRUE(parse_recipe("x", "{ parameters: { x: { kind: word } }, act: [ { name: a, exec: [/a] } ] }"));
}

/// What is said of a file that differs from a good one in `from`.
std::string said(const std::string& from, const std::string& to) {
    std::string text = R"(words: A switch.
example: '{ mine: /etc/live }'
parameters:
  mine: { kind: path, required: true, words: "the link" }
  binary: { kind: path, default: $mine/bin, words: "the program" }
observe: [$binary, current]
act:
  - name: flip $mine
    each: { unit: $mine }
    exec: [$binary, flip, $unit, "{to}"]
    deadline: 10s
)";
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    if (at != std::string::npos) text.replace(at, from.size(), to);
    const auto recipe = parse_recipe("mine", text);
    return recipe ? "" : recipe.error().message + "; " + recipe.error().hint;
}

TEST(Recipes, what_means_nothing_is_refused_with_its_place_and_what_was_meant) {
    EXPECT_EQ(said("words: A switch.", "words: A switch."), "");
    EXPECT_EQ(said("exec: [$binary", "exec: [$binray"),
              "recipe mine: line 10: $binray is no parameter that is known here; did you mean 'binary'?");
    EXPECT_EQ(said("observe: [$binary", "observe: [$Binary"),
              "recipe mine: line 6: a `$` without the name of a parameter: $Binary; $name stands for a parameter");
    EXPECT_EQ(said("observe:", "settels: true\nobserve:"),
              "recipe mine: line 6: unknown key 'settels' in a recipe; did you mean 'settles'?");
    EXPECT_EQ(said("deadline: 10s", "deadlin: 10s"),
              "recipe mine: line 11: unknown key 'deadlin' in a step of `act`; did you mean 'deadline'?");
    EXPECT_EQ(said("required: true", "requird: true"),
              "recipe mine: line 4: unknown key 'requird' in the parameter mine; did you mean 'required'?");
    EXPECT_NE(said("default: $mine/bin", "default: $unit/bin").find("$unit is no parameter"), std::string::npos);
    EXPECT_NE(said("flip $mine", "flip $mime").find("did you mean 'mine'?"), std::string::npos);
    EXPECT_NE(said("{ unit: $mine }", "{ unit: $units }").find("$units"), std::string::npos);
    EXPECT_NE(said("{ unit: $mine }", "$mine").find("`each` names one list"), std::string::npos);
}

TEST(Recipes, the_runner_is_asked_for_what_it_has_only) {
    const auto runs = [](const std::string& argv) {
        return said("exec: [$binary, flip, $unit, \"{to}\"]", "exec: [revertd-runner, " + argv + "]");
    };
    EXPECT_EQ(runs("flip, --link, $mine, --releases, $mine, --to, \"{to}\""), "");
    EXPECT_EQ(runs("restart-unit, --systemctl, /usr/bin/systemctl, --, $unit"), "");
    EXPECT_NE(runs("flop, --link, $mine").find("revertd-runner has no 'flop'; did you mean 'flip'?"), std::string::npos)
        << runs("flop, --link, $mine");
    EXPECT_NE(runs("restart, --, $unit").find("restart-unit"), std::string::npos);
    EXPECT_NE(runs("flip, --lnik, $mine, --releases, $mine, --to, \"{to}\"").find("did you mean '--link'?"),
              std::string::npos);
    EXPECT_NE(runs("flip, --link, $mine, --to, \"{to}\"").find("needs --releases"), std::string::npos);
    EXPECT_NE(runs("flip, --link, $mine, --link, $mine, --releases, $mine, --to, \"{to}\"").find("twice"),
              std::string::npos);
    EXPECT_NE(runs("restart-unit, --systemctl, --, $unit").find("has no value"), std::string::npos);
    EXPECT_NE(runs("restart-unit, --systemctl, /usr/bin/systemctl").find("takes a unit behind --"), std::string::npos);
    EXPECT_NE(said("exec: [$binary, flip, $unit, \"{to}\"]", "exec: [revertd-runner]").find("nothing by itself"),
              std::string::npos);
}

TEST(Recipes, a_step_does_one_thing_and_has_a_name) {
    EXPECT_NE(said("exec: [$binary, flip, $unit, \"{to}\"]", "cwd: /").find("either `exec` or `http`"),
              std::string::npos);
    EXPECT_NE(said("name: flip $mine", "cwd: /").find("no name"), std::string::npos);
    EXPECT_NE(said("exec: [$binary, flip, $unit, \"{to}\"]", "http: { url: $mine }").find("no `method`"),
              std::string::npos);
}

TEST(Recipes, an_unknown_kind_is_answered_with_the_kinds) {
    EXPECT_NE(said("kind: path, required", "kind: banana, required").find("word, words, path"), std::string::npos);
}

TEST(Yaml, an_endless_alias_is_an_error) {
    EXPECT_FALSE(parse_yaml("&a [*a]"));
}

TEST(Yaml, remembers_places_and_quotes) {
    const Result<Param> tree = parse_yaml("a: true\nb:\n  - \"true\"\n");
    ASSERT_TRUE(tree);
    EXPECT_FALSE(tree->items.at(0).quoted);
    const Param& item = tree->items.at(1).items.at(0);
    EXPECT_TRUE(item.quoted);
    EXPECT_EQ(item.line, 3);
    EXPECT_EQ(item.column, 5);
}

}  // namespace
}  // namespace revertd
