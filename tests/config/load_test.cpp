// SPDX-License-Identifier: Apache-2.0
#include "config/load.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "config/explain.h"
#include "core/sha256.h"

namespace revertd {
namespace {

std::string words(const LoadResult& result) {
    std::string out;
    for (const Diagnostic& diagnostic : result.diagnostics) out += to_line(diagnostic) + "\n";
    return out;
}

Loaded good(const std::string& text, const LoadOptions& options = {}) {
    LoadResult result = load(text, "f.yaml", options);
    if (!result.loaded) ADD_FAILURE() << words(result);
    return result.loaded ? std::move(*result.loaded) : Loaded{};
}

/// One service `s` with these keys beside its health and metrics.
std::string with(const std::string& keys, const std::string& top = "") {
    return "services:\n  s:\n    health: http://127.0.0.1:1/health\n    metrics: http://127.0.0.1:1/metrics\n    "
           "rollback: off\n" +
           keys + top;
}

const ServiceSettings& service(const Loaded& loaded, const std::string& name = "s") {
    return *loaded.settings.services.at(name);
}

constexpr const char* kMinimal = R"(services:
  api:
    health: http://127.0.0.1:8080/health/ready
    metrics: http://127.0.0.1:8080/metrics
    rollback: { systemd: api.service, releases: /srv/api/releases }
notify:
  pagerduty: { routing_key_file: pagerduty }
)";

TEST(Load, seven_lines_are_enough) {
    const Loaded loaded = good(kMinimal);
    const ServiceSettings& api = service(loaded, "api");
    EXPECT_EQ(api.name, "api");
    EXPECT_EQ(api.mode, Mode::Enforce);
    EXPECT_EQ(api.environment, "production");
    EXPECT_EQ(api.bake, Duration(15min));
    EXPECT_EQ(api.warmup, Duration(60s));
    EXPECT_EQ(api.interval, Duration(5s));
    EXPECT_EQ(api.baseline, Duration(1h));
    EXPECT_EQ(api.rollout, Duration(30min));
    EXPECT_EQ(api.min_requests, 100);
    for (const Signal& signal : api.signals) EXPECT_FALSE(signal.endpoint) << signal.name;
    ASSERT_EQ(api.health.size(), 1U);
    EXPECT_EQ(api.health[0].url, "http://127.0.0.1:8080/health/ready");
    EXPECT_TRUE(api.has_rollback);
    EXPECT_TRUE(api.observes);
    EXPECT_TRUE(api.settles);
    EXPECT_EQ(loaded.rollbacks.count("api"), 1U);
    ASSERT_TRUE(loaded.notify.pagerduty);
    EXPECT_EQ(loaded.notify.pagerduty->routing_key.name, "pagerduty");
    EXPECT_EQ(loaded.notify.pagerduty->routing_key.path, "");
    EXPECT_EQ(loaded.settings.hash, sha256_hex(kMinimal));
    EXPECT_EQ(loaded.settings.find("api")->name, "api");
}

TEST(Load, the_default_guard_is_that_of_the_contract) {
    const Loaded loaded = good(kMinimal);
    std::string found;
    for (const Rule& rule : service(loaded, "api").rules) {
        found += std::string(to_string(rule.severity)) + " " + rule.text + "\n";
        EXPECT_TRUE(rule.from_default_guard);
    }
    EXPECT_EQ(found,
              "P0 health down for 30s\nP0 errors > 10% for 1m\nP1 errors > 5% for 2m\nP1 p95 > 1.5x baseline for 3m\n"
              "P1 rollout stuck\nP2 errors > 2% for 5m\nP2 p95 > 1.2x baseline for 5m\n"
              "P1 errors worse than baseline\nP1 p95 worse than baseline\nP1 restarts repeat\nP1 open_fds fills up\n");
    ASSERT_EQ(service(loaded, "api").signals.size(), 4U);
    EXPECT_TRUE(service(loaded, "api").signals[0].well_known);
}

TEST(Load, the_default_guard_has_only_rules_that_can_be_judged) {
    const Loaded loaded =
        good("services:\n  h: { health: 'http://127.0.0.1:1/h' }\n  m: { metrics: 'http://127.0.0.1:1/m' }\n");
    ASSERT_EQ(service(loaded, "h").rules.size(), 2U);
    EXPECT_EQ(service(loaded, "h").rules[0].text, "health down for 30s");
    EXPECT_TRUE(service(loaded, "h").signals.empty());
    EXPECT_EQ(service(loaded, "m").rules.size(), 10U);
}

TEST(Load, limits_that_nobody_wrote_are_confirmed_by_the_test_of_their_signal) {
    const auto confirmed = [](const Loaded& loaded) {
        std::string out;
        const auto& rules = service(loaded).rules;
        for (const Rule& rule : rules)
            if (rule.confirmed_by) out += rule.text + ": " + rules[*rule.confirmed_by].text + "\n";
        return out;
    };
    EXPECT_EQ(confirmed(good(with(""))),
              "errors > 10% for 1m: errors worse than baseline\nerrors > 5% for 2m: errors worse than baseline\n"
              "p95 > 1.5x baseline for 3m: p95 worse than baseline\nerrors > 2% for 5m: errors worse than baseline\n"
              "p95 > 1.2x baseline for 5m: p95 worse than baseline\n");
    EXPECT_EQ(confirmed(good(with("    guard: { P0: [errors > 10% for 1m], anomaly: P1 }\n"))), "")
        << "what is written is judged as it is written";
    EXPECT_EQ(confirmed(good(with("", "alpha: off\n"))), "") << "without statistics limits decide alone";
}

TEST(Load, a_flat_guard_is_p1) {
    const Loaded loaded = good(with("    guard: [errors > 5%, health down for 5s]\n"));
    ASSERT_EQ(service(loaded).rules.size(), 2U);
    EXPECT_EQ(service(loaded).rules[1].severity, Severity::P1);
    EXPECT_FALSE(service(loaded).rules[1].from_default_guard);
    EXPECT_EQ(service(loaded).signals.size(), 1U) << "p95 is not looked for when no rule names it";
}

TEST(Load, a_guard_by_severity_is_p0_first) {
    const Loaded loaded =
        good(with("    guard: { P2: errors > 1%, P0: [health down for 5s], anomaly: off, P3: off }\n"));
    ASSERT_EQ(service(loaded).rules.size(), 2U);
    EXPECT_EQ(service(loaded).rules[0].severity, Severity::P0);
    EXPECT_EQ(service(loaded).rules[1].severity, Severity::P2);
}

TEST(Load, a_combination_stands_behind_its_parts) {
    const auto rules =
        service(good(with("    guard: { P0: [{ 2 of: [errors > 5% for 1m, health down for 5s, p95 > 2s] }] }\n")))
            .rules;
    ASSERT_EQ(rules.size(), 4U);
    EXPECT_EQ(rules[3].text, "2 of (errors > 5% for 1m; health down for 5s; p95 > 2s)");
    EXPECT_EQ(rules[3].severity, Severity::P0);
    EXPECT_EQ(rules[3].parts, (std::vector<std::uint32_t>{0, 1, 2}));
    EXPECT_EQ(rules[3].need, 2U);
    EXPECT_EQ(rules[3].hold, 1min) << "what it says stays fresh for so long";
    for (int part = 0; part < 3; ++part) EXPECT_EQ(rules[static_cast<std::size_t>(part)].severity, Severity::None);
    EXPECT_TRUE(counts_in_warmup(rules[0])) << "as a rule of P0 does";
}

TEST(Load, a_rule_that_is_shorter_than_the_interval_is_warned_of) {
    const auto warned = [](const std::string& interval) {
        const LoadResult result =
            load("services:\n  api:\n    health: http://127.0.0.1:1/h\n    rollback: off\n    interval: " + interval +
                     "\n    guard: { P0: [health down for 30s] }\n",
                 "t.yaml");
        return std::any_of(result.diagnostics.begin(), result.diagnostics.end(), [](const Diagnostic& d) {
            return to_line(d).find("t.yaml:6:35: warning: `health down for 30s` holds only after 1m") !=
                   std::string::npos;
        });
    };
    EXPECT_TRUE(warned("1m"));
    EXPECT_FALSE(warned("30s"));
}

TEST(Load, a_guard_that_is_off_has_no_rules) {
    EXPECT_TRUE(service(good(with("    guard: off\n"))).rules.empty());
}

TEST(Load, defaults_hold_unless_the_service_says_otherwise) {
    const Loaded loaded = good(
        "defaults: { bake: 5m, interval: 1s, owner: sre, signals: { a: x, b: y }, guard: [a > 1], verify: { within: "
        "10m, for: 1m },\n"
        "  health: 'http://127.0.0.1:1/h', metrics: 'http://127.0.0.1:1/m', rollback: { systemd: x.service, releases: "
        "/srv/x } }\n"
        "services:\n"
        "  one: { owner: off }\n"
        "  two: { bake: 7m, signals: { a: z, b: off }, verify: { for: 2m }, rollback: off, health: off }\n");
    EXPECT_EQ(service(loaded, "one").bake, Duration(5min));
    EXPECT_EQ(service(loaded, "one").owner, "");
    EXPECT_EQ(service(loaded, "one").signals.size(), 2U);
    EXPECT_EQ(service(loaded, "two").bake, Duration(7min));
    EXPECT_EQ(service(loaded, "two").interval, Duration(1s));
    EXPECT_EQ(service(loaded, "two").owner, "sre");
    ASSERT_EQ(service(loaded, "two").signals.size(), 1U);
    EXPECT_EQ(service(loaded, "two").signals[0].selector.metric, "z");
    EXPECT_EQ(service(loaded, "two").rules[0].text, "a > 1");
    EXPECT_EQ(service(loaded, "two").verify.within, Duration(10min));
    EXPECT_EQ(service(loaded, "two").verify.clear_for, Duration(2min));
    EXPECT_TRUE(service(loaded, "two").health.empty());
    EXPECT_TRUE(service(loaded, "one").has_rollback);
    EXPECT_FALSE(service(loaded, "two").has_rollback);
    EXPECT_EQ(loaded.rollbacks.size(), 1U);
}

TEST(Load, the_severity_matrix_is_that_of_the_example_without_roles) {
    const Loaded loaded = good(kMinimal);
    const ServiceSettings& api = service(loaded, "api");
    EXPECT_EQ(api.policy(Severity::P0).rollback, SeverityPolicy::Rollback::Now);
    EXPECT_EQ(api.policy(Severity::P0).page, "critical");
    EXPECT_EQ(api.policy(Severity::P1).rollback, SeverityPolicy::Rollback::AfterApproval);
    EXPECT_EQ(api.policy(Severity::P1).by, "");
    EXPECT_EQ(api.policy(Severity::P1).wait, Duration(10min));
    EXPECT_EQ(api.policy(Severity::P1).no_answer, SeverityPolicy::NoAnswer::Escalate);
    EXPECT_EQ(api.policy(Severity::P2).rollback, SeverityPolicy::Rollback::Never);
    EXPECT_EQ(api.policy(Severity::P2).page, "warning");
    EXPECT_EQ(api.policy(Severity::P3).page, "none");
}

TEST(Load, severity_and_limits_are_overridden_key_by_key) {
    const Loaded loaded =
        good(with("    severity: { P1: { wait: 5m } }\n    limits: { cooldown: off, per_service: off }\n",
                  "severity: { P0: { rollback: after approval, by: anyone }, P1: { rollback: now } }\n"
                  "limits: { overall: 100 per 1h, cooldown: 1h, attempts: 1, storm: off }\n"));
    const ServiceSettings& s = service(loaded);
    EXPECT_EQ(s.policy(Severity::P0).rollback, SeverityPolicy::Rollback::AfterApproval);
    EXPECT_TRUE(s.policy(Severity::P0).anyone);
    EXPECT_EQ(s.policy(Severity::P0).by, "");
    EXPECT_EQ(s.policy(Severity::P0).page, "critical");
    EXPECT_EQ(s.policy(Severity::P1).rollback, SeverityPolicy::Rollback::Now);
    EXPECT_EQ(s.policy(Severity::P1).wait, Duration(5min));
    EXPECT_EQ(s.limits.cooldown, Duration::zero());
    EXPECT_EQ(s.limits.per_service.count, 0);
    EXPECT_EQ(s.limits.attempts, 1);
    EXPECT_EQ(loaded.settings.overall.count, 100);
}

TEST(Load, people_are_users_groups_and_described) {
    const Loaded loaded =
        good(with("",
                  "people: { leads: [roger, '@sre', { name: ana, uid: 1001 }], oncall: bo }\nagents: [ci]\n"
                  "severity: { P1: { by: leads } }\n"));
    const auto& leads = loaded.settings.people.at("leads");
    ASSERT_EQ(leads.size(), 3U);
    EXPECT_EQ(leads[0].name, "roger");
    EXPECT_EQ(leads[1].group, "sre");
    EXPECT_EQ(leads[1].name, "");
    EXPECT_EQ(leads[2].uid, 1001U);
    EXPECT_EQ(loaded.settings.people.at("oncall").size(), 1U);
    EXPECT_EQ(loaded.settings.agents, std::vector<std::string>{"ci"});
}

TEST(Load, health_in_all_its_forms) {
    const Loaded loaded = good(
        "services:\n  s:\n    health:\n      - https://a/h\n      - { tcp: 'db:5432' }\n"
        "      - { url: 'http://b/h', expect_status: 204, json: { /status: true, '/checks/*/status': ok }, down: all, "
        "timeout: 1s, every: 5s }\n");
    const auto& health = service(loaded).health;
    ASSERT_EQ(health.size(), 3U);
    EXPECT_EQ(health[1].url, "tcp://db:5432");
    EXPECT_EQ(health[0].status_from, 200);
    EXPECT_EQ(health[0].status_to, 399);
    EXPECT_EQ(health[2].status_from, 204);
    EXPECT_EQ(health[2].status_to, 204);
    ASSERT_EQ(health[2].json.size(), 2U);
    EXPECT_EQ(health[2].json[0].pointer, "/status");
    EXPECT_EQ(health[2].json[0].expected, "true");
    EXPECT_EQ(health[2].timeout, Duration(1s));
    EXPECT_EQ(service(loaded).down, DownPolicy::All);
}

TEST(Load, the_running_version_is_read_by_http_or_by_a_command) {
    EXPECT_EQ(service(good(with("    current: { http: 'http://a/v', json: /version }\n"))).current->json, "/version");
    EXPECT_EQ(service(good(with("    current: http://a/v\n"))).current->url, "http://a/v");
    EXPECT_EQ(service(good(with("    current: [/usr/bin/current, s]\n"))).current->argv.size(), 2U);
    EXPECT_FALSE(service(good(with("    current: off\n"))).current);
}

TEST(Load, what_verification_needs_is_turned_round_into_what_must_not_be) {
    const Loaded loaded = good(with("    verify: { within: 30m, health: off, errors: < 1% for 4m }\n"));
    const VerifySettings& verify = service(loaded).verify;
    EXPECT_EQ(verify.within, Duration(30min));
    EXPECT_EQ(verify.clear_for, Duration(4min));
    EXPECT_FALSE(verify.health_up);
    ASSERT_TRUE(verify.rule);
    const Rule& rule = service(loaded).rules.at(*verify.rule);
    EXPECT_EQ(rule.severity, Severity::None);
    EXPECT_EQ(rule.op, Rule::Op::GreaterEqual);
    EXPECT_DOUBLE_EQ(rule.bound, 0.01);
    EXPECT_EQ(rule.text, "errors >= 1%");
    EXPECT_EQ(rule.hold, Duration::zero());
    EXPECT_EQ(rule.over, Duration(1min));
}

TEST(Load, a_verify_of_the_service_replaces_that_of_the_defaults) {
    const Loaded loaded = good("defaults: { verify: { errors: < 1% } }\n" + with("    verify: { p95: < 300ms }\n"));
    int rules = 0;
    for (const Rule& rule : service(loaded).rules) rules += rule.severity == Severity::None ? 1 : 0;
    EXPECT_EQ(rules, 1);
    EXPECT_EQ(service(loaded).rules.at(*service(loaded).verify.rule).text, "p95 >= 300ms");
}

TEST(Load, verification_is_checked_when_the_defaults_are_laid_below) {
    EXPECT_TRUE(load("defaults: { verify: { for: 25m } }\n" + with("    verify: { within: 30m }\n"), "f").loaded);
    const LoadResult result = load(with("    verify: { within: 2m }\n"), "f");
    EXPECT_FALSE(result.loaded);
    EXPECT_NE(words(result).find("f:6:13: `verify` can never succeed: well for 5m within 2m"), std::string::npos)
        << words(result);
}

TEST(Load, a_rule_may_name_the_steps_that_it_permits) {
    const Loaded loaded = good(
        "services:\n  s:\n    health: 'http://127.0.0.1:1/h'\n    rollback: { systemd: x.service, releases: /srv/x }\n"
        "    guard: { P1: { rule: health down for 5s, do: [systemd] } }\n");
    EXPECT_EQ(service(loaded).rules.at(0).steps, std::vector<std::string>{"systemd"});
}

TEST(Load, off_is_accepted_where_the_feature_is_not_built) {
    const Loaded loaded = good(
        with("    prometheus: off\n    compare: off\n    migrations: off\n    on_exhausted: off\n    steady: off\n",
             "alpha: off\nfreeze: off\nask_only: off\nescalate: off\nhttp: off\ncoordinate: off\n"
             "severity: { P0: { sla: off, review: off }, P2: { issue: off, assess: off, page: off } }\n"
             "notify: { slack: off, github: off, email: off, webhook: off }\n"));
    EXPECT_EQ(service(loaded).policy(Severity::P2).page, "none");
    EXPECT_TRUE(loaded.notify.empty());
}

TEST(Load, a_default_that_is_not_built_is_inactive_with_a_notice) {
    const LoadResult result = load(with("    guard: { P1: [errors > 5%] }\n", "limits: { storm: 30% }\n"), "f.yaml");
    EXPECT_TRUE(result.loaded);
    int notices = 0;
    for (const Diagnostic& diagnostic : result.diagnostics)
        notices += diagnostic.what.find("has no effect yet") != std::string::npos &&
                           diagnostic.severity == Diagnostic::Severity::Notice
                       ? 1
                       : 0;
    EXPECT_EQ(notices, 1) << words(result);
}

TEST(Load, anomaly_is_the_test_on_every_ratio_and_quantile_and_alpha_is_shared) {
    const auto rules = [](const std::string& root) {
        return service(good(with("    guard: { P0: [errors worse than baseline], anomaly: P2 }\n", root))).rules;
    };
    const auto made = rules("alpha: 0.002\n");
    ASSERT_EQ(made.size(), 4U);
    EXPECT_EQ(made[0].text, "errors worse than baseline");
    EXPECT_EQ(made[0].severity, Severity::P0);
    EXPECT_EQ(made[1].text, "p95 worse than baseline");
    EXPECT_EQ(made[1].severity, Severity::P2);
    for (std::size_t test = 0; test < 3; ++test) EXPECT_DOUBLE_EQ(made[test].arguments[0], 0.002);
    EXPECT_EQ(made[2].text, "restarts repeat");
    EXPECT_EQ(made[3].text, "open_fds fills up");
    EXPECT_EQ(service(good(with("    guard: { P1: [errors > 5%], anomaly: P1 }\n", "alpha: off\n"))).rules.size(), 1U);
    EXPECT_NE(
        words(load(with("    guard: [errors worse than baseline]\n", "alpha: off\n"), "f.yaml")).find("needs `alpha`"),
        std::string::npos);
}

TEST(Load, nobody_told_is_a_warning_and_who_may_approve_a_notice) {
    EXPECT_NE(words(load(with(""), "f.yaml")).find("warning: no `notify`"), std::string::npos);
    EXPECT_NE(words(load(kMinimal, "f.yaml")).find("notice: root and the members of the group revertd may approve"),
              std::string::npos);
}

TEST(Load, a_version_asked_of_the_service_itself_is_a_warning) {
    const std::string text =
        "services:\n  s:\n    metrics: http://127.0.0.1:1/metrics\n"
        "    rollback: { exec: [/bin/rollback, '{to}'], current: { http: 'http://127.0.0.1:1/version', json: /version "
        "} }\n";
    EXPECT_NE(words(load(text, "f.yaml")).find("f.yaml:4:65: warning: `current` asks the service itself"),
              std::string::npos);
}

TEST(Load, a_bake_that_data_may_end_has_a_least_and_a_fixed_end) {
    const std::string guard = "    guard: { anomaly: P1 }\n    signals: { errors: 'ratio(r_total, code=~\"5..\")' }\n";
    const Loaded loaded = good(with("    bake: { at least: 7m, until excluded: 1.5x, at most: 60m }\n" + guard));
    EXPECT_EQ(service(loaded).bake, Duration(60min));
    EXPECT_EQ(service(loaded).bake_at_least, Duration(7min));
    EXPECT_DOUBLE_EQ(service(loaded).until_excluded, 1.5);
    const Loaded by_default = good(with("    bake: { until excluded: 2x }\n" + guard));
    EXPECT_EQ(service(by_default).bake, Duration(15min));
    EXPECT_EQ(service(by_default).bake_at_least, Duration(5min));
    const Loaded over =
        good("defaults: { bake: { until excluded: 2x, at most: 30m } }\n" + with("    bake: 10m\n" + guard));
    EXPECT_EQ(service(over).bake, Duration(10min));
    EXPECT_DOUBLE_EQ(service(over).until_excluded, 0);
    const Loaded of_defaults = good("defaults: { bake: { until excluded: 2x, at most: 30m } }\n" + with(guard));
    EXPECT_DOUBLE_EQ(service(of_defaults).until_excluded, 2);
}

TEST(Load, a_bake_that_contradicts_itself_or_that_nothing_can_end_is_said) {
    const std::string guard = "    guard: { anomaly: P1 }\n    signals: { errors: 'ratio(r_total, code=~\"5..\")' }\n";
    const auto said = [](const std::string& text) { return words(load(with(text), "f.yaml")); };
    EXPECT_NE(said("    bake: { at least: 20m, until excluded: 2x, at most: 10m }\n" + guard)
                  .find("at least 20m and at most 10m"),
              std::string::npos);
    EXPECT_NE(said("    bake: { until excluded: 2x }\n    guard: [health down for 30s]\n")
                  .find("no rule can exclude anything"),
              std::string::npos);
    for (const char* wrong : {"1x", "1.05x", "100x", "1.5", "x", "1.5 x", "01.5x", "-2x", "1.2345x"})
        EXPECT_NE(said("    bake: { until excluded: " + std::string(wrong) + " }\n" + guard).find("is no factor"),
                  std::string::npos)
            << wrong;
}

TEST(Load, a_rule_longer_than_the_bake_is_a_warning) {
    EXPECT_NE(words(load(with("    bake: 1m\n    warmup: 1s\n    guard: [errors > 5% for 2m]\n"), "f.yaml"))
                  .find("f.yaml:8:29: warning: `errors > 5% for 2m` needs longer than the bake"),
              std::string::npos);
    const std::string short_for = words(load(with("    interval: 5s\n    guard:\n      P1: [p95 > 1.2x baseline for "
                                                  "1m, { rule: errors > 5% over 1s for 2s }]\n"),
                                             "f.yaml"));
    EXPECT_NE(short_for.find("f.yaml:8:72: warning: `errors > 5% over 1s for 2s` holds only after"), std::string::npos)
        << short_for;
    EXPECT_NE(short_for.find("f.yaml:8:65: warning: `errors > 5% over 1s for 2s` has a window"), std::string::npos)
        << short_for;
}

TEST(Load, credentials_are_looked_up_only_when_there_is_a_directory) {
    const std::string missing =
        "services:\n  s: { health: 'http://127.0.0.1:1/h' }\nnotify: { pagerduty: { routing_key_file: "
        "no_such_credential } }\n";
    EXPECT_TRUE(load(missing, "f.yaml").loaded);
    EXPECT_FALSE(load(missing, "f.yaml", {"/nonexistent", false}).loaded);
    EXPECT_FALSE(load(missing, "f.yaml", {"", true}).loaded);
    const std::string path =
        "services:\n  s: { health: 'http://127.0.0.1:1/h' }\nnotify: { pagerduty: { routing_key_file: /nonexistent/key "
        "} }\n";
    EXPECT_TRUE(load(path, "f.yaml", {"/nonexistent", false}).loaded);
    EXPECT_FALSE(load(path, "f.yaml", {"/nonexistent", true}).loaded);
    const Loaded found = good(
        "services:\n  s: { health: 'http://127.0.0.1:1/h' }\nnotify: { pagerduty: { routing_key_file: full.yaml } }\n",
        {REVERTD_SOURCE_DIR "/config/examples", true});
    EXPECT_EQ(found.notify.pagerduty->routing_key.path, REVERTD_SOURCE_DIR "/config/examples/full.yaml");
}

TEST(Load, json_is_accepted) {
    const Loaded loaded =
        good(R"({"services": {"s": {"health": "http://127.0.0.1:1/h", "bake": "5m", "guard": ["health down for 5s"]}},
        "notify": {"webhook": {"url": "http://127.0.0.1:2/", "headers": {"X-Team": "payments"}}}})");
    EXPECT_EQ(service(loaded).bake, Duration(5min));
    ASSERT_TRUE(loaded.notify.webhook);
    EXPECT_EQ(loaded.notify.webhook->headers.at(0).second, "payments");
}

