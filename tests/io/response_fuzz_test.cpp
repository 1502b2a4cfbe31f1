// SPDX-License-Identifier: Apache-2.0
// Mutated answers from a seeded generator: whatever comes, and however it is cut, the parser says the same.
#include <gtest/gtest.h>

#include <random>

#include "daemon/io/response_parser.h"
#include "tests/support/loop_driver.h"

namespace revertd {
namespace {

using Outcome = ResponseParser::Outcome;

constexpr std::size_t kLimit = 64;

const std::vector<std::string> kSeeds = {
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n\r\nhello, world",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n5;x=y\r\nhello\r\n7\r\n, "
    "world\r\n0\r\nA: b\r\n\r\n",
    "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.0 200 OK\nConnection: close\n\nuntil the end",
    "HTTP/1.1 204 No Content\r\nContent-Encoding: identity\r\n\r\n",
};

const std::vector<std::string> kPieces = {
    "\r\n",
    "\n",
    "\r",
    ":",
    " ",
    "\t",
    ";",
    "0\r\n\r\n",
    "ffffffffffffffff\r\n",
    "-1",
    "+1",
    "18446744073709551616",
    "Content-Length: 5\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Connection: close\r\n",
    "HTTP/1.1 100 Continue\r\n\r\n",
    std::string("\0", 1),
    "\x80\xff",
    std::string(100, 'x'),
};

class Mutator {
  public:
    explicit Mutator(unsigned seed) : random_(seed) {}

    std::size_t below(std::size_t bound) { return bound ? random_() % bound : 0; }

    std::string next() {
        std::string text = kSeeds[below(kSeeds.size())];
        for (std::size_t n = below(4); n > 0; --n) mutate(text);
        return text;
    }

  private:
    void mutate(std::string& text) {
        const std::size_t at = below(text.size() + 1);
        switch (below(4)) {
            case 0:
                text.insert(at, kPieces[below(kPieces.size())]);
                return;
            case 1:
                text.erase(at, below(10));
                return;
            case 2:
                text.insert(at, text.substr(below(text.size()), below(40)));
                return;
            default:
                if (at < text.size()) text[at] = static_cast<char>(random_());
        }
    }

    std::mt19937 random_;
};

struct Seen {
    Outcome outcome;
    FetchError error;
    int status;
    std::string body;
    bool operator==(const Seen&) const = default;
};

Seen parse(ResponseParser& parser, std::string_view text, const std::function<std::size_t()>& step) {
    test::RecordingSink sink;
    Outcome outcome = Outcome::NeedMore;
    parser.reset(kLimit);
    while (!text.empty() && outcome == Outcome::NeedMore) {
        const std::size_t size = std::min(text.size(), step());
        // A copy of its own: a read beyond it is seen by the sanitizers.
        const std::vector<char> bytes(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(size));
        outcome = parser.feed(bytes, sink);
        text.remove_prefix(size);
    }
    if (outcome == Outcome::NeedMore) outcome = parser.close();
    EXPECT_LE(sink.heads, 1);
    EXPECT_LE(sink.bytes.size(), kLimit);
    EXPECT_EQ(outcome == Outcome::Failed, parser.error() != FetchError::None);
    if (parser.error() == FetchError::TooLarge)
        sink.bytes.clear();  // how much came before the limit depends on the cuts
    return {outcome, parser.error(), sink.status, sink.bytes};
}

TEST(ResponseParserFuzz, says_the_same_however_a_mutated_answer_is_cut) {
    Mutator mutator(20261120);
    ResponseParser parser;
    int whole_answers = 0;
    for (int round = 0; round < 10'000; ++round) {
        const std::string text = mutator.next();
        const Seen whole = parse(parser, text, [&] { return text.size(); });
        const Seen cut = parse(parser, text, [&] { return 1 + mutator.below(9); });
        ASSERT_EQ(whole, cut) << "round " << round << ": " << testing::PrintToString(text);
        if (whole.outcome == Outcome::Done) ++whole_answers;
    }
    EXPECT_GT(whole_answers, 1000) << "mutations leave too little to be parsed";
    EXPECT_LT(whole_answers, 9000) << "mutations break too little";
}

}  // namespace
}  // namespace revertd
