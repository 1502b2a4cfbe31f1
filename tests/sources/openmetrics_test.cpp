// SPDX-License-Identifier: Apache-2.0
// OpenMetrics 1.0 where it differs from the text format: what is read, and what is refused as a whole.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/sources/body.h"

namespace revertd {
namespace {

constexpr const char* kType = "application/openmetrics-text; version=1.0.0; charset=utf-8";

struct Outcome {
    Verdict verdict;
    std::string reason;
    std::vector<double> values;
};

Outcome scrape(const std::string& body, std::size_t chunk = 0) {
    Scraper scraper({gauge_of("a", "a")});
    ScrapeTarget& target = *scraper.targets[0];
    target.head(200, kType, body.size());
    bool more = true;
    for (std::size_t at = 0; more && at < body.size(); at += chunk == 0 ? body.size() : chunk)
        more = scraper.feed(body.substr(at, chunk == 0 ? body.size() : chunk));
    target.done(more ? FetchError::None : FetchError::Aborted, Time{});
    const auto& last = scraper.listener.last();
    Outcome out{last.verdict, std::string(last.reason), {}};
    for (const SeriesValue& value : last.values) out.values.push_back(value.value);
    return out;
}

struct Case {
    const char* body;
    const char* why;
};

constexpr Case kRead[] = {
    {"a 1\n# EOF\n", "the simplest body"},
    {"a 1\n# EOF", "the last line without a newline"},
    {"# TYPE a unknown\n# HELP a what it is\na 1\n# EOF\n", "a type of its own"},
    {"# TYPE a stateset\na{a=\"on\"} 1\n# EOF\n", "stateset"},
    {"# TYPE a info\na 1\n# EOF\n", "info"},
    {"# TYPE a_seconds gauge\n# UNIT a_seconds seconds\na 1\n# EOF\n", "a unit is a suffix"},
    {"# TYPE a counter\na 1\n# EOF\n", "a counter without _total is taken all the same"},
    {"# TYPE b counter\nb_total 3\nb_created 1795217456.5\na 1\n# EOF\n", "the start of a counter is another name"},
    {"a 1 1795217456.5\n# EOF\n", "seconds with a fraction"},
    {"a 1 -5\n# EOF\n", "seconds before the epoch"},
    {"a{x=\"y z\"} 1 # {trace_id=\"x y\"} 0.5 1795217456.5\n# EOF\n", "an exemplar with its time"},
    {"a 1 5 # {} 0.5\n# EOF\n", "an exemplar without labels, behind a timestamp"},
    {"# TYPE b histogram\n# UNIT b \n# HELP b h\nb_bucket{le=\"+Inf\"} 1\nb_sum 1\nb_count 1\nb_created 1\n"
     "b_bucket{x=\"1\",le=\"+Inf\"} 1\nb_sum{x=\"1\"} 1\nb_count{x=\"1\"} 1\na 1\n# EOF\n",
     "a histogram's samples by label"},
    {"# TYPE b gauge\nb 1\nb_total 1\na 1\n# TYPE b_x info\nb_x_info{v=\"1\"} 1\n# EOF\n", "names that begin alike"},
    {"a 1 # {a=\"1\",b=\"\\\"}\"} 2\n# EOF\n", "a brace and a quote inside a label"},
};

constexpr Case kRefused[] = {
    {"a 1\n", "no end: it was cut off"},
    {"a 1\n# EO", "the end was cut off"},
    {"a 1\n# EOF\na 2\n", "something follows the end"},
    {"a 1\n# EOF\n\n", "more than one newline"},
    {"\na 1\n# EOF\n", "a blank line"},
    {" a 1\n# EOF\n", "a leading blank"},
    {"a  1\n# EOF\n", "two blanks"},
    {"a\t1\n# EOF\n", "a tab"},
    {"a{x=\"1\", y=\"2\"} 1\n# EOF\n", "a blank between labels"},
    {"a {x=\"1\"} 1\n# EOF\n", "a blank before the labels"},
    {"a 1 \n# EOF\n", "a blank at the end"},
    {"a{x=\"1\n2\"} 1\n# EOF\n", "a newline inside a label"},
    {"# a comment\na 1\n# EOF\n", "a comment"},
    {"#TYPE a gauge\na 1\n# EOF\n", "no blank after the #"},
    {"# TYPE a untyped\na 1\n# EOF\n", "the word of the text format"},
    {"# UNIT a seconds\na 1\n# EOF\n", "a unit that is no suffix"},
    {"a 1 x\n# EOF\n", "a timestamp that is none"},
    {"a 1 # {trace_id=x} 0.5\n# EOF\n", "a label without quotes"},
    {"a 1 # {a=\"1\" b=\"2\"} 0.5\n# EOF\n", "labels without a comma"},
    {"a 1 # {a=\"1\"}\n# EOF\n", "an exemplar without a value"},
    {"a 1 # 5\n# EOF\n", "no exemplar"},
    {"a 0x1F\n# EOF\n", "a number that is none"},
    {"a 1\nb 1\na{x=\"1\"} 2\n# EOF\n", "two families that are mixed"},
    {"# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\n# HELP a what it is\n# EOF\n", "a family that is taken up again"},
    {"# TYPE b counter\nb_total 1\na 1\nb_created 1\n# EOF\n", "the samples of one counter apart"},
    {"# TYPE \"a.b\" gauge\n{\"a.b\"} 1\na 1\n{\"a.b\",x=\"1\"} 1\n# EOF\n", "quoted names that are mixed"},
    {"# TYPE b gauge\nb_total 1\na 1\nb_total{x=\"1\"} 2\n# EOF\n", "a sample without a family of its own apart"},
};

TEST(OpenMetrics, what_is_read) {
    for (const Case& c : kRead) {
        const Outcome whole = scrape(c.body);
        EXPECT_EQ(whole.verdict, Verdict::Ok) << c.why << ": " << whole.reason;
        EXPECT_EQ(whole.values, std::vector<double>{1}) << c.why;
        for (std::size_t chunk = 1; chunk < 9; ++chunk) {
            const Outcome cut = scrape(c.body, chunk);
            EXPECT_EQ(cut.verdict, Verdict::Ok) << c.why << " in pieces of " << chunk << ": " << cut.reason;
            EXPECT_EQ(cut.values, whole.values) << c.why;
        }
    }
}

TEST(OpenMetrics, what_is_refused_as_a_whole) {
    for (const Case& c : kRefused) {
        for (const std::size_t chunk : {std::size_t{0}, std::size_t{1}, std::size_t{7}}) {
            const Outcome outcome = scrape(c.body, chunk);
            EXPECT_EQ(outcome.verdict, Verdict::Error) << c.why;
            EXPECT_TRUE(outcome.values.empty()) << c.why;
        }
    }
}

TEST(OpenMetrics, an_exemplar_has_at_most_128_characters_of_labels) {
    const auto body = [](std::size_t size) { return "a 1 # {t=\"" + std::string(size, 'x') + "\"} 1\n# EOF\n"; };
    EXPECT_EQ(scrape(body(127)).verdict, Verdict::Ok);
    EXPECT_EQ(scrape(body(128)).verdict, Verdict::Error);
}

TEST(OpenMetrics, a_page_that_is_known_is_validated_all_the_same) {
    Scraper scraper({gauge_of("a", "a")});
    const auto read = [&](const std::string& body) {
        scraper.targets[0]->head(200, kType, body.size());
        const bool more = scraper.feed(body);
        scraper.targets[0]->done(more ? FetchError::None : FetchError::Aborted, Time{});
        return scraper.listener.last().verdict;
    };
    const std::string page = "# TYPE a gauge\na 1\na{x=\"1\"} 2 # {t=\"1\"} 1\n# TYPE b gauge\nb 3\n";
    for (int i = 0; i < 4; ++i) EXPECT_EQ(read(page + "# EOF\n"), Verdict::Ok) << i;
    EXPECT_EQ(read(page), Verdict::Error) << "cut off";
    EXPECT_EQ(read(page + "# EOF\n"), Verdict::Ok);
    EXPECT_EQ(read(page + "# EOF\n" + page), Verdict::Error) << "it goes on";
    EXPECT_EQ(read(page + "# EOF\n"), Verdict::Ok);
}

/// What a page was is compared with what it is, so that most lines are not read again.
TEST(OpenMetrics, families_that_mix_in_a_page_that_is_known_are_seen) {
    Scraper scraper({gauge_of("a", "a")});
    std::string why;
    const auto read = [&](const std::string& body) {
        scraper.targets[0]->head(200, kType, body.size());
        const bool more = scraper.feed(body);
        scraper.targets[0]->done(more ? FetchError::None : FetchError::Aborted, Time{});
        why = scraper.listener.last().reason;
        return scraper.listener.last().verdict;
    };
    const std::string b = "# TYPE b counter\nb_total 1\nb_created 1\n", c = "# TYPE c gauge\nc 1\n",
                      a = "# TYPE a gauge\na 1\n", page = b + c + a;
    for (int i = 0; i < 4; ++i) EXPECT_EQ(read(page + "# EOF\n"), Verdict::Ok) << i;
    EXPECT_EQ(read(page + "b_total{x=\"1\"} 2\n# EOF\n"), Verdict::Error) << "a line that is new";
    EXPECT_NE(why.find("the lines of b"), std::string::npos) << why;
    EXPECT_EQ(read(b + "c 1\nb_created{x=\"1\"} 1\n" + a + "# EOF\n"), Verdict::Error) << "and in the middle";
    EXPECT_EQ(read(page + "# EOF\n"), Verdict::Ok);
    EXPECT_EQ(read(c + a + "b_total 1\n# EOF\n"), Verdict::Ok) << "a family that stands elsewhere now";
    EXPECT_EQ(read("b_total 1\n" + c + a + "b_total{x=\"1\"} 1\n# EOF\n"), Verdict::Error) << "without its type";
    EXPECT_EQ(read(page + "# EOF\n"), Verdict::Ok);
}

}  // namespace
}  // namespace revertd
