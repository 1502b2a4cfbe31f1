// SPDX-License-Identifier: Apache-2.0
// Why a deploy was called bad, for someone who does not know the statistics.
#include "daemon/report/explain.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "daemon/report/text_plot.h"

namespace revertd {
namespace {

std::string joined(const std::vector<std::string>& lines) {
    std::string out;
    for (const std::string& line : lines) out += line + "\n";
    return out;
}

std::size_t columns_of(const std::string& line) {
    return static_cast<std::size_t>(std::ranges::count_if(line, [](char c) { return (c & 0xc0) != 0x80; }));
}

/// A deploy at minute 30 whose errors rise at minute 35, found at minute 40.
class Explaining : public testing::Test {
  protected:
    Explaining() {
        GuardOpened opened;
        opened.deploy = "d-1", opened.service = "api", opened.version = "v2", opened.from = "v1";
        add(opened, 29min);
        add(FirstSeen{"d-1", Time(30min)}, 30min);
        auto settings = std::make_shared<ServiceSettings>();
        Signal errors;
        errors.name = "errors", errors.kind = Signal::Kind::Ratio, errors.unit = Unit::Ratio;
        settings->signals = {errors};
        Rule fixed, worse;
        fixed.text = "errors > 5% for 2m", fixed.hold = 2min;
        worse.text = "errors worse than baseline", worse.kind = Rule::Kind::Detector;
        settings->rules = {fixed, worse};
        deployment_.settings = settings;
    }

    void hold(std::uint32_t index, double value, double limit, const std::string& words) {
        RuleChanged rule;
        rule.service = "api", rule.rule = index, rule.text = deployment_.settings->rules[index].text;
        rule.severity = Severity::P1, rule.verdict = Verdict::Breach, rule.holds = true;
        rule.value = value, rule.limit = limit, rule.baseline = std::nan(""), rule.requests = 12410;
        rule.since = Time(38min), rule.words = words, rule.where = "all of it in route=/pay";
        for (int minute = 1; minute <= 40; ++minute)
            rule.trace.push_back({Time(std::chrono::minutes(minute)), minute < 36 ? 0.003 : 0.079});
        add(rule, 40min);
    }

