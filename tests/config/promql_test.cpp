// SPDX-License-Identifier: Apache-2.0
// PromQL as far as it must be understood: what is read, what is said about it, what is asked.
#include "config/promql.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "config/promql_text.h"

namespace revertd::config {
namespace {

using promql::Expr;

Expr good(const std::string& text) {
    auto parsed = promql::parse(text);
    const auto* error = std::get_if<SentenceError>(&parsed);
    EXPECT_EQ(error, nullptr) << text << ": " << (error == nullptr ? "" : error->what);
    return error == nullptr ? std::get<Expr>(std::move(parsed)) : Expr{};
}

SentenceError bad(const std::string& text) {
    auto parsed = promql::parse(text);
    const auto* error = std::get_if<SentenceError>(&parsed);
    EXPECT_NE(error, nullptr) << text;
    return error == nullptr ? SentenceError{} : *error;
}

std::string remarks(const std::string& text) {
    std::string out;
    for (const Remark& remark : promql::lint(good(text), text))
        out += std::to_string(remark.at) + (remark.error ? " error: " : ": ") + remark.what + "; " + remark.hint + "\n";
    return out;
}

TEST(Promql, reads_what_people_write) {
    for (const char* text : {"up",
                             "up{job=\"a\",instance!~'b.*',} offset 5m",
                             "sum(rate(x_total[5m])) by (job)",
                             "sum by (job) (x)",
                             "-x ^ 2 * 3 > bool 1",
                             "a / on(job) group_left(team) b",
                             "histogram_quantile(0.95, sum by (le) (rate(h_bucket[5m])))",
                             "max_over_time(rate(x_total[1m])[10m:30s])",
                             "x @ 1609746000",
                             "x[5m] offset -1h",
                             "{__name__=\"a:b\"}",
                             "sum without (pod) (x) or vector(0)",
                             "1e3 + 0x1F + .5 + Inf",
                             "label_replace(x, \"a\", \"$1\", \"b\", `(.*)`)",
                             "a:b:rate5m # a comment\n + 1",
                             "topk(3, x)",
                             "count_values(\"v\", x)",
                             "x[1h30m]",
                             "absent(x)",
                             "sum(x{})"})
        good(text);
}

TEST(Promql, does_not_doubt_what_is_meant) {
    for (const char* text : {
             "sum(rate(bad_total[5m])) / sum(rate(all_total[5m]))",
             "sum by (job) (rate(bad_total[5m])) / on (job) group_left sum by (job, team) (rate(all_total[5m]))",
             "sum(rate(x_total{host=~\"a.*$\",path=\"/a.b\"}[5m] offset 1h))",
             "sum(queue > 5)",
             "sum(queue) > bool 5",
             "sum(queue) or vector(0)",
             "(sum(queue) > 5) or vector(0)",
             "sum2_over_time(queue{a=\"b\"}[5m])",
             "quantile(0.95, queue)",
             "histogram_quantile(0.95, sum by (le) (rate(x_bucket[5m])))",
             "histogram_quantile(0.95, sum by (le) (job:x:rate5m))",
             "sum(rate(x_total[5m])) * 100 / 3",
             "job:errors:ratio / scalar(job:all:ratio)",
             "sum(ratio{code=\"500\",status=~\"5..|429\"})",
             "time() - max(process_start_time_seconds)",
             "max_over_time(sum(queue)[5m:30s])",
         })
        EXPECT_EQ(promql::habits(good(text), text).size(), 0U)
            << text << ": " << promql::habits(good(text), text)[0].what;
    EXPECT_FALSE(promql::short_range(good("sum(rate(x_total[2m]))"), std::chrono::seconds(30)));
    EXPECT_TRUE(promql::short_range(good("sum(rate(x_total[30s]))"), std::chrono::seconds(30)));
}

TEST(Promql, says_where_it_stops_to_be_promql) {
    EXPECT_EQ(bad("sum(rate(x[5m])").offset, 15U);
    EXPECT_EQ(bad("x{a=5}").offset, 4U);
    EXPECT_EQ(bad("x{a=~\"(\"}").offset, 5U);
    EXPECT_EQ(bad("rate(x[five])").offset, 7U);
    EXPECT_EQ(bad("x y").offset, 2U);
    EXPECT_EQ(bad("x $ y").offset, 2U);
    EXPECT_EQ(bad("").offset, 0U);
    EXPECT_EQ(bad("(x)[5m]x").what.empty(), false);
    EXPECT_FALSE(bad("\"open").what.empty());
    EXPECT_FALSE(bad(std::string(5000, '(')).what.empty());  // does not end the stack
}

TEST(Promql, knows_how_far_a_query_looks_back) {
    EXPECT_EQ(promql::reach(good("x")), Duration{});
    EXPECT_EQ(promql::reach(good("sum(rate(x[5m])) / sum(rate(y[1m]))")), Duration(5min));
    EXPECT_EQ(promql::reach(good("max_over_time(rate(x[1m])[10m:])")), Duration(11min));
}

TEST(Promql, knows_which_queries_give_one_series) {
    for (const char* one :
         {"sum(x)", "sum(rate(a[1m])) / sum(rate(b[1m]))", "1",
          "histogram_quantile(0.9, sum by (le) (rate(h_bucket[1m])))", "sum by (app) (x{app=\"api\"})", "scalar(x)",
          "sum(x) or vector(0)", "-sum(x)", "clamp_max(sum(x), 1)"})
        EXPECT_TRUE(promql::gives_one_series(good(one))) << one;
    for (const char* many : {"x", "rate(x[1m])", "sum by (app) (x)", "topk(1, x)", "sum without (a) (x)", "sum(x) / y",
                             "histogram_quantile(0.9, rate(h_bucket[1m]))"})
        EXPECT_FALSE(promql::gives_one_series(good(many))) << many;
}

TEST(Promql, knows_units_by_the_names_of_metrics) {
    EXPECT_EQ(promql::unit_of(good("sum(rate(a_total[1m])) / sum(rate(b_total[1m]))")), Unit::Ratio);
    EXPECT_EQ(promql::unit_of(good("100 * sum(rate(a_total[1m])) / sum(rate(b_total[1m]))")), Unit::None);
    EXPECT_EQ(promql::unit_of(good("histogram_quantile(0.9, sum by (le) (rate(x_seconds_bucket[1m])))")),
              Unit::Seconds);
    EXPECT_EQ(promql::unit_of(good("sum(rate(x_seconds_sum[1m])) / sum(rate(x_seconds_count[1m]))")), Unit::Seconds);
    EXPECT_EQ(promql::unit_of(good("max(x_seconds)")), Unit::Seconds);
    EXPECT_EQ(promql::unit_of(good("sum(rate(a_total[1m]))")), Unit::None);
}

/// The error query of the Kubernetes runbook: errors alone, one series each.
TEST(PromqlLint, finds_errors_without_requests) {
    const std::string found = remarks("rate(http_requests_total{status=~\"5..\"}[5m])");
    EXPECT_NE(found.find("errors alone"), std::string::npos) << found;
    EXPECT_NE(found.find("ratio(http_requests_total, status=~\"5..\")"), std::string::npos) << found;
    EXPECT_NE(found.find("one value for each series"), std::string::npos) << found;
}

/// Its latency query: one quantile a series.
TEST(PromqlLint, finds_quantiles_that_are_not_added_up) {
    const std::string found = remarks("histogram_quantile(0.95, rate(http_request_duration_seconds_bucket[5m]))");
    EXPECT_NE(found.find("one quantile for each series"), std::string::npos) << found;
    EXPECT_NE(found.find("sum by (le) (rate(http_request_duration_seconds_bucket[5m]))"), std::string::npos) << found;
}

TEST(PromqlLint, finds_what_can_never_work) {
    for (const char* text :
         {"x[5m]", "rate(x_total)", "histogram_quantile(0.9, sum(rate(x_bucket[1m])))", "{job=~\".*\"}"})
        EXPECT_NE(remarks(text).find("error: "), std::string::npos) << text << "\n" << remarks(text);
}

TEST(PromqlLint, says_nothing_about_good_queries) {
    for (const char* text : {"sum(rate(orders_total{state=\"paid\"}[5m]))", "queue_length{app=\"a\"}",
                             "sum(rate(a_total{code=~\"5..\"}[5m])) / sum(rate(a_total[5m]))", "count(a_total)",
                             "histogram_quantile(0.95, sum by (le) (rate(x_seconds_bucket[5m])))",
                             "sum(rate(e_total{code=\"500\"}[5m])) or vector(0)"})
        EXPECT_EQ(remarks(text), "") << text;
}

TEST(PromqlText, narrows_every_selector) {
    const auto narrowed = [](const std::string& text) {
        return promql::with_matchers(text, good(text), "track=\"a\"");
    };
    EXPECT_EQ(narrowed("sum(rate(x[1m])) / sum(rate(y{a=\"b\"}[1m]))"),
              "sum(rate(x{track=\"a\"}[1m])) / sum(rate(y{track=\"a\",a=\"b\"}[1m]))");
    EXPECT_EQ(narrowed("x{} or {__name__=\"z\"}"), "x{track=\"a\"} or {track=\"a\",__name__=\"z\"}");
}

Signal ratio() {
    auto parsed = parse_query_signal("errors", R"(ratio(http_requests_total{app="api"}, code=~"5.."))");
    return std::get<ParsedSignal>(std::move(parsed)).signal;
}

TEST(PromqlText, a_ratio_is_one_query_of_its_parts_and_their_age) {
    EXPECT_EQ(
        promql::query_of(ratio(), 1min),
        R"(label_replace(sum(rate(http_requests_total{app="api"}[60s])), "revertd_part", "all", "", ""))"
        R"( or label_replace(sum(rate(http_requests_total{app="api",code=~"5.."}[60s])), "revertd_part", "bad", "", ""))"
        R"( or label_replace(max(timestamp(http_requests_total{app="api"})), "revertd_part", "at", "", ""))");
}

TEST(PromqlText, members_of_a_group_are_exact_alternatives) {
    const std::string text = promql::query_of(ratio(), 1500ms, {"app", {"b.c", "a|d", "b.c"}});
    EXPECT_NE(text.find(R"(sum by (app) (rate(http_requests_total{app=~"a\\|d|b\\.c"}[1500ms])))"), std::string::npos)
        << text;
}

TEST(PromqlText, endpoints_are_at_most_so_many_rows_a_member) {
    EXPECT_EQ(
        promql::endpoints_of(ratio(), "route", 1min),
        R"(label_replace(topk(256, sum by (route) (rate(http_requests_total{app="api"}[60s]))), "revertd_part", "all", "", ""))"
        R"( or label_replace(topk(256, sum by (route) (rate(http_requests_total{app="api",code=~"5.."}[60s]))), "revertd_part", "bad", "", ""))");
    const std::string grouped = promql::endpoints_of(ratio(), "route", 1min, {"app", {"a", "b"}});
    EXPECT_NE(grouped.find(R"(topk by (app) (256, sum by (route, app) (rate(http_requests_total{app=~"a|b"}[60s]))))"),
              std::string::npos)
        << grouped;
}

TEST(PromqlText, what_endpoints_did_before_ends_before_the_deploy) {
    EXPECT_EQ(
        promql::endpoints_before(ratio(), "route", 1h, 90s),
        R"(label_replace(sum by (route) (increase(http_requests_total{app="api"}[3600s] offset 90s)), "revertd_part", "all", "", ""))"
        R"( or label_replace(sum by (route) (increase(http_requests_total{app="api",code=~"5.."}[3600s] offset 90s)), "revertd_part", "bad", "", ""))");
}

TEST(PromqlText, instances_that_begin_anew_are_new_ones_and_those_whose_counters_do) {
    auto parsed = parse_query_signal("p95", R"(quantile(0.95, http_seconds{app="api"}))");
    const std::string text = promql::starts_of(std::get<ParsedSignal>(parsed).signal, 1min);
    EXPECT_EQ(
        text,
        R"(label_replace(count(count by (instance, pod) (http_seconds_bucket{app="api",le="+Inf"})), "revertd_part", "instances", "", ""))"
        R"( or label_replace(count(count by (instance, pod) (http_seconds_bucket{app="api",le="+Inf"} unless on (instance, pod) )"
        R"(count_over_time(http_seconds_bucket{app="api",le="+Inf"}[300s] offset 60s))), "revertd_part", "new", "", ""))"
        R"( or label_replace(count(count by (instance, pod) (resets(http_seconds_bucket{app="api",le="+Inf"}[60s]) > 0)), )"
        R"("revertd_part", "again", "", ""))");
    EXPECT_TRUE(std::holds_alternative<promql::Expr>(promql::parse(text)));
}

TEST(PromqlText, labels_that_are_decided_name_no_endpoint) {
    EXPECT_EQ(promql::endpoint_labels(ratio()).front(), "route");
    auto parsed = parse_query_signal("errors", R"(ratio(http_requests_total{route="/a"}, handler="broken"))");
    const Signal narrow = std::get<ParsedSignal>(std::move(parsed)).signal;
    const auto labels = promql::endpoint_labels(narrow);
    EXPECT_EQ(std::ranges::count(labels, "route") + std::ranges::count(labels, "handler"), 0);
    Signal written = ratio();
    written.endpoint = "page";
    EXPECT_EQ(promql::endpoint_labels(written), std::vector<std::string>{"page"});
    written.endpoint = "";
    EXPECT_TRUE(promql::endpoint_labels(written).empty());
    for (const std::string& text :
         {promql::count_endpoints(ratio(), {"route", "path"}), promql::endpoints_before(ratio(), "route", 1h, 90s),
          promql::endpoints_of(ratio(), "route", 1min, {"app", {"a", "b"}})})
        EXPECT_TRUE(std::holds_alternative<promql::Expr>(promql::parse(text))) << text;
}

TEST(PromqlText, the_window_holds_four_scrapes_and_an_interval_more_than_one) {
    EXPECT_EQ(promql::rate_window(5s, 15s), Duration(60s));
    EXPECT_EQ(promql::rate_window(5s, 1s), Duration(6s));
}

TEST(PromqlText, asks_for_the_age_of_every_selector_once) {
    EXPECT_EQ(promql::freshness_of("sum(rate(x[5m])) / sum(x offset 1d) + max(x)"),
              R"(label_replace(max(timestamp(x)), "revertd_part", "at0", "", ""))");
    EXPECT_EQ(promql::freshness_of("vector(1)"), "");
}

TEST(QuerySignal, promql_has_a_quantile_of_its_own) {
    auto own =
        std::get<ParsedSignal>(parse_query_signal("p", "quantile(0.95, http_request_duration_seconds{app=\"a\"})"));
    EXPECT_EQ(own.signal.kind, Signal::Kind::Quantile);
    EXPECT_TRUE(own.signal.promql.empty());
    auto other = std::get<ParsedSignal>(parse_query_signal("p", "quantile(0.95, rate(x_total[5m]))"));
    EXPECT_EQ(other.signal.kind, Signal::Kind::Gauge);
    EXPECT_EQ(other.signal.reach, Duration(5min));
}

}  // namespace
}  // namespace revertd::config
