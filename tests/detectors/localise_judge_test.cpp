// SPDX-License-Identifier: Apache-2.0
// One bad place, through a whole Judge and the test that finds it: is it ranked first at the moment of the breach?
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "detectors/localise.h"
#include "detectors/registry.h"
#include "tests/core/judge_bed.h"

namespace revertd {
namespace {

constexpr std::size_t kRoutes = 10, kZones = 3;
constexpr std::array<std::string_view, kRoutes> kRouteNames = {"/a", "/b", "/c", "/d", "/e",
                                                               "/f", "/g", "/h", "/i", "/j"};
constexpr std::array<std::string_view, kZones> kZoneNames = {"north", "south", "west"};
constexpr std::array<double, 9> kEdges = {0.02, 0.04, 0.08, 0.15, 0.3, 0.6, 1.2, 2.5, INFINITY};

/// What is bad in a deploy, and how the traffic lies.
struct Variant {
    const char* name;
    std::size_t hosts = 3;
    double uneven = 0;                              ///< standard deviation of the logarithm of a route's traffic
    double bad_share = 0;                           ///< of the traffic, that the bad route has; 0: as it comes
    bool route = true, zone = false, host = false;  ///< what the bad requests have in common
    bool latency = false, zone_first = false;
    double factor = 0;  ///< times the errors or the latency; 0: drawn
};

class Deploy {
  public:
    Deploy(const Variant& variant, std::uint64_t seed)
        : v_(variant),
          random_(seed),
          bed_(made(variant)),
          bad_route_(seed % kRoutes),
          bad_zone_(seed % kZones),
          bad_host_(seed % variant.hosts) {
        double sum = 0;
        for (double& w : weights_) sum += w = std::exp(v_.uneven * normal());
        for (double& w : weights_) w /= sum;
        if (v_.bad_share > 0) {
            const double left = 1 - weights_[bad_route_];
            for (double& w : weights_) w *= (1 - v_.bad_share) / left;
            weights_[bad_route_] = v_.bad_share;
        }
        for (double& r : rates_) r = std::min(0.05, 0.004 * std::exp(0.6 * normal()));
        const double all = std::exp(std::uniform_real_distribution<>(std::log(50.0), std::log(2000.0))(random_));
        requests_ = 5 * all;
        factor_ = v_.factor > 0 ? v_.factor
                                : std::exp(std::uniform_real_distribution<>(std::log(v_.latency ? 1.6 : 4),
                                                                            std::log(v_.latency ? 5 : 60))(random_));
        bed_.judge.set_phase({JudgePhase::Kind::Good, bed_.at, bed_.at});
    }

    /// The first place of each label, those that explain most first; nothing `said`: the change was not found.
    std::vector<PlaceShare> find(std::string& said) {
        for (int i = 0; i < 240; ++i) slot(false);
        bed_.judge.freeze_baseline(bed_.at);
        bed_.bake();
        slot(false);
        describe();
        for (int i = 0; i < 180; ++i) {
            slot(true);
            if (bed_.verdict() != Verdict::Breach) continue;
            const PlaceTable table = bed_.judge.places(0);
            const auto found = detect::localise(table);
            said = bed_.words() + "; " + detect::words(found, table);
            std::vector<PlaceShare> out;
            for (const auto& label : found.labels)
                if (!label.of_bad) out.push_back(label.places.front());
            return out;
        }
        return {};
    }

    [[nodiscard]] std::string right() const {
        if (v_.route) return std::string(kRouteNames[bad_route_]);
        if (v_.zone) return std::string(kZoneNames[bad_zone_]);
        return "10.0.0." + std::to_string(bad_host_ + 1) + ":80";
    }

    [[nodiscard]] std::string second() const { return std::string(kZoneNames[bad_zone_]); }

  private:
    static ServiceSettings made(const Variant& variant) {
        Rule rule;
        rule.kind = Rule::Kind::Detector;
        rule.arguments = {0.001, 0, 0};
        rule.text = "worse than baseline";
        rule.detector = *std::ranges::find(detectors::all(), std::string_view("worse"), &DetectorKind::name);
        ServiceSettings settings = service({rule}, variant.hosts);
        settings.baseline = 20min, settings.bake = 15min;
        if (variant.latency) settings.signals = {signal_of(Signal::Kind::Quantile, "p95", Unit::Seconds)};
        return settings;
    }

    double normal() { return std::normal_distribution<>()(random_); }

    [[nodiscard]] bool is_bad(std::size_t host, std::size_t route, std::size_t zone) const {
        return (!v_.route || route == bad_route_) && (!v_.zone || zone == bad_zone_) && (!v_.host || host == bad_host_);
    }

    void slot(bool worse) {
        const double clump = std::gamma_distribution<>(20, 1.0 / 20)(random_);
        for (std::size_t host = 0; host < v_.hosts; ++host)
            for (std::size_t route = 0; route < kRoutes; ++route)
                for (std::size_t zone = 0; zone < kZones; ++zone) {
                    const double factor = worse && is_bad(host, route, zone) ? factor_ : 1;
                    const double mean = requests_ * weights_[route] / static_cast<double>(v_.hosts * kZones);
                    const int all = std::poisson_distribution<int>(mean)(random_);
                    const std::uint64_t id = 1 + zone + kZones * route;
                    if (v_.latency) {
                        serve_latency(host, id, all, factor);
                    } else {
                        const double rate = std::min(0.95, rates_[route] * factor * clump);
                        serve(host, route, id, all, std::binomial_distribution<int>(all, rate)(random_));
                    }
                }
        bed_.slot();
    }