TEST(Load, many_services_of_one_rig) {
    std::string text =
        "defaults: { bake: 1h, warmup: 0s, interval: 1000ms, baseline: 10s, min_requests: 1, guard: { P0: [errors > "
        "1%], anomaly: off } }\n"
        "severity: { P0: { rollback: now, page: none }, P3: { rollback: never, page: none } }\n"
        "limits: { per_service: 100 per 1h, overall: 100000 per 1h, cooldown: 0s, storm: off }\nservices:\n";
    for (int i = 0; i < 200; ++i) {
        const std::string n = std::to_string(i);
        text += "  t" + n + ":\n    metrics: http://127.0.0.1:" + std::to_string(9000 + i) +
                "/metrics\n"
                "    signals: { errors: 'ratio(http_requests_total, code=~\"5..\")' }\n"
                "    rollback: [ { webhook: { url: 'http://127.0.0.1:8999/hook', body: { target: " +
                n +
                " }, current: { http: "
                "'http://127.0.0.1:" +
                std::to_string(9000 + i) + "/version', json: /version } } } ]\n";
    }
    const Loaded loaded = good(text);
    EXPECT_EQ(loaded.settings.services.size(), 200U);
    const ServiceSettings& t7 = service(loaded, "t7");
    EXPECT_EQ(t7.warmup, Duration::zero());
    EXPECT_EQ(t7.limits.cooldown, Duration::zero());
    ASSERT_EQ(t7.rules.size(), 1U);
    EXPECT_FALSE(t7.signals.at(0).well_known);
    EXPECT_TRUE(t7.observes);
}

