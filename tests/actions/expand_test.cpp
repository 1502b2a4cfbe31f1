// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/actions/spec_of.h"

namespace revertd {
namespace {

using Argv = std::vector<std::string>;

Plan plan_of(const std::string& yaml, const Placeholders& values = usual_values()) {
    Result<Plan> plan = expand(spec_of(yaml), values);
    EXPECT_TRUE(plan.has_value()) << (plan ? "" : plan.error().message);
    return plan ? *std::move(plan) : Plan{};
}

std::string refusal_of(const std::string& yaml, const Placeholders& values) {
    const Result<Plan> plan = expand(spec_of(yaml), values);
    return plan ? "" : plan.error().message;
}

const ExecCall& exec_of(const Step& step) {
    return std::get<ExecCall>(step.call);
}

std::string env_of(const ExecCall& call, const std::string& name) {
    const auto found = std::find_if(call.env.begin(), call.env.end(), [&](const auto& p) { return p.first == name; });
    return found == call.env.end() ? "(unset)" : found->second;
}

TEST(Expand, systemd_flips_once_and_restarts_each_unit_in_order) {
    const Plan plan = plan_of("{ systemd: [api.service, worker.service], releases: /srv/api/releases/ }");
    ASSERT_EQ(plan.steps.size(), 3U);
    EXPECT_EQ(exec_of(plan.steps[0]).argv, (Argv{"revertd-runner", "flip", "--link", "/srv/api/current", "--releases",
                                                 "/srv/api/releases", "--to", "v1"}));
    EXPECT_EQ(exec_of(plan.steps[1]).argv,
              (Argv{"revertd-runner", "restart-unit", "--systemctl", "/usr/bin/systemctl", "--", "api.service"}));
    EXPECT_EQ(exec_of(plan.steps[2]).argv.back(), "worker.service");
    EXPECT_EQ(plan.steps[2].name, "restart worker.service");
    EXPECT_FALSE(plan.steps[1].last_of_entry);
    EXPECT_TRUE(plan.steps[2].last_of_entry);
    EXPECT_TRUE(plan.reports_progress);
    ASSERT_TRUE(plan.entries.at(0).observe);
    EXPECT_EQ(std::get<ExecCall>(*plan.entries[0].observe).argv,
              (Argv{"revertd-runner", "observe-systemd", "--releases", "/srv/api/releases", "--current",
                    "/srv/api/current", "--systemctl", "/usr/bin/systemctl", "--", "api.service", "worker.service"}));
}

TEST(Expand, a_link_and_a_deadline_as_written_win) {
    const Plan plan = plan_of("{ systemd: a.service, releases: /r/x, current: /r/live, deadline: 1m30s }");
    EXPECT_EQ(exec_of(plan.steps[0]).argv[3], "/r/live");
    EXPECT_EQ(plan.steps[0].deadline, Duration(10s));
    EXPECT_EQ(plan.steps[1].deadline, Duration(90s));
}

TEST(Expand, exec_fills_each_placeholder_into_one_argument) {
    const Plan plan = plan_of(
        "{ exec: [/bin/rb, \"{to}\", \"a{from}b\", \"{service}/{deploy}/{incident}\", \"{key}\", \"{{.X}}\"], "
        "current: [/bin/cur, \"{service}\"], cwd: /srv, env: { KUBECONFIG: /k, V: \"{to}\" } }");
    ASSERT_EQ(plan.steps.size(), 1U);
    const ExecCall& call = exec_of(plan.steps[0]);
    EXPECT_EQ(call.argv, (Argv{"/bin/rb", "v1", "av2b", "api/d-7/i-3", "api/d-7/i-3/1", "{{.X}}"}));
    EXPECT_EQ(call.cwd, "/srv");
    EXPECT_EQ(env_of(call, "KUBECONFIG"), "/k");
    EXPECT_EQ(env_of(call, "V"), "v1");
    EXPECT_EQ(plan.steps[0].name, "run /bin/rb");
    EXPECT_EQ(std::get<ExecCall>(*plan.entries[0].observe).argv, (Argv{"/bin/cur", "api"}));
    EXPECT_FALSE(plan.reports_progress);
}

TEST(Expand, every_program_is_told_what_it_is_for) {
    Placeholders values = usual_values();
    values.attempt = 2;
    const ExecCall call = exec_of(plan_of("{ exec: [/bin/rb, \"{to}\"] }", values).steps[0]);
    EXPECT_EQ(env_of(call, "REVERTD_SERVICE"), "api");
    EXPECT_EQ(env_of(call, "REVERTD_DEPLOY_ID"), "d-7");
    EXPECT_EQ(env_of(call, "REVERTD_INCIDENT_ID"), "i-3");
    EXPECT_EQ(env_of(call, "REVERTD_FROM_VERSION"), "v2");
    EXPECT_EQ(env_of(call, "REVERTD_TO_VERSION"), "v1");
    EXPECT_EQ(env_of(call, "REVERTD_STEP"), "run /bin/rb");
    EXPECT_EQ(env_of(call, "REVERTD_ATTEMPT"), "2");
    EXPECT_EQ(env_of(call, "REVERTD_KEY"), "api/d-7/i-3/1");
}

TEST(Expand, a_body_is_built_as_a_tree_and_never_pasted) {
    Placeholders values = usual_values();
    values.to = R"(x", "admin": true, "y": ")";
    const Plan plan = plan_of(
        "{ webhook: { url: http://h/r, method: PUT, headers: { X-To: \"{service}\" }, "
        "body: { v: \"{to}\", n: 1, s: \"1\", yes: true, list: [a, {b: null}] } } }",
        values);
    const HttpCall& call = std::get<HttpCall>(plan.steps[0].call);
    EXPECT_EQ(call.body, R"({"v":"x\", \"admin\": true, \"y\": \"","n":1,"s":"1","yes":true,"list":["a",{"b":null}]})");
    EXPECT_EQ(call.method, "PUT");
    const Pairs expected{{"X-To", "api"},
                         {"Content-Type", "application/json"},
                         {"Idempotency-Key", "api/d-7/i-3/1"},
                         {"X-Revertd-Delivery", "api/d-7/i-3/1"}};
    EXPECT_EQ(call.headers, expected);
}

TEST(Expand, a_version_that_looks_like_a_number_stays_a_string) {
    Placeholders values = usual_values();
    values.to = "42";
    const Plan plan =
        plan_of("{ webhook: { url: http://h/r, body: { v: \"{to}\", sha: 0123456, big: -1.5 } } }", values);
    EXPECT_EQ(std::get<HttpCall>(plan.steps[0].call).body, R"({"v":"42","sha":"0123456","big":-1.5})");
}

TEST(Expand, a_webhook_without_a_body_says_all_there_is) {
    const Plan plan = plan_of("{ webhook: { url: http://h/r, current: { http: http://h/v, json: /a/b } } }");
    EXPECT_EQ(std::get<HttpCall>(plan.steps[0].call).body,
              R"({"service":"api","deploy":"d-7","incident":"i-3","from":"v2","to":"v1","key":"api/d-7/i-3/1"})");
    EXPECT_EQ(std::get<HttpProbe>(*plan.entries[0].observe), (HttpProbe{"http://h/v", "/a/b"}));
}

TEST(Expand, a_list_runs_in_order_and_each_entry_is_confirmed_by_its_own_probe) {
    const Plan plan = plan_of(
        "[ { exec: [/bin/a, \"{to}\"], current: [/bin/ca], confirm: 7m }, { systemd: b.service, releases: /r/x }, "
        "{ exec: [/bin/c, \"{to}\"] } ]");
    std::vector<int> entries;
    for (const Step& step : plan.steps) entries.push_back(step.entry);
    EXPECT_EQ(entries, (std::vector<int>{0, 1, 1, 2}));
    EXPECT_EQ(plan.entries.size(), 3U);
    EXPECT_EQ(plan.entries[0].confirm_within, Duration(7min));
    EXPECT_FALSE(plan.entries[2].observe);
    EXPECT_FALSE(plan.reports_progress) << "one entry that cannot is enough";
}

TEST(Expand, refuses_values_that_could_become_something_else) {
    const std::string yaml = "{ exec: [/bin/rb, \"{to}\"] }";
    const auto with = [](const std::string& to) {
        Placeholders values = usual_values();
        values.to = to;
        return values;
    };
    for (const char* to :
         {"-rf", "--force", "a\nb", "a\x01", "a\x7f", "\xC3\x28", "\xED\xA0\x80", "\xC0\xAF", "\xF5\x80\x80\x80",
          "\xC2\x9B"
          "31m",
          ""})
        EXPECT_NE(refusal_of(yaml, with(to)), "") << to;
    EXPECT_NE(refusal_of(yaml, with(std::string("a\0b", 3))), "");
    for (const char* to : {"v1", "a b", "$(x)", ";rm -rf /", "`x`", "{from}", "\xC3\xA4", "../x", "'\""}) {
        const Plan plan = plan_of(yaml, with(to));
        EXPECT_EQ(exec_of(plan.steps.at(0)).argv.at(1), to) << "byte for byte, and never looked at again";
    }
    EXPECT_EQ(refusal_of("{ exec: [/bin/rb, \"--to={to}\"] }", with("-1")), "") << "the template began with -";
}

TEST(Expand, refuses_a_value_that_is_used_but_not_known) {
    Placeholders values = usual_values();
    values.from.clear();
    EXPECT_NE(refusal_of("{ exec: [/bin/rb, \"{to}\", \"{from}\"] }", values).find("{from}"), std::string::npos);
    EXPECT_EQ(refusal_of("{ exec: [/bin/rb, \"{to}\"] }", values), "");
}

TEST(Expand, a_spec_with_errors_is_never_expanded) {
    EXPECT_NE(refusal_of("{ exec: [rb, \"{to}\"] }", usual_values()), "");
    EXPECT_NE(refusal_of("{ nothing: 1 }", usual_values()), "");
}

TEST(Digest, is_the_same_for_every_attempt_and_key) {
    const std::string yaml = "{ exec: [/bin/rb, \"{to}\", \"{key}\"] }";
    Placeholders second = usual_values();
    second.key = "api/d-7/i-3/2";
    second.attempt = 2;
    const Plan a = plan_of(yaml), b = plan_of(yaml, second);
    EXPECT_NE(exec_of(a.steps[0]).argv, exec_of(b.steps[0]).argv);
    EXPECT_EQ(a.steps[0].digest, b.steps[0].digest);
    EXPECT_EQ(a.digest, b.digest);
    EXPECT_EQ(a.digest.size(), 64U);
}

TEST(Digest, differs_with_anything_that_is_done) {
    const Plan base = plan_of("{ exec: [/bin/rb, \"{to}\", a, b] }");
    EXPECT_NE(base.digest, plan_of("{ exec: [/bin/rb, \"{to}\", ab] }").digest);
    EXPECT_NE(base.digest, plan_of("{ exec: [/bin/rb, \"{to}\", a, b], cwd: /x }").digest);
    EXPECT_NE(base.digest, plan_of("{ exec: [/bin/rb, \"{to}\", a, b], env: { A: b } }").digest);
    Placeholders other = usual_values();
    other.to = "v0";
    EXPECT_NE(base.digest, plan_of("{ exec: [/bin/rb, \"{to}\", a, b] }", other).digest);
    const std::string hook = "{ webhook: { url: http://h/r, body: { v: \"{to}\", n: 1 } } }";
    EXPECT_NE(plan_of(hook).digest, plan_of("{ webhook: { url: http://h/r, body: { v: \"{to}\", n: 2 } } }").digest);
}

TEST(Traits, are_those_that_every_entry_has) {
    const auto traits = [](const std::string& yaml) { return *traits_of(spec_of(yaml)); };
    EXPECT_TRUE(traits("{ systemd: a.service, releases: /r/x }").settles);
    EXPECT_TRUE(traits("{ systemd: a.service, releases: /r/x }").reports_progress);
    EXPECT_TRUE(traits("{ exec: [/a, \"{to}\"], current: [/c] }").observes);
    EXPECT_FALSE(traits("{ exec: [/a, \"{to}\"] }").observes);
    EXPECT_FALSE(
        traits("[ { systemd: a.service, releases: /r/x }, { exec: [/a, \"{to}\"], current: [/c] } ]").reports_progress);
}

TEST(Observed, is_one_version_on_the_first_line) {
    EXPECT_EQ(*parse_observed(0, "v1\n"), (Observed{"v1", true}));
    EXPECT_EQ(*parse_observed(0, "v1 settling\r\nnoise"), (Observed{"v1", false}));
    EXPECT_EQ(*parse_observed(3, "v1\n"), (Observed{"", true})) << "nothing runs";
    EXPECT_EQ(*parse_observed(3, "v2 tried\n"), (Observed{"", true, "v2"}));
    for (const char* words : {"", " tried", "no v2 tried", "v2 tried twice", "tried"})
        EXPECT_EQ(*parse_observed(3, words), (Observed{"", true})) << words;
    for (const char* output : {"", "\n", "two words\n", " settling\n", "a\x1b[31m\n"})
        EXPECT_FALSE(parse_observed(0, output)) << output;
    EXPECT_FALSE(parse_observed(1, "v1\n"));
    EXPECT_FALSE(parse_observed(0, std::string(300, 'v')));
}

}  // namespace
}  // namespace revertd
