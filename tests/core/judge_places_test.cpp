// SPDX-License-Identifier: Apache-2.0
// What a Judge knows of where its signals come from: requests by label, before the deploy and since.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/core/judge_bed.h"

namespace revertd {
namespace {

using Labels = std::vector<std::pair<std::string_view, std::string_view>>;

/// Two targets with two routes each.
class Places : public ::testing::Test {
  protected:
    Places() : bed(service({above(0.05)}, 2)) { bed.judge.set_phase({JudgePhase::Kind::Good, bed.at, bed.at}); }

    /// A slot in which both targets answer 100 requests a route, so many of them bad.
    void slot(double bad_a, double bad_b) {
        for (std::size_t target = 0; target < 2; ++target) {
            *bed.series(target, 1, {}) += 100 - bad_a;
            *bed.series(target, 2, {}) += bad_a;
            *bed.series(target, 2, {.bad = true}) += bad_a;
            *bed.series(target, 3, {}) += 100 - bad_b;
            *bed.series(target, 4, {}) += bad_b;
            *bed.series(target, 4, {.bad = true}) += bad_b;
        }
        bed.slot();
    }

    void describe() {
        const auto tell = [this](TargetIndex target, std::uint64_t hash, bool bad, const Labels& labels) {
            bed.judge.describe(bed.judge.add_series(target, hash, {.bad = bad}), labels);
        };
        for (TargetIndex target = 0; target < 2; ++target) {
            tell(target, 1, false, {{"code", "200"}, {"route", "/a"}});
            tell(target, 3, false, {{"code", "200"}, {"route", "/b"}});
            for (const bool bad : {false, true}) {
                tell(target, 2, bad, {{"code", "500"}, {"route", "/a"}});
                tell(target, 4, bad, {{"code", "500"}, {"route", "/b"}});
            }
        }
    }

    void deploy() {
        bed.judge.freeze_baseline(bed.at);
        bed.bake();
        describe();
    }

    [[nodiscard]] Place place(const std::string& label, const std::string& value) const {
        const PlaceTable table = bed.judge.places(0);
        const auto found = std::ranges::find(table.labels, label, &PlaceLabel::label);
        if (found == table.labels.end()) return {};
        const auto one = std::ranges::find(found->places, value, &Place::value);
        return one == found->places.end() ? Place{} : *one;
    }

