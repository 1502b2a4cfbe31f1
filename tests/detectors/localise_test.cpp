// SPDX-License-Identifier: Apache-2.0
// Where the damage is, in cases whose truth is known: one bad value of ten, all alike, and what lies between.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>

#include "detectors/localise.h"

namespace revertd::detect {
namespace {

/// Ten routes over three instances, as services have them: traffic and error rates differ by a factor of ten and more.
class Case {
  public:
    explicit Case(std::uint64_t seed) : random_(seed) {
        for (double& weight : weights_) weight = std::exp(1.2 * normal());
        for (double& rate : rates_) rate = std::min(0.05, 0.003 * std::exp(0.8 * normal()));
        double total = 0;
        for (const double weight : weights_) total += weight;
        for (double& weight : weights_) weight /= total;
    }

    /// `factors` of the errors of each route, `more` errors a request everywhere; `noise`: healthy differences.
    PlaceTable table(double requests, const std::vector<double>& factors, double more = 0, double noise = 0.08) {
        PlaceTable table;
        PlaceLabel routes{"route", false, {}}, instances{"instance", false, {}}, codes{"code", true, {}};
        instances.places = {{"a:80", {}, {}}, {"b:80", {}, {}}, {"c:80", {}, {}}};
        codes.places = {{"200", {}, {}}, {"500", {}, {}}, {"503", {}, {}}};
        for (std::size_t route = 0; route < weights_.size(); ++route) {
            Place place{"/" + std::string(1, static_cast<char>('a' + route)), {}, {}};
            const double changed = rates_[route] * factors[route] * std::exp(noise * normal()) + more;
            for (Place& instance : instances.places) {
                const PlaceCounts before = counts(20 * requests * weights_[route] / 3, rates_[route]);
                const PlaceCounts now = counts(requests * weights_[route] / 3, std::min(0.95, changed));
                place.before += before, place.now += now;
                instance.before += before, instance.now += now;
                codes.places[0].before += {before.requests - before.bad, 0};
                codes.places[0].now += {now.requests - now.bad, 0};
                codes.places[1].before += {before.bad, before.bad};
                codes.places[2].now += {now.bad, now.bad};
                table.before += before, table.now += now;
            }
            routes.places.push_back(place);
        }
        table.labels = {routes, instances, codes};
        return table;
    }

    [[nodiscard]] double weight(std::size_t route) const { return weights_[route]; }

    [[nodiscard]] double rate(std::size_t route) const { return rates_[route]; }

  private:
    double normal() { return std::normal_distribution<>()(random_); }

    PlaceCounts counts(double mean, double rate) {
        const int requests = std::poisson_distribution<int>(mean)(random_);
        return {static_cast<double>(requests),
                static_cast<double>(std::binomial_distribution<int>(requests, rate)(random_))};
    }

