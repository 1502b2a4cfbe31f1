// SPDX-License-Identifier: Apache-2.0
// Made-up deploys amid trouble: incidents of both groups, one that was there before the deploy, load that grows, and
// errors that end. Counts of requests and errors alone, so that there can be many.
#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "detectors/deploy_test.h"
#include "tests/detectors/oracle/findings.h"
#include "tests/detectors/oracle/rows.h"

namespace revertd::detect::oracle {
namespace {

constexpr int kTold = 12, kDeploys = 800, kEvery = 7;

/// How much more both groups fail and are asked from some tick to another one, and the new group by itself.
struct Trouble {
    double incident, load, errors;
    int begins, ends, since, until, on, off, spikes;

    explicit Trouble(Numbers& numbers)
        : incident(numbers.chance(0.7) ? numbers.next(1.5, 6) : 1),
          load(numbers.chance(0.3) ? numbers.next(1.3, 2.2) : 1),
          errors(numbers.next(1.2, 6)),
          begins(static_cast<int>(numbers.whole(-18, 30))),
          ends(begins + static_cast<int>(numbers.whole(4, 40))),
          since(static_cast<int>(numbers.whole(0, 20))),
          until(since + static_cast<int>(numbers.whole(15, 60))),
          on(static_cast<int>(numbers.whole(1, 5))),
          off(numbers.chance(0.5) ? static_cast<int>(numbers.whole(1, 9)) : 0),
          spikes(numbers.chance(0.5) ? static_cast<int>(numbers.whole(4, 12)) : 1000) {}

    /// Blips that come regularly, as they did before the deploy.
    [[nodiscard]] double spike(int t) const { return (t + 60) % spikes == 0 ? 6 : 1; }

    /// It may come and go.
    [[nodiscard]] bool bad(int t) const { return t >= since && t < until && (t - since) % (on + off) < on; }

    [[nodiscard]] bool there(int t) const { return t >= begins && t < ends; }
};

class Service {
  public:
    explicit Service(Numbers& numbers)
        : numbers_(numbers), requests_(std::exp(numbers.next(4, 7))), rate_(std::exp(numbers.next(-6, -3))) {}

    Events tick(double busy, double factor) {
        const double n = std::floor(busy * requests_ * numbers_.next(0.9, 1.1));
        return {n, numbers_.hits(n, std::min(0.9, factor * rate_ * numbers_.next(0.8, 1.2)))};
    }

  private:
    Numbers& numbers_;
    double requests_, rate_;
};

/// Blocks seldom find what single ticks have not, and evidence is seldom just enough while there is trouble: of many
/// deploys some are told, and all in which it is so.
void deploy(Numbers& numbers, int kind) {
    DeployShape shape;
    shape.interval = kind % 5 < 2 ? 30 : 10.1;
    shape.bake = numbers.whole(600, 1800);
    shape.control = kind % 3 != 0;
    shape.alpha = kind % 2 == 0 ? 0.05 : 0.001;
    shape.parts = 1;
    Service service(numbers);
    const Trouble trouble(numbers);
    const double share = numbers.next(0.2, 1);
    DeployTest test(shape);
    std::vector<std::vector<double>> before, ticks, findings;
    std::vector<double> enough;
    bool told = kind < kTold;
    const auto tick_of = [&](int t, const Events& all) {
        GroupTick tick;
        tick.at = (t + 1) * shape.interval, tick.dt = shape.interval, tick.all = all, tick.parts = {&all, 1};
        return tick;
    };
    const auto both = [&](int t) { return (trouble.there(t) ? trouble.incident : 1) * trouble.spike(t); };
    const auto busy = [&](int t) { return trouble.there(t) ? trouble.load : 1; };
    for (int t = -60; t < 0; ++t) {
        const Events all = service.tick(busy(t), both(t));
        test.before(tick_of(t, all));
        before.push_back({(t + 1) * shape.interval, all.requests, all.errors});
    }
    test.begin();
    for (int t = 0; t < 80; ++t) {
        const double own = trouble.bad(t) ? trouble.errors : 1;
        const Events fresh = service.tick(share * busy(t), both(t) * own), beside = service.tick(busy(t), both(t));
        const GroupTick tick = tick_of(t, fresh), reference = tick_of(t, beside);
        ticks.push_back({tick.at, 1, 0, 0, fresh.requests, fresh.errors, beside.requests, beside.errors});
        const auto found = test.tick(tick, shape.control ? &reference : nullptr);
        findings.push_back(said(found, test.evidence()));
        enough.push_back(test.saw_enough() ? 1 : 0);
        const double proof = test.evidence() * shape.alpha;
        // Incidents that are hardly any, and those of before the deploy.
        const bool slight = trouble.incident > 1.8 && trouble.incident < 3.3 && beside.errors > 15;
        const bool worth = shape.control ? kind % kEvery == 0 || slight : trouble.begins < -6;
        told = told || (found && found->kind == Finding::Kind::ErrorBlocks) ||
               (worth && trouble.there(t) && proof >= 1 && proof < 10);
    }
    if (!told) return;
    Row("incident").put(shape).put("before", before).put("ticks", ticks).put("said", findings).put("enough", enough);
}

}  // namespace

void incidents() {
    Numbers numbers;
    for (int i = 0; i < kDeploys; ++i) deploy(numbers, i);
}

}  // namespace revertd::detect::oracle
