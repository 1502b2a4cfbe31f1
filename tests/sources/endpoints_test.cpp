// SPDX-License-Identifier: Apache-2.0
// Which endpoint a series counts, and what a page tells of its process.
#include <gtest/gtest.h>

#include "tests/sources/body.h"

namespace revertd {
namespace {

Signal errors(std::optional<std::string> endpoint = {}) {
    Signal signal;
    signal.name = "errors";
    signal.kind = Signal::Kind::Ratio;
    signal.selector.metric = "http_requests_total";
    signal.bad = {{"code", Matcher::Op::Regex, "5.."}};
    signal.endpoint = std::move(endpoint);
    return signal;
}

std::vector<std::string> endpoints(const Signal& signal, std::string_view body) {
    Scraper scraper({signal});
    scraper.scrape(body);
    std::vector<std::string> out;
    for (const auto& series : scraper.listener.series())
        out.push_back((series.role.bad ? "bad " : "") + series.endpoint);
    return out;
}

constexpr std::string_view kPage =
    "http_requests_total{code=\"200\",method=\"GET\",route=\"/pay\",team=\"a\"} 5\n"
    "http_requests_total{code=\"500\",method=\"GET\",route=\"/pay\",team=\"a\"} 1\n"
    "http_requests_total{code=\"200\",handler=\"home\",team=\"b\"} 5\n"
    "http_requests_total{code=\"200\"} 5\n";

TEST(EndpointLabel, is_the_first_well_known_one_that_a_series_has) {
    EXPECT_EQ(endpoints(errors(), kPage), (std::vector<std::string>{"/pay", "/pay", "bad /pay", "home", ""}));
}

TEST(EndpointLabel, is_the_one_that_is_written) {
    EXPECT_EQ(endpoints(errors("team"), kPage), (std::vector<std::string>{"a", "a", "bad a", "b", ""}));
}

TEST(EndpointLabel, can_be_switched_off) {
    EXPECT_EQ(endpoints(errors(""), kPage), (std::vector<std::string>{"", "", "bad ", "", ""}));
}

Signal well_known(Signal::Kind kind, const std::string& name) {
    Signal signal;
    signal.name = name;
    signal.kind = kind;
    signal.well_known = true;
    return signal;
}

TEST(WellKnownProcess, a_gauge_comes_with_its_limit_and_others_are_left) {
    Signal files = well_known(Signal::Kind::Gauge, "open_fds");
    files.limit.emplace();
    Scraper scraper({files});
    scraper.scrape(
        "process_max_fds 1024\nprocess_files_open_files 3\nprocess_open_fds 17\nprocess_files_max_files 9\n"
        "go_goroutines 8\n");
    ASSERT_EQ(scraper.listener.series().size(), 2U);
    EXPECT_TRUE(scraper.listener.series()[0].role.bad) << "the limit";
    EXPECT_FALSE(scraper.listener.series()[1].role.bad);
    ASSERT_EQ(scraper.listener.last().values.size(), 2U);
    EXPECT_EQ(scraper.listener.last().values[1].value, 17);
    EXPECT_EQ(scraper.listener.found().at(0).metric, "process_open_fds");
}

TEST(WellKnownProcess, restarts_are_read_off_the_time_of_starting) {
    Signal restarts = well_known(Signal::Kind::Rate, "restarts");
    restarts.starts = true;
    Scraper scraper({restarts});
    scraper.scrape("process_start_time_seconds 1.7e9\nprocess_cpu_seconds_total 3\n");
    ASSERT_EQ(scraper.listener.series().size(), 1U);
    EXPECT_EQ(scraper.listener.last().values[0].value, 1.7e9);
}

}  // namespace
}  // namespace revertd
