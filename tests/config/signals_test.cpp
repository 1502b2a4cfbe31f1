// SPDX-License-Identifier: Apache-2.0
#include "config/signals.h"

#include <gtest/gtest.h>

namespace revertd::config {
namespace {

ParsedSignal good(const std::string& text) {
    auto parsed = parse_signal("s", text);
    if (const auto* error = std::get_if<SentenceError>(&parsed)) {
        ADD_FAILURE() << text << ": " << error->what;
        return {};
    }
    return std::get<ParsedSignal>(parsed);
}

std::string complaint(const std::string& text) {
    auto parsed = parse_signal("s", text);
    const auto* error = std::get_if<SentenceError>(&parsed);
    return error == nullptr ? "accepted" : std::to_string(error->offset) + ": " + error->what;
}

TEST(Signals, a_ratio_has_all_and_bad_series) {
    const Signal signal =
        good("ratio(http_requests_total{app=\"api\",method!~\"OPTIONS|HEAD\"}, code=~\"5..\", path!=\"/\")").signal;
    EXPECT_EQ(signal.kind, Signal::Kind::Ratio);
    EXPECT_EQ(signal.unit, Unit::Ratio);
    EXPECT_EQ(signal.selector.metric, "http_requests_total");
    ASSERT_EQ(signal.selector.matchers.size(), 2U);
    EXPECT_EQ(signal.selector.matchers[0].op, Matcher::Op::Equal);
    EXPECT_EQ(signal.selector.matchers[1].op, Matcher::Op::NotRegex);
    EXPECT_EQ(signal.selector.matchers[1].value, "OPTIONS|HEAD");
    ASSERT_EQ(signal.bad.size(), 2U);
    EXPECT_EQ(signal.bad[0].label, "code");
    EXPECT_EQ(signal.bad[0].op, Matcher::Op::Regex);
    EXPECT_EQ(signal.bad[0].value, "5..");
    EXPECT_EQ(signal.bad[1].op, Matcher::Op::NotEqual);
}

TEST(Signals, a_quantile_names_the_histogram_with_or_without_bucket) {
    for (const char* text : {"quantile(0.95, http_request_duration_seconds{app='api'})",
                             "quantile(0.95,http_request_duration_seconds_bucket{app=\"api\"})"}) {
        const Signal signal = good(text).signal;
        EXPECT_EQ(signal.kind, Signal::Kind::Quantile);
        EXPECT_DOUBLE_EQ(signal.quantile, 0.95);
        EXPECT_EQ(signal.selector.metric, "http_request_duration_seconds");
        EXPECT_EQ(signal.unit, Unit::Seconds);
        EXPECT_EQ(signal.to_base, 1);
    }
}

TEST(Signals, the_unit_is_in_the_name) {
    EXPECT_EQ(good("quantile(0.5, istio_request_duration_milliseconds)").signal.to_base, 0.001);
    EXPECT_EQ(good("quantile(0.5, envoy_cluster_upstream_rq_time)").signal.to_base, 0.001);
    EXPECT_EQ(good("quantile(0.5, response_bytes)").signal.unit, Unit::None);
    EXPECT_EQ(good("disk_used_ratio").signal.unit, Unit::Ratio);
    EXPECT_EQ(good("lag_seconds").signal.unit, Unit::Seconds);
    EXPECT_EQ(good("rate(busy_seconds[5m])").signal.unit, Unit::None);
}

TEST(Signals, gauges_and_rates) {
    EXPECT_EQ(good("queue_length").signal.aggregate, Signal::Aggregate::Single);
    EXPECT_EQ(good("queue_length{}").signal.kind, Signal::Kind::Gauge);
    EXPECT_EQ(good("max(queue_length)").signal.aggregate, Signal::Aggregate::Max);
    EXPECT_EQ(good(" min ( queue_length{a=\"b\",} ) ").signal.aggregate, Signal::Aggregate::Min);
    EXPECT_EQ(good("avg(queue_length)").signal.aggregate, Signal::Aggregate::Avg);
    EXPECT_EQ(good("sum(queue_length)").signal.kind, Signal::Kind::Gauge);
    for (const char* text : {"rate(orders_total{state=\"paid\"}[5m])", "sum(rate(orders_total{state=\"paid\"}[5m]))"}) {
        const ParsedSignal parsed = good(text);
        EXPECT_EQ(parsed.signal.kind, Signal::Kind::Rate);
        EXPECT_EQ(parsed.signal.aggregate, Signal::Aggregate::Sum);
        EXPECT_EQ(parsed.window, Duration(5min));
    }
}

TEST(Signals, a_metric_may_be_called_like_a_function) {
    EXPECT_EQ(good("rate").signal.selector.metric, "rate");
    EXPECT_EQ(good("sum{a=\"b\"}").signal.selector.metric, "sum");
}

TEST(Signals, escapes_in_label_values) {
    EXPECT_EQ(good("m{a=\"x\\\"y\\\\z\\n\"}").signal.selector.matchers[0].value, "x\"y\\z\n");
    EXPECT_EQ(good("m{a=`x\\d`}").signal.selector.matchers[0].value, "x\\d");
}

TEST(Signals, a_counter_as_a_gauge_is_probably_a_mistake) {
    EXPECT_FALSE(good("orders_total").remarks.empty());
    EXPECT_TRUE(good("rate(orders_total[1m])").remarks.empty());
}

TEST(Signals, what_is_wrong_is_named_with_its_place) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"", "0: the name of a metric is expected"},
        {"5", "0: the name of a metric is expected"},
        {"ratio(a)", "7: `,` is expected"},
        {"ratio(a, )", "9: a label is expected, as in code=~\"5..\""},
        {"ratio(a, code~\"5\")", "13: one of =, !=, =~, !~ is expected"},
        {"ratio(a, code=5)", "14: a value in quotes is expected, as in code=\"500\""},
        {"ratio(a, code=~\"5(\")", "15: no valid regular expression: missing ): 5("},
        {"ratio(a, code=\"5\"", "17: `)` is expected"},
        {"quantile(95, a_seconds)", "9: a quantile is a number between 0 and 1"},
        {"quantile(p95, a_seconds)", "9: a quantile is a number between 0 and 1"},
        {"quantile(", "9: a quantile is a number between 0 and 1"},
        {"a{b=\"\\", "4: a quote is not closed"},
        {"a{b=\"\\q", "5: unknown escape \\q"},
        {"quantile(0.9)", "12: `,` is expected"},
        {"quantile(0.9, a_seconds{le=\"1\"})", "9: `le` cannot be selected: all buckets are needed"},
        {"rate(a)", "6: a window such as [5m] is expected"},
        {"rate(a[5])", "7: a window such as [5m] is expected"},
        {"rate(a[5m:1m])", "7: a window such as [5m] is expected"},
        {"rate(a[5m", "7: a window such as [5m] is expected"},
        {"max(rate(a[5m]))", "4: `max(rate(` is not possible here"},
        {"sum by (job) (rate(a[5m]))", "4: `by (job) (rate(a[5m]` after the end of the signal"},
        {"sum(sum(a))", "4: `sum(sum(` is not possible here"},
        {"irate(a[5m])", "0: `irate(` is not possible here"},
        {"a / b", "2: `/ b` after the end of the signal"},
        {"a > 5", "2: `> 5` after the end of the signal"},
        {"a{b=\"c\"", "7: `,` or `}` is expected"},
        {"a{b=\"c}", "4: a quote is not closed"},
        {"a{b=\"\\d\"}", "5: unknown escape \\d"},
        {"{__name__=\"a\"}", "0: the name of a metric is expected"},
        {"a{__name__=\"b\"}", "2: a label is expected, as in code=~\"5..\""},
    };
    for (const auto& [text, expected] : cases) EXPECT_EQ(complaint(text), expected) << text;
}

