// SPDX-License-Identifier: Apache-2.0
// The announced power of simulated services: what was learnt before the deploy announces an effect and a time, the
// deploy then has that very effect, and the test that everybody runs finds it in time or does not. The service goes
// through all that the simulator knows (hosts, drift, bursts, clumps), of which the announcement knows its history
// only.
#include "tests/detectors/deploys/calibrate.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/ctl/judge_case.h"
#include "detectors/power.h"
#include "tests/detectors/deploys/courses.h"
#include "tests/detectors/deploys/deploy.h"

namespace revertd::deploys {
namespace {

struct Found {
    int announced = 0, in_time = 0;

    void add(bool found) { ++announced, in_time += found ? 1 : 0; }

    [[nodiscard]] double percent() const { return 100.0 * in_time / std::max(1, announced); }
};

struct Tally {
    int services = 0, in_bake = 0;
    Found all, at_once, later;  ///< those two in times of their own
    double share = 0;
};

/// What a guard learns of a service before the deploy.
class Learning {
  public:
    Learning(const ctl::JudgeLine& header, bool latency, double alpha) : header_(header) {
        ticks_.latency = latency;
        ticks_.shape.bake = header.bake;
        ticks_.shape.interval = header.interval;
        ticks_.shape.alpha = alpha;
        if (latency) ticks_.shape.edges = header.edges;
    }

    void add(const ctl::JudgeLine& line) {
        if (known_) {
            ticks_.at.push_back(line.t - header_.deploy);
            ticks_.all.push_back({line.requests - last_.requests, line.errors - last_.errors});
            std::vector<double> buckets;
            for (std::size_t i = 0; i < line.buckets.size(); ++i) {
                const double below = i == 0 ? 0 : line.buckets[i - 1] - last_.buckets[i - 1];
                buckets.push_back(line.buckets[i] - last_.buckets[i] - below);
            }
            ticks_.buckets.push_back(std::move(buckets));
        }
        known_ = true;
        last_ = line;
    }

    [[nodiscard]] std::optional<detect::Power> power(std::uint64_t seed) const {
        return ticks_.all.empty() ? std::nullopt : detect::power_of(ticks_, seed);
    }

  private:
    ctl::JudgeLine header_, last_;
    bool known_ = false;
    detect::PowerTicks ticks_;
};

void one(const Family& family, std::uint64_t seed, bool latency, double alpha, Tally& tally) {
    Random random(seed);
    Spec spec = draw(family, random);
    if (spec.control) return;  // what is announced is about the time before
    const auto effect = std::make_shared<double>(1);
    // A third is bad at once, the others from some time in the first third of the bake on: what is announced is for
    // both.
    const double begins = random.chance(1.0 / 3) ? 0 : random.uniform(0, spec.bake / 3);
    const auto announced = std::make_shared<std::optional<detect::Power>>();
    Course& course = latency ? spec.fresh.latency : spec.fresh.errors;
    course = times(std::move(course), [effect, begins](double t) { return t > begins ? *effect : 1; });
    Deploy deploy(spec, random);
    std::optional<Learning> learning;
    std::unique_ptr<ctl::StreamCase> judged;
    std::optional<ctl::CaseVerdict> verdict;
    double start = 0;
    deploy.play("deploy", [&](const ctl::JudgeLine& line) {
        if (line.kind == ctl::JudgeLine::Kind::Case) {
            auto opened = ctl::JudgeCase::open(line, alpha);
            if (opened) judged = std::move(*opened);
            learning.emplace(line, latency, alpha);
            start = line.deploy;
            return;
        }
        if (line.kind == ctl::JudgeLine::Kind::End || !judged || verdict) return;
        if (line.t - start < 1e-6) learning->add(line);
        // The last scrape before the deploy: what comes has the effect that is announced now.
        if (std::abs(line.t - start) < spec.interval / 2 && !*announced) {
            *announced = learning->power(seed);
            if (*announced) *effect = (*announced)->effect;
        }
        if (auto decided = judged->sample(line); decided && *decided) verdict = std::move(*decided);
    });
    ++tally.services;
    if (!*announced) return;
    tally.share += (*announced)->share;
    const bool found = verdict && verdict->verdict == "rollback";
    const double took = found ? verdict->t - start - begins - spec.interval / 2 : INFINITY;
    tally.in_bake += found ? 1 : 0;
    tally.all.add(took <= (*announced)->within);
    (begins > 0 ? tally.later : tally.at_once)
        .add(took <= (begins > 0 ? (*announced)->later : (*announced)->from_start));
}

}  // namespace

int calibrate(int each, std::uint64_t seed, double alpha) {
    int said = 0;
    std::printf(
        "| family | of | services | announced | announced share | found in time | at once, in its time | later, in its "
        "time | found "
        "within the bake |\n");
    for (const bool latency : {false, true}) {
        for (std::size_t f = 0; f < families().size(); ++f) {
            const Family& family = families()[f];
            if (family.bad) continue;
            constexpr std::string_view kOrdinary[] = {"steady", "busy", "low traffic", "daily load", "clumped errors"};
            if (std::find(std::begin(kOrdinary), std::end(kOrdinary), family.name) == std::end(kOrdinary)) continue;
            Tally tally;
            for (int i = 0; i < each; ++i)
                one(family, seed * 1000003 + f * 7919 + static_cast<std::uint64_t>(i) * 15485863, latency, alpha,
                    tally);
            said += tally.all.announced;
            const double n = std::max(1, tally.all.announced);
            std::printf(
                "| %-14s | %-7s | %5d | %5d | %5.1f %% | %5.1f %% | %5.1f %% of %d | %5.1f %% of %d | %5.1f %% |\n",
                std::string(family.name).c_str(), latency ? "latency" : "errors", tally.services, tally.all.announced,
                100 * tally.share / n, tally.all.percent(), tally.at_once.percent(), tally.at_once.announced,
                tally.later.percent(), tally.later.announced, 100 * tally.in_bake / n);
            std::fflush(stdout);
        }
    }
    return said > 0 ? 0 : 1;
}

}  // namespace revertd::deploys
