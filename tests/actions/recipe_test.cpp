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
