// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/response_parser.h"

#include <gtest/gtest.h>

#include "daemon/io/limits.h"
#include "tests/support/loop_driver.h"

namespace revertd {
namespace {

using Outcome = ResponseParser::Outcome;
using test::RecordingSink;

/// What came of one answer, in one line that can be compared.
struct Parsed {
    Outcome outcome = Outcome::NeedMore;
    FetchError error = FetchError::None;
    int status = 0;
    std::string type;
    std::string body;
    bool keep_alive = false;
    bool operator==(const Parsed&) const = default;
};

void feed_in_steps(ResponseParser& parser, RecordingSink& sink, std::string_view text, std::size_t step,
                   Outcome& outcome) {
    for (std::size_t at = 0; at < text.size() && outcome == Outcome::NeedMore; at += step) {
        outcome = parser.feed(text.substr(at, step), sink);
    }
}

Parsed result(ResponseParser& parser, const RecordingSink& sink, Outcome outcome) {
    if (outcome == Outcome::NeedMore) outcome = parser.close();
    return {outcome,           parser.error(), sink.status,
            sink.content_type, sink.bytes,     outcome == Outcome::Done && parser.keep_alive()};
}

/// Parses the text whole, cut in two at every byte, and byte by byte: the answer must not depend on it.
Parsed parse(std::string_view text, std::size_t limit = 1000) {
    ResponseParser parser;
    const auto run = [&](std::size_t first, std::size_t step) {
        RecordingSink sink;
        Outcome outcome = Outcome::NeedMore;
        parser.reset(limit);
        feed_in_steps(parser, sink, text.substr(0, first), std::max<std::size_t>(first, 1), outcome);
        feed_in_steps(parser, sink, text.substr(first), step, outcome);
        return result(parser, sink, outcome);
    };
    const Parsed whole = run(text.size(), 1);
    for (std::size_t cut = 0; cut < text.size(); ++cut) {
        Parsed again = run(cut, text.size());
        // What follows an answer is seen only if it came along with it.
        again.keep_alive = whole.keep_alive;
        if (whole.error != FetchError::TooLarge) {
            EXPECT_EQ(again, whole) << "cut at " << cut;
        }
    }
    const Parsed bytewise = run(0, 1);
    EXPECT_EQ(bytewise.error, whole.error);
    EXPECT_EQ(bytewise.status, whole.status);
    return whole;
}

FetchError error_of(std::string_view text) {
    return parse(text).error;
}

TEST(ResponseParser, reads_a_body_of_known_length) {
    const Parsed got = parse("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello");
    EXPECT_EQ(got, (Parsed{Outcome::Done, FetchError::None, 200, "text/plain", "hello", true}));
}

TEST(ResponseParser, reads_chunks_with_extensions_and_trailers) {
    const Parsed got = parse(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n5;a=\"b\"\r\nhello\r\n00A \r\n, world!!!\r\n0\r\nX: "
        "y\r\n\r\n");
    EXPECT_EQ(got, (Parsed{Outcome::Done, FetchError::None, 200, "", "hello, world!!!", true}));
}

TEST(ResponseParser, reads_until_the_close_when_no_length_is_given) {
    const Parsed got = parse("HTTP/1.0 503 Busy\r\nContent-Type:text/html \r\n\r\nsorry\n");
    EXPECT_EQ(got, (Parsed{Outcome::Done, FetchError::None, 503, "text/html", "sorry\n", false}));
}

TEST(ResponseParser, expects_no_body_where_there_is_none) {
    EXPECT_EQ(parse("HTTP/1.1 204 No Content\r\n\r\n").outcome, Outcome::Done);
    EXPECT_EQ(parse("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n").outcome, Outcome::Done);
    EXPECT_EQ(parse("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n").outcome, Outcome::Done);
}

TEST(ResponseParser, skips_interim_answers) {
    const Parsed got = parse(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nContent-Type: a\r\nLink: x\r\n\r\nHTTP/1.1 200 "
        "OK\r\nContent-Length: 1\r\n\r\nx");
    EXPECT_EQ(got, (Parsed{Outcome::Done, FetchError::None, 200, "", "x", true}));
}

TEST(ResponseParser, accepts_bare_line_feeds) {
    EXPECT_EQ(parse("HTTP/1.1 200 OK\nContent-Length: 2\n\nok").body, "ok");
    EXPECT_EQ(parse("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\nok\n0\n\n").body, "ok");
}

TEST(ResponseParser, knows_when_the_connection_may_be_used_again) {
    const auto keeps = [](const std::string& version, const std::string& headers) {
        return parse("HTTP/" + version + " 200 OK\r\n" + headers + "Content-Length: 1\r\n\r\nx").keep_alive;
    };
    EXPECT_TRUE(keeps("1.1", ""));
    EXPECT_FALSE(keeps("1.1", "Connection: close\r\n"));
    EXPECT_FALSE(keeps("1.1", "Connection: Keep-Alive, CLOSE\r\n"));
    EXPECT_FALSE(keeps("1.1", "Connection: x\r\nConnection: close\r\n"));
    EXPECT_FALSE(keeps("1.0", ""));
    EXPECT_TRUE(keeps("1.0", "Connection: keep-alive\r\n"));
    EXPECT_TRUE(keeps("1.1", "Connection: closed\r\n"));
}

TEST(ResponseParser, does_not_reuse_a_connection_on_which_more_came_than_was_asked) {
    EXPECT_FALSE(parse("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n\r\n").keep_alive);
}

TEST(ResponseParser, tells_an_early_close_from_a_whole_answer) {
    EXPECT_EQ(error_of(""), FetchError::ClosedEarly);
    EXPECT_EQ(error_of("HTTP/1.1 200 OK\r\nContent-Le"), FetchError::ClosedEarly);
    EXPECT_EQ(error_of("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell"), FetchError::ClosedEarly);
    EXPECT_EQ(error_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"), FetchError::ClosedEarly);
    EXPECT_EQ(error_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"), FetchError::ClosedEarly);
    EXPECT_EQ(error_of("HTTP/1.1 100 Continue\r\n\r\n"), FetchError::ClosedEarly);
}

TEST(ResponseParser, refuses_what_is_no_status_line) {
    for (const char* line :
         {"", " HTTP/1.1 200 OK", "HTTP/2 200 OK", "HTTP/1.2 200 OK", "HTTP/1.1  200 OK", "HTTP/1.1 20 OK",
          "HTTP/1.1 2000 OK", "HTTP/1.1 099 No", "HTTP/1.1 600 No", "HTTP/1.1 101 Switching", "HTTP/1.1 2x0 OK",
          "ICY 200 OK", "http/1.1 200 OK", "SSH-2.0-OpenSSH"}) {
        EXPECT_EQ(error_of(std::string(line) + "\r\nContent-Length: 0\r\n\r\n"), FetchError::Malformed) << line;
    }
}

TEST(ResponseParser, refuses_headers_that_leave_the_body_in_doubt) {
    for (const char* headers : {"Content-Length: 1\r\nContent-Length: 2\r\n",
                                "Content-Length: 1, 1\r\n",
                                "Content-Length: -1\r\n",
                                "Content-Length: +1\r\n",
                                "Content-Length:\r\n",
                                "Content-Length: 1x\r\n",
                                "Content-Length: 0x1\r\n",
                                "Content-Length: 99999999999999999999\r\n",
                                "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
                                "Transfer-Encoding: gzip, chunked\r\n",
                                "Transfer-Encoding: identity\r\n",
                                "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                                "Transfer-Encoding: chunked, chunked\r\n",
                                "Content-Encoding: gzip\r\n",
                                "Content-Length : 1\r\n",
                                " Content-Length: 1\r\n",
                                "Folded: a\r\n b\r\n",
                                "NoColon\r\n",
                                ": empty\r\n",
                                "Bad\x01: x\r\n",
                                "Bad: x\x01y\r\n",
                                "Bad: x\ry\r\n",
                                "B\xc3\xa4: x\r\n"}) {
        EXPECT_EQ(error_of("HTTP/1.1 200 OK\r\n" + std::string(headers) + "\r\nx"), FetchError::Malformed) << headers;
    }
    EXPECT_EQ(error_of("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), FetchError::Malformed);
    EXPECT_EQ(error_of(std::string("HTTP/1.1 200 OK\r\nA: \0\r\n\r\n", 25)), FetchError::Malformed);
}

TEST(ResponseParser, accepts_what_looks_odd_but_is_clear) {
    EXPECT_EQ(parse("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx").body, "x");
    EXPECT_EQ(
        parse("HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nX:\r\nY: \xc3\xa4\tb\r\nContent-Length: \t1 \r\n\r\nx")
            .body,
        "x");
    EXPECT_EQ(parse("HTTP/1.1 200 \r\nContent-Length: 001\r\n\r\nx").body, "x");
}

TEST(ResponseParser, refuses_chunks_whose_size_is_in_doubt) {
    for (const char* chunk : {"\r\n", "g\r\nx", "-1\r\nx", "0x1\r\nx", "1 1\r\nx", "10000000000000000\r\nx",
                              "1\r\nxy\r\n0\r\n\r\n", "ff ff\r\n"}) {
        EXPECT_EQ(error_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(chunk)),
                  FetchError::Malformed)
            << chunk;
    }
}

TEST(ResponseParser, stops_at_the_body_limit_however_the_body_is_framed) {
    const std::string body(11, 'x');
    EXPECT_EQ(parse("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n" + body, 10).error, FetchError::TooLarge);
    EXPECT_EQ(parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n" + body, 10).error,
              FetchError::TooLarge);
    EXPECT_EQ(
        parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nxxxxxx\r\n5\r\nxxxxx\r\n0\r\n\r\n", 10).error,
        FetchError::TooLarge);
    EXPECT_EQ(parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffff0\r\n", 10).error,
              FetchError::TooLarge);
    EXPECT_EQ(parse("HTTP/1.1 200 OK\r\n\r\n" + body, 10).error, FetchError::TooLarge);
    EXPECT_EQ(parse("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789", 10).outcome, Outcome::Done);
}

/// Feeds the piece again and again until the parser has had enough; the bytes it took until then.
std::size_t feed_forever(ResponseParser& parser, std::string_view start, std::string_view piece, std::size_t patience) {
    RecordingSink sink;
    parser.reset(1000);
    Outcome outcome = parser.feed(start, sink);
    std::size_t fed = 0;
    while (outcome == Outcome::NeedMore && fed < patience) {
        outcome = parser.feed(piece, sink);
        fed += piece.size();
    }
    return fed;
}

TEST(ResponseParser, bounds_heads_interim_answers_chunk_lines_and_trailers_that_never_end) {
    ResponseParser parser;
    const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    const std::pair<std::string, std::string> attacks[] = {
        {"HTTP/1.1 200 OK\r\n", "A: b\r\n"},
        {"HTTP/1.1 200 OK\r\nA: ", "b"},
        {"", "H"},
        {"", "HTTP/1.1 100 Continue\r\n\r\n"},
        {chunked + "1;", "e"},
        {chunked + "0\r\n", "A: b\r\n"},
        {chunked, "1;eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee\r\nx\r\n"},
    };
    for (const auto& [start, piece] : attacks) {
        EXPECT_LE(feed_forever(parser, start, piece, 1'000'000), 2 * kMaxHeadBytes) << start << piece;
        EXPECT_NE(parser.error(), FetchError::None);
    }
}

TEST(ResponseParser, stops_when_the_sink_has_enough) {
    ResponseParser parser;
    RecordingSink sink;
    sink.stop_at = 3;
    parser.reset(1000);
    EXPECT_EQ(parser.feed(std::string_view("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabcdef"), sink),
              Outcome::Failed);
    EXPECT_EQ(parser.error(), FetchError::Aborted);
}

TEST(ResponseParser, tells_the_announced_length_before_the_body) {
    ResponseParser parser;
    RecordingSink sink;
    parser.reset(1000);
    parser.feed(std::string_view("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), sink);
    EXPECT_EQ(sink.heads, 1);
    EXPECT_EQ(sink.length, 9U);
}

}  // namespace
}  // namespace revertd
