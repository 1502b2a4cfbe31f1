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
    std::string pick(std::initializer_list<const char*> words) { return *(words.begin() + below(words.size())); }

    std::string blank() { return pick({"", "", "", " ", "\t", "  "}); }

    std::string line() {
        if (chance(6))
            return pick({"# HELP a text", "# TYPE a gauge", "# TYPE b  x", "#", "# x", "", " ", "# HELP \xff"});
        std::string text = blank() + pick({"a", "a", "b", "c:d", "other", "{\"a\"}", "{\"b\",x=\"1\"}"});
        if (chance(2)) text += labels();
        text += pick({" ", " ", " ", "\t", ""}) + value() + blank();
        if (chance(6)) text += pick({" 123", " -5", " 1.5", " 9223372036854775807", " 9223372036854775808"});
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
        return pick({"1",
                     "0",
                     "2.5",
                     "-3",
                     "+4",
                     ".5",
                     "5.",
                     "1e3",
                     "1e400",
                     "1e-400",
                     "NaN",
                     "+Inf",
                     "-inf",
                     "0x1",
                     "1_0",
                     "123456789012345678901234567890",
                     "0.1",
                     "9007199254740993",
                     "1e22",
                     "1e23",
                     "179e306",
                     "180e306",
                     "0.000000000000000000000000001",
                     "000000000000000000000000000001",
                     "1e",
                     "--1"});
    }

    void mutate(std::string& body) {
        static constexpr char kBytes[] =
            "\n\n\"\"\\\\{}=,# \t\r\0\x80\xc3\xff"
            "aZ_:09.+-eE";
        static const std::string kAlphabet(kBytes, sizeof kBytes - 1);
        const std::size_t at = below(body.size() + 1);
        switch (below(5)) {
            case 0:
                body.insert(at, 1, kAlphabet[below(kAlphabet.size())]);
                break;
            case 1:
                body.erase(at, below(4));
                break;
            case 2:
                body.insert(at, body.substr(below(body.size() + 1), below(12)));
                break;
            case 3:
                body.resize(at);
                break;
            default:
                if (at < body.size()) body[at] = kAlphabet[below(kAlphabet.size())];
        }
    }

    std::mt19937_64 random_;
};

/// What the reference says, in the words of the scraper: wanted names only, the first value of each series.
std::vector<std::pair<std::string, double>> wanted_of(const ReferenceSamples& samples) {
    std::vector<std::pair<std::string, double>> wanted;
    std::set<std::string> seen;
    for (const auto& sample : samples) {
        const std::string name = sample.first.substr(0, sample.first.find('{'));
        if ((name == "a" || name == "b" || name == "c:d") && seen.insert(sample.first).second) wanted.push_back(sample);
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
