// SPDX-License-Identifier: Apache-2.0
// Prints what the statistics say of many arguments, a line each: name, arguments, value. oracle_test.py computes the
// same with fifty digits. The other sections print whole deploys.
#include <array>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "detectors/certificate.h"
#include "detectors/dispersion.h"
#include "detectors/evidence.h"
#include "detectors/growth.h"
#include "detectors/localise.h"
#include "detectors/ratio_comparison.h"
#include "detectors/restart_test.h"
#include "detectors/shared_level.h"
#include "detectors/statistics.h"
#include "detectors/tail_curve.h"
#include "tests/detectors/oracle/rows.h"

namespace revertd::detect::oracle {
namespace {

void print(const char* name, const std::vector<double>& arguments, double value) {
    std::printf("%s", name);
    for (const double x : arguments) std::printf(" %.17g", x);
    std::printf(" %.17g\n", value);
}

/// Over-dispersion of a short history, and what adds up to it.
void dispersions(Numbers& numbers) {
    for (int i = 0; i < 40; ++i) {
        std::vector<double> events, requests, arguments;
        const bool binomial = i % 2 == 0;
        const double prior = numbers.next(0.01, 0.5), strength = numbers.next(1, 30);
        for (int t = 0; t < 15; ++t) {
            requests.push_back(numbers.whole(20, 400));
            events.push_back(numbers.whole(0, i % 3 == 0 ? 20 : 4));
        }
        arguments = {prior, strength, binomial ? 1.0 : 0.0};
        arguments.insert(arguments.end(), events.begin(), events.end());
        arguments.insert(arguments.end(), requests.begin(), requests.end());
        print("dispersion", arguments, local_dispersion(events, requests, prior, strength, binomial));
    }
    ExtraVariance extra(0.1, 5);
    for (int i = 0; i < 50; ++i) {
        const double squared = numbers.next(0, 40), v = numbers.next(0.1, 10), v2 = numbers.next(1e-3, 30);
        extra.add(squared, v, v2);
        print("extra_variance", {squared, v, v2}, extra.value());
    }
}

/// How surely a tick was calm that hardly was, and what is then expected of the next one.
void hardly_calm(Numbers& numbers) {
    for (int i = 0; i < 20; ++i) {
        Blips blips(0, 180);
        const double calm = numbers.next(400, 700), more = numbers.next(5, 30);
        (void)blips.predict(calm, std::vector{calm + more}, 180);
        print("hardly_calm", {calm, calm + more}, blips.calm());
    }
}

/// Restarts of a deploy, the second time beside a control group.
void restarts(Numbers& numbers) {
    for (const bool beside : {false, true}) {
        RestartTest test(900, 0.001);
        for (int i = 0; i < 200; ++i) test.learn(i % 60 == 7, 10);
        test.begin();
        for (int i = 0; i < 60; ++i) {
            const bool own = numbers.next(0, 1) < 0.1, other = numbers.next(0, 1) < 0.05;
            test.step(own, beside ? std::optional(other) : std::nullopt, 10);
            print(beside ? "restarts_beside" : "restarts", {own ? 1.0 : 0.0, other ? 1.0 : 0.0}, test.evidence());
        }
    }
}

/// A confidence bound from a likelihood that was seen: a parabola in the log ratio.
void bounds(Numbers& numbers) {
    for (int i = 0; i < 20; ++i) {
        const double middle = numbers.next(-0.2, 0.3), information = numbers.next(50, 2000);
        const double spread = numbers.next(0.02, 0.1), alpha = i % 2 == 0 ? 0.05 : 0.001;
        LikelihoodGrid grid(-3, 0.05, 121);
        for (std::size_t p = 0; p < grid.size(); ++p)
            grid[p] = -information * (grid.at(p) - middle) * (grid.at(p) - middle) / 2;
        print("bound", {middle, information, spread, alpha}, grid.upper(spread, alpha));
    }
}

/// How much slower than an edge, and where the damage is.
void curves_and_places(Numbers& numbers) {
    const std::vector<double> edges = {10, 25, 50, 100, 250, 500};
    for (int i = 0; i < 30; ++i) {
        std::vector<double> counts, arguments;
        for (std::size_t b = 0; b <= edges.size(); ++b) counts.push_back(numbers.whole(1, 200));
        const double latency = numbers.next(1, 7);
        arguments = counts;
        arguments.push_back(latency);
        print("tail", arguments, TailCurve(edges, counts).above(latency));
    }
    for (int i = 0; i < 30; ++i) {
        PlaceTable table;
        PlaceLabel label{"route", false, {}};
        std::vector<double> arguments;
        for (int v = 0; v < 5; ++v) {
            const double before = numbers.whole(500, 5000), now = numbers.whole(500, 5000);
            const double factor = v == 2 ? 30 : 1;
            const PlaceCounts earlier{before, numbers.whole(1, 20)}, later{now, factor * numbers.whole(2, 15)};
            label.places.push_back({std::to_string(v), earlier, later});
            table.before += earlier, table.now += later;
            arguments.insert(arguments.end(), {earlier.requests, earlier.bad, later.requests, later.bad});
        }
        table.labels.push_back(label);
        const Localisation found = localise(table);
        if (found.labels.empty() || found.labels[0].worst != 1) continue;
        print("localise", arguments, found.labels[0].gain);
    }
}

/// Growth over three tenths of a bake, less the control group's.
void growths(Numbers& numbers) {
    for (int i = 0; i < 20; ++i) {
        const double slope = numbers.next(0.3, 1), common = numbers.next(0, 0.1), noise = numbers.next(0, 0.02);
        GrowthTest test(1000, 5);
        for (int t = 0; t < 160; ++t) {
            const double at = 5.0 * t + 2;
            test.add(true, at, 0.2 + slope * at / 1000 + noise * (t % 3));
            test.add(false, at, 0.2 + common * at / 1000);
        }
        const auto found = test.grows(799);
        print("growth", {slope, common, noise}, found ? found->rise : 0);
    }
}

}  // namespace

void formulas() {
    Numbers numbers;
    dispersions(numbers);
    restarts(numbers);
    bounds(numbers);
    curves_and_places(numbers);
    growths(numbers);
    hardly_calm(numbers);
    for (int i = 0; i < 300; ++i) {
        const double x = numbers.next(1e-3, i % 2 == 0 ? 20 : 1e6);
        print("log_gamma", {x}, log_gamma(x));
        const double z = numbers.next(-8, 8);
        print("normal_above", {z}, normal_above(z));
        const double p = numbers.next(1e-6, 1 - 1e-6);
        print("probit", {p}, probit(p));
        const double factors = i % 3 == 0 ? numbers.next(0, 20) : numbers.whole(0, 20);
        print("log_rising", {x, factors}, log_rising(x, factors));
        const double k = numbers.whole(0, 200), mean = numbers.next(1e-3, 200), shape = numbers.next(0.5, 100);
        print("negative_binomial_log", {k, mean, shape}, negative_binomial_log(k, mean, shape));
        const double n = numbers.whole(1, 400), hits = numbers.whole(0, n + 1), share = numbers.next(0.01, 0.95);
        print("binomial_tail", {hits, n, share}, binomial_tail(hits, n, share));
        // One tick of the shared level and the log-likelihood of a ratio, up to the constant that cancels: ratio to 1.
        const double level = numbers.next(1e-4, 2e-2), spread = numbers.next(0.5, 50), incident = i % 2 == 0 ? 0.01 : 0;
        const double kr = numbers.whole(0, 40), nr = numbers.whole(100, 5000), kn = numbers.whole(0, 40),
                     nn = numbers.whole(100, 5000);
        const double extra = numbers.next(0.01, 0.5), ratio = numbers.next(0.5, 8), own = numbers.next(0, 0.4);
        SharedLevel shared(level, spread, incident);
        const LevelLikelihood likelihood(shared.observe(kr, nr, own, 10), kn, nn, extra);
        print("level_ratio", {level, spread, incident, kr, nr, kn, nn, extra, own, ratio},
              likelihood.at(ratio) - likelihood.at(1));
    }
    // A belief in the common rate, taught by both groups; the log-likelihood of both ticks.
    constexpr double kClumps = 0.1, kRatio = 1.3;
    SharedLevel level(0.004, 1 / (kClumps + 1.0 / 20), 0.01);
    UsualRate rate(0.004, 20);
    for (int i = 0; i < 100; ++i) {
        const double often = i / 20 % 2 == 0 ? 4 : 40, own = numbers.next(0.01, 0.3), share = numbers.next(0, 1);
        const Events reference{numbers.whole(100, 400), numbers.whole(0, often)};
        const Events fresh{numbers.whole(100, 400), numbers.whole(0, often)};
        const auto now = level.observe(reference.errors, reference.requests, own, 10);
        const auto heard = LevelLikelihood(now, fresh.errors, fresh.requests, own).hear(kRatio);
        print("belief", {reference.errors, reference.requests, fresh.errors, fresh.requests, own, share},
              now.log_evidence + heard.log_likelihood);
        level.hear(now, heard, fresh, kRatio, own, share);
        rate.learn(reference, 1, kClumps + own, now.calm);
        rate.learn(fresh, kRatio, kClumps + own, now.calm * share);
        level.usual(rate.mean(), 1 / (kClumps + rate.doubt()));
    }
    // The recursion over onsets, unclipped, and a null of three points.
    OnsetMixture onsets({0.5, 0.5}, 900, 1e6, 1);
    NullMixture null({0, -1, -2});
    Blips blips(20, 10, 2);
    Flapping flapping(6);
    Spells spells(2, {});
    for (int i = 0; i < 50; ++i) {
        const std::vector<double> llr = {numbers.next(-0.5, 0.6), numbers.next(-1, 1)};
        onsets.step(llr, 10);
        print("onsets", llr, onsets.value());
        const std::vector<double> likelihood = {numbers.next(-3, 0), numbers.next(-3, 0), numbers.next(-3, 0)};
        print("null", likelihood, null.predict(likelihood));
        const double calm = numbers.next(-9, 0);
        const std::vector<double> within = {numbers.next(-6, 0), numbers.next(-6, 0)};
        print("spells", {calm, within[0], within[1]}, spells.predict(calm, within, 10));
        print("blips", {calm, within[0], within[1]}, blips.predict(calm, within, 10));
        const double on = numbers.next(-6, 0), off = numbers.next(-3, 0), dt = numbers.next(1, 60);
        print("flapping", {on, off, dt}, flapping.predict(on, off, dt));
    }
}

}  // namespace revertd::detect::oracle

int main(int argc, char** argv) {
    using namespace revertd::detect::oracle;
    const std::string_view section = argc > 1 ? argv[1] : "formulas";
    const std::array<std::pair<std::string_view, void (*)()>, 9> sections = {{{"formulas", formulas},
                                                                              {"latencies", latencies},
                                                                              {"errors", errors},
                                                                              {"levels", levels},
                                                                              {"deploys", deploys},
                                                                              {"places", places},
                                                                              {"incidents", incidents},
                                                                              {"powers", powers},
                                                                              {"rules", rules}}};
    for (const auto& [name, run] : sections)
        if (name == section) return run(), 0;
    return 2;
}
