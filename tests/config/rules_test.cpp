// SPDX-License-Identifier: Apache-2.0
#include "config/rules.h"

#include <gtest/gtest.h>

#include <random>

#include "core/detector.h"

namespace revertd::config {
namespace {

SignalTable table() {
    SignalTable signals(Signal::Source::Scrape);
    for (const auto& [name, text] :
         std::vector<std::pair<std::string, std::string>>{{"queue", "queue_length"},
                                                          {"orders", "sum(rate(orders_total[5m]))"},
                                                          {"http-errors.5xx", "ratio(h_total, code=\"500\")"}})
        signals.add(std::get<ParsedSignal>(parse_signal(name, text)));
    return signals;
}

Rule good(const std::string& text) {
    SignalTable signals = table();
    auto parsed = parse_rule(text, signals);
    if (const auto* error = std::get_if<SentenceError>(&parsed)) {
        ADD_FAILURE() << text << ": " << error->what;
        return {};
    }
    return std::get<ParsedRule>(parsed).rule;
}

std::string complaint(const std::string& text) {
    SignalTable signals = table();
    auto parsed = parse_rule(text, signals);
    const auto* error = std::get_if<SentenceError>(&parsed);
    return error == nullptr ? "accepted" : std::to_string(error->offset) + ": " + error->what;
}

TEST(Rules, a_threshold) {
    const Rule rule = good("  errors > 5% over 30s for 2m clear 3% ");
    EXPECT_EQ(rule.kind, Rule::Kind::Threshold);
    EXPECT_EQ(rule.op, Rule::Op::Greater);
    EXPECT_DOUBLE_EQ(rule.bound, 0.05);
    EXPECT_EQ(rule.relative, Rule::Relative::Absolute);
    EXPECT_EQ(rule.hold, Duration(2min));
    EXPECT_EQ(rule.over, Duration(30s));
    EXPECT_DOUBLE_EQ(rule.clear.value_or(0), 0.03);
    EXPECT_EQ(rule.text, "errors > 5% over 30s for 2m clear 3%");
}

TEST(Rules, the_bound_is_in_base_units) {
    const std::vector<std::pair<std::string, double>> cases{
        {"errors > 5%", 0.05},  {"errors > 0.05", 0.05}, {"errors>5%", 0.05}, {"errors > 5 %", 0.05},
        {"p95 > 300ms", 0.3},   {"p95 > 2s", 2},         {"p95 > 0.3", 0.3},  {"p95 > 300 ms", 0.3},
        {"queue > 1000", 1000}, {"queue < -5", -5},      {"errors >= 0%", 0}, {"http-errors.5xx <= 100%", 1},
    };
    for (const auto& [text, bound] : cases) EXPECT_DOUBLE_EQ(good(text).bound, bound) << text;
}

TEST(Rules, the_sentence_of_a_detector) {
    const Rule rule = good("queue grows by 20% over 10m 2 of 3");
    EXPECT_EQ(rule.kind, Rule::Kind::Detector);
    ASSERT_NE(rule.detector, nullptr);
    EXPECT_EQ(rule.detector->name, "grows");
    EXPECT_DOUBLE_EQ(rule.arguments[0], 0.2);
    EXPECT_DOUBLE_EQ(rule.arguments[1], 600);
    EXPECT_EQ(rule.of, 3);
    EXPECT_DOUBLE_EQ(good("queue grows by 1.5 over 10m for 1m").arguments[0], 1.5);
    EXPECT_EQ(good("queue fills up").detector->name, "fills");
    EXPECT_EQ(good("queue repeat").detector->name, "repeat");
    EXPECT_EQ(complaint("queue grows by 20%"), "18: `over` is expected at the end of the rule");
    EXPECT_EQ(complaint("queue grows by x over 5m"), "15: a share is expected");
    EXPECT_EQ(complaint("queue grows by -5% over 5m"), "6: a growth is more than 0%");
    EXPECT_EQ(complaint("queue grows by 20% over 0s"), "24: a time above 0 is expected");
    EXPECT_EQ(complaint("queue grows by 20% over 10m 3 in a row"), "35: only `for` and `n of m` may follow here");
    EXPECT_EQ(complaint("queue grows by 20% over 10m clear 3"), "28: only a rule with a bound can have `clear`");
}

TEST(Rules, a_bound_relative_to_the_baseline) {
    Rule rule = good("p95 > 1.5x baseline for 3m");
    EXPECT_EQ(rule.relative, Rule::Relative::TimesBaseline);
    EXPECT_DOUBLE_EQ(rule.bound, 1.5);
    rule = good("errors > 1.5 x baseline clear 1.2x");
    EXPECT_DOUBLE_EQ(rule.clear.value_or(0), 1.2);
    rule = good("queue < 50% baseline for 5m");
    EXPECT_EQ(rule.relative, Rule::Relative::PercentBaseline);
    EXPECT_DOUBLE_EQ(rule.bound, 0.5);
    EXPECT_EQ(rule.op, Rule::Op::Less);
}

TEST(Rules, counts) {
    Rule rule = good("errors > 5% 3 in a row");
    EXPECT_EQ(rule.in_a_row, 3);
    EXPECT_EQ(rule.hold, Duration::zero());
    rule = good("errors > 5% 3 of 5 over 10s");
    EXPECT_EQ(rule.n, 3);
    EXPECT_EQ(rule.of, 5);
    rule = good("health fails 1 in a row");
    EXPECT_EQ(rule.kind, Rule::Kind::HealthFails);
    EXPECT_EQ(rule.in_a_row, 1);
    rule = good("health down 3 of 5");
    EXPECT_EQ(rule.kind, Rule::Kind::HealthDown);
    EXPECT_EQ(rule.of, 5);
}

TEST(Rules, health_absence_and_rollout) {
    EXPECT_EQ(good("health down for 30s").hold, Duration(30s));
    const Rule rule = good("orders absent for 2m");
    EXPECT_EQ(rule.kind, Rule::Kind::Absent);
    EXPECT_EQ(rule.signal, 1U);
    EXPECT_EQ(good("rollout stuck").kind, Rule::Kind::RolloutStuck);
    EXPECT_EQ(good("deploy failed").kind, Rule::Kind::DeployFailed);
}

TEST(Rules, the_window_of_a_rate_is_that_of_its_rules) {
    EXPECT_EQ(good("orders < 5 for 10m").over, Duration(5min));
    EXPECT_EQ(good("orders < 5 over 1m for 10m").over, Duration(1min));
    EXPECT_EQ(good("queue > 5 for 10m").over, std::nullopt);
}

TEST(Rules, a_bound_of_minutes_in_seconds_is_probably_milliseconds) {
    SignalTable signals = table();
    auto parsed = parse_rule("p95 > 300", signals);
    ASSERT_TRUE(std::holds_alternative<ParsedRule>(parsed));
    EXPECT_FALSE(std::get<ParsedRule>(parsed).warning.empty());
}

TEST(Rules, any_words_are_read_or_refused_at_a_place_inside_them) {
    const std::vector<std::string> words{"errors", "health", "p95", "queue", "rollout", "deploy",   "down",  "fails",
                                         "stuck",  ">",      "<=",  "5%",    "1.5x",    "baseline", "300ms", "for",
                                         "over",   "clear",  "2m",  "3",     "in",      "a",        "row",   "of",
                                         "absent", "%",      "x",   "alert", "and",     "-1",       "0"};
    std::mt19937 random(20261120);  // NOLINT: the same sequence every time
    int accepted = 0;
    for (int round = 0; round < 20'000; ++round) {
        std::string text;
        for (std::size_t i = 0, count = random() % 9; i < count; ++i) text += words[random() % words.size()] + " ";
        SignalTable signals = table();
        const auto parsed = parse_rule(text, signals);
        const auto* error = std::get_if<SentenceError>(&parsed);
        if (error != nullptr) {
            ASSERT_LE(error->offset, text.size()) << text;
        }
        accepted += error == nullptr ? 1 : 0;
    }
    EXPECT_GT(accepted, 0);
}

TEST(Rules, what_is_wrong_is_named_with_its_place) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"", "0: a signal or `health` is expected at the end of the rule"},
        {"eror > 5%", "0: unknown signal \"eror\""},
        {"errors", "6: `>`, `>=`, `<`, `<=` or `absent` is expected at the end of the rule"},
        {"errors = 5%", "7: `>`, `>=`, `<`, `<=` or `absent` is expected"},
        {"errors => 5%", "7: `>`, `>=`, `<`, `<=` or `absent` is expected"},
        {"errors > ", "9: a bound is expected at the end of the rule"},
        {"errors > many", "9: `many` is no bound"},
        {"errors > 5% fro 2m", "12: `fro` is not understood"},
        {"errors > 5% for", "15: a duration is expected at the end of the rule"},
        {"errors > 5% for 2", "16: `2` is no duration"},
        {"errors > 5% for 2m for 3m", "19: `for` a second time"},
        {"errors > 5% for 2m 3 in a row", "19: either `for` or a count, not both"},
        {"errors > 5% 3 in row", "17: `a` is expected"},
        {"errors > 5% 3 times", "14: `in a row` or `of` is expected"},
        {"errors > 5% 5 of 3", "17: a number from 5 to 1000 is expected"},
        {"errors > 5% 0 in a row", "12: a count from 1 to 1000 is expected"},
        {"errors > 5% over 0s", "12: a window cannot be empty"},
        {"errors > 300ms", "9: a bound in time on `errors`, which is a ratio"},
        {"errors > 5", "9: `errors` is a ratio, from 0 to 1 (0% to 100%)"},
        {"errors > 101%", "9: `errors` is a ratio, from 0 to 1 (0% to 100%)"},
        {"errors < -5%", "9: `errors` is a ratio, from 0 to 1 (0% to 100%)"},
        {"p95 > 5%", "6: a percent bound on `p95`, which is not a ratio"},
        {"p95 > 2m", "6: `m` is no unit"},
        {"p95 > 1.5x", "6: `baseline` is expected after a factor"},
        {"p95 > 300ms baseline", "6: `baseline` follows a factor or a percentage"},
        {"p95 > 0x baseline", "6: a share of the baseline is greater than 0"},
        {"queue > 300ms", "8: a bound in time on `queue`, whose name does not say that it is one"},
        {"errors > 5% clear 6%", "18: `clear` lies on the bad side of the bound"},
        {"queue < 5 clear 4", "16: `clear` lies on the bad side of the bound"},
        {"p95 > 1.5x baseline clear 200ms", "26: `clear` must be of the kind of the bound"},
        {"health", "6: `down` or `fails` is expected at the end of the rule"},
        {"health up", "7: `down` or `fails` is expected after `health`"},
        {"health down", "7: `health down for D` is expected"},
        {"health down over 5s for 30s", "24: `health down for D` is expected"},
        {"health fails for 30s", "17: `health fails n in a row` is expected"},
        {"health down for 30s clear 5%", "20: only a rule with a bound can have `clear`"},
        {"errors absent", "7: `absent for D` is expected"},
        {"rollout failed", "8: `stuck` is expected"},
        {"rollout stuck for 5m", "18: nothing may follow here"},
        {"alert HighErrors", "0: `alert` is not built yet (alerts from Alertmanager)"},
        {"burn 14x of 99.9% over 1h and 5m", "0: `burn` is not built yet (error budgets)"},
        {"p95 worse than before", "15: `baseline` is expected"},
        {"errors > 5% and p95 > 2s", "12: a sentence is one rule"},
    };
    for (const auto& [text, expected] : cases) EXPECT_EQ(complaint(text), expected) << text;
}

}  // namespace
}  // namespace revertd::config
