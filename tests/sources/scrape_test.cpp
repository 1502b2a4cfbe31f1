// SPDX-License-Identifier: Apache-2.0
#include "daemon/sources/scrape.h"

#include <gtest/gtest.h>

#include "tests/sources/body.h"

namespace revertd {
namespace {

const RecordingListener::Scrape& answer(Scraper& scraper, int status, std::string_view type, std::string_view body) {
    scraper.targets[0]->head(status, type, body.size());
    const bool more = body.empty() || scraper.feed(body);
    scraper.targets[0]->done(more ? FetchError::None : FetchError::Aborted, Time{});
    return scraper.listener.last();
}

TEST(Scrape, only_status_200_counts) {
    for (const int status : {201, 204, 206, 301, 302, 304, 400, 401, 404, 429, 500, 502, 503}) {
        Scraper scraper({gauge_of("a", "a")});
        const auto& scrape = answer(scraper, status, "text/plain", status == 204 ? "" : "a 1\n");
        EXPECT_EQ(scrape.verdict, Verdict::Error) << status;
        EXPECT_NE(scrape.reason.find(std::to_string(status)), std::string::npos);
        EXPECT_TRUE(scrape.values.empty());
    }
}

struct TypeCase {
    const char* type;
    const char* reason;  // empty: accepted
};

TEST(Scrape, the_media_type_decides_as_in_Prometheus_3) {
    constexpr TypeCase kCases[] = {
        {"text/plain", ""},
        {"text/plain; version=0.0.4", ""},
        {"text/plain; version=1.0.0; escaping=underscores", ""},
        {"Text/Plain ;charset=utf-8", ""},
        {"", "no Content-Type"},
        {"text/html; charset=utf-8", "not text/plain"},
        {"application/json", "not text/plain"},
        {"text/plainer", "not text/plain"},
        {"application/openmetrics-text; version=1.0.0; charset=utf-8", "does not end with # EOF"},
        {"application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited", "protobuf"},
    };
    for (const TypeCase& c : kCases) {
        Scraper scraper({gauge_of("a", "a")});
        const auto& scrape = answer(scraper, 200, c.type, "a 1\n");
        EXPECT_EQ(scrape.verdict, *c.reason == '\0' ? Verdict::Ok : Verdict::Error) << c.type;
        EXPECT_NE(scrape.reason.find(c.reason), std::string::npos) << c.type << ": " << scrape.reason;
    }
}

TEST(Scrape, with_the_fallback_a_missing_or_unknown_type_is_read_as_text) {
    for (const char* type : {"", "text/html", "application/octet-stream"}) {
        Scraper scraper({gauge_of("a", "a")});
        ScrapeTarget target(0, {scraper.pool, scraper.selector, scraper.listener, true});
        target.head(200, type, 4);
        EXPECT_TRUE(target.body(std::span<const char>("a 1\n", 4)));
        target.done(FetchError::None, Time{});
        EXPECT_EQ(scraper.listener.last().verdict, Verdict::Ok) << type;
    }
    Scraper scraper({gauge_of("a", "a")});
    ScrapeTarget target(0, {scraper.pool, scraper.selector, scraper.listener, true});
    target.head(200, "application/openmetrics-text", 4);
    target.done(FetchError::None, Time{});
    EXPECT_EQ(scraper.listener.last().verdict, Verdict::Error) << "an empty body has no end";
}

TEST(Scrape, every_way_to_fail_is_an_error_with_its_words) {
    for (int e = 1; e <= static_cast<int>(FetchError::Aborted); ++e) {
        const auto error = static_cast<FetchError>(e);
        Scraper scraper({gauge_of("a", "a")});
        scraper.targets[0]->done(error, Time{});
        EXPECT_EQ(scraper.listener.last().verdict, Verdict::Error);
        EXPECT_EQ(scraper.listener.last().reason, to_string(error));
        scraper.targets[0]->head(200, "text/plain", 8);
        scraper.feed("a 1\n");
        scraper.targets[0]->done(error, Time{});
        EXPECT_EQ(scraper.listener.last().verdict, Verdict::Error);
        EXPECT_EQ(scraper.listener.last().reason, to_string(error));
    }
}

TEST(Scrape, an_answer_without_samples_is_no_data) {
    for (const char* body : {"", "\n", "# TYPE a gauge\n"}) {
        Scraper scraper({gauge_of("a", "a")});
        EXPECT_EQ(answer(scraper, 200, "text/plain", body).verdict, Verdict::NoData) << body;
    }
}

TEST(Scrape, a_body_without_wanted_series_is_good_and_has_no_values) {
    Scraper scraper({gauge_of("a", "a")});
    const auto& scrape = answer(scraper, 200, "text/plain", "b 1\n");
    EXPECT_EQ(scrape.verdict, Verdict::Ok);
    EXPECT_TRUE(scrape.values.empty());
}

TEST(Scrape, a_cancelled_answer_leaves_nothing_behind) {
    Scraper scraper({gauge_of("a", "a")});
    scraper.targets[0]->head(200, "text/plain", 8);
    scraper.feed("a{x=\"half");
    scraper.targets[0]->reset();
    EXPECT_TRUE(scraper.listener.scrapes().empty());
    EXPECT_EQ(scraper.scrape("a 1\n").verdict, Verdict::Ok);
    scraper.targets[0]->head(503, "text/plain", 8);
    scraper.targets[0]->reset();
    scraper.targets[0]->done(FetchError::ConnectRefused, Time{});
    EXPECT_EQ(scraper.listener.last().reason, to_string(FetchError::ConnectRefused));
}

TEST(Scrape, targets_that_answer_at_the_same_time_do_not_mix) {
    Scraper scraper({gauge_of("a", "a")}, 3);
    for (const auto& target : scraper.targets) target->head(200, "text/plain", std::nullopt);
    for (std::size_t i = 0; i < 3; ++i) scraper.feed("a{x=\"", i);
    for (std::size_t i = 0; i < 3; ++i) scraper.feed(std::to_string(i) + "\"} 1" + std::to_string(i), i);
    for (const auto& target : scraper.targets) target->done(FetchError::None, Time{});
    for (std::size_t i = 0; i < 3; ++i) {
        const auto& scrape = scraper.listener.scrapes()[i];
        ASSERT_EQ(scrape.values.size(), 1U);
        EXPECT_EQ(scrape.target, i);
        EXPECT_EQ(scrape.values[0].value, 10.0 + static_cast<double>(i));
    }
}

TEST(Scrape, labels_are_told_only_when_they_are_wanted_and_a_forgotten_page_is_read_anew) {
    constexpr std::string_view kBody = "a{route=\"/x\",code=\"200\"} 1\na{route=\"/y\",code=\"500\"} 2\nb 3\n";
    Scraper scraper({gauge_of("a", "a")});
    scraper.scrape(kBody);
    EXPECT_TRUE(scraper.listener.labels().empty());
    scraper.listener.want_labels();
    scraper.scrape(kBody);
    EXPECT_TRUE(scraper.listener.labels().empty());  // all series are known
    scraper.targets[0]->forget_page();
    const std::string before = describe(scraper.listener.last());
    EXPECT_EQ(describe(scraper.scrape(kBody)), before);
    EXPECT_EQ(scraper.listener.labels(), (std::vector<std::string>{"0 code=200 route=/x", "1 code=500 route=/y"}));
    EXPECT_EQ(scraper.listener.series().size(), 2U);
}

}  // namespace
}  // namespace revertd
