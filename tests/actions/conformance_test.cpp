// SPDX-License-Identifier: Apache-2.0
#include "actions/conformance.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace revertd {
namespace {

/// What is found wrong with a recipe file, check by check.
std::string faults(const std::string& name, const std::string& yaml) {
    const auto recipe = parse_recipe(name, yaml);
    EXPECT_TRUE(recipe.has_value()) << (recipe ? "" : recipe.error().message);
    std::string out;
    if (recipe)
        for (const Conformance& check : check_conformance(*recipe))
            if (!check.why.empty()) out += check.what + ": " + check.why + "\n";
    return out;
}

TEST(Conformance, every_recipe_that_is_shipped_conforms) {
    const std::vector<Recipe> shipped = recipes();
    for (const Recipe& recipe : shipped)
        for (const Conformance& check : check_conformance(recipe))
            EXPECT_EQ(check.why, "") << recipe.name << ": " << check.what;
}

TEST(Conformance, the_recipe_of_the_documentation_conforms) {
    std::ifstream file(REVERTD_SOURCE_DIR "/docs/recipes.md");
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const std::string begin = "```yaml\n", end = "```";
    const auto at = text.find(begin);
    ASSERT_NE(at, std::string::npos);
    const auto from = at + begin.size();
    EXPECT_EQ(faults("switch", text.substr(from, text.find(end, from) - from)), "");
}

constexpr const char* kGood = R"(words: A program.
example: '{ mine: /usr/bin/thing }'
parameters:
  mine: { kind: path, required: true, words: "the program" }
observe: [$mine, current]
act:
  - name: set
    exec: [$mine, set, "{to}"]
    deadline: 30s
)";

std::string with(std::string text, const std::string& from, const std::string& to) {
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
}

TEST(Conformance, a_new_recipe_is_tried_before_it_is_compiled_in) {
    EXPECT_EQ(faults("mine", kGood), "");
    EXPECT_NE(find_recipe("mine"), nullptr);
}

TEST(Conformance, each_fault_is_found) {
    EXPECT_NE(faults("mine", with(kGood, "words: A program.\n", "")).find("`words` is missing"), std::string::npos);
    EXPECT_NE(faults("mine", with(kGood, "observe: [$mine, current]\n", "")).find("`observe` is missing"),
              std::string::npos);
    EXPECT_NE(faults("mine", with(kGood, ", \"{to}\"]", ", \"v1\"]")).find("no step is told the target"),
              std::string::npos);
    EXPECT_NE(faults("mine", with(kGood, "exec: [$mine, set", "exec: [thing, set")).find("no absolute path"),
              std::string::npos);
    EXPECT_NE(faults("mine", with(kGood, "example: '{ mine: /usr/bin/thing }'", "example: '{ mine: relative }'")), "");
    EXPECT_NE(faults("mine", with(kGood, "current]\n", "current]\nreports_progress: true\n")).find("without `settles`"),
              std::string::npos);
}

}  // namespace
}  // namespace revertd
