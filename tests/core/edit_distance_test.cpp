// SPDX-License-Identifier: Apache-2.0
#include "core/edit_distance.h"

#include <gtest/gtest.h>

#include <string>

namespace revertd {
namespace {

TEST(EditDistance, counts_insertions_deletions_and_replacements) {
    EXPECT_EQ(edit_distance("", ""), 0U);
    EXPECT_EQ(edit_distance("shop", "shop"), 0U);
    EXPECT_EQ(edit_distance("shop", ""), 4U);
    EXPECT_EQ(edit_distance("shp", "shop"), 1U);
    EXPECT_EQ(edit_distance("shops", "shop"), 1U);
    EXPECT_EQ(edit_distance("stop", "shop"), 1U);
    EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
}

TEST(EditDistance, of_what_nobody_types_is_its_length) {
    const std::string word(kLongestWord, 'a'), longer(kLongestWord + 1, 'a'), huge(16 << 20, 'a');
    EXPECT_EQ(edit_distance(word, word), 0U);
    EXPECT_EQ(edit_distance(longer, word), kLongestWord + 1);
    EXPECT_EQ(edit_distance(huge, huge), huge.size());  // at once: the product would take days
}

}  // namespace
}  // namespace revertd
