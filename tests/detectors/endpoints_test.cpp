// SPDX-License-Identifier: Apache-2.0
// Errors by endpoint in a Judge: one endpoint that breaks is found where the total hardly moves.
#include <gtest/gtest.h>

#include <random>

#include "tests/detectors/detector_bed.h"
#include "tests/io/counting_new.h"

namespace revertd {
namespace {

class Endpoints : public ::testing::Test {
  protected:
    static constexpr double kRequests = 1000;  // a slot

    explicit Endpoints(std::size_t many = 10) : bed("worse", {0.001, 0, 0}, ratio_signal()) {
        bed.judge.set_phase({JudgePhase::Kind::Good, bed.at, bed.at});
        for (std::size_t i = 0; i < many; ++i) names.push_back("/route/" + std::to_string(i));
    }

    /// The last one has 1 % of the traffic and fails with its own rate.
    void slots(int n, double rate, double rate_of_last) {
        for (int i = 0; i < n; ++i) {
            for (std::size_t e = 0; e < names.size(); ++e) {
                const bool last = e + 1 == names.size();
                const double share = last ? 0.01 : 0.99 / static_cast<double>(names.size() - 1);
                serve(e, std::poisson_distribution<int>(share * kRequests)(random), last ? rate_of_last : rate);
            }
            bed.JudgeBed::slot();
        }
    }

    void serve(std::size_t endpoint, int requests, double rate) {
        const int bad = std::binomial_distribution<int>(requests, rate)(random);
        *bed.series(0, 10 * endpoint, {.endpoint = names[endpoint]}) += requests - bad;
        if (bad == 0) return;
        *bed.series(0, 10 * endpoint + 1, {.endpoint = names[endpoint]}) += bad;
        *bed.series(0, 10 * endpoint + 2, {.bad = true, .endpoint = names[endpoint]}) += bad;
    }

    int until_breach(double rate_of_last) {
        for (int i = 1; i <= 180; ++i) {
            slots(1, 0.003, rate_of_last);
            if (bed.verdict() == Verdict::Breach) return i;
        }
        return 1000;
    }

    /// A process that starts anew shows no series of errors before its first one.
    void deploy() {
        bed.JudgeBed::restart();
        bed.judge.freeze_baseline(bed.at);
        bed.bake();
    }

    std::vector<std::string> names;
    DetectorBed bed;
    std::mt19937_64 random{20'261'128};
};

TEST_F(Endpoints, one_of_ten_with_a_hundredth_of_the_traffic_is_found_and_named) {
    slots(60, 0.003, 0.003);
    deploy();
    slots(30, 0.003, 0.003);
    EXPECT_EQ(bed.verdict(), Verdict::Ok) << bed.words();
    EXPECT_LE(until_breach(0.2), 30);
    EXPECT_NE(bed.words().find("endpoint /route/9: "), std::string::npos) << bed.words();
    EXPECT_NE(bed.words().find("odds against a healthy deploy 1 : "), std::string::npos) << bed.words();
}

TEST_F(Endpoints, a_restart_in_mid_bake_loses_nothing) {
    slots(60, 0.003, 0.003);
    deploy();
    slots(20, 0.003, 0.003);
    const int found = until_breach(0.2);
    ASSERT_LE(found, 30);
    const std::string words = bed.words();
    const auto odds = [](const std::string& text) { return text.substr(text.find("odds")); };
    bed.restart();
    slots(1, 0.003, 0.2);
    EXPECT_EQ(bed.verdict(), Verdict::Breach) << words << " / " << bed.words();
    EXPECT_NE(bed.words().find("endpoint /route/9: "), std::string::npos) << bed.words();
    EXPECT_FALSE(odds(bed.words()).empty());
}

TEST_F(Endpoints, what_failed_before_is_known_though_the_new_process_does_not_show_it_yet) {
    slots(60, 0.003, 0.2);
    deploy();
    EXPECT_EQ(until_breach(0.2), 1000) << bed.words();
}

TEST_F(Endpoints, one_that_is_new_has_nothing_to_be_compared_with) {
    slots(60, 0.003, 0.003);
    deploy();
    names.emplace_back("/new");
    EXPECT_EQ(until_breach(0.05), 1000) << bed.words();
}

class ManyEndpoints : public Endpoints {
  protected:
    ManyEndpoints() : Endpoints(300) {}
};

TEST_F(ManyEndpoints, a_label_with_hundreds_of_values_is_an_id_and_judged_in_total) {
    slots(60, 0.003, 0.003);
    deploy();
    EXPECT_EQ(until_breach(0.2), 1000) << bed.words();
    EXPECT_EQ(bed.verdict(), Verdict::Ok);
}

TEST_F(Endpoints, healthy_deploys_pass) {
    int alarms = 0;
    for (int deploys = 0; deploys < 40; ++deploys) {
        bed.judge.set_phase({JudgePhase::Kind::Good, bed.at, bed.at});
        slots(60, 0.003, 0.003);
        deploy();
        if (until_breach(0.003) < 1000) ++alarms;
    }
    EXPECT_EQ(alarms, 0);
}

TEST_F(Endpoints, a_slot_allocates_nothing_after_the_first) {
    slots(60, 0.01, 0.01);
    deploy();
    slots(40, 0.01, 0.01);
    std::vector<SeriesValue> values;
    for (const auto& series : bed.targets[0].series)
        values.push_back({bed.judge.add_series(0, series.hash, series.role), *series.value});
    const auto slot = [&] {
        for (std::size_t i = 0; i < values.size(); ++i)  // none of them fails
            if (bed.targets[0].series[i].hash % 10 == 0) values[i].value += 5;
        bed.at += 5s;
        bed.judge.health(0, {Health::Up, {}}, bed.at);
        bed.judge.scrape(0, {Verdict::Ok, values, {}}, bed.at);
        return bed.judge.close_slot(bed.at).changes.size();
    };
    std::size_t changes = slot() + slot();
    const std::size_t before = test::allocations();
    for (int i = 0; i < 20; ++i) changes += slot();
    EXPECT_LE(test::allocations() - before, 4U) << "20 rows that are kept for a restart, which grow by a quarter";
    EXPECT_EQ(changes, 0U);
}

}  // namespace
}  // namespace revertd
