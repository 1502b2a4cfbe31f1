// SPDX-License-Identifier: Apache-2.0
#include "config/redact.h"

#include <gtest/gtest.h>

namespace revertd::config {
namespace {

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

TEST(Redact, keeps_what_is_no_secret) {
    const std::string text = redacted(R"(services:
  api:
    health: http://127.0.0.1:8080/health?deep=1
    signals: { errors: 'ratio(x_total, code=~"5..")' }
    bake: 15m
    mode: off
notify:
  pagerduty: { routing_key_file: pagerduty }
)");
    for (const char* part : {"http://127.0.0.1:8080/health?deep=1", "ratio(x_total, code=~", "bake: 15m", "mode: off",
                             "routing_key_file: pagerduty"})
        EXPECT_TRUE(has(text, part)) << part << "\n" << text;
    EXPECT_FALSE(has(text, "<secret>")) << text;
}

TEST(Redact, hides_every_kind_of_secret) {
    const std::string text = redacted(R"(# hunter0 in a comment
http: { authorization: { type: Bearer, credentials: hunter1 }, basic_auth: { username: u, password: hunter2 } }
services:
  api:
    health: { url: "https://bob:hunter3@api/health", headers: { X-Any: hunter4 } }
    metrics: "http://api/metrics?access_token=hunter5&shard=1"
    rollback: { exec: [/bin/undo, --token, hunter6, "--api-key=hunter7", "{to}"], current: [/bin/what] }
notify:
  pagerduty: { routing_key: hunter8, url: https://events.example.com/v2/hunter9 }
  slack: { webhook: "https://hooks.example.com/services/T/B/huntera", Bot-Token: [hunterb, hunterc] }
people: { leads: [{ name: ana, token_sha256: hunterd }] }
)");
    EXPECT_FALSE(has(text, "hunter")) << text;
    for (const char* part : {"https://<secret>@api/health", "shard=1", "https://events.example.com/<secret>",
                             "--api-key=<secret>", "/bin/what", "username: u", "name: ana"})
        EXPECT_TRUE(has(text, part)) << part << "\n" << text;
}

TEST(Redact, a_text_that_is_no_yaml_is_a_secret_as_a_whole) {
    EXPECT_EQ(redacted("password: [hunter2"), "<secret>");
}

}  // namespace
}  // namespace revertd::config
