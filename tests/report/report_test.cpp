// SPDX-License-Identifier: Apache-2.0
#include "daemon/report/report.h"

#include <gtest/gtest.h>
#include <rapidjson/document.h>

#include <algorithm>
#include <limits>

#include "daemon/report/plot.h"

namespace revertd {
namespace {

/// A rollback that worked, as the journal tells it.
class Reporting : public testing::Test {
  protected:
    Reporting() {
        GuardOpened opened;
        opened.deploy = "d-1", opened.service = "api", opened.version = "v2", opened.from = "v1", opened.by = "ci";
        add(opened);
        add(FirstSeen{"d-1", at_});
        RuleChanged rule;
        rule.service = "api", rule.text = "errors > 5% for 2m", rule.severity = Severity::P1,
        rule.verdict = Verdict::Breach;
        rule.holds = true, rule.value = 0.079, rule.limit = 0.05,
        rule.baseline = std::numeric_limits<double>::quiet_NaN();
        rule.requests = 12410, rule.words = "errors 7.9 % of 12,410 requests <script>| [x](y)";
        add(rule);
        IncidentOpened incident;
        incident.incident = "i-4", incident.service = "api", incident.deploy = "d-1", incident.from = "v2";
        incident.rule = rule.text, incident.words = rule.words, incident.severity = Severity::P1;
        add(incident);
        Decided decided;
        decided.incident = "i-4", decided.from = "v2", decided.to = "v1",
        decided.words = "v2 -> v1, asks: the severity asks";
        decided.evidence = "e1";
        decided.steps = {{"run rollback", "digest", 10s, 0, true, true, true}};
        add(decided);
        add(ApprovalGiven{"i-4", "ana", "go", ""});
        Intent intent;
        intent.incident = "i-4", intent.key = "api/d-1/i-4/1.0.7", intent.step = "run rollback", intent.from = "v2",
        intent.to = "v1";
        add(intent);
        add(Outcome{"i-4", intent.key, "", "line one\nline two", StepOutcome::Done, 0});
        add(VerificationStarted{"i-4", at_});
        add(VerificationEnded{"i-4", "v1 is well", true});
        add(GuardClosed{"d-1", DeployState::Regression, 10, Reason::RolledBack, "rolled back to v1, verified"});
        add(IncidentClosed{"i-4", "watched on", Reason::RolledBack});
    }

    template <class F>
    void add(F fact) {
        at_ += 10s;
        Record record{records_.size() + 1, at_, WallTime(1'795'144'327s) + at_.time_since_epoch(), std::move(fact)};
        state_.apply(record);
        records_.push_back(std::move(record));
    }

    [[nodiscard]] ReportInput input() const {
        return {state_.deployment("d-1"), state_.incident("i-4"), records_, {at_, {}}};
    }

    State state_;
    std::vector<Record> records_;
    Time at_{};
};

TEST_F(Reporting, tells_what_was_decided_by_whom_on_which_numbers) {
    const std::string text = report_markdown(input());
    for (const char* part : {"# api v2: incident i-4", "d-1 by ci, v1 -> v2", "exit code 10",
                             "| 0.079 | 0.05 | - | 1.241e+04 |", "approved by ana: go", "evidence `e1`",
                             "| 1 | run rollback |", "    line one\n    line two", "v1 is well", "## Timeline"})
        EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
}

TEST_F(Reporting, a_page_of_html_stands_alone_and_shows_the_numbers) {
    const std::string text = report_html(input());
    for (const char* part : {"<h1>api v2: incident i-4</h1>", "exit code 10", "<td>0.079</td><td>0.05</td><td>-</td>",
                             "approved by ana: go", "<code>e1</code>", "line one\nline two</pre>", "v1 is well",
                             "<svg role=\"img\"", "<desc>at most 0.079 at ", "limit 0.05", "class=\"limit\" d=\"M"})
        EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
    for (const char* outside : {"http://", "https://", "src=", "href=", "url(", "@import"}) {
        const auto at = text.find(outside);
        const bool is_namespace = at != std::string::npos && text.substr(at).starts_with("http://www.w3.org/2000/svg");
        EXPECT_TRUE(at == std::string::npos || is_namespace) << outside;
    }
}

TEST_F(Reporting, html_makes_no_markup_of_what_came_from_outside) {
    const std::string text = report_html(input());
    EXPECT_EQ(text.find("<script"), std::string::npos);
    EXPECT_NE(text.find("&lt;script&gt;"), std::string::npos);
    EXPECT_EQ(html_text("a\x1b[31m'\"&\x07"), "a[31m&#39;&quot;&amp;");
}

TEST(Plot, what_is_unknown_is_a_gap_and_nothing_is_no_picture) {
    Plot plot{"p95", {}, {}, WallTime{}, WallTime{100s}};
    EXPECT_EQ(to_svg(plot), "");
    const double unknown = std::numeric_limits<double>::quiet_NaN();
    plot.points = {{WallTime{0s}, 1, unknown}, {WallTime{25s}, unknown, unknown}, {WallTime{50s}, 2, unknown}};
    const std::string svg = to_svg(plot);
    EXPECT_NE(svg.find("class=\"limit\" d=\"\""), std::string::npos) << svg;
    const auto line = svg.substr(svg.find("class=\"value\""));
    EXPECT_EQ(std::count(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(line.find("/>")), 'M'), 2) << line;
}

TEST(Plot, words_at_its_ends_are_not_cut) {
    Plot plot{"p95",
              {{WallTime{0s}, 1, 2}, {WallTime{100s}, 3, 2}},
              {{WallTime{0s}, "seen"}, {WallTime{50s}, "a"}, {WallTime{100s}, "b"}},
              WallTime{},
              WallTime{100s}};
    const std::string svg = to_svg(plot);
    EXPECT_NE(svg.find("text-anchor=\"start\">seen<"), std::string::npos) << svg;
    EXPECT_NE(svg.find("text-anchor=\"middle\">a<"), std::string::npos) << svg;
    EXPECT_NE(svg.find("text-anchor=\"end\">b<"), std::string::npos) << svg;
}

TEST_F(Reporting, makes_no_markup_of_what_came_from_outside) {
    const std::string text = report_markdown(input());
    EXPECT_EQ(text.find("<script>"), std::string::npos);
    EXPECT_EQ(text.find("[x](y)"), std::string::npos);
    EXPECT_NE(text.find("\\<script\\>\\| \\[x\\](y)"), std::string::npos) << text;
}

TEST_F(Reporting, is_json_with_the_same_facts) {
    rapidjson::Document json;
    json.Parse(report_json(input()));
    ASSERT_FALSE(json.HasParseError());
    EXPECT_STREQ(json["incident"]["to"].GetString(), "v1");
    EXPECT_EQ(json["deployment"]["exit_code"].GetInt(), 10);
    EXPECT_STREQ(json["incident"]["attempts"][0]["outcome"].GetString(), "done");
    EXPECT_TRUE(json["findings"][0]["baseline"].IsNull());
    EXPECT_DOUBLE_EQ(json["findings"][0]["value"].GetDouble(), 0.079);
    EXPECT_GE(json["timeline"].Size(), 10U);
}

TEST_F(Reporting, of_a_bake_without_an_incident_has_nothing_to_fill_in) {
    const ReportInput bake{state_.deployment("d-1"), nullptr, records_, {at_, {}}};
    const std::string text = report_markdown(bake);
    EXPECT_NE(text.find("# api v2: bake"), std::string::npos);
    EXPECT_EQ(text.find("Root cause"), std::string::npos);
}

}  // namespace
}  // namespace revertd