TEST(Load, a_missing_file_is_an_error_with_its_name) {
    const LoadResult result = load_file("/nonexistent/revertd.yaml");
    EXPECT_FALSE(result.loaded);
    EXPECT_NE(words(result).find("/nonexistent/revertd.yaml"), std::string::npos);
}

TEST(Examples, load_without_errors_or_warnings) {
    for (const char* name : {"minimal", "full"}) {
        const LoadResult result = load_file(std::string(REVERTD_SOURCE_DIR "/config/examples/") + name + ".yaml");
        EXPECT_TRUE(result.loaded) << words(result);
        for (const Diagnostic& diagnostic : result.diagnostics)
            EXPECT_EQ(diagnostic.severity, Diagnostic::Severity::Notice) << to_line(diagnostic);
    }
}

TEST(Explain, shows_every_default_what_signals_are_and_the_steps) {
    const std::string text = explain(good(kMinimal));
    EXPECT_NE(text.find("restarts: each later time of process_start_time_seconds"), std::string::npos) << text;
    EXPECT_NE(text.find("open_fds: the first that a scrape has of: process_open_fds / process_max_fds"),
              std::string::npos);
    for (const char* part :
         {"bake: 15m (default)", "errors: the first that a scrape has of: http_requests_total{code=~\"5..\"}",
          "P0  errors > 10% for 1m   [over 15s]", "guard: (default)", "{to}",
          "rollback after approval by root and the group revertd", "restart api.service", "per_service 1 per 6h"})
        EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
}

TEST(Explain, shows_what_is_written_without_calling_it_a_default) {
    LoadResult result = load_file(REVERTD_SOURCE_DIR "/config/examples/full.yaml");
    ASSERT_TRUE(result.loaded);
    const std::string text = explain(*result.loaded);
    for (const char* part : {"increase of http_requests_total{app=\"api\"} with code=~\"5..\"", "by leads, waits 5m",
                             "role leads: roger, @sre, ana", "mode: observe\n",
                             "verify: health up and not errors >= 1% for 5m, within 20m", "rollback: off",
                             "[permits systemd]", "agents: ci", "steady: page", "on_exhausted:\n    1. ",
                             "resolver tag: /usr/local/bin/good-tag api", "all of (errors > 3% for 2m; any of ("})
        EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
}

}  // namespace
}  // namespace revertd
