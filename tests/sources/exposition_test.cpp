// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/sources/body.h"

namespace revertd {
namespace {

TEST(Exposition, keeps_the_wanted_series_and_their_first_values) {
    Scraper scraper({gauge_of("a", "a")});
    const auto& scrape = scraper.scrape("# TYPE a gauge\na{x=\"1\"} 1\nb 7\na{x=\"2\"} 2.5\na{x=\"1\"} 9\n");
    ASSERT_EQ(scrape.verdict, Verdict::Ok) << scrape.reason;
    ASSERT_EQ(scrape.values.size(), 2U);
    EXPECT_EQ(scrape.values[0].value, 1);
    EXPECT_EQ(scrape.values[1].value, 2.5);
}

}  // namespace
}  // namespace revertd
