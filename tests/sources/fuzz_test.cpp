// SPDX-License-Identifier: Apache-2.0
// Seeded bodies, most of them nearly valid, read by the fast parser and by the slow one.
#include <gtest/gtest.h>

#include <algorithm>
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

    /// A page for `resembling` to begin with.
    std::vector<std::string> page() {
        std::vector<std::string> lines;
        while (lines.size() < 24) lines.push_back(valid_line());
        return lines;
    }

    /// What a target answers next: other values, and now and then a line that is new, gone, twice or elsewhere.
    void resembling(std::vector<std::string>& lines) {
        for (std::string& line : lines) {
            const std::size_t digit = line.find_last_of("0123456789");
            if (digit != std::string::npos && digit + 2 == line.size())
                line[digit] = static_cast<char>('0' + below(10));
        }
        const auto at = [&] { return lines.begin() + static_cast<std::ptrdiff_t>(below(lines.size())); };
        if (chance(4)) lines.insert(at(), valid_line());
        if (chance(4) && lines.size() > 9) lines.erase(at());
        if (chance(8)) lines.insert(at(), *at());
        if (chance(8)) std::iter_swap(at(), at());
    }

    void mutate(std::string& body) {
        if (chance(5)) {
            body.resize(below(body.size() + 1));
        } else {
            edit(body);
        }
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

    std::string valid_line() {
        std::string made = line() + '\n';
        while (!reference_parse(made)) made = line() + '\n';
        return made;
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

using Ids = std::map<std::string, SeriesId>;

/// True if both accepted the body; what they disagree about fails the test.
bool both_accept(const RecordingListener::Scrape& scrape, const std::string& body, Ids& ids) {
    const auto reference = reference_parse(body);
    EXPECT_EQ(scrape.verdict != Verdict::Error, reference.has_value()) << scrape.reason;
    if (!reference) return false;
    EXPECT_EQ(scrape.verdict == Verdict::NoData, reference->empty());
    const auto wanted = wanted_of(*reference);
    EXPECT_EQ(scrape.values.size(), wanted.size());
    for (std::size_t k = 0; k < std::min(wanted.size(), scrape.values.size()); ++k) {
        EXPECT_TRUE(same(scrape.values[k].value, wanted[k].second)) << wanted[k].first;
        const auto [it, is_new] = ids.try_emplace(wanted[k].first, scrape.values[k].series);
        EXPECT_EQ(it->second, scrape.values[k].series) << wanted[k].first;
    }
    return true;
}

TEST(Fuzz, the_fast_parser_and_the_slow_one_agree_on_every_body) {
    BodyMaker maker(20261120);
    Scraper scraper({gauge_of("a", "a"), gauge_of("b", "b"), gauge_of("c", "c:d")});
    Ids ids;
    int accepted = 0;
    for (int i = 0; i < kCases && !testing::Test::HasFailure(); ++i) {
        const std::string body = maker.make();
        SCOPED_TRACE(body);
        if (both_accept(scraper.scrape(body, maker.below(2 * body.size() + 1) + 1), body, ids)) ++accepted;
    }
    std::set<SeriesId> distinct;
    for (const auto& [name, id] : ids) distinct.insert(id);
    EXPECT_EQ(distinct.size(), ids.size());
    EXPECT_GT(accepted, kCases / 10);
    EXPECT_LT(accepted, kCases * 9 / 10);
}

TEST(Fuzz, a_body_like_the_one_before_is_read_as_if_it_were_the_first) {
    BodyMaker maker(20261127);
    int accepted = 0, rounds = 0;
    for (int fleet = 0; fleet < 300 && !testing::Test::HasFailure(); ++fleet) {
        Scraper scraper({gauge_of("a", "a"), gauge_of("b", "b"), gauge_of("c", "c:d")}, 2);
        std::vector<std::string> lines = maker.page();
        Ids ids[2];
        for (int i = 0; i < 60 && !testing::Test::HasFailure(); ++i, ++rounds) {
            maker.resembling(lines);
            std::string body;
            for (const std::string& line : lines) body += line;
            if (maker.chance(10)) maker.mutate(body);
            SCOPED_TRACE(body);
            const std::size_t target = maker.below(2),
                              chunk = maker.chance(2) ? 1 << 17 : maker.below(body.size() + 1) + 1;
            if (both_accept(scraper.scrape(body, chunk, target), body, ids[target])) ++accepted;
        }
    }
    EXPECT_GT(accepted, rounds / 2);
    EXPECT_LT(accepted, rounds);
}

}  // namespace
}  // namespace revertd
