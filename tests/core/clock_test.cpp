// SPDX-License-Identifier: Apache-2.0
#include "core/clock.h"

#include <gtest/gtest.h>

namespace revertd {
namespace {

TEST(ToWords, writes_a_duration_as_the_configuration_does) {
    EXPECT_EQ(to_words(0s), "0s");
    EXPECT_EQ(to_words(250ms), "250ms");
    EXPECT_EQ(to_words(150s), "2m30s");
    EXPECT_EQ(to_words(2h + 3min + 4s), "2h3m");
    EXPECT_EQ(to_words(1500ms), "1s");
}

TEST(ToRfc3339, is_utc_with_milliseconds) {
    EXPECT_EQ(to_rfc3339(WallTime(1795144327250ms)), "2026-11-20T03:12:07.250Z");
}

}  // namespace
}  // namespace revertd
