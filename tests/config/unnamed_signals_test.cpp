// SPDX-License-Identifier: Apache-2.0
// `errors` and `p95` of a service that does not say what they are.
#include <gtest/gtest.h>

#include <algorithm>

#include "config/explain.h"
#include "config/load.h"

namespace revertd {
namespace {

Loaded good(const std::string& text) {
    LoadResult result = load(text, "f.yaml", {});
    for (const Diagnostic& d : result.diagnostics)
        if (d.severity == Diagnostic::Severity::Error) ADD_FAILURE() << to_line(d);
    return result.loaded ? std::move(*result.loaded) : Loaded{};
}

const ServiceSettings& service(const Loaded& loaded, const std::string& name) {
    return *loaded.settings.services.at(name);
}

TEST(UnnamedSignals, are_looked_for_on_a_prometheus) {
    const Loaded loaded = good(
        "services:\n  all: { prometheus: 'http://127.0.0.1:1' }\n"
        "  some: { prometheus: { url: 'http://127.0.0.1:1', selector: '{app=\"some\",zone!=\"b\"}' } }\n"
        "  both: { prometheus: 'http://127.0.0.1:1', metrics: 'http://127.0.0.1:1/m' }\n"
        "  canary: { prometheus: { url: 'http://127.0.0.1:1', selector: 'app=\"c\"' },\n"
        "            compare: { canary: '{track=\"new\"}', baseline: '{track=\"old\"}' } }\n");
    EXPECT_EQ(service(loaded, "all").rules.size(), 8U);
    const auto signals = [&](const char* name) {
        std::string out;
        for (const Signal& signal : service(loaded, name).signals) {
            EXPECT_TRUE(signal.well_known);
            out += signal.name + (signal.source == Signal::Source::Prometheus ? " asked" : " scraped");
            for (const Matcher& m : signal.selector.matchers) out += " " + m.label + " " + m.value;
            out += "; ";
        }
        return out;
    };
    EXPECT_EQ(signals("all"), "errors asked; p95 asked; ");
    EXPECT_EQ(signals("some"), "errors asked app some zone b; p95 asked app some zone b; ");
    EXPECT_EQ(signals("both"), "errors scraped; p95 scraped; restarts scraped; open_fds scraped; ")
        << "what can be scraped is";
    EXPECT_EQ(signals("canary"),
              "errors asked app c track new; p95 asked app c track new; errors (control group) asked app c track old; "
              "p95 (control group) asked app c track old; ");
    EXPECT_EQ(service(loaded, "canary").prometheus_selector.size(), 1U);
}

TEST(UnnamedSignals, are_explained_with_what_is_looked_for) {
    const std::string words =
        explain(good("services:\n  all: { prometheus: 'http://127.0.0.1:1' }\n"
                     "  some: { prometheus: { url: 'http://127.0.0.1:1', selector: '{app=\"some\"}' } }\n"));
    EXPECT_NE(
        words.find(
            "errors: the first that the server has, with a label (job, service, app, ...) that names the service, of: "
            "http_requests_total{code=~\"5..\"}"),
        std::string::npos)
        << words;
    EXPECT_NE(words.find("p95: the first that the server has, with app=\"some\", of: http_request_duration_seconds"),
              std::string::npos)
        << words;
}

TEST(UnnamedSignals, a_selector_that_is_none_is_refused_where_it_stands) {
    const LoadResult result = load(
        "services:\n  s:\n    rollback: off\n    prometheus:\n      url: http://127.0.0.1:1\n      selector: "
        "'{app=api}'\n",
        "f.yaml", {});
    ASSERT_FALSE(result.loaded);
    std::string words;
    for (const Diagnostic& d : result.diagnostics) words += to_line(d) + "\n";
    EXPECT_NE(words.find("f.yaml:6:23: a value in quotes"), std::string::npos) << words;
}

std::string warnings_of(const std::string& text) {
    std::string words;
    for (const Diagnostic& d : load(text, "f.yaml", {}).diagnostics)
        if (d.severity == Diagnostic::Severity::Warning && d.what.find("well-known") != std::string::npos)
            words += to_line(d) + "\n";
    return words;
}

TEST(UnnamedSignals, that_a_rule_relies_on_need_a_word_of_whose_the_series_are) {
    const std::string begin = "services:\n  pay:\n    rollback: off\n    prometheus: 'http://127.0.0.1:1'\n";
    const std::string words =
        warnings_of(begin +
                    "    guard:\n      P0: [health down for 30s]\n"
                    "      P1: [errors > 5% for 2m, p95 > 1s for 2m]\n    health: http://127.0.0.1:1/h\n");
    EXPECT_EQ(words.rfind("f.yaml:7:12: ", 0), 0U) << words;
    EXPECT_NE(words.find("'{app=\"pay\"}'"), std::string::npos) << words;
    EXPECT_EQ(std::count(words.begin(), words.end(), '\n'), 1) << "once is enough: " << words;
    for (const char* part : {"{ any: [errors > 5% for 2m, p95 > 1s for 2m] }", "errors worse than baseline",
                             "p95 absent for 5m", "{ rule: p95 > 1s for 2m }"})
        EXPECT_NE(warnings_of(begin + "    guard: [" + part + "]\n"), "") << part;
}

TEST(UnnamedSignals, that_nobody_relies_on_or_whose_series_are_told_are_not_warned_of) {
    const std::string guard = "    guard: [errors > 5% for 2m]\n";
    const std::string begin = "services:\n  pay:\n    rollback: off\n";
    const std::string asked = begin + "    prometheus: 'http://127.0.0.1:1'\n";
    EXPECT_EQ(warnings_of(asked), "") << "the default guard is left out where nothing is found";
    EXPECT_EQ(warnings_of(asked + "    guard: { anomaly: P1 }\n"), "");
    EXPECT_EQ(warnings_of(begin + "    metrics: http://127.0.0.1:1/m\n" + guard), "") << "a target is the service's";
    EXPECT_EQ(warnings_of(asked + "    signals: { errors: \"ratio(r_total, code=~'5..')\" }\n" + guard), "");
    EXPECT_EQ(warnings_of(begin + "    prometheus: { url: 'http://127.0.0.1:1', selector: '{app=\"pay\"}' }\n" + guard),
              "");
}

TEST(UnnamedSignals, whose_test_can_find_nothing_within_the_bake_are_a_warning) {
    const auto said = [](const std::string& bake, const std::string& guard) {
        const LoadResult result = load(
            "defaults: { warmup: 10s }\nservices:\n  api:\n    health: http://127.0.0.1:8080/health\n"
            "    metrics: http://127.0.0.1:8080/metrics\n    bake: " +
                bake + "\n    guard: " + guard + "\n    rollback: off\nnotify: off\n",
            "f.yaml");
        return std::any_of(result.diagnostics.begin(), result.diagnostics.end(), [](const Diagnostic& d) {
            return to_line(d).starts_with("f.yaml:6:11: warning: `errors worse than baseline` takes what lasts less");
        });
    };
    EXPECT_TRUE(said("1m", "{ P0: [health down for 10s], anomaly: P1 }"));
    EXPECT_FALSE(said("75s", "{ P0: [health down for 10s], anomaly: P1 }"));
    EXPECT_FALSE(said("1m", "{ P0: [health down for 10s, errors > 5% for 10s] }"));
}

}  // namespace
}  // namespace revertd