    template <class F>
    void add(F fact, Duration at) {
        records_.push_back({records_.size() + 1, Time(at), WallTime(1'795'132'800s) + at, std::move(fact)});
    }

    [[nodiscard]] std::string said() const {
        return joined(
            explain_lines({&deployment_, nullptr, records_, {Time(41min), WallTime(1'795'132'800s) + 41min}}));
    }

    Deployment deployment_;
    std::vector<Record> records_;
};

TEST_F(Explaining, says_the_numbers_the_odds_in_words_where_it_is_and_draws_it) {
    hold(1, 40000, 1000, "errors: 7.9 % of 12,410 requests failed, 26x the 0.3 % before");
    const std::string text = said();
    for (const char* part : {"errors worse than baseline (P1), since 2026-11-20T00:38:00Z",
                             "found    errors: 7.9 % of 12,410 requests failed, 26x the 0.3 % before",
                             "one in 40,000 healthy deploys would ever look like this by chance",
                             "all tests together may roll back one in 1,000", "where    all of it in route=/pay",
                             "errors before the deploy and since:", "^ deploy 00:30", "verdict 00:40 ^", "█", "8.3 %"})
        EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
}

TEST_F(Explaining, the_reports_say_it_too) {
    hold(1, 40000, 1000, "errors: 7.9 % of 12,410 requests failed, 26x the <0.3 %> before");
    const Now now{Time(41min), WallTime(1'795'132'800s) + 41min};
    const std::string html = report_html({&deployment_, nullptr, records_, now});
    for (const char* part :
         {"<h2>Why</h2>", "<h3>errors worse than baseline (P1), since 2026-11-20T00:38:00Z</h3>",
          "<td>found</td><td>errors: 7.9 % of 12,410 requests failed, 26x the &lt;0.3 %&gt; before",
          "one in 40,000 healthy deploys would ever look like this by chance",
          "<td>where</td><td>all of it in route=/pay</td>", "errors before the deploy and since:", "^ deploy 00:30"})
        EXPECT_NE(html.find(part), std::string::npos) << part << "\n" << html;
    EXPECT_NE(report_markdown({&deployment_, nullptr, records_, now}).find("## Why"), std::string::npos);
}

TEST_F(Explaining, odds_are_said_as_far_as_they_mean_something) {
    EXPECT_EQ(evidence_words(41234), "1 : 41,000");
    EXPECT_EQ(evidence_words(1e290), "less than 1 : 1,000,000");
    EXPECT_EQ(evidence_words(INFINITY), "less than 1 : 1,000,000");
    EXPECT_EQ(evidence_words(NAN), "-");
}

TEST_F(Explaining, what_leaps_is_not_drawn_as_a_number) {
    hold(1, 40000, 1000, "errors: 7.9 %");
    EXPECT_EQ(
        report_html({&deployment_, nullptr, records_, {Time(41min), WallTime(1'795'132'800s) + 41min}}).find("<svg"),
        std::string::npos);
}

TEST_F(Explaining, a_fixed_limit_is_said_with_its_time_and_drawn_as_a_line) {
    hold(0, 0.079, 0.05, "errors 7.9 %");
    const std::string text = said();
    EXPECT_NE(text.find("7.9 % where 5 % is the limit, for 2m without a break"), std::string::npos) << text;
    EXPECT_NE(text.find("----"), std::string::npos) << text;
    EXPECT_EQ(text.find("healthy deploys"), std::string::npos) << text;
}

TEST_F(Explaining, nothing_is_said_when_no_rule_held) {
    EXPECT_EQ(said(), "");
}

TEST_F(Explaining, the_first_words_stay_and_what_is_learnt_later_of_where_counts) {
    hold(1, 2000, 1000, "first");
    std::get<RuleChanged>(records_.back().fact).where.clear();
    hold(1, 90000, 1000, "later");
    EXPECT_NE(said().find("where    all of it in route=/pay"), std::string::npos) << said();
    EXPECT_NE(said().find("found    first"), std::string::npos) << said();
}

TEST(TextPlot, every_line_fits_and_the_bars_end_where_the_values_are) {
    TextPlot plot;
    plot.unit = Unit::Ratio, plot.limit = std::nan("");
    for (int i = 0; i < 60; ++i) plot.points.push_back({WallTime(std::chrono::minutes(i)), i < 30 ? 0.0 : 0.1});
    plot.marks = {{WallTime(30min), "deploy"}, {WallTime(58min), "verdict"}};
    const auto lines = to_text(plot, 72);
    ASSERT_GE(lines.size(), 7U);
    for (const std::string& line : lines) EXPECT_LE(columns_of(line), 72U) << line;
    EXPECT_EQ(lines[0].find("10.5 %"), 0U) << lines[0];
    const auto first_bar = lines[2].find("█");
    ASSERT_NE(first_bar, std::string::npos) << lines[2];
    EXPECT_NEAR(static_cast<double>(first_bar), 10 + 61 / 2.0, 2) << lines[2];  // all before it is one byte wide
}

TEST(TextPlot, what_was_not_seen_stays_empty_and_one_point_is_no_plot) {
    TextPlot plot;
    plot.limit = std::nan("");
    plot.points = {{WallTime(1min), 1.0}};
    EXPECT_TRUE(to_text(plot).empty());
    plot.points.push_back({WallTime(2min), std::nan("")});
    EXPECT_TRUE(to_text(plot).empty());
}

TEST(TextPlot, marks_that_would_meet_take_lines_of_their_own) {
    TextPlot plot;
    plot.limit = std::nan("");
    plot.points = {{WallTime(0min), 1.0}, {WallTime(60min), 2.0}};
    plot.marks = {{WallTime(30min), "deploy"}, {WallTime(31min), "verdict"}};
    const auto lines = to_text(plot);
    EXPECT_NE(lines[lines.size() - 2].find("^ deploy"), std::string::npos);
    EXPECT_NE(lines.back().find("verdict"), std::string::npos);
}

TEST_F(Explaining, says_what_a_person_can_do_next) {
    hold(1, 40000, 1000, "errors: 7.9 % of 12,410 requests failed, 26x the 0.3 % before");
    Incident incident;
    incident.id = "i-7", incident.service = "api", incident.from = "v2", incident.to = "v1";
    const auto next = [&] {
        const Now now{Time(41min), WallTime(1'795'132'800s) + 41min};
        const std::string last = explain_lines({&deployment_, &incident, records_, now}).back();
        return last.starts_with("Next: ") ? last.substr(6) : std::string();
    };
    EXPECT_EQ(next(), "") << "it is being decided";
    incident.state = IncidentState::AwaitingApproval;
    EXPECT_EQ(next(),
              "revertctl approve i-7 goes back to v1; deny i-7 keeps v2; hold i-7 --for 10m if a fix is on its way");
    incident.state = IncidentState::Verifying;
    EXPECT_EQ(next(), "nothing yet: v1 runs, and is watched for whether it helped");
    incident.state = IncidentState::Recovered;
    EXPECT_EQ(next(), "") << "by itself: nothing was rolled back";
    incident.attempts.emplace_back();
    EXPECT_NE(next().find("revertctl gate api v2 says no until revertctl bad forgive api v2"), std::string::npos);
    incident.state = IncidentState::Escalated;
    EXPECT_NE(next().find("revertctl take i-7"), std::string::npos) << next();
}

TEST_F(Explaining, more_evidence_than_usual_is_said_with_its_reason_and_only_then) {
    hold(1, 62000, 1000, "errors: 7.9 %");
    EXPECT_NE(said().find("; all tests together may roll back one in 1,000\n"), std::string::npos) << said();
    auto& rule = std::get<RuleChanged>(records_.back().fact);
    rule.limit = 10000, rule.limit_why = "ten times the usual evidence is needed, because it rains";
    const std::string counts =
        "; all tests together may roll back one in 10,000 now: ten times the usual evidence is needed, because it "
        "rains";
    EXPECT_NE(said().find(counts + "\n"), std::string::npos) << said();
    const Now now{Time(41min), WallTime(1'795'132'800s) + 41min};
    for (const std::string& report :
         {report_html({&deployment_, nullptr, records_, now}), report_markdown({&deployment_, nullptr, records_, now})})
        EXPECT_NE(report.find(counts), std::string::npos) << report;
    EXPECT_NE(report_json({&deployment_, nullptr, records_, now})
                  .find(R"("limit_why": "ten times the usual evidence is needed, because it rains")"),
              std::string::npos);
}

TEST_F(Explaining, a_limit_beyond_what_odds_can_mean_is_said_as_it_is) {
    hold(1, 1e290, 1e8, "p95 is worse");
    EXPECT_NE(said().find("fewer than one in 1,000,000 healthy deploys"), std::string::npos) << said();
    EXPECT_NE(said().find("all tests together may roll back one in 100,000,000"), std::string::npos) << said();
    const std::string markdown =
        report_markdown({&deployment_, nullptr, records_, {Time(41min), WallTime(1'795'132'800s) + 41min}});
    EXPECT_NE(markdown.find("| holds | less than 1 : 1,000,000 | 1 : 100,000,000 | - |"), std::string::npos)
        << markdown;
}

TEST_F(Explaining, how_many_rules_of_a_combination_hold_is_no_evidence) {
    auto settings = std::make_shared<ServiceSettings>(*deployment_.settings);
    settings->rules[1].text = "all of (errors worse than baseline; errors > 5%)";
    settings->rules[1].kind = Rule::Kind::Combined;
    deployment_.settings = settings;
    hold(1, 2, 2, "errors 7.9 % of 12,410 requests failed, and errors 7.9 % (2 of 2, 2 needed)");
    EXPECT_EQ(said().find("healthy deploys"), std::string::npos) << said();
    const std::string markdown =
        report_markdown({&deployment_, nullptr, records_, {Time(41min), WallTime(1'795'132'800s) + 41min}});
    EXPECT_NE(markdown.find("| holds | 2 | 2 | - |"), std::string::npos) << markdown;
}

TEST_F(Explaining, the_numbers_of_a_test_are_odds) {
    hold(1, 41234, 1000, "errors: 7.9 % of 12,410 requests failed, 26x the 0.3 % before");
    const Now now{Time(41min), WallTime(1'795'132'800s) + 41min};
    const std::string markdown = report_markdown({&deployment_, nullptr, records_, now});
    EXPECT_NE(markdown.find("| holds | 1 : 41,000 | 1 : 1,000 | - | - |"), std::string::npos) << markdown;
    const std::string html = report_html({&deployment_, nullptr, records_, now});
    EXPECT_NE(html.find("1 : 41,000"), std::string::npos);
    EXPECT_EQ(html.find("4.123e+04<"), std::string::npos);
}

TEST_F(Explaining, a_bake_that_could_not_be_judged_says_what_a_person_can_do) {
    deployment_.state = DeployState::Inconclusive, deployment_.service = "api", deployment_.version = "v2";
    EXPECT_NE(said().find("Next: "), std::string::npos) << said();
    EXPECT_NE(said().find("revertctl good mark api v2 --reason"), std::string::npos) << said();
}

}  // namespace
}  // namespace revertd
