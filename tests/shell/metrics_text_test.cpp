// SPDX-License-Identifier: Apache-2.0
#include "daemon/shell/metrics_text.h"

#include <gtest/gtest.h>

#include "core/planner.h"

namespace revertd {
namespace {

class NoPlan final : public Planner {
    [[nodiscard]] Result<std::vector<PlannedStep>> plan(const PlanRequest&) const override {
        return std::vector<PlannedStep>{};
    }
};

std::size_t count(const std::string& text, const std::string& of) {
    std::size_t n = 0;
    for (auto at = text.find(of); at != std::string::npos; at = text.find(of, at + 1)) ++n;
    return n;
}

std::shared_ptr<const Settings> settings_of(int services) {
    Settings settings;
    for (int i = 0; i < services; ++i) {
        auto service = std::make_shared<ServiceSettings>();
        service->name = "s" + std::to_string(i);
        Rule rule;
        rule.text = R"(say "5%\" > 1)";
        service->rules = {rule, rule};  // the same sentence at two severities
        settings.services[service->name] = service;
    }
    return std::make_shared<const Settings>(settings);
}

struct Bed {
    explicit Bed(int services) : settings(settings_of(services)) {
        static_cast<void>(engine.step(event::Configured{settings}, Now{}));
    }

    [[nodiscard]] std::string text() const {
        MetricsInput input{meters, engine, {}, {}, 0};
        input.each_watched = [this](const auto& visit) {
            for (const auto& [name, service] : settings->services) {
                JudgeCounts counts;
                counts.rules = {{1, 0, 2, 0, 0, 0, 0, 0}, {1, 0, 0, 0, 0, 0, 0, 0}};
                visit({name, *service, std::move(counts), WallTime{}});
            }
        };
        return metrics_text(input);
    }

    NoPlan planner;
    Engine engine{planner, {}};
    std::shared_ptr<const Settings> settings;
    Meters meters;
};

TEST(MetricsText, AHeadStandsOnceHoweverManySeriesThereAre) {
    const std::string text = Bed(700).text();
    EXPECT_EQ(count(text, "# HELP revertd_guards_active "), 1U);
    EXPECT_EQ(count(text, "# TYPE revertd_guards_active "), 1U);
    EXPECT_EQ(count(text, "\nrevertd_guards_active{"), 700U);
    EXPECT_EQ(count(text, "\nrevertd_ready_to_rollback{"), 700U);
    EXPECT_EQ(count(text, "\nrevertd_approvals_pending{"), 700U);
}

TEST(MetricsText, OneSentenceAtTwoSeveritiesIsOneSeries) {
    const std::string text = Bed(1).text();
    EXPECT_NE(text.find(R"(revertd_evaluations_total{service="s0",rule="say \"5%\\\" > 1",verdict="ok"} 2)"),
              std::string::npos)
        << text;
    EXPECT_EQ(count(text, "verdict=\"no_data\"} 2"), 1U);
    EXPECT_EQ(count(text, "verdict=\"breach\"} 0"), 1U);
    EXPECT_EQ(count(text, "verdict=\"stale\""), 0U);  // has not happened
}

TEST(MetricsText, ASignalThatWasNeverSeenHasNoTime) {
    EXPECT_EQ(count(Bed(1).text(), "revertd_signal_last_success_timestamp_seconds"), 0U);
}

TEST(Histogram, BoundsAreInclusiveAndNothingIsLost) {
    Histogram of({0.1, 1});
    of.observe(100ms);
    of.observe(101ms);
    of.observe(5s);
    EXPECT_EQ(of.counts(), (std::vector<std::uint64_t>{1, 1, 1}));
    EXPECT_NEAR(of.sum(), 5.201, 1e-9);
}

TEST(Meters, WhatWasCountedGoesWithItsService) {
    Meters meters;
    State state;
    GuardOpened opened;
    opened.deploy = "d-1", opened.service = "s0", opened.version = "v1";
    state.apply({1, Time{}, WallTime{}, opened});
    GuardClosed closed;
    closed.deploy = "d-1", closed.exit_code = 14;
    const Record record{2, Time{}, WallTime{}, closed};
    state.apply(record);
    meters.take(record, state);
    EXPECT_EQ(meters.services().at("s0").deploys.at("inconclusive"), 1U);
    meters.keep(*settings_of(1));
    EXPECT_EQ(meters.services().size(), 1U);
    meters.keep(Settings{});
    EXPECT_TRUE(meters.services().empty());
}

}  // namespace
}  // namespace revertd
