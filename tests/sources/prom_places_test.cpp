// SPDX-License-Identifier: Apache-2.0
// Where a signal of a Prometheus comes from: the answer to one query, divided by its labels.
#include "daemon/sources/prom_places.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "config/promql.h"
#include "config/promql_text.h"

namespace revertd {
namespace {

Signal errors() {
    Signal signal;
    signal.name = "errors", signal.kind = Signal::Kind::Ratio, signal.source = Signal::Source::Prometheus;
    signal.selector = {"http_requests_total", {{"app", Matcher::Op::Equal, "api"}}};
    signal.bad = {{"code", Matcher::Op::Regex, "5.."}};
    return signal;
}

PromSeries series(const std::string& part, std::vector<std::pair<std::string, std::string>> labels, double value) {
    labels.emplace_back("revertd_part", part);
    return {std::move(labels), {{0, value}}};
}

const Place* place(const PlaceTable& table, const std::string& label, const std::string& value) {
    for (const PlaceLabel& one : table.labels)
        for (const Place& p : one.places)
            if (one.label == label && p.value == value) return &p;
    return nullptr;
}

TEST(PromPlaces, a_ratio_is_divided_by_every_label_but_those_of_the_query) {
    PromAnswer answer;
    for (const std::string instance : {"a:80", "b:80"}) {
        answer.series.push_back(series("now", {{"route", "/x"}, {"instance", instance}, {"code", "200"}}, 100));
        answer.series.push_back(series("now", {{"route", "/pay"}, {"instance", instance}, {"code", "200"}}, 60));
        answer.series.push_back(series("now", {{"route", "/pay"}, {"instance", instance}, {"code", "500"}}, 40));
        answer.series.push_back(series("now_bad", {{"route", "/pay"}, {"instance", instance}, {"code", "500"}}, 40));
        answer.series.push_back(series("before", {{"route", "/pay"}, {"instance", instance}, {"code", "200"}}, 1000));
        answer.series.push_back(series("before_bad", {{"route", "/pay"}, {"instance", instance}, {"code", "500"}}, 2));
    }
    const PlaceTable table = places_of(errors(), answer);
    EXPECT_DOUBLE_EQ(table.now.requests, 400);
    EXPECT_DOUBLE_EQ(table.now.bad, 80);
    const Place* pay = place(table, "route", "/pay");
    ASSERT_NE(pay, nullptr);
    EXPECT_DOUBLE_EQ(pay->now.requests, 200);
    EXPECT_DOUBLE_EQ(pay->now.bad, 80);
    EXPECT_DOUBLE_EQ(pay->before.bad, 4);
    ASSERT_NE(place(table, "instance", "a:80"), nullptr);
    EXPECT_EQ(place(table, "revertd_part", "now"), nullptr);
    for (const PlaceLabel& label : table.labels) EXPECT_EQ(label.of_bad, label.label == "code");
}

TEST(PromPlaces, what_the_signal_says_of_every_bad_one_is_no_place) {
    Signal exact = errors();
    exact.bad = {{"code", Matcher::Op::Equal, "500"}};
    PromAnswer answer;
    for (const char* code : {"200", "500"}) {
        answer.series.push_back(series("now", {{"route", "/x"}, {"code", code}}, 100));
        answer.series.push_back(series("now", {{"route", "/y"}, {"code", code}}, 100));
    }
    answer.series.push_back(series("now_bad", {{"route", "/x"}, {"code", "500"}}, 100));
    const PlaceTable table = places_of(exact, answer);
    EXPECT_NE(place(table, "route", "/x"), nullptr);
    EXPECT_EQ(place(table, "code", "500"), nullptr);
}

TEST(PromPlaces, a_quantile_counts_what_is_slower_than_the_clearest_edge) {
    Signal p95 = errors();
    p95.kind = Signal::Kind::Quantile, p95.to_base = 0.001;
    PromAnswer answer;
    const auto histogram = [&](const std::string& part, const std::string& route, double fast, double all) {
        answer.series.push_back(series(part, {{"route", route}, {"le", "500"}}, fast));
        answer.series.push_back(series(part, {{"route", route}, {"le", "+Inf"}}, all));
    };
    histogram("before", "/x", 990, 1000), histogram("before", "/pay", 990, 1000);
    histogram("now", "/x", 99, 100), histogram("now", "/pay", 60, 100);
    const PlaceTable table = places_of(p95, answer);
    EXPECT_DOUBLE_EQ(table.edge, 0.5);
    EXPECT_DOUBLE_EQ(place(table, "route", "/pay")->now.bad, 40);
    EXPECT_DOUBLE_EQ(place(table, "route", "/pay")->now.requests, 100);
    EXPECT_DOUBLE_EQ(place(table, "route", "/x")->before.bad, 10);
}

TEST(PromPlaces, numbers_that_are_none_count_for_nothing) {
    PromAnswer answer;
    answer.series = {series("now", {{"route", "/x"}}, std::nan("")), series("now", {{"route", "/y"}}, -1)};
    EXPECT_TRUE(places_of(errors(), answer).labels.empty());
    EXPECT_TRUE(places_of(errors(), {}).labels.empty());
}

TEST(PromPlaces, the_query_is_one_that_a_server_understands) {
    const std::string text = config::promql::places_of(errors(), 5min, 1h, 90s);
    const auto parsed = config::promql::parse(text);
    EXPECT_TRUE(std::holds_alternative<config::promql::Expr>(parsed)) << text;
    EXPECT_NE(text.find("topk(2000, increase(http_requests_total{app=\"api\"}[300s]))"), std::string::npos) << text;
    EXPECT_NE(text.find("[3600s] offset 90s"), std::string::npos) << text;
    Signal gauge = errors();
    gauge.kind = Signal::Kind::Gauge;
    EXPECT_EQ(config::promql::places_of(gauge, 5min, 1h, 90s), "");
}

}  // namespace
}  // namespace revertd
