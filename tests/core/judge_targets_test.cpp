// SPDX-License-Identifier: Apache-2.0
#include "core/judge_targets.h"

#include <gtest/gtest.h>

namespace revertd {
namespace {

ServiceSettings with(const std::vector<std::string>& health, const std::vector<std::string>& metrics) {
    ServiceSettings settings;
    for (const std::string& url : health)
        settings.health.push_back({.url = url, .json = {}, .timeout = {}, .every = {}});
    settings.metrics = metrics;
    return settings;
}

TEST(OwnHealth, is_at_the_same_host_and_port) {
    const auto settings = with({"http://a:1/up", "http://a:2/up"}, {"http://a:2/metrics", "http://user@a:1"});
    EXPECT_EQ(own_health(settings, 0), 1U);
    EXPECT_EQ(own_health(settings, 1), 0U);
}

TEST(OwnHealth, or_the_only_one_on_the_same_host) {
    const auto settings =
        with({"tcp://a:1", "https://[::1]:8443/up"}, {"http://a:9090/metrics", "http://[::1]:9090/m"});
    EXPECT_EQ(own_health(settings, 0), 0U);
    EXPECT_EQ(own_health(settings, 1), 1U);
}

TEST(OwnHealth, or_the_one_at_the_same_place_on_the_same_host) {
    const std::vector<std::string> health{"http://a:1/up", "http://a:2/up"};
    EXPECT_EQ(own_health(with(health, {"http://a:11/m", "http://a:12/m"}), 1), 1U);
    EXPECT_EQ(own_health(with(health, {"http://a:11/m"}), 0), std::nullopt);
    EXPECT_EQ(own_health(with(health, {"http://b:11/m", "http://c:12/m"}), 0), std::nullopt);
}

}  // namespace
}  // namespace revertd