    std::mt19937_64 random_;
    std::array<double, 10> weights_{}, rates_{};
};

constexpr int kCases = 400;

TEST(Localise, one_bad_route_of_ten_is_ranked_first) {
    int first = 0, named = 0;
    for (int i = 0; i < kCases; ++i) {
        Case one(1000 + static_cast<std::uint64_t>(i));
        const auto bad = static_cast<std::size_t>(i % 10);
        // As much as a detector needs to see it: five times the errors, and twenty more of them.
        const double factor = 1 + std::max(4.0, 20 / (6000 * one.weight(bad) * one.rate(bad)));
        std::vector<double> factors(10, 1.0);
        factors[bad] = factor;
        const auto table = one.table(6000, factors);
        const auto found = localise(table);
        if (found.labels.empty()) continue;
        const std::string worst = "/" + std::string(1, static_cast<char>('a' + bad));
        const auto& label = found.labels.front();
        const bool right = label.label == "route" && label.places.front().value == worst;
        first += right ? 1 : 0;
        named += right && label.shape == LabelDamage::Shape::Concentrated ? 1 : 0;
    }
    EXPECT_GE(first, kCases * 95 / 100) << first;
    // Where it has most of the traffic, "all by the same factor" fits as well: then none is named.
    EXPECT_GE(named, kCases * 85 / 100) << named;
}

TEST(Localise, when_all_are_worse_by_the_same_factor_none_is_named) {
    int named = 0, instances = 0;
    for (int i = 0; i < kCases; ++i) {
        const auto table = Case(5000 + static_cast<std::uint64_t>(i)).table(20000, std::vector<double>(10, 4.0));
        for (const auto& label : localise(table).labels) {
            if (label.of_bad || label.shape != LabelDamage::Shape::Concentrated) continue;
            ++(label.label == "route" ? named : instances);
        }
    }
    EXPECT_LE(named, kCases / 50) << named;
    EXPECT_LE(instances, kCases / 50) << instances;
}

TEST(Localise, when_all_have_as_many_more_a_request_none_is_named) {
    int named = 0;
    for (int i = 0; i < kCases; ++i) {
        const auto table = Case(9000 + static_cast<std::uint64_t>(i)).table(20000, std::vector<double>(10, 1.0), 0.03);
        for (const auto& label : localise(table).labels)
            named += !label.of_bad && label.shape == LabelDamage::Shape::Concentrated ? 1 : 0;
    }
    EXPECT_LE(named, kCases / 50) << named;
}

TEST(Localise, it_says_what_is_bad_and_what_is_not_affected) {
    std::vector<double> factors(10, 1.0);
    factors[3] = 60;
    const auto table = Case(3).table(2000000, factors, 0, 0);
    const auto found = localise(table);
    const std::string said = words(found, table);
    EXPECT_EQ(said.find("all of it in route=/d ("), 0U) << said;
    EXPECT_NE(said.find("; not affected: the other 9 of route"), std::string::npos) << said;
    EXPECT_NE(said.find("alike in every instance (3)"), std::string::npos) << said;
    EXPECT_NE(said.find("all of it with code=503"), std::string::npos) << said;
    ASSERT_FALSE(found.places().empty());
    EXPECT_EQ(found.places().front().value, "/d");
    EXPECT_GT(found.places().front().share, 0.9);
    EXPECT_TRUE(found.places().front().affected);
}

TEST(Localise, when_all_are_bad_it_says_so) {
    const auto table = Case(3).table(200000, std::vector<double>(10, 8.0));
    const std::string said = words(localise(table), table);
    EXPECT_EQ(said.find("no single place, alike in every "), 0U) << said;
    EXPECT_NE(said.find("route (10)"), std::string::npos) << said;
}

TEST(Localise, two_bad_ones_are_both_named_with_their_shares) {
    std::vector<double> factors(10, 1.0);
    factors[2] = 30, factors[7] = 30;
    const auto table = Case(4).table(200000, factors);
    const auto places = localise(table).places();
    ASSERT_GE(places.size(), 2U);
    std::vector<std::string> both{places[0].value, places[1].value};
    std::ranges::sort(both);
    EXPECT_EQ(both, (std::vector<std::string>{"/c", "/h"}));
    EXPECT_NEAR(places[0].share + places[1].share, 1, 0.1);
}

TEST(Localise, a_handful_of_errors_says_nothing) {
    const auto table = Case(5).table(300, std::vector<double>(10, 1.0));
    EXPECT_EQ(words(localise(table), table), "");
}

TEST(Localise, a_label_that_changes_with_the_version_says_nothing) {
    PlaceTable table = Case(6).table(200000, std::vector<double>(10, 8.0));
    PlaceLabel version{"version", false, {{"v1", table.before, {}}, {"v2", {}, table.now}}};
    table.labels.push_back(version);
    EXPECT_EQ(words(localise(table), table).find("version"), std::string::npos) << words(localise(table), table);
}

TEST(Localise, what_cannot_be_told_apart_is_not_called_alike) {
    PlaceTable table;
    PlaceLabel route{"route", false, {}};
    for (const double bad : {3.0, 2.0, 0.0, 0.0, 0.0}) {
        route.places.push_back({"/" + std::to_string(route.places.size()), {1000, 1}, {100, bad}});
        table.before += route.places.back().before, table.now += route.places.back().now;
    }
    table.labels = {route};
    EXPECT_EQ(words(localise(table), table).find("alike"), std::string::npos) << words(localise(table), table);
}

TEST(Localise, without_labels_nothing_is_said) {
    EXPECT_EQ(words(localise({}), {}), "");
}

}  // namespace
}  // namespace revertd::detect