    void serve(std::size_t host, std::size_t route, std::uint64_t id, int all, int bad) {
        const std::string_view endpoint = kRouteNames[route];
        *bed_.series(host, 2 * id, {.endpoint = endpoint}) += all - bad;
        *bed_.series(host, 2 * id + 1, {.endpoint = endpoint}) += bad;
        *bed_.series(host, 2 * id + 1, {.bad = true, .endpoint = endpoint}) += bad;
    }

    void serve_latency(std::size_t host, std::uint64_t id, int all, double factor) {
        double below = 0;
        int left = all, cumulated = 0;
        for (std::size_t e = 0; e < kEdges.size(); ++e) {
            const double cdf = std::isinf(kEdges[e])
                                   ? 1
                                   : 0.5 * std::erfc(-(std::log(kEdges[e] / (0.06 * factor)) / 0.7) / std::sqrt(2.0));
            const double share = below < 1 ? std::clamp((cdf - below) / (1 - below), 0.0, 1.0) : 1;
            const int n = left > 0 ? std::binomial_distribution<int>(left, share)(random_) : 0;
            left -= n, cumulated += n, below = cdf;
            *bed_.series(host, 100 * id + e, {.le = kEdges[e]}) += cumulated;
        }
    }

    void describe() {
        for (std::size_t host = 0; host < v_.hosts; ++host)
            for (const JudgeBed::Series& one : bed_.targets[host].series) {
                const std::uint64_t id = (v_.latency ? one.hash / 100 : one.hash / 2) - 1;
                const std::string_view route = kRouteNames[id / kZones], zone = kZoneNames[id % kZones];
                std::vector<std::pair<std::string_view, std::string_view>> labels{{"route", route}, {"zone", zone}};
                if (v_.zone_first) std::swap(labels[0], labels[1]);
                if (!v_.latency) labels.insert(labels.begin(), {"code", one.hash % 2 == 1 ? "500" : "200"});
                bed_.judge.describe(bed_.judge.add_series(static_cast<TargetIndex>(host), one.hash, one.role), labels);
            }
    }

    Variant v_;
    std::mt19937_64 random_;
    JudgeBed bed_;
    std::size_t bad_route_, bad_zone_, bad_host_;
    std::array<double, kRoutes> weights_{}, rates_{};
    double requests_ = 0, factor_ = 1;
};

constexpr std::array kVariants = {
    Variant{.name = "one route of ten"},
    Variant{.name = "uneven traffic", .uneven = 1.2},
    Variant{.name = "1 % of the traffic", .uneven = 0.8, .bad_share = 0.01, .factor = 150},
    Variant{.name = "zone before route", .zone_first = true},
    Variant{.name = "a route in a zone", .uneven = 0.6, .zone = true},
    Variant{.name = "one host of ten", .hosts = 10, .uneven = 0.6, .route = false, .host = true},
    Variant{.name = "one zone", .uneven = 0.6, .route = false, .zone = true},
    Variant{.name = "slow route", .uneven = 0.6, .latency = true},
    Variant{.name = "slow host", .uneven = 0.6, .route = false, .host = true, .latency = true},
    Variant{.name = "slow zone", .uneven = 0.6, .route = false, .zone = true, .latency = true},
};

/// For a figure: REVERTD_DEPLOYS=200 detectors_test --gtest_filter='LocaliseJudge*'
int deploys() {
    const char* wanted = std::getenv("REVERTD_DEPLOYS");
    return wanted == nullptr ? 12 : std::max(12, std::atoi(wanted));
}

TEST(LocaliseJudge, one_bad_place_is_ranked_first) {
    for (const Variant& variant : kVariants) {
        int found = 0, first = 0, both = 0;
        for (int i = 0; i < deploys(); ++i) {
            Deploy deploy(variant, 1000 + static_cast<std::uint64_t>(i));
            std::string said;
            const auto places = deploy.find(said);
            if (said.empty()) continue;
            ++found;
            const auto is = [&](std::size_t at, const std::string& value) {
                return places.size() > at && places[at].value == value;
            };
            // Of a route in a zone either may come first, if the other one follows.
            const bool pair = is(0, deploy.second()) && is(1, deploy.right());
            const bool right = is(0, deploy.right()) || (variant.route && variant.zone && pair);
            first += right ? 1 : 0;
            both += pair || is(1, deploy.second()) ? 1 : 0;
            if (!right) std::printf("  %s, not: %s\n", deploy.right().c_str(), said.c_str());
        }
        std::printf("%-20s %d of %d found, %d ranked first\n", variant.name, found, deploys(), first);
        EXPECT_GE(found, deploys() / 2) << variant.name;
        EXPECT_GE(first, found * 95 / 100.0) << variant.name;
        if (variant.route && variant.zone) {
            EXPECT_GE(both, found / 2) << variant.name;
        }
    }
}

}  // namespace
}  // namespace revertd
