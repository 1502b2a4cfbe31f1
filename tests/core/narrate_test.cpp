// SPDX-License-Identifier: Apache-2.0
#include "core/narrate.h"

#include <gtest/gtest.h>

namespace revertd {
namespace {

TEST(Narrate, an_adoption_that_begins_again_says_why) {
    EXPECT_EQ(narrate(AdoptionStarted{"api", "v1", ""}), "v1 is watched for one bake before it counts as good");
    EXPECT_EQ(narrate(AdoptionStarted{"api", "v1", "no P0 or P1 rule could be judged"}),
              "v1 does not count as good yet and is watched for another bake: no P0 or P1 rule could be judged");
    EXPECT_EQ(narrate(AdoptionStarted{"api", "", ""}), "") << "that it is good is said by the ledger";
}

}  // namespace
}  // namespace revertd