    JudgeBed bed;
};

TEST_F(Places, labels_are_wanted_while_a_deploy_is_watched) {
    EXPECT_FALSE(bed.judge.wants_labels());
    slot(1, 1);
    deploy();
    EXPECT_TRUE(bed.judge.wants_labels());
    bed.judge.set_phase({JudgePhase::Kind::Good, bed.at, bed.at});
    EXPECT_FALSE(bed.judge.wants_labels());
    EXPECT_TRUE(bed.judge.places(0).labels.empty());
}

TEST_F(Places, requests_are_divided_by_label_and_target_before_and_since) {
    for (int i = 0; i < 19; ++i) slot(1, 2);  // the first sets values only, and the last seven may be of a new version
    deploy();
    for (int i = 0; i < 5; ++i) slot(1, 40);
    const Place a = place("route", "/a"), b = place("route", "/b"), one = place("instance", "10.0.0.1:80");
    EXPECT_NEAR(a.before.requests, 2200, 22);
    EXPECT_NEAR(a.before.bad, 22, 0.22);
    EXPECT_NEAR(b.before.bad, 44, 0.44);
    EXPECT_DOUBLE_EQ(a.now.requests, 1000);
    EXPECT_DOUBLE_EQ(b.now.requests, 1000);
    EXPECT_DOUBLE_EQ(b.now.bad, 400);
    EXPECT_DOUBLE_EQ(one.now.requests, 1000);
    EXPECT_DOUBLE_EQ(one.now.bad, 205);
    EXPECT_DOUBLE_EQ(bed.judge.places(0).now.bad, 410);
}

TEST_F(Places, a_counter_that_leaps_beyond_a_float_leaves_finite_counts) {
    for (int i = 0; i < 10; ++i) slot(1, 2);
    *bed.series(0, 1, {}) += 1e300;
    for (int i = 0; i < 10; ++i) slot(1, 2);
    deploy();
    slot(1, 2);
    EXPECT_GT(place("route", "/a").before.requests, 1e29);
    EXPECT_TRUE(std::isfinite(place("route", "/a").before.requests));
}

TEST_F(Places, what_failed_while_it_started_up_is_forgotten_when_the_warm_up_ends) {
    for (int i = 0; i < 5; ++i) slot(1, 1);
    bed.judge.freeze_baseline(bed.at);
    bed.bake(20s);
    describe();
    for (int i = 0; i < 3; ++i) slot(60, 60);
    EXPECT_GT(place("route", "/a").now.bad, 100);
    for (int i = 0; i < 10; ++i) slot(1, i < 4 ? 1 : 40);
    EXPECT_LT(place("route", "/a").now.bad, 30);
    EXPECT_GT(place("route", "/b").now.bad, 300);
}

TEST_F(Places, the_label_that_says_what_is_bad_is_known_as_such) {
    for (int i = 0; i < 5; ++i) slot(1, 1);
    deploy();
    for (int i = 0; i < 5; ++i) slot(1, 40);
    for (const PlaceLabel& label : bed.judge.places(0).labels) EXPECT_EQ(label.of_bad, label.label == "code");
}

TEST_F(Places, a_restart_keeps_the_counts_and_asks_for_the_labels_again) {
    for (int i = 0; i < 19; ++i) slot(1, 2);
    deploy();
    for (int i = 0; i < 5; ++i) slot(1, 40);
    const std::string record = bed.judge.save();
    bed.judge = Judge(std::make_shared<const ServiceSettings>(bed.settings()));
    ASSERT_TRUE(bed.judge.restore(record, bed.at));
    EXPECT_TRUE(bed.judge.wants_labels());
    describe();
    EXPECT_DOUBLE_EQ(place("route", "/b").now.bad, 400);
    EXPECT_NEAR(place("route", "/b").before.bad, 44, 0.44);
}

TEST_F(Places, a_label_with_too_many_values_is_an_id_and_no_place) {
    slot(1, 1);
    bed.bake();
    std::vector<std::string> ids;
    for (int i = 0; i < 400; ++i) ids.push_back("id" + std::to_string(i));
    for (std::uint64_t i = 0; i < ids.size(); ++i) {
        *bed.series(0, 1000 + i, {}) = 0;
        bed.judge.describe(bed.judge.add_series(0, 1000 + i, {}), {{"trace", ids[i]}});
    }
    for (int slots = 0; slots < 3; ++slots) {
        for (std::uint64_t i = 0; i < ids.size(); ++i) *bed.series(0, 1000 + i, {}) += 1;
        slot(1, 1);
    }
    EXPECT_GT(bed.judge.places(0).now.requests, 400);
    for (const PlaceLabel& label : bed.judge.places(0).labels) EXPECT_NE(label.label, "trace");
}

TEST_F(Places, a_quantile_counts_the_requests_beyond_the_edge_where_the_difference_is_clearest) {
    ServiceSettings settings = service({above(0.5)});
    settings.signals = {signal_of(Signal::Kind::Quantile, "p95", Unit::Seconds)};
    JudgeBed slow(settings);
    const auto histogram = [&slow](std::uint64_t route, double fast, double middle, double all) {
        for (const auto& [le, more] : {std::pair{0.1, fast}, {0.5, middle}, {kInf, all}}) {
            const SeriesRole role{.le = le};
            *slow.series(0, route * 10 + static_cast<std::uint64_t>(std::min(le, 2.0) * 4), role) += more;
        }
    };
    const auto slots = [&](int n, double middle) {
        for (int i = 0; i < n; ++i) histogram(1, 90, 98, 100), histogram(2, 90, middle, 100), slow.slot();
    };
    slow.judge.set_phase({JudgePhase::Kind::Good, slow.at, slow.at});
    slots(19, 98);
    slow.bake();
    for (const std::uint64_t route : {1U, 2U})
        for (const double le : {0.1, 0.5, kInf}) {
            const std::uint64_t hash = route * 10 + static_cast<std::uint64_t>(std::min(le, 2.0) * 4);
            slow.judge.describe(slow.judge.add_series(0, hash, {.le = le}), {{"route", route == 1 ? "/a" : "/b"}});
        }
    slots(5, 90);
    const PlaceTable table = slow.judge.places(0);
    EXPECT_DOUBLE_EQ(table.edge, 0.5);
    ASSERT_EQ(table.labels.size(), 1U);
    EXPECT_DOUBLE_EQ(table.labels[0].places[0].now.bad, 10);
    EXPECT_DOUBLE_EQ(table.labels[0].places[1].now.bad, 50);
    EXPECT_DOUBLE_EQ(table.labels[0].places[1].now.requests, 500);
    EXPECT_NEAR(table.labels[0].places[1].before.bad, 22, 0.22);
}

TEST_F(Places, a_rule_that_holds_brings_how_its_signal_went) {
    for (int i = 0; i < 40; ++i) slot(1, 1);
    deploy();
    std::vector<TracePoint> trace;
    for (int i = 0; i < 20; ++i) {
        slot(1, i < 10 ? 1 : 60);
        for (const RuleChange& change : bed.last().changes)
            if (change.holds) trace = change.trace;
    }
    ASSERT_GT(trace.size(), 10U);
    EXPECT_TRUE(std::ranges::is_sorted(trace, {}, &TracePoint::at));
    EXPECT_NEAR(trace.front().value, 0.01, 1e-6);
    EXPECT_GT(trace.back().value, 0.1);  // of a block that began before
}

}  // namespace
}  // namespace revertd
