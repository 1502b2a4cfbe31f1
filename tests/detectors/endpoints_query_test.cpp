// SPDX-License-Identifier: Apache-2.0
// Errors by endpoint of a ratio that a Prometheus adds up: as those of a direct scrape.
#include <gtest/gtest.h>

#include <random>

#include "detectors/registry.h"
#include "tests/detectors/detector_bed.h"

namespace revertd {
namespace {

constexpr std::size_t kEndpoints = 10;
constexpr double kRequests = 1000, kRate = 0.003;  // a slot

/// What the ten do in one slot; the last one has 1 % of the traffic.
struct Counts {
    std::array<double, kEndpoints> requests{}, bad{};
};

class Traffic {
  public:
    Counts slot(double rate_of_last) {
        Counts counts;
        for (std::size_t i = 0; i < kEndpoints; ++i) {
            const bool last = i + 1 == kEndpoints;
            const double share = last ? 0.01 : 0.99 / (kEndpoints - 1);
            const int requests = std::poisson_distribution<int>(share * kRequests)(random_);
            counts.requests[i] = requests;
            counts.bad[i] = std::binomial_distribution<int>(requests, last ? rate_of_last : kRate)(random_);
        }
        return counts;
    }

  private:
    std::mt19937_64 random_{20'261'128};
};

class Queried {
  public:
    explicit Queried(bool control = false) : settings_(settings_of(control)), judge_(settings_) {
        judge_.set_phase({JudgePhase::Kind::Good, at_, at_});
    }

    void slot(const Counts& counts, const std::optional<Counts>& control = {}) {
        at_ += settings_->interval;
        tell(0, counts);
        if (control) tell(1, *control);
        remember(counts);
        judge_.close_slot(at_);
    }

    /// A canary that is not there yet.
    void slot_of_control(const Counts& counts) {
        at_ += settings_->interval;
        judge_.query(
            0, {.verdict = Verdict::Ok, .values = {}, .endpoints = {}, .span = settings_->interval, .reason = {}}, at_);
        tell(1, counts);
        remember(counts);
        judge_.close_slot(at_);
    }

    void deploy() {
        deployed_ = true;
        judge_.freeze_baseline(at_);
        judge_.set_phase({JudgePhase::Kind::Baking, at_, at_});
    }

    /// The answer to what was before.
    void tell_before(std::uint32_t signal = 0) {
        std::vector<EndpointCell> cells;
        for (std::size_t i = 0; i < kEndpoints; ++i) {
            const EndpointIndex endpoint = name(i);
            cells.push_back({endpoint, false, before_.requests[i]});
            cells.push_back({endpoint, true, before_.bad[i]});
        }
        judge_.endpoints_before(signal, cells);
    }

    void tell_nothing_before(std::uint32_t signal) { judge_.endpoints_before(signal, {}); }

    void restart() {
        const std::string record = judge_.save();
        judge_ = Judge(settings_);
        ASSERT_TRUE(judge_.restore(record, at_));
    }

    [[nodiscard]] RuleChange rule() const { return judge_.view().rules.at(0); }

  private:
    static std::shared_ptr<const ServiceSettings> settings_of(bool control) {
        Rule rule;
        rule.kind = Rule::Kind::Detector;
        rule.arguments = {0.001, 0, 0};
        rule.text = "errors worse than baseline";
        rule.detector = *std::ranges::find(detectors::all(), std::string_view("worse"), &DetectorKind::name);
        ServiceSettings made = service({rule}, 0);
        made.signals[0].source = Signal::Source::Prometheus;
        if (control) {
            made.signals.push_back(made.signals[0]);
            made.signals[0].control = 1;
            made.signals[1].is_control = true;
        }
        return std::make_shared<const ServiceSettings>(std::move(made));
    }

    [[nodiscard]] EndpointIndex name(std::size_t i) { return judge_.name_endpoint("/route/" + std::to_string(i)); }

    void tell(std::uint32_t signal, const Counts& counts) {
        const double slot = std::chrono::duration<double>(settings_->interval).count();
        double all = 0, bad = 0;
        std::vector<EndpointCell> endpoints;
        for (std::size_t i = 0; i < kEndpoints; ++i) {
            all += counts.requests[i] / slot, bad += counts.bad[i] / slot;
            endpoints.push_back({name(i), false, counts.requests[i] / slot});
            endpoints.push_back({name(i), true, counts.bad[i] / slot});
        }
        const std::vector<QueryCell> cells{{all, false, 0}, {bad, true, 0}};
        judge_.query(signal,
                     {.verdict = Verdict::Ok,
                      .values = cells,
                      .endpoints = endpoints,
                      .span = settings_->interval,
                      .reason = {}},
                     at_);
    }

    void remember(const Counts& counts) {
        for (std::size_t i = 0; !deployed_ && i < kEndpoints; ++i)
            before_.requests[i] += counts.requests[i], before_.bad[i] += counts.bad[i];
    }

