// SPDX-License-Identifier: Apache-2.0
// Scrapes over real connections: the lean client and the parser together.
#include <gtest/gtest.h>

#include <memory>

#include "daemon/io/lean_client.h"
#include "daemon/io/loop.h"
#include "daemon/io/resolver.h"
#include "daemon/io/system_clock.h"
#include "tests/sources/body.h"
#include "tests/support/fake_http.h"
#include "tests/support/loop_driver.h"

namespace revertd {
namespace {

using test::FakeAnswer;

std::string large_body(int round) {
    std::string body = "# TYPE a counter\n";
    for (int i = 0; i < 3000; ++i)
        body += "a{handler=\"/" + std::to_string(i) + "\"} " + std::to_string(round + i) + "\n";
    return body;
}

class ScrapeOverHttp : public testing::Test {
  protected:
    static FakeAnswer metrics(std::string body) {
        FakeAnswer answer;
        answer.headers = {{"Content-Type", "text/plain; version=0.0.4"}};
        answer.body = std::move(body);
        return answer;
    }

    /// One scrape after another of the path, over one connection as long as it is good.
    const RecordingListener::Scrape& scrape(const std::string& path, Duration limit = 10s) {
        if (!fetch) {
            FetchOptions options;
            options.accept = kScrapeAccept;
            fetch = std::move(*client.make_fetch(*parse_url(server.url(path)), options));
        }
        const std::size_t before = scraper.listener.scrapes().size();
        fetch->start(loop.now() + limit, *scraper.targets[0]);
        EXPECT_TRUE(test::run_until(loop, [&] { return scraper.listener.scrapes().size() > before; }));
        return scraper.listener.last();
    }

    test::FakeHttp server;
    SystemClock clock;
    Loop loop{clock};
    Resolver resolver{loop};
    LeanClient client{loop, resolver, "revertd/test"};
    Scraper scraper{{gauge_of("a", "a")}};
    std::unique_ptr<Fetch> fetch;
};

TEST_F(ScrapeOverHttp, a_large_body_comes_whole_in_any_framing_over_one_connection) {
    FakeAnswer chunked = metrics(large_body(2));
    chunked.framing = FakeAnswer::Framing::Chunked;
    chunked.chunk_bytes = 1021;
    server.on("/metrics", {metrics(large_body(1)), chunked, metrics(large_body(3))});
    for (int round = 1; round <= 3; ++round) {
        const auto& result = scrape("/metrics");
        ASSERT_EQ(result.verdict, Verdict::Ok) << result.reason;
        ASSERT_EQ(result.values.size(), 3000U);
        EXPECT_EQ(result.values[2999].value, 2999 + round);
    }
    EXPECT_EQ(server.connections(), 1U);
    EXPECT_EQ(server.requests().at(0).headers.at("accept"), kScrapeAccept);
}

TEST_F(ScrapeOverHttp, an_answer_that_breaks_off_anywhere_is_an_error_and_the_next_one_is_good) {
    for (const std::size_t cut : {1U, 20U, 200U, 5000U, 60000U}) {
        for (const auto framing : {FakeAnswer::Framing::ContentLength, FakeAnswer::Framing::Chunked}) {
            FakeAnswer broken = metrics(large_body(1));
            broken.framing = framing;
            broken.chunk_bytes = 4096;
            broken.cut_after = cut;
            broken.end = FakeAnswer::End::Close;
            server.on("/metrics", {broken, metrics(large_body(2))});
            EXPECT_EQ(scrape("/metrics").verdict, Verdict::Error) << cut;
            EXPECT_TRUE(scraper.listener.last().values.empty());
            EXPECT_EQ(scrape("/metrics").verdict, Verdict::Ok) << scraper.listener.last().reason;
        }
    }
}

TEST_F(ScrapeOverHttp, a_target_that_hangs_in_its_body_is_an_error_at_the_deadline) {
    FakeAnswer hanging = metrics(large_body(1));
    hanging.cut_after = 5000;
    hanging.end = FakeAnswer::End::Hang;
    server.on("/metrics", hanging);
    const auto& result = scrape("/metrics", 100ms);
    EXPECT_EQ(result.verdict, Verdict::Error);
    EXPECT_EQ(result.reason, to_string(FetchError::Timeout));
}

TEST_F(ScrapeOverHttp, the_reason_is_that_of_the_answer_when_it_is_not_read_to_its_end) {
    FakeAnswer page = metrics(std::string(300'000, 'x'));
    page.headers = {{"Content-Type", "text/html"}};
    FakeAnswer failing = metrics("out of order\n");
    failing.status = 503;
    server.on("/metrics", {page, failing, metrics(large_body(1) + "bad{\n" + large_body(2)), metrics("a 1\n")});
    EXPECT_EQ(scrape("/metrics").reason, "the answer's Content-Type is not text/plain");
    EXPECT_EQ(scrape("/metrics").reason, "the answer is 503, 200 is expected");
    EXPECT_EQ(scrape("/metrics").reason, "line 3002: a label name is expected");
    EXPECT_EQ(scrape("/metrics").verdict, Verdict::Ok) << scraper.listener.last().reason;
}

}  // namespace
}  // namespace revertd
