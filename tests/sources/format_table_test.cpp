// SPDX-License-Identifier: Apache-2.0
#include "tests/sources/format_table.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <set>

#include "tests/sources/body.h"
#include "tests/sources/reference_parser.h"

namespace revertd {
namespace {

Verdict expected_verdict(const FormatRow& row) {
    if (!row.accepted) return Verdict::Error;
    return row.samples == 0 ? Verdict::NoData : Verdict::Ok;
}

class FormatTable : public testing::Test {
  protected:
    void SetUp() override { ASSERT_GT(rows_.size(), 150U); }

    std::vector<FormatRow> rows_ = read_format_table();
};

TEST_F(FormatTable, each_row_is_accepted_or_refused_and_its_first_value_is_kept) {
    for (const FormatRow& row : rows_) {
        SCOPED_TRACE(row.why + ": " + row.body);
        Scraper scraper({gauge_of("a", "a")});
        const auto& scrape = scraper.scrape(row.body);
        EXPECT_EQ(scrape.verdict, expected_verdict(row)) << scrape.reason;
        EXPECT_EQ(scrape.values.empty(), !row.accepted || row.first == "-");
        if (scrape.values.empty()) continue;
        const double expected = std::strtod(row.first.c_str(), nullptr);
        EXPECT_TRUE(scrape.values[0].value == expected || (std::isnan(expected) && std::isnan(scrape.values[0].value)));
    }
}

TEST_F(FormatTable, a_name_that_nobody_wants_is_validated_all_the_same) {
    for (const FormatRow& row : rows_) {
        Scraper scraper({gauge_of("other", "other")});
        EXPECT_EQ(scraper.scrape(row.body).verdict, expected_verdict(row)) << row.why << ": " << row.body;
    }
}

TEST_F(FormatTable, a_series_that_is_known_is_validated_all_the_same) {
    for (const FormatRow& row : rows_) {
        Scraper scraper({gauge_of("a", "a")});
        const std::string first = describe(scraper.scrape(row.body));
        EXPECT_EQ(describe(scraper.scrape(row.body)), first) << row.why << ": " << row.body;
    }
}

TEST_F(FormatTable, chunks_of_any_size_read_the_same) {
    for (const FormatRow& row : rows_) {
        const std::string body = row.body + (row.accepted && row.body.ends_with('\n') ? "a{y=\"z\"} 3\n" : "");
        Scraper whole({gauge_of("a", "a")});
        const std::string expected = describe(whole.scrape(body));
        for (std::size_t cut = 1; cut < body.size(); ++cut) {
            Scraper chunks({gauge_of("a", "a")}), halves({gauge_of("a", "a")});
            EXPECT_EQ(describe(chunks.scrape(body, cut)), expected) << cut << ' ' << row.why << ": " << row.body;
            halves.targets[0]->head(200, "text/plain", std::nullopt);
            const bool more = halves.feed(body.substr(0, cut)) && halves.feed(body.substr(cut));
            halves.targets[0]->done(more ? FetchError::None : FetchError::Aborted, Time{});
            EXPECT_EQ(describe(halves.listener.last()), expected) << cut << ' ' << row.why << ": " << row.body;
        }
    }
}

TEST_F(FormatTable, the_reference_parser_agrees) {
    for (const FormatRow& row : rows_) {
        const auto samples = reference_parse(row.body);
        ASSERT_EQ(samples.has_value(), row.accepted) << row.why << ": " << row.body;
        EXPECT_EQ(samples.value_or(ReferenceSamples()).size(), static_cast<std::size_t>(row.samples)) << row.why;
    }
}

/// A line may go on where the one before it has not been read differently.
constexpr const char* kNeighbours[] = {
    "a{x=\"1\" y=\"2\"} 1\na{x=\"1\" ,y=\"2\",z=\"3\"} 2\n",
    "a{x=\"1\",y=\"2\"} 1\na{x=\"1\",} 2\na{x=\"1\"  } 3\na{x=\"1\",y=\"2\",z=\"3\"} 4\n",
    "a{x=\"1\",y=\"2\"} 1\na{x=\"1\",,y=\"2\"} 2\n",
    "a{x=\"1\",y=\"2\"} 1\na{x=\"1\",y=\"2\",x=\"3\"} 2\n",
    "a{x=\"1\",y=\"2\",z=\"3\"} 1\na{x=\"1\",y=\"3\",z=\"3\"} 2\na{x=\"1\",y=\"3\",z=\"4\"} 3\n",
    "a{x=\"1\",y=\"2\"} 1\n# TYPE a gauge\n\na{x=\"1\",y=\"3\"} 2\na{x=\"1\",y=\"4\"} 3\n",
    "a{x=\"1\"} 1\naa{x=\"1\"} 2\na {x=\"1\"} 3\na{ x=\"2\"} 4\n",
    "a{x=\"1\"} 1\na{x=\"1\"2\n",
    "a{x=\"\n\"} 1\na{x=\"\n\n\"} 2\na{x=\"\n\",y=\"\"} 3\n",
    "{\"a\",x=\"1\"} 1\n{\"a\",x=\"2\"} 2\n{\"b\",x=\"2\"} 3\n{x=\"2\",\"a\"} 4\n{x=\"2\",y=\"1\"} 5\n",
    "a{\"q.r\"=\"1\",x=\"1\"} 1\na{\"q.r\"=\"1\",x=\"2\"} 2\na{\"q.r\"=\"1\",\"b\"} 3\n",
};

TEST(Neighbours, are_read_as_if_each_stood_alone) {
    for (const std::string body : kNeighbours) {
        const auto samples = reference_parse(body);
        Scraper scraper({gauge_of("a", "a")});
        const auto& scrape = scraper.scrape(body);
        ASSERT_EQ(scrape.verdict == Verdict::Ok, samples.has_value()) << body << scrape.reason;
        std::vector<double> expected, found;
        std::set<std::string> seen;
        for (const ReferenceSample& s : samples.value_or(ReferenceSamples())) {
            if (s.metric == "a" && seen.insert(s.labels).second) expected.push_back(s.value);
        }
        for (const SeriesValue& v : scrape.values) found.push_back(v.value);
        EXPECT_EQ(found, expected) << body;
    }
}

}  // namespace
}  // namespace revertd
