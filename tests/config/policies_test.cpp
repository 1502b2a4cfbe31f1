// SPDX-License-Identifier: Apache-2.0
// What the configuration promises about people, hours and environments.
#include <gtest/gtest.h>

#include "config/explain.h"
#include "config/load.h"

namespace revertd {
namespace {

Loaded good(const std::string& text) {
    LoadResult result = load(text, "f.yaml");
    for (const Diagnostic& d : result.diagnostics)
        if (d.severity == Diagnostic::Severity::Error) ADD_FAILURE() << to_line(d);
    return result.loaded ? std::move(*result.loaded) : Loaded{};
}

constexpr const char* kTop = R"(
people: { leads: [roger, { name: ana, slack: U123, mail: ana@example.com, hours: [ Mon-Fri 09:00-17:00 UTC ] }], oncall: [bo] }
notify:
  pagerduty: { routing_key_file: pagerduty, fallback: email }
  slack: { token_file: slack, channel: "#incidents" }
  email: { server: smtp://mail.example.com, from: revertd@example.com }
)";

std::string with(const std::string& service, const std::string& top = "") {
    return "services:\n  s:\n    health: http://127.0.0.1:1/health\n    metrics: http://127.0.0.1:1/metrics\n    "
           "rollback: { systemd: api.service, releases: /srv/api/releases }\n" +
           service + kTop + top;
}

const ServiceSettings& service(const Loaded& loaded) {
    return *loaded.settings.services.at("s");
}

TEST(Ladder, is_that_of_the_file_unless_the_service_has_its_own) {
    const std::string top = "escalate: [ oncall, 15m, leads, 30m, mail cto@example.com ]\n";
    const Loaded common = good(with("", top));
    const auto& ladder = service(common).ladder;
    ASSERT_EQ(ladder.size(), 3U);
    EXPECT_EQ(ladder[0].to, "oncall");
    EXPECT_EQ(ladder[0].after, 15min);
    EXPECT_EQ(ladder[2].to, "mail cto@example.com");
    EXPECT_EQ(ladder[2].after, Duration{});
    const Loaded own = good(with("    escalate: [ ana ]\n", top));
    ASSERT_EQ(service(own).ladder.size(), 1U);
    EXPECT_EQ(service(own).ladder[0].to, "ana");
    EXPECT_TRUE(service(good(with("    escalate: off\n", top))).ladder.empty());
}

TEST(Hours, of_a_service_replace_those_of_the_file) {
    const std::string top = "freeze: [ Fri 16:00-Mon 08:00 Europe/Berlin ]\nask_only: Mon-Fri 09:00-17:00 UTC\n";
    const Loaded common = good(with("", top));
    EXPECT_EQ(service(common).freeze.size(), 1U);
    EXPECT_EQ(service(common).ask_only.size(), 1U);
    const Loaded own = good(with("    freeze: off\n    ask_only: [ Sat-Sun UTC, Mon 00:00-06:00 UTC ]\n", top));
    EXPECT_TRUE(service(own).freeze.empty());
    EXPECT_EQ(service(own).ask_only.size(), 2U);
}

TEST(Environment, other_than_production_asks_nothing_and_acts_only_if_told) {
    const std::string matrix =
        "severity: { P0: { rollback: now, page: critical }, P1: { rollback: after approval, by: leads } }\n";
    using Rollback = SeverityPolicy::Rollback;
    const Loaded staging = good(with("    environment: staging\n", matrix));
    for (const SeverityPolicy& policy : *service(staging).severity) {
        EXPECT_EQ(policy.rollback, Rollback::Never);
        EXPECT_NE(policy.page, "critical");
        EXPECT_NE(policy.page, "error");
        EXPECT_EQ(policy.sla, Duration{});
    }
    const Loaded told = good(with("    environment: staging\n    mode: enforce\n", matrix));
    EXPECT_EQ(service(told).policy(Severity::P0).rollback, Rollback::Now);
    EXPECT_EQ(service(told).policy(Severity::P1).rollback, Rollback::Never);
    const Loaded row = good(
        with("    environment: staging\n    severity: { P1: { rollback: after approval, page: error } }\n", matrix));
    EXPECT_EQ(service(row).policy(Severity::P0).rollback, Rollback::Never);
    EXPECT_EQ(service(row).policy(Severity::P1).rollback, Rollback::AfterApproval);
    EXPECT_EQ(service(row).policy(Severity::P1).page, "error");
}

TEST(Environment, of_production_is_not_told_anything) {
    const std::string defaults = "defaults: { mode: enforce, environment: production }\n";
    EXPECT_EQ(service(good(with("", defaults))).policy(Severity::P0).rollback, SeverityPolicy::Rollback::Now);
    // `mode` of the defaults is meant for production: it tells a service of staging nothing.
    EXPECT_EQ(service(good(with("    environment: staging\n", defaults))).policy(Severity::P0).rollback,
              SeverityPolicy::Rollback::Never);
}

TEST(Promises, hold_by_default_as_in_the_example_and_are_overridden_key_by_key) {
    const Loaded loaded = good(with("    severity: { P0: { sla: 5m, updates: off }, P2: { issue: off } }\n"));
    EXPECT_EQ(service(loaded).policy(Severity::P0).sla, 5min);
    EXPECT_EQ(service(loaded).policy(Severity::P0).review, 24h);
    EXPECT_EQ(service(loaded).policy(Severity::P0).updates, Duration{});
    EXPECT_EQ(service(loaded).policy(Severity::P1).updates, 30min);
    EXPECT_FALSE(service(loaded).policy(Severity::P2).issue);
    EXPECT_TRUE(service(good(with(""))).policy(Severity::P2).issue);
}

TEST(Contacts, are_found_by_role_and_by_name) {
    const Loaded loaded = good(with(""));
    const auto& leads = loaded.notify.contacts.at("leads");
    ASSERT_EQ(leads.size(), 2U);
    EXPECT_EQ(leads[1].slack, "U123");
    EXPECT_EQ(leads[1].mail, "ana@example.com");
    EXPECT_EQ(leads[1].hours.size(), 1U);
    EXPECT_EQ(loaded.notify.contacts.at("ana").size(), 1U);
}

TEST(Routes, name_the_channels_of_a_service) {
    EXPECT_TRUE(good(with("")).notify.routes.empty());
    EXPECT_EQ(good(with("    notify: slack\n")).notify.routes.at("s"), std::vector<std::string>{"slack"});
    EXPECT_TRUE(good(with("    notify: off\n")).notify.routes.at("s").empty());
}

TEST(Fallback, stands_behind_a_channel) {
    const Loaded loaded = good(with(""));
    EXPECT_EQ(loaded.notify.fallback.at("pagerduty"), "email");
    EXPECT_EQ(loaded.notify.fallback_after, 2min);
}

TEST(Issue, without_a_channel_that_can_open_one_is_a_warning) {
    const LoadResult result = load(with("", "severity: { P2: { issue: true } }\n"), "f.yaml");
    ASSERT_TRUE(result.loaded);
    bool warned = false;
    for (const Diagnostic& d : result.diagnostics) warned = warned || d.what.find("`issue: true`") != std::string::npos;
    EXPECT_TRUE(warned);
}

TEST(ExplainPolicies, says_them_in_words) {
    const std::string text = explain(good(with("", "escalate: [ oncall, 15m, leads ]\nfreeze: Sat-Sun UTC\n")));
    EXPECT_NE(text.find("escalate: oncall, after 15m leads"), std::string::npos) << text;
    EXPECT_NE(text.find("freeze: Sat-Sun UTC"), std::string::npos);
    EXPECT_NE(text.find("when pagerduty fails for 2m: email"), std::string::npos);
    EXPECT_NE(text.find("sla 15m"), std::string::npos);
}

}  // namespace
}  // namespace revertd
