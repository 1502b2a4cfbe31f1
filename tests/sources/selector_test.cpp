// SPDX-License-Identifier: Apache-2.0
#include "daemon/sources/selector.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/well_known.h"
#include "daemon/sources/series_name.h"
#include "tests/sources/body.h"

namespace revertd {
namespace {

std::vector<Claim> claims_of(const std::vector<Signal>& signals, std::string_view series) {
    const auto selector = SeriesSelector::make(signals);
    std::vector<Claim> claims;
    const SeriesName name = decode_series(series);
    if (selector->wants(name.metric)) selector->claim(name, claims);
    return claims;
}

bool claims(const Matcher& matcher, std::string_view series) {
    Signal signal = gauge_of("s", "a");
    signal.selector.matchers = {matcher};
    return !claims_of({signal}, series).empty();
}

TEST(Selector, matchers_are_those_of_PromQL) {
    using Op = Matcher::Op;
    EXPECT_TRUE(claims({"x", Op::Equal, "1"}, "a{x=\"1\"}"));
    EXPECT_FALSE(claims({"x", Op::Equal, "1"}, "a{x=\"11\"}"));
    EXPECT_TRUE(claims({"x", Op::Equal, ""}, "a{y=\"1\"}")) << "an absent label is empty";
    EXPECT_TRUE(claims({"x", Op::NotEqual, "1"}, "a"));
    EXPECT_FALSE(claims({"x", Op::NotEqual, "1"}, "a{x=\"1\"}"));
    EXPECT_TRUE(claims({"x", Op::Regex, "5.."}, "a{x=\"503\"}"));
    EXPECT_FALSE(claims({"x", Op::Regex, "5.."}, "a{x=\"1503\"}")) << "anchored at the start";
    EXPECT_FALSE(claims({"x", Op::Regex, "5.."}, "a{x=\"5031\"}")) << "anchored at the end";
    EXPECT_FALSE(claims({"x", Op::Regex, "a|b"}, "a{x=\"ab\"}")) << "anchored around the alternative";
    EXPECT_TRUE(claims({"x", Op::Regex, "a.b"}, "a{x=\"a\\nb\"}")) << "a dot is also a newline";
    EXPECT_TRUE(claims({"x", Op::Regex, ".*"}, "a"));
    EXPECT_FALSE(claims({"x", Op::Regex, ".+"}, "a"));
    EXPECT_TRUE(claims({"x", Op::NotRegex, "5.."}, "a{x=\"200\"}"));
    EXPECT_FALSE(claims({"x", Op::NotRegex, "5.."}, "a{x=\"500\"}"));
}

TEST(Selector, escapes_are_decoded_before_they_are_compared) {
    EXPECT_TRUE(claims({"x", Matcher::Op::Equal, "say \"hi\"\\\n"}, R"(a{x="say \"hi\"\\\n"})"));
    EXPECT_TRUE(claims({"x", Matcher::Op::Equal, "\\q"}, R"(a{x="\q"})"));
    EXPECT_TRUE(claims({"x.y", Matcher::Op::Equal, "1"}, R"({"a","x.y"="1"})"));
}

TEST(Selector, a_wrong_regular_expression_is_an_error_in_words) {
    Signal signal = gauge_of("s", "a");
    signal.selector.matchers = {{"x", Matcher::Op::Regex, "("}};
    const auto selector = SeriesSelector::make({signal});
    ASSERT_FALSE(selector);
    EXPECT_NE(selector.error().message.find("signal 's'"), std::string::npos);
}

TEST(Selector, bad_series_of_a_ratio_are_some_of_all) {
    Signal errors = gauge_of("errors", "requests");
    errors.kind = Signal::Kind::Ratio;
    errors.selector.matchers = {{"app", Matcher::Op::Equal, "api"}};
    errors.bad = {{"code", Matcher::Op::Regex, "5.."}};
    const auto bad = claims_of({errors}, "requests{app=\"api\",code=\"500\"}");
    ASSERT_EQ(bad.size(), 2U);  // it is one of all, too: a service in which every request fails has requests
    EXPECT_FALSE(bad[0].role.bad);
    EXPECT_TRUE(bad[1].role.bad);
    const auto good = claims_of({errors}, "requests{app=\"api\",code=\"200\"}");
    ASSERT_EQ(good.size(), 1U);
    EXPECT_FALSE(good[0].role.bad);
    EXPECT_TRUE(claims_of({errors}, "requests{app=\"web\",code=\"500\"}").empty());
}

TEST(Selector, buckets_carry_their_bound_in_the_base_unit) {
    Signal p95 = gauge_of("p95", "latency");
    p95.kind = Signal::Kind::Quantile;
    p95.to_base = 0.001;
    const auto le = [&](const std::string& text) {
        const auto found = claims_of({p95}, "latency_bucket{le=\"" + text + "\"}");
        return found.size() == 1 ? found[0].role.le : std::nan("");
    };
    EXPECT_DOUBLE_EQ(le("250"), 0.25);
    EXPECT_DOUBLE_EQ(le("2.5e2"), 0.25);
    EXPECT_EQ(le("+Inf"), std::numeric_limits<double>::infinity());
    EXPECT_TRUE(std::isnan(le("NaN")));
    EXPECT_TRUE(std::isnan(le("many")));
    EXPECT_TRUE(claims_of({p95}, "latency_bucket").empty());
    EXPECT_TRUE(claims_of({p95}, "latency_sum{le=\"1\"}").empty());
    EXPECT_TRUE(claims_of({p95}, "latency{le=\"1\"}").empty());
}

TEST(Selector, one_series_may_be_of_several_signals) {
    const auto both = claims_of({gauge_of("one", "a"), gauge_of("two", "a")}, "a{x=\"1\"}");
    ASSERT_EQ(both.size(), 2U);
    EXPECT_EQ(both[0].role.signal, 0U);
    EXPECT_EQ(both[1].role.signal, 1U);
    EXPECT_NE(both[0].identity, both[1].identity);
}

TEST(Selector, the_identity_is_that_of_the_series_and_not_of_its_spelling) {
    const std::vector<Signal> signals{gauge_of("s", "a")};
    const auto identity = [&](std::string_view series) { return claims_of(signals, series).at(0).identity; };
    const std::uint64_t known = identity(R"(a{x="1",y="2"})");
    EXPECT_EQ(identity(R"(a{y="2",x="1"})"), known);
    EXPECT_EQ(identity("a { x = \"1\"\t, y=\"2\", } "), known);
    EXPECT_EQ(identity(R"(a{x="1",y="2",z=""})"), known);
    EXPECT_EQ(identity(R"({"a",x="1",y="2"})"), known);
    EXPECT_NE(identity(R"(a{x="1",y="3"})"), known);
    EXPECT_NE(identity(R"(a{x="1y",y="2"})"), known);
    EXPECT_NE(identity(R"(a{xy="12"})"), known);
    EXPECT_EQ(known, 8042301252790200208ULL) << "it is written to disk and must never change";
}

/// `errors` and `p95` as a configuration without signals means them.
std::vector<Signal> well_known_signals() {
    Signal errors, p95;
    errors.name = "errors";
    errors.kind = Signal::Kind::Ratio;
    p95.name = "p95";
    p95.kind = Signal::Kind::Quantile;
    p95.quantile = 0.95;
    errors.well_known = p95.well_known = true;
    return {errors, p95};
}

struct Stack {
    const char* name;
    const char* body;
    const char* errors;  // the metric that is found; nothing: none
    const char* p95;
    int bad;
    double le;
};

constexpr Stack kStacks[] = {
    {"Go",
     "http_requests_total{code=\"200\"} 9\nhttp_requests_total{code=\"500\"} 1\n"
     "http_request_duration_seconds_bucket{le=\"0.5\"} 3\n",
     "http_requests_total", "http_request_duration_seconds", 1, 0.5},
    {"Go, status", "http_requests_total{status=\"404\"} 9\nhttp_requests_total{status=\"503\"} 1\n",
     "http_requests_total", nullptr, 1, 0},
    {"Spring Boot",
     "http_server_requests_seconds_count{status=\"500\",outcome=\"SERVER_ERROR\"} 1\n"
     "http_server_requests_seconds_bucket{status=\"500\",le=\"0.1\"} 1\n",
     "http_server_requests_seconds_count", "http_server_requests_seconds", 1, 0.1},
    {"django-prometheus",
     "django_http_requests_total_by_view_transport_method_total{view=\"x\"} 5\n"
     "django_http_responses_total_by_status_total{status=\"200\"} 5\n"
     "django_http_requests_latency_seconds_by_view_method_bucket{le=\"1.0\"} 5\n",
     "django_http_responses_total_by_status_total", "django_http_requests_latency_seconds_by_view_method", 0, 1},
    {"django-prometheus without responses", "django_http_requests_total_by_view_transport_method_total{view=\"x\"} 5\n",
     nullptr, nullptr, 0, 0},
    {"OpenTelemetry",
     "http_server_request_duration_seconds_count{http_response_status_code=\"502\"} 1\n"
     "http_server_request_duration_seconds_bucket{le=\"0.075\"} 1\n",
     "http_server_request_duration_seconds_count", "http_server_request_duration_seconds", 1, 0.075},
    {"FastAPI instrumentator",
     "http_requests_total{handler=\"/\",method=\"GET\",status=\"5xx\"} 1\n"
     "http_request_duration_highr_seconds_bucket{le=\"0.01\"} 1\n",
     "http_requests_total", "http_request_duration_highr_seconds", 1, 0.01},
    {"ingress-nginx",
     "nginx_ingress_controller_requests{status=\"500\"} 1\n"
     "nginx_ingress_controller_request_duration_seconds_bucket{le=\"10\"} 1\n",
     "nginx_ingress_controller_requests", "nginx_ingress_controller_request_duration_seconds", 1, 10},
    {"Traefik", "traefik_service_requests_total{code=\"500\",service=\"s\"} 1\n", "traefik_service_requests_total",
     nullptr, 1, 0},
    {"Istio",
     "istio_requests_total{response_code=\"504\"} 1\nistio_request_duration_milliseconds_bucket{le=\"250\"} 1\n",
     "istio_requests_total", "istio_request_duration_milliseconds", 1, 0.25},
    {"Envoy",
     "envoy_cluster_upstream_rq_xx{envoy_response_code_class=\"5\"} 1\n"
     "envoy_cluster_upstream_rq_time_bucket{le=\"100\"} 1\n",
     "envoy_cluster_upstream_rq_xx", "envoy_cluster_upstream_rq_time", 1, 0.1},
    {"HAProxy", "haproxy_backend_http_responses_total{code=\"5xx\"} 1\n", "haproxy_backend_http_responses_total",
     nullptr, 1, 0},
    {"no status label", "http_requests_total{method=\"GET\"} 5\n", nullptr, nullptr, 0, 0},
    {"the second label only",
     "http_requests_total{method=\"GET\",code=\"\"} 1\nhttp_requests_total{status=\"500\"} 1\n", "http_requests_total",
     nullptr, 1, 0},
};

TEST(WellKnown, the_metrics_of_every_stack_are_found) {
    for (const Stack& stack : kStacks) {
        SCOPED_TRACE(stack.name);
        Scraper scraper(well_known_signals());
        ASSERT_EQ(scraper.scrape(stack.body).verdict, Verdict::Ok);
        const auto& found = scraper.listener.found();
        ASSERT_EQ(found.count(0), stack.errors == nullptr ? 0U : 1U);
        ASSERT_EQ(found.count(1), stack.p95 == nullptr ? 0U : 1U);
        EXPECT_EQ(stack.errors == nullptr ? "" : found.at(0).metric, stack.errors == nullptr ? "" : stack.errors);
        EXPECT_EQ(stack.p95 == nullptr ? "" : found.at(1).metric, stack.p95 == nullptr ? "" : stack.p95);
        int bad = 0;
        for (const auto& series : scraper.listener.series()) {
            bad += series.role.bad ? 1 : 0;
            EXPECT_DOUBLE_EQ(series.role.le, series.role.signal == 1 ? stack.le : 0);
        }
        EXPECT_EQ(bad, stack.bad);
    }
}

TEST(WellKnown, the_first_in_order_is_taken_and_the_others_are_wanted_no_longer) {
    Scraper scraper(well_known_signals());
    scraper.scrape("istio_requests_total{response_code=\"200\"} 7\nhttp_requests_total{code=\"200\"} 5\n");
    EXPECT_EQ(scraper.listener.found().at(0).metric, "http_requests_total");
    EXPECT_EQ(scraper.listener.series().size(), 1U);
    EXPECT_FALSE(scraper.selector.wants("istio_requests_total"));
    const auto& later =
        scraper.scrape("istio_requests_total{response_code=\"200\"} 8\nhttp_requests_total{code=\"200\"} 6\n");
    ASSERT_EQ(later.values.size(), 1U);
    EXPECT_EQ(later.values[0].value, 6);
}

TEST(WellKnown, nothing_is_chosen_by_a_body_that_turns_out_bad) {
    Scraper scraper(well_known_signals());
    scraper.scrape("istio_requests_total{response_code=\"200\"} 7\nbad{\n");
    EXPECT_TRUE(scraper.listener.found().empty());
    scraper.scrape("http_requests_total{code=\"200\"} 5\n");
    EXPECT_EQ(scraper.listener.found().at(0).metric, "http_requests_total");
}

TEST(WellKnown, all_targets_of_a_service_use_what_the_first_one_showed) {
    Scraper scraper(well_known_signals(), 2);
    // Both answers are on the way when the choice is made.
    for (const auto& target : scraper.targets) target->head(200, "text/plain", std::nullopt);
    scraper.feed("istio_requests_total{response_code=\"500\"} 7\n", 0);
    scraper.feed("http_requests_total{code=\"200\"} 5\nistio_requests_total{response_code=\"200\"} 1\n", 1);
    scraper.targets[0]->done(FetchError::None, Time{});
    scraper.targets[1]->done(FetchError::None, Time{});
    EXPECT_EQ(scraper.listener.found().at(0).metric, "istio_requests_total");
    ASSERT_EQ(scraper.listener.last().values.size(), 1U);
    EXPECT_EQ(scraper.listener.last().values[0].value, 1);
    const auto& next = scraper.scrape(
        "http_requests_total{code=\"200\"} 6\nistio_requests_total{response_code=\"200\"} 2\n", 1 << 17, 1);
    ASSERT_EQ(next.values.size(), 1U);
    EXPECT_EQ(next.values[0].value, 2);
}

TEST(WellKnown, every_entry_of_the_table_can_be_found) {
    for (const auto& [metric, label, bad] : well_known_requests()) {
        Scraper scraper(well_known_signals());
        scraper.scrape(std::string(metric) + "{" + std::string(label) + "=\"200\"} 1\n");
        ASSERT_EQ(scraper.listener.found().size(), 1U) << metric;
        EXPECT_EQ(scraper.listener.found().at(0).metric, metric);
    }
    for (const auto& [histogram, to_seconds] : well_known_latencies()) {
        Scraper scraper(well_known_signals());
        scraper.scrape(std::string(histogram) + "_bucket{le=\"1\"} 1\n");
        ASSERT_EQ(scraper.listener.found().size(), 1U) << histogram;
        EXPECT_EQ(scraper.listener.series().at(0).role.le, to_seconds);
    }
}

}  // namespace
}  // namespace revertd
