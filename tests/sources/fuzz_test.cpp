// SPDX-License-Identifier: Apache-2.0
// Seeded bodies, most of them nearly valid, read by the fast parser and by the slow one.
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <set>

#include "tests/sources/body.h"
#include "tests/sources/reference_parser.h"

namespace revertd {
namespace {

constexpr int kCases = 120'000;

class BodyMaker {
  public:
    explicit BodyMaker(std::uint64_t seed) : random_(seed) {}

    std::string make() {
        std::string body;
        for (std::size_t lines = below(5) + 1; lines > 0; --lines) body += line() + (chance(30) ? "" : "\n");
        for (std::size_t mutations = chance(2) ? below(3) : 0; mutations > 0; --mutations) mutate(body);
        return body;
    }

    std::size_t below(std::size_t n) { return random_() % n; }

    bool chance(std::size_t one_in) { return below(one_in) == 0; }

  private:
    using Words = std::vector<const char*>;

    std::string pick(const Words& words) { return words[below(words.size())]; }

    std::string blank() { return pick({"", "", "", " ", "\t", "  "}); }

    /// Half of the lines are the line before with a small change: what neighbours share is read once.
    std::string line() {
        if (last_.empty() || chance(2)) {
            last_ = new_line();
        } else if (!chance(4)) {
            edit(last_);
        }
        return last_;
    }

    std::string new_line() {
        static const Words kOther{"# HELP a text", "# TYPE a gauge", "# TYPE b  x", "#", "# x", "", " ", "# HELP \xff"};
        static const Words kNames{"a", "a", "b", "c:d", "other", "{\"a\"}", "{\"b\",x=\"1\"}"};
        static const Words kTimes{" 123", " -5", " 1.5", " 9223372036854775807", " 9223372036854775808"};
        if (chance(6)) return pick(kOther);
        std::string text = blank() + pick(kNames);
        if (!chance(3)) text += labels();
        text += pick({" ", " ", " ", "\t", ""}) + value() + blank();
        if (chance(6)) text += pick(kTimes);
        return text;
    }

    std::string labels() {
        std::string text = blank() + "{";
        for (std::size_t n = below(4); n > 0; --n) {
            text += blank() + pick({"x", "y", "z", "le", "\"q.r\""}) + blank() + "=" + blank();
            text +=
                pick({"\"1\"", "\"2\"", "\"\"", "\"\\n\"", "\"\\\\\"", "\"\\q\"", "\"\xc3\xa9\"", "\"\n\"", "\"}\""});
            text += blank() + pick({",", ",", ",", ""});
        }
        return text + blank() + "}";
    }

    std::string value() {
        static const Words kValues{"1",
                                   "0",
                                   "2.5",
                                   "-3",
                                   "+4",
                                   ".5",
                                   "5.",
                                   "1e3",
                                   "NaN",
                                   "+Inf",
                                   "-inf",
                                   "0x1",
                                   "1_0",
                                   "0.1",
                                   "1e22",
                                   "1e23",
                                   "1e",
                                   "--1",
                                   "1e400",
                                   "1e-400",
                                   "179e306",
                                   "180e306",
                                   "9007199254740993",
                                   "123456789012345678901234567890",
                                   "0.000000000000000000000000001",
                                   "000000000000000000000000000001"};
        return pick(kValues);
    }

    void edit(std::string& text) {
        static constexpr char kBytes[] =
            "\n\"\"\\\\{}=,,, \t\r\0\x80\xc3\xff"
            "aZ_:09.+-eExyz12";
        const char byte = kBytes[below(sizeof kBytes - 1)];
        const std::size_t at = below(text.size() + 1);
        switch (below(4)) {
            case 0:
                text.insert(at, 1, byte);
                break;
            case 1:
                text.erase(at, below(4));
                break;
            case 2:
                text.insert(at, text.substr(below(text.size() + 1), below(12)));
                break;
            default:
                if (at < text.size()) text[at] = byte;
        }
    }

    void mutate(std::string& body) {
        if (chance(5)) {
            body.resize(below(body.size() + 1));
        } else {
            edit(body);
        }
    }

    std::string last_;
    std::mt19937_64 random_;
};

using Wanted = std::vector<std::pair<std::string, double>>;

/// What the reference says, in the words of the scraper: wanted names only, the first value of each series.
Wanted wanted_of(const ReferenceSamples& samples) {
    Wanted wanted;
    std::set<std::string> seen;
    for (const ReferenceSample& sample : samples) {
        const bool is_wanted = sample.metric == "a" || sample.metric == "b" || sample.metric == "c:d";
        const std::string series = sample.metric + '{' + sample.labels;
        if (is_wanted && seen.insert(series).second) wanted.emplace_back(series, sample.value);
    }
    return wanted;
}

bool same(double a, double b) {
    return a == b || (std::isnan(a) && std::isnan(b));
}

TEST(Fuzz, the_fast_parser_and_the_slow_one_agree_on_every_body) {
    BodyMaker maker(20261120);
    Scraper scraper({gauge_of("a", "a"), gauge_of("b", "b"), gauge_of("c", "c:d")});
    std::map<std::string, SeriesId> ids;
    int accepted = 0;
    for (int i = 0; i < kCases; ++i) {
        const std::string body = maker.make();
        const auto reference = reference_parse(body);
        const auto& scrape = scraper.scrape(body, maker.below(2 * body.size() + 1) + 1);
        SCOPED_TRACE(body);
        ASSERT_EQ(scrape.verdict != Verdict::Error, reference.has_value()) << scrape.reason;
        if (!reference) continue;
        ++accepted;
        ASSERT_EQ(scrape.verdict == Verdict::NoData, reference->empty());
        const auto wanted = wanted_of(*reference);
        ASSERT_EQ(scrape.values.size(), wanted.size());
        for (std::size_t k = 0; k < wanted.size(); ++k) {
            ASSERT_TRUE(same(scrape.values[k].value, wanted[k].second)) << wanted[k].first;
            const auto [it, is_new] = ids.try_emplace(wanted[k].first, scrape.values[k].series);
            ASSERT_EQ(it->second, scrape.values[k].series) << wanted[k].first;
        }
    }
    std::set<SeriesId> distinct;
    for (const auto& [name, id] : ids) distinct.insert(id);
    EXPECT_EQ(distinct.size(), ids.size());
    EXPECT_GT(accepted, kCases / 10);
    EXPECT_LT(accepted, kCases * 9 / 10);
}

}  // namespace
}  // namespace revertd
