// SPDX-License-Identifier: Apache-2.0
// What a service's requests are called on a server: the first name of the table whose series are the service's.
#include "daemon/sources/prom_names.h"

#include <gtest/gtest.h>

#include "config/promql.h"
#include "config/signals.h"
#include "core/well_known.h"

namespace revertd {
namespace {

using Labels = std::vector<std::pair<std::string, std::string>>;

Signal unnamed(const char* name) {
    Signal signal = *config::well_known_signal(name);
    signal.source = Signal::Source::Prometheus;
    return signal;
}

/// The part of the query under which the answer gives rows of this name: found by reading the query, as a server does.
std::string part_of(const std::string& metric, const std::string& label) {
    const std::string query = names_query({});
    const std::string selector = "(" + metric + "{" + label;
    const std::size_t at = query.find(selector);
    EXPECT_NE(at, std::string::npos) << selector << " in " << query;
    const std::string mark = "\"revertd_part\", \"";
    const std::size_t begin = query.find(mark, at) + mark.size();
    return query.substr(begin, query.find('"', begin) - begin);
}

void add(PromAnswer& answer, const std::string& metric, const std::string& label, Labels labels) {
    labels.emplace_back("revertd_part", part_of(metric, label));
    answer.series.push_back({std::move(labels), {{0, 3}}});
}

std::string text(const std::variant<Signal, std::string>& found) {
    if (const auto* why = std::get_if<std::string>(&found)) return "none: " + *why;
    const auto& signal = std::get<Signal>(found);
    std::string out = signal.selector.metric + "{";
    for (const Matcher& m : signal.selector.matchers) out += m.label + "=" + m.value + ",";
    out += "}";
    for (const Matcher& m : signal.bad) out += " " + m.label + "~" + m.value;
    return out;
}

TEST(PromNames, one_query_that_a_server_understands_asks_for_every_name) {
    const std::string query = names_query({{"app", Matcher::Op::Equal, "a\"pi"}});
    const auto parsed = config::promql::parse(query);
    ASSERT_TRUE(std::holds_alternative<config::promql::Expr>(parsed)) << query;
    for (const auto& [metric, label, bad] : well_known_requests())
        EXPECT_NE(query.find(std::string(metric) + "{app=\"a\\\"pi\"," + std::string(label) + "!=\"\"}"),
                  std::string::npos);
    for (const auto& known : well_known_latencies())
        EXPECT_NE(query.find(std::string(known.histogram) + "_bucket{app="), std::string::npos);
}

TEST(PromNames, every_name_of_the_tables_is_found_with_its_own_label_and_unit) {
    for (const auto& [metric, label, bad] : well_known_requests()) {
        PromAnswer answer;
        add(answer, std::string(metric), std::string(label), {{"job", "api"}});
        EXPECT_EQ(text(named(unnamed("errors"), answer, {"api", false, false})),
                  std::string(metric) + "{job=api,} " + std::string(label) + "~" + std::string(bad));
        EXPECT_EQ(text(named(unnamed("p95"), answer, {"api", false, false})).substr(0, 5), "none:");
    }
    for (const auto& [histogram, to_seconds] : well_known_latencies()) {
        PromAnswer answer;
        add(answer, std::string(histogram) + "_bucket", "le", {{"job", "api"}});
        const auto found = named(unnamed("p95"), answer, {"api", false, false});
        EXPECT_EQ(text(found), std::string(histogram) + "{job=api,}");
        EXPECT_EQ(std::get<Signal>(found).to_base, to_seconds);
    }
}

TEST(PromNames, the_first_of_the_table_wins_that_has_series_of_this_service) {
    PromAnswer answer;
    add(answer, "http_requests_total", "code", {{"job", "web"}});
    add(answer, "http_server_requests_seconds_count", "status", {{"job", "java"}, {"app", "api"}});
    add(answer, "istio_requests_total", "response_code", {{"job", "mesh"}, {"destination_app", "api"}});
    EXPECT_EQ(text(named(unnamed("errors"), answer, {"api", false, true})),
              "http_server_requests_seconds_count{app=api,} status~5..");
    EXPECT_EQ(text(named(unnamed("errors"), answer, {"web", false, true})), "http_requests_total{job=web,} code~5..");
}

TEST(PromNames, what_the_configuration_selects_is_taken_as_it_is) {
    PromAnswer answer;
    add(answer, "http_requests_total", "status", {{"job", "shared"}});
    Signal errors = unnamed("errors");
    errors.selector.matchers = {{"team", Matcher::Op::Equal, "a"}, {"track", Matcher::Op::Equal, "canary"}};
    EXPECT_EQ(text(named(errors, answer, {"api", true, false})),
              "http_requests_total{team=a,track=canary,} status~5..");
    EXPECT_EQ(text(named(errors, {}, {"api", true, false})),
              "none: the server has no series of a well-known name there");
}

TEST(PromNames, of_series_that_nothing_says_are_its_own_it_takes_none) {
    PromAnswer one;
    add(one, "http_requests_total", "code", {{"job", "web"}});
    EXPECT_EQ(text(named(unnamed("errors"), one, {"api", false, false})).find("none: no label says"), 0U)
        << "another service looks there, too";
    EXPECT_EQ(text(named(unnamed("errors"), one, {"api", false, true})), "http_requests_total{job=web,} code~5..");
    PromAnswer two = one;
    add(two, "http_request_duration_seconds_bucket", "le", {{"job", "other"}});
    for (const char* name : {"errors", "p95"})
        EXPECT_EQ(text(named(unnamed(name), two, {"api", false, true})).find("none: no label says"), 0U)
            << "whose requests belong to whose latencies?";
}

TEST(PromNames, an_ingress_is_no_service_that_stands_alone) {
    for (const char* metric : {"nginx_ingress_controller_requests", "haproxy_backend_http_responses_total"}) {
        PromAnswer answer;
        add(answer, metric, metric[0] == 'n' ? "status" : "code", {{"job", "proxy"}});
        EXPECT_EQ(text(named(unnamed("errors"), answer, {"api", false, true})).find("none: no label says"), 0U);
    }
    PromAnswer answer;
    add(answer, "nginx_ingress_controller_requests", "status", {{"job", "proxy"}, {"ingress", "api"}});
    EXPECT_EQ(text(named(unnamed("errors"), answer, {"api", false, true})),
              "nginx_ingress_controller_requests{ingress=api,} status~5..");
}

}  // namespace
}  // namespace revertd
