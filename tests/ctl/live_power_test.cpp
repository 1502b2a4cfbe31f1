// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/live_power.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "config/load.h"

namespace revertd::ctl {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

std::shared_ptr<const ServiceSettings> settings_of(const std::string& guard) {
    const auto result = load(
        "services:\n  api:\n    health: http://127.0.0.1:1/h\n    prometheus: http://127.0.0.1:1\n    rollback: off\n"
        "    signals: { errors: 'ratio(r_total, code=~\"5..\")', p95: 'quantile(0.95, d_seconds)' }\n    guard: " +
            guard + "\n",
        "f.yaml", {});
    return result.loaded ? result.loaded->settings.services.at("api") : nullptr;
}

/// An hour, a minute a row, of a hundred requests a second of which so many fail.
std::vector<HistoryRow> errors(int rows, double share) {
    std::vector<HistoryRow> out;
    for (int i = 0; i < rows; ++i) {
        const double noise = 1 + 0.1 * std::sin(i * 2.4);
        out.push_back({Time(1h) + i * 1min, 1min, {{100, false, 0}, {100 * share * noise, true, 0}}});
    }
    return out;
}

TEST(LivePower, says_what_a_bake_would_find_by_what_the_server_has_kept) {
    const auto settings = settings_of("{ anomaly: P1 }");
    ASSERT_TRUE(settings);
    const std::string said = power_words(*settings, 0, errors(60, 0.01));
    EXPECT_NE(said.find(" times the errors would be found within "), std::string::npos) << said;
}

TEST(LivePower, latency_comes_from_the_buckets) {
    const auto settings = settings_of("{ anomaly: P1 }");
    ASSERT_TRUE(settings);
    std::vector<HistoryRow> rows;
    for (int i = 0; i < 60; ++i)
        rows.push_back({Time(1h) + i * 1min,
                        1min,
                        {{40, false, 0.05}, {70, false, 0.1}, {90, false, 0.2}, {99, false, 0.5}, {100, false, kInf}}});
    const std::string said = power_words(*settings, 1, rows);
    EXPECT_NE(said.find(" times the p95 would be found within "), std::string::npos) << said;
}

TEST(LivePower, without_a_test_or_with_too_little_nothing_is_said) {
    const auto fixed = settings_of("{ P1: [errors > 5% for 2m] }"), tested = settings_of("{ anomaly: P1 }");
    ASSERT_TRUE(fixed && tested);
    EXPECT_EQ(power_words(*fixed, 0, errors(60, 0.01)), "");
    EXPECT_EQ(power_words(*tested, 0, errors(5, 0.01)), "");
    EXPECT_EQ(power_words(*tested, 0, {}), "");
}

}  // namespace
}  // namespace revertd::ctl