    std::shared_ptr<const ServiceSettings> settings_;
    Judge judge_;
    Counts before_;
    bool deployed_ = false;
    Time at_{1h};
};

int until_breach(Queried& bed, Traffic& traffic, double rate_of_last, std::optional<double> control = {}) {
    for (int i = 1; i <= 120; ++i) {
        if (control)
            bed.slot(traffic.slot(rate_of_last), traffic.slot(*control));
        else
            bed.slot(traffic.slot(rate_of_last));
        if (bed.rule().verdict == Verdict::Breach) return i;
    }
    return 1000;
}

TEST(EndpointsQuery, one_of_ten_is_found_as_soon_as_by_a_direct_scrape) {
    Traffic traffic;
    Queried bed;
    DetectorBed direct("worse", {0.001, 0, 0}, ratio_signal());
    std::array<std::string, kEndpoints> names;  // the bed keeps views of them
    for (std::size_t i = 0; i < kEndpoints; ++i) names[i] = "/route/" + std::to_string(i);
    direct.judge.set_phase({JudgePhase::Kind::Good, direct.at, direct.at});
    const auto both = [&](double rate_of_last) {
        const Counts counts = traffic.slot(rate_of_last);
        bed.slot(counts);
        for (std::size_t i = 0; i < kEndpoints; ++i) {
            *direct.series(0, 10 * i, {.endpoint = names[i]}) += counts.requests[i];
            *direct.series(0, 10 * i + 1, {.bad = true, .endpoint = names[i]}) += counts.bad[i];
        }
        direct.JudgeBed::slot();
    };
    for (int i = 0; i < 60; ++i) both(kRate);
    bed.deploy();
    direct.judge.freeze_baseline(direct.at);
    direct.bake();
    bed.tell_before();
    for (int i = 0; i < 30; ++i) both(kRate);
    EXPECT_EQ(bed.rule().verdict, Verdict::Ok) << bed.rule().words;
    int one = 0, other = 0;
    for (int i = 1; i <= 60; ++i) {
        both(0.2);
        if (one == 0 && bed.rule().verdict == Verdict::Breach) one = i;
        if (other == 0 && direct.verdict() == Verdict::Breach) other = i;
    }
    EXPECT_GT(one, 0);
    EXPECT_LE(std::abs(one - other), 1) << one << " / " << other;
    EXPECT_NE(bed.rule().words.find("endpoint /route/9: "), std::string::npos) << bed.rule().words;
}

TEST(EndpointsQuery, what_was_before_may_be_told_late) {
    Traffic traffic;
    Queried bed;
    for (int i = 0; i < 60; ++i) bed.slot(traffic.slot(kRate));
    Queried never = std::move(bed);
    Queried late;
    for (int i = 0; i < 60; ++i) late.slot(traffic.slot(kRate));
    late.deploy();
    never.deploy();
    for (int i = 0; i < 20; ++i) late.slot(traffic.slot(0.2)), never.slot(traffic.slot(0.2));
    EXPECT_EQ(late.rule().verdict, Verdict::Ok) << "in total it hardly shows";
    late.tell_before();
    EXPECT_LE(until_breach(late, traffic, 0.2), 20);
    EXPECT_NE(late.rule().words.find("endpoint /route/9: "), std::string::npos) << late.rule().words;
    for (int i = 0; i < 20; ++i) never.slot(traffic.slot(0.2));
    EXPECT_EQ(never.rule().verdict, Verdict::Ok) << never.rule().words;
}

TEST(EndpointsQuery, a_new_canary_is_compared_with_its_control_group) {
    Traffic traffic;
    Queried bed(true);
    for (int i = 0; i < 60; ++i) bed.slot_of_control(traffic.slot(kRate));
    bed.deploy();
    bed.slot(traffic.slot(kRate), traffic.slot(kRate));
    bed.tell_nothing_before(0);  // its answer may be the first
    bed.slot(traffic.slot(kRate), traffic.slot(kRate));
    bed.tell_before(1);
    EXPECT_LE(until_breach(bed, traffic, 0.2, kRate), 40);
    EXPECT_NE(bed.rule().words.find("endpoint /route/9: "), std::string::npos) << bed.rule().words;
}

TEST(EndpointsQuery, an_endpoint_that_both_groups_have_trouble_with_is_no_finding) {
    Traffic traffic;
    Queried bed(true);
    for (int i = 0; i < 60; ++i) bed.slot_of_control(traffic.slot(kRate));
    bed.deploy();
    bed.slot(traffic.slot(kRate), traffic.slot(kRate));
    bed.tell_nothing_before(0);
    bed.tell_before(1);
    EXPECT_EQ(until_breach(bed, traffic, 0.2, 0.2), 1000) << bed.rule().words;
}

TEST(EndpointsQuery, a_restart_in_mid_bake_knows_which_is_which) {
    Traffic traffic;
    Queried bed;
    for (int i = 0; i < 60; ++i) bed.slot(traffic.slot(kRate));
    bed.deploy();
    bed.tell_before();
    for (int i = 0; i < 10; ++i) bed.slot(traffic.slot(kRate));
    bed.restart();
    bed.slot(traffic.slot(0.2));
    bed.tell_before();  // asked anew
    EXPECT_LE(until_breach(bed, traffic, 0.2), 30);
    EXPECT_NE(bed.rule().words.find("endpoint /route/9: "), std::string::npos) << bed.rule().words;
}

TEST(EndpointsQuery, more_endpoints_than_are_kept_are_none) {
    Judge judge(std::make_shared<const ServiceSettings>(service({})));
    for (std::size_t i = 0; i < EndpointCounts::kMost; ++i) EXPECT_EQ(judge.name_endpoint(std::to_string(i)), i + 1);
    EXPECT_EQ(judge.name_endpoint("more"), 0);
    EXPECT_EQ(judge.name_endpoint("7"), 8);
}

}  // namespace
}  // namespace revertd
