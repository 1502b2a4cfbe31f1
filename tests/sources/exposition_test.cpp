// SPDX-License-Identifier: Apache-2.0
// Bodies as a whole: limits, truncation, duplicates, and what is remembered from one scrape to the next.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "daemon/sources/limits.h"
#include "tests/sources/body.h"

namespace revertd {
namespace {

std::string line(int i, double value) {
    return "a{handler=\"/api/" + std::to_string(i) + "\",method=\"GET\"} " + std::to_string(value) + "\n";
}

std::string body_of(int lines) {
    std::string body = "# HELP a Things.\n# TYPE a counter\n";
    for (int i = 0; i < lines; ++i) body += line(i, i + 0.5);
    return body;
}

TEST(Exposition, keeps_the_wanted_series_and_their_first_values) {
    Scraper scraper({gauge_of("a", "a")});
    const auto& scrape = scraper.scrape("# TYPE a gauge\na{x=\"1\"} 1\nb 7\na{x=\"2\"} 2.5\na{x=\"1\"} 9\n");
    ASSERT_EQ(scrape.verdict, Verdict::Ok) << scrape.reason;
    ASSERT_EQ(scrape.values.size(), 2U);
    EXPECT_EQ(scrape.values[0].value, 1);
    EXPECT_EQ(scrape.values[1].value, 2.5);
}

TEST(Exposition, the_first_value_counts_in_every_later_scrape_too) {
    Scraper scraper({gauge_of("a", "a")});
    for (int i = 0; i < 3; ++i) {
        const auto& scrape = scraper.scrape("a{x=\"1\",y=\"2\"} 1\nb 5\na{y=\"2\",x=\"1\"} 2\na{x=\"1\",y=\"2\"} 3\n");
        ASSERT_EQ(scrape.values.size(), 1U);
        EXPECT_EQ(scrape.values[0].value, 1);
    }
    const auto& turned = scraper.scrape("a{y=\"2\",x=\"1\"} 2\na{x=\"1\",y=\"2\"} 1\n");
    ASSERT_EQ(turned.values.size(), 1U);
    EXPECT_EQ(turned.values[0].value, 2);
}

TEST(Exposition, a_body_cut_at_any_byte_gives_no_value_at_all) {
    const std::string body = body_of(12) + "a{x=\"one\ntwo\"} 5 1700000000000\nb 1";
    Scraper scraper({gauge_of("a", "a")});
    ASSERT_EQ(scraper.scrape(body).values.size(), 13U);
    for (std::size_t cut = 0; cut < body.size(); ++cut) {
        ScrapeTarget& target = *scraper.targets[0];
        target.head(200, "text/plain", body.size());
        scraper.feed(std::string_view(body).substr(0, cut));
        target.done(cut % 2 == 0 ? FetchError::ClosedEarly : FetchError::Timeout, Time{});
        EXPECT_EQ(scraper.listener.last().verdict, Verdict::Error) << cut;
        EXPECT_TRUE(scraper.listener.last().values.empty()) << cut;
    }
    EXPECT_EQ(scraper.scrape(body).values.size(), 13U);
}

TEST(Exposition, a_bad_last_line_spoils_the_whole_body_and_registers_no_series) {
    Scraper scraper({gauge_of("a", "a")});
    const auto& scrape = scraper.scrape(body_of(50) + "a{ 1\n");
    EXPECT_EQ(scrape.verdict, Verdict::Error);
    EXPECT_EQ(scrape.reason, "line 53: a label name is expected");
    EXPECT_TRUE(scraper.listener.series().empty());
}

TEST(Exposition, a_large_body_reads_the_same_in_chunks_of_any_size) {
    const std::string body = body_of(3000);
    Scraper whole({gauge_of("a", "a")});
    const std::string expected = describe(whole.scrape(body));
    for (const std::size_t chunk : {1U, 7U, 512U, 1460U, 4096U, 65536U}) {
        Scraper scraper({gauge_of("a", "a")});
        EXPECT_EQ(describe(scraper.scrape(body, chunk)), expected) << chunk;
        EXPECT_EQ(describe(scraper.scrape(body, chunk)), expected) << chunk;
    }
}

struct LimitCase {
    const char* name;
    std::string good, bad;
    const char* reason;
};

std::string labels(std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += "l" + std::to_string(i) + "=\"v\",";
    return "a{" + text + "} 1\n";
}

TEST(Exposition, every_limit_ends_the_scrape_in_words) {
    const auto value = [](std::size_t n) { return "a{x=\"" + std::string(n, 'v') + "\"} 1\n"; };
    const auto name = [](std::size_t n) { return "a{" + std::string(n, 'n') + "=\"v\"} 1\n"; };
    const auto help = [](std::size_t n) { return "# HELP a " + std::string(n - 10, 'h') + "\na 1\n"; };
    const auto newlines = [](std::size_t n) { return "# \na{x=\"" + std::string(n, '\n') + "\"} 1\n"; };
    const LimitCase cases[] = {
        {"label value", value(kMaxLabelValueBytes), value(kMaxLabelValueBytes + 1), "a label value is too long"},
        {"label name", name(kMaxLabelNameBytes), name(kMaxLabelNameBytes + 1), "a label name is too long"},
        {"labels", labels(kMaxLabels), labels(kMaxLabels + 1), "too many labels"},
        {"line", help(kMaxLineBytes), help(kMaxLineBytes + 1), "the line is longer than 64 KiB"},
        {"open line", newlines(1000), newlines(2 * kMaxLineBytes), "longer than 64 KiB"},
        {"series", body_of(kMaxWantedLines), body_of(kMaxWantedLines + 1), "more than 20000 series"},
    };
    for (const LimitCase& c : cases) {
        for (const std::size_t chunk : {977U, 1U << 17}) {
            Scraper scraper({gauge_of("a", "a")});
            EXPECT_EQ(scraper.scrape(c.good, chunk).verdict, Verdict::Ok) << c.name << scraper.listener.last().reason;
            const auto& scrape = scraper.scrape(c.bad, chunk);
            EXPECT_EQ(scrape.verdict, Verdict::Error) << c.name;
            EXPECT_NE(scrape.reason.find(c.reason), std::string::npos) << c.name << ": " << scrape.reason;
        }
    }
}

TEST(Exposition, a_body_of_more_than_8_MiB_is_refused_however_it_comes) {
    const std::string comment = "# " + std::string(1021, 'x') + "\n";
    std::string body = "a 1\n";
    while (body.size() <= kMaxScrapeBytes) body += comment;
    Scraper scraper({gauge_of("a", "a")});
    EXPECT_NE(scraper.scrape(body).reason.find("8 MiB"), std::string::npos);
    scraper.targets[0]->head(200, "text/plain", kMaxScrapeBytes + 1);
    EXPECT_FALSE(scraper.feed("a 1\n"));
    scraper.targets[0]->done(FetchError::Aborted, Time{});
    EXPECT_NE(scraper.listener.last().reason.find("8 MiB"), std::string::npos);
}

TEST(Exposition, raw_newlines_in_tiny_chunks_are_read_in_time) {
    Scraper scraper({gauge_of("a", "a")});
    const auto& scrape = scraper.scrape("a{x=\"" + std::string(16'000, '\n') + "\"} 1\n", 3);
    EXPECT_EQ(scrape.verdict, Verdict::Ok) << scrape.reason;
}

/// Series of two scrapers have other ids: what they stand for is compared.
std::set<std::pair<std::uint64_t, double>> by_identity(const Scraper& scraper) {
    std::set<std::pair<std::uint64_t, double>> values;
    for (const SeriesValue& v : scraper.listener.last().values) {
        values.insert({scraper.listener.series()[v.series].identity, v.value});
    }
    return values;
}

TEST(Layout, what_is_remembered_never_changes_what_is_read) {
    std::mt19937_64 random(7);
    std::vector<int> present(40);
    for (int i = 0; i < 40; ++i) present[static_cast<std::size_t>(i)] = i;
    Scraper remembering({gauge_of("a", "a"), gauge_of("again", "a")});
    for (int round = 0; round < 400; ++round) {
        switch (random() % 6) {
            case 0:
                std::shuffle(present.begin(), present.end(), random);
                break;
            case 1:
                present.erase(present.begin() + static_cast<std::ptrdiff_t>(random() % present.size()));
                break;
            case 2:
                present.insert(present.begin(), static_cast<int>(random() % 60));
                break;
            case 3:
                present.push_back(static_cast<int>(random() % 60));
                break;
            default:
                break;
        }
        std::string body;
        for (const int i : present) body += line(i, round + i) + (i % 7 == 0 ? "other 1\n" : "");
        if (random() % 10 == 0) remembering.scrape(body + "bad{\n");
        ASSERT_EQ(remembering.scrape(body, random() % 300 + 1).verdict, Verdict::Ok);
        Scraper fresh({gauge_of("a", "a"), gauge_of("again", "a")});
        fresh.scrape(body);
        ASSERT_EQ(by_identity(remembering), by_identity(fresh)) << round;
        ASSERT_EQ(remembering.listener.last().values.size(), fresh.listener.last().values.size()) << round;
    }
}

TEST(Layout, holds_as_long_as_the_wanted_lines_come_in_their_order) {
    const auto selector = SeriesSelector::make({gauge_of("a", "a"), gauge_of("again", "a")});
    const auto read = [&](Exposition& reading, const Layout& layout, const std::string& body) {
        reading.begin(*selector, layout);
        EXPECT_TRUE(reading.feed({body.data(), body.size()}) && reading.end()) << reading.fault();
        return reading.layout_held();
    };
    Exposition reading(1);
    Layout layout;
    EXPECT_FALSE(read(reading, layout, body_of(9)));
    for (const Exposition::Value& v : reading.values()) {
        layout.own.push_back({v.series, v.more});
        layout.hashes.push_back(v.hash);
    }
    EXPECT_EQ(layout.entries().size(), 18U);
    EXPECT_TRUE(read(reading, layout, body_of(9)));
    EXPECT_TRUE(read(reading, layout, "other 1\n" + body_of(9) + "other 2\n"));
    EXPECT_FALSE(read(reading, layout, body_of(8)));
    EXPECT_FALSE(read(reading, layout, body_of(10)));
    EXPECT_FALSE(read(reading, layout, body_of(9) + line(0, 1)));
}

TEST(Layout, has_the_shape_of_the_page_from_the_second_one_on) {
    std::string body = "# HELP a text\n";
    for (int i = 0; i < 100; ++i) body += line(i, i) + "other{x=\"" + std::to_string(i) + "\"} 1\n";
    Scraper scraper({gauge_of("a", "a")}, 2);
    for (const std::size_t target : {0U, 1U, 0U, 1U}) scraper.scrape(body, 1 << 17, target);
    EXPECT_NE(scraper.targets[0]->shape(), nullptr);
    EXPECT_EQ(scraper.targets[0]->shape(), scraper.targets[1]->shape()) << "equal pages have one shape";
    scraper.scrape(body + "other{x=\"new\"} 1\n");
    EXPECT_NE(scraper.targets[0]->shape(), nullptr) << "a line that nobody wants changes little";
    scraper.scrape(body + line(101, 1));
    EXPECT_EQ(scraper.targets[0]->shape(), nullptr) << "a wanted one is not found by its place";
}

TEST(Layout, known_series_are_not_registered_again) {
    Scraper scraper({gauge_of("a", "a")});
    scraper.scrape(body_of(100));
    const int added = scraper.listener.added();
    EXPECT_EQ(added, 100);
    for (int i = 0; i < 5; ++i) scraper.scrape(body_of(100));
    EXPECT_EQ(scraper.listener.added(), added);
    scraper.scrape(body_of(101));
    EXPECT_EQ(scraper.listener.added(), added + 1);
    scraper.scrape(line(7, 1) + line(3, 1));
    EXPECT_EQ(scraper.listener.added(), added + 1);
}

}  // namespace
}  // namespace revertd
