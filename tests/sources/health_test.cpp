// SPDX-License-Identifier: Apache-2.0
#include "daemon/sources/health.h"

#include <gtest/gtest.h>

namespace revertd {
namespace {

HealthFinding judge(FetchError error, int status = 0, std::string_view body = {}, const HealthTarget& target = {}) {
    return judge_health(target, {error, status, body, false});
}

struct FailureCase {
    FetchError error;
    Health alone, others_answered;
};

/// S16: what the target did is down, what we could not do is blind.
constexpr FailureCase kFailures[] = {
    {FetchError::ConnectRefused, Health::Down, Health::Down},
    {FetchError::Reset, Health::Down, Health::Down},
    {FetchError::ClosedEarly, Health::Down, Health::Down},
    {FetchError::Timeout, Health::Down, Health::Down},
    {FetchError::Malformed, Health::Down, Health::Down},
    {FetchError::TooLarge, Health::Down, Health::Down},
    {FetchError::Resolve, Health::Blind, Health::Blind},
    {FetchError::LocalLimit, Health::Blind, Health::Blind},
    {FetchError::Tls, Health::Blind, Health::Blind},
    {FetchError::Aborted, Health::Blind, Health::Blind},
    {FetchError::Untrusted, Health::Blind, Health::Blind},
    {FetchError::OwnCertificate, Health::Blind, Health::Blind},
    {FetchError::ConnectTimeout, Health::Blind, Health::Down},
};

TEST(Health, every_failure_is_down_or_blind_as_S16_says) {
    ASSERT_EQ(std::size(kFailures), static_cast<std::size_t>(FetchError::Aborted));
    for (const FailureCase& c : kFailures) {
        for (const HealthFinding& finding : {judge(c.error), judge_connect(c.error)}) {
            EXPECT_EQ(finding.in_slot(false), c.alone) << to_string(c.error);
            EXPECT_EQ(finding.in_slot(true), c.others_answered) << to_string(c.error);
            EXPECT_EQ(finding.reason, to_string(c.error));
            EXPECT_FALSE(finding.answered);
        }
    }
}

TEST(Health, a_connection_is_enough_for_a_tcp_target) {
    const HealthFinding finding = judge_connect(FetchError::None);
    EXPECT_EQ(finding.health, Health::Up);
    EXPECT_TRUE(finding.answered);
    EXPECT_TRUE(finding.reason.empty());
}

TEST(Health, the_status_decides_within_its_range) {
    for (const int status : {200, 204, 301, 399}) {
        EXPECT_EQ(judge(FetchError::None, status).health, Health::Up) << status;
    }
    for (const int status : {100, 199, 400, 404, 429, 500, 503, 999}) {
        EXPECT_EQ(judge(FetchError::None, status).health, Health::Down) << status;
        EXPECT_EQ(judge(FetchError::None, status).reason, "the answer is " + std::to_string(status));
        EXPECT_TRUE(judge(FetchError::None, status).answered);
    }
    HealthTarget only_401;
    only_401.status_from = only_401.status_to = 401;
    EXPECT_EQ(judge(FetchError::None, 401, {}, only_401).health, Health::Up);
    EXPECT_EQ(judge(FetchError::None, 200, {}, only_401).health, Health::Down);
}

TEST(Health, an_answer_that_breaks_off_after_its_head_is_down) {
    for (const FetchError error : {FetchError::Timeout, FetchError::Reset, FetchError::ClosedEarly}) {
        EXPECT_EQ(judge(error, 200, "{\"status\":").health, Health::Down);
        EXPECT_TRUE(judge(error, 200).answered);
    }
}

TEST(Health, a_body_that_nobody_reads_may_be_of_any_size) {
    EXPECT_EQ(judge(FetchError::TooLarge, 200).health, Health::Up);
    EXPECT_EQ(judge(FetchError::TooLarge, 500).health, Health::Down);
    HealthTarget json;
    json.json = {{"/status", "ok"}};
    EXPECT_EQ(judge(FetchError::TooLarge, 200, {}, json).health, Health::Down);
    EXPECT_EQ(judge_health(json, {FetchError::None, 200, R"({"status":"ok"})", true}).reason,
              "the body is larger than 1 MiB");
}

struct BodyCase {
    const char* what;
    const char* body;
    const char* pointer;
    const char* expected;
    bool up;
};

constexpr BodyCase kBodies[] = {
    {"health+json", R"({"status":"pass","checks":{"db:time":[{"status":"pass"},{"status":"PASS"}]}})",
     "/checks/*/*/status", "pass", true},
    {"health+json with one failing", R"({"status":"pass","checks":{"db:time":[{"status":"pass"},{"status":"fail"}]}})",
     "/checks/*/*/status", "pass", false},
    {"Spring Boot up", R"({"status":"UP"})", "/status", "up", true},
    {"Spring Boot unknown", R"({"status":"UNKNOWN"})", "/status", "UP", false},
    {"Django objects", R"({"status":"ready","checks":{"database":{"status":"ok"},"cache":{"status":"ok"}}})",
     "/checks/*/status", "ok", true},
    {"Django with one down", R"({"status":"ready","checks":{"database":{"status":"ok"},"cache":{"status":"down"}}})",
     "/checks/*/status", "ok", false},
    {"django-health-check", R"({"Cache backend: default":"working","DatabaseBackend":"working"})", "/*", "working",
     true},
    {"Airflow with a dead scheduler", R"({"metadatabase":{"status":"healthy"},"scheduler":{"status":"unhealthy"}})",
     "/scheduler/status", "healthy", false},
    {"Airflow with a null", R"({"triggerer":{"status":null}})", "/triggerer/status", "healthy", false},
    {"a number", R"({"ready":1})", "/ready", "1", true},
    {"a boolean", R"({"ready":true})", "/ready", "true", true},
    {"a null that is expected", R"({"error":null})", "/error", "null", true},
    {"an object where a text is expected", R"({"status":{"ok":true}})", "/status", "ok", false},
    {"the root", R"("ok")", "", "ok", true},
    {"an index", R"([{"s":"no"},{"s":"ok"}])", "/1/s", "ok", true},
    {"an index with a leading zero", R"(["ok","ok"])", "/01", "ok", false},
    {"escapes of the pointer", R"({"a/b":{"c~d":"ok"}})", "/a~1b/c~0d", "ok", true},
    {"an empty key", R"({"":"ok"})", "/", "ok", true},
    {"a key named star is reached like all", R"({"*":"ok","x":"no"})", "/*", "ok", false},
    {"some elements without the leaf", R"({"checks":{"db":{"status":"ok"},"version":"1.2"}})", "/checks/*/status", "ok",
     true},
    {"nothing there", R"({"state":"ok"})", "/status", "ok", false},
    {"no checks at all", R"({"checks":{}})", "/checks/*/status", "ok", false},
    {"a maintenance page", "<html>back soon</html>", "/status", "ok", false},
    {"an empty body", "", "/status", "ok", false},
    {"cut JSON", R"({"status":"ok")", "/status", "ok", false},
    {"two documents", R"({"status":"ok"} {"status":"ok"})", "/status", "ok", false},
    {"a key twice, good first", R"({"status":"ok","status":"down"})", "/status", "ok", false},
    {"a key twice, good last", R"({"status":"down","status":"ok"})", "/status", "ok", false},
    {"a key twice elsewhere", R"({"status":"ok","x":[{"y":1,"y":2}]})", "/status", "ok", false},
    {"the same key by escape", "{\"status\":\"ok\",\"\\u0073tatus\":\"ok\"}", "/status", "ok", false},
    {"a comment", "{\"status\":\"ok\"} // fine", "/status", "ok", false},
    {"NaN", R"({"status":"ok","load":NaN})", "/status", "ok", false},
    {"a number that no double can hold", R"({"status":"ok","load":1e999})", "/status", "ok", false},
    {"broken UTF-8", "{\"status\":\"ok\",\"x\":\"\xff\"}", "/status", "ok", false},
    {"a lone surrogate", R"({"status":"ok","x":"\ud800"})", "/status", "ok", false},
};

TEST(Health, json_matchers_say_what_is_healthy) {
    for (const BodyCase& c : kBodies) {
        HealthTarget target;
        target.json = {{c.pointer, c.expected}};
        const HealthFinding finding = judge(FetchError::None, 200, c.body, target);
        EXPECT_EQ(finding.health, c.up ? Health::Up : Health::Down) << c.what << ": " << finding.reason;
        EXPECT_EQ(finding.reason.empty(), c.up) << c.what;
    }
}

TEST(Health, the_reason_names_the_value_and_its_place) {
    HealthTarget target;
    target.json = {{"/status", "ready"}, {"/checks/*/status", "ok"}};
    const auto reason = [&](std::string_view body) { return judge(FetchError::None, 200, body, target).reason; };
    EXPECT_EQ(reason(R"({"status":"ready","checks":{"db":{"status":"down"}}})"),
              "/checks/db/status is 'down', 'ok' is expected");
    EXPECT_EQ(reason(R"({"status":"ready"})"), "the body has nothing at /checks/*/status");
    EXPECT_EQ(reason("{\"status\":\"\\u001b[31m\\n<script>\"}"), "/status is '?[31m?<script>', 'ready' is expected");
    EXPECT_LT(reason(R"({"status":")" + std::string(100'000, 'x') + "\"}").size(), 200U);
}

TEST(Health, hostile_json_neither_crashes_nor_passes) {
    HealthTarget target;
    target.json = {{"/status", "ok"}};
    const auto is_up = [&](const std::string& body) {
        return judge(FetchError::None, 200, body, target).health == Health::Up;
    };
    const auto nested = [](std::size_t depth) {
        return R"({"status":"ok","x":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
    };
    EXPECT_TRUE(is_up(nested(63)));
    EXPECT_FALSE(is_up(nested(64)));
    EXPECT_FALSE(is_up(nested(500'000)));
    EXPECT_FALSE(is_up(std::string(1'000'000, '[')));
    EXPECT_FALSE(is_up(std::string("{\"status\":\"ok\"}\0{", 17)));
    EXPECT_FALSE(is_up(std::string("{\"status\":\"ok\0\"}", 16)));
    std::string wide = R"({"status":"ok")";
    for (int i = 0; i < 50'000; ++i) wide += ",\"k" + std::to_string(i) + "\":1";
    EXPECT_TRUE(is_up(wide + "}"));
    EXPECT_FALSE(is_up(wide + ",\"k7\":1}"));
}

TEST(Health, json_cut_at_any_byte_is_down) {
    const std::string body = R"({"status":"ok","checks":{"db":{"status":"ok"}}})";
    HealthTarget target;
    target.json = {{"/status", "ok"}};
    for (std::size_t cut = 0; cut < body.size(); ++cut) {
        EXPECT_EQ(judge(FetchError::None, 200, body.substr(0, cut), target).health, Health::Down) << cut;
    }
}

class LastFinding final : public HealthListener {
  public:
    void health(TargetIndex target, const HealthFinding& finding, Time) override {
        target_ = target;
        finding_ = finding;
        ++count_;
    }

    TargetIndex target_ = 0;
    HealthFinding finding_;
    int count_ = 0;
};

TEST(HealthSink, collects_the_body_in_pieces_and_forgets_it_between_answers) {
    HealthTarget target;
    target.json = {{"/status", "ok"}};
    LastFinding last;
    HealthSink sink(4, target, last);
    const std::string body = R"({"status":"ok"})";
    for (int round = 0; round < 3; ++round) {
        sink.head(200, "application/json", std::nullopt);
        for (const char& c : body) EXPECT_TRUE(sink.body({&c, 1}));
        sink.done(FetchError::None, Time{});
        EXPECT_EQ(last.finding_.health, Health::Up);
    }
    EXPECT_EQ(last.target_, 4U);
    sink.head(200, "application/json", std::nullopt);
    sink.reset();
    sink.done(FetchError::ConnectRefused, Time{});
    EXPECT_EQ(last.finding_.health, Health::Down);
    EXPECT_FALSE(last.finding_.answered);
    EXPECT_EQ(last.count_, 4);
}

TEST(HealthSink, cuts_a_body_at_one_MiB) {
    HealthTarget target;
    target.json = {{"/status", "ok"}};
    LastFinding last;
    HealthSink sink(0, target, last);
    const std::string piece(100'000, ' ');
    sink.head(200, "application/json", std::nullopt);
    int pieces = 0;
    while (sink.body({piece.data(), piece.size()})) ++pieces;
    EXPECT_EQ(pieces, 10);
    sink.done(FetchError::Aborted, Time{});
    EXPECT_EQ(last.finding_.reason, "the body is larger than 1 MiB");
    HealthTarget status_only;
    HealthSink open(0, status_only, last);
    open.head(200, "text/html", std::nullopt);
    for (int i = 0; i < 30; ++i) EXPECT_TRUE(open.body({piece.data(), piece.size()}));
    open.done(FetchError::None, Time{});
    EXPECT_EQ(last.finding_.health, Health::Up);
}

}  // namespace
}  // namespace revertd