TEST(Signals, every_beginning_of_a_signal_is_read_or_refused_at_a_place_inside_it) {
    const std::vector<std::string> texts{R"(ratio(http_requests_total{app="a\"b"}, code=~"5..", path!='/'))",
                                         "quantile(0.95, a_seconds{b!~`c`})", "sum(rate(a_total{b=\"c\\n\"}[5m]))",
                                         "max(a{b=\"c\"})"};
    const std::string replaced = "(){}[]=~!\"'`\\,. 5aé";
    for (const std::string& text : texts)
        for (std::size_t length = 0; length <= text.size(); ++length)
            for (const char c : replaced) {
                const std::string mutant =
                    text.substr(0, length) + c + (length < text.size() ? text.substr(length + 1) : "");
                for (const std::string& candidate : {text.substr(0, length), mutant}) {
                    const auto parsed = parse_signal("s", candidate);
                    if (const auto* error = std::get_if<SentenceError>(&parsed)) {
                        ASSERT_LE(error->offset, candidate.size()) << candidate;
                    }
                }
            }
}

TEST(SignalTable, errors_and_p95_join_when_they_are_first_named) {
    SignalTable table(Signal::Source::Scrape);
    EXPECT_EQ(table.find("p99"), std::nullopt);
    EXPECT_EQ(table.find("p95"), 0U);
    EXPECT_EQ(table.find("errors"), 1U);
    EXPECT_EQ(table.find("p95"), 0U);
    EXPECT_TRUE(table.at(1).well_known);
    EXPECT_EQ(table.at(1).unit, Unit::Ratio);
    EXPECT_EQ(table.take().size(), 2U);
}

TEST(SignalTable, finds_nothing_by_name_without_metrics) {
    SignalTable table(std::nullopt);
    EXPECT_EQ(table.find("errors"), std::nullopt);
}

}  // namespace
}  // namespace revertd::config
