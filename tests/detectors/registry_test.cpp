// SPDX-License-Identifier: Apache-2.0
#include "detectors/registry.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

namespace revertd::detectors {
namespace {

std::string documentation() {
    std::ifstream file(std::string(REVERTD_SOURCE_DIR) + "/docs/configuration.md");
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

TEST(Detectors, each_begins_with_a_word_of_its_own) {
    std::set<std::string_view> verbs;
    for (const DetectorKind* kind : all()) {
        const std::string_view verb = kind->sentence.substr(0, kind->sentence.find(' '));
        EXPECT_TRUE(verbs.insert(verb).second) << verb;
        EXPECT_TRUE(verb != "absent" && verb != "for" && verb != "over") << verb;
        EXPECT_FALSE(kind->help.empty());
        EXPECT_NE(kind->make, nullptr);
    }
}

TEST(Detectors, each_has_its_line_in_the_documentation) {
    const std::string text = documentation();
    for (const DetectorKind* kind : all())
        EXPECT_NE(text.find("`<signal> " + std::string(kind->sentence)), std::string::npos) << kind->sentence;
}

}  // namespace
}  // namespace revertd::detectors
