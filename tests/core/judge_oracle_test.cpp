// SPDX-License-Identifier: Apache-2.0
// The Judge beside a model that keeps everything and computes from the beginning, and what must hold of any sequence.
#include <gtest/gtest.h>

#include <random>

#include "tests/core/judge_bed.h"

namespace revertd {
namespace {

/// Differences by S19 as one would write them on paper; two targets, each with good and bad requests.
class PaperCounters {
  public:
    struct Slot {
        double all = 0, bad = 0;
    };

    void scraped(std::size_t target, std::size_t slot, double good, double bad) {
        Target& t = targets_[target];
        const bool gap = t.slot && slot - *t.slot > 2;  // one blind slot is as long as the shortest window
        if (t.slot && !gap) {
            slots_.back().all += grown(t.good, good) + grown(t.bad, bad);
            slots_.back().bad += grown(t.bad, bad);
        }
        t = {slot, good, bad};
    }

    void begin_slot() { slots_.emplace_back(); }

    [[nodiscard]] Slot last(std::size_t slots) const {
        Slot sum;
        for (std::size_t i = slots_.size() - std::min(slots, slots_.size()); i < slots_.size(); ++i) {
            sum.all += slots_[i].all;
            sum.bad += slots_[i].bad;
        }
        return sum;
    }

  private:
    struct Target {
        std::optional<std::size_t> slot;
        double good = 0, bad = 0;
    };

    static double grown(double before, double now) { return now < before ? now : now - before; }

    Target targets_[2];
    std::vector<Slot> slots_;
};

TEST(JudgeOracle, windows_of_random_counters_are_those_on_paper) {
    std::uint64_t judged = 0;
    for (unsigned seed = 0; seed < 80; ++seed) {
        std::mt19937 random(seed);
        const auto from = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); };
        std::vector<Rule> rules{above(0.05), above(0.05), above(0.05)};
        const std::size_t windows[] = {1, 3, 12};
        for (std::size_t i = 0; i < 3; ++i) rules[i].over = static_cast<int>(windows[i]) * 5s;
        JudgeBed bed(service(rules, 2));
        PaperCounters paper;
        double good[2] = {5, 5};
        double bad[2] = {1, 1};
        for (std::size_t slot = 0; slot < 80; ++slot) {
            paper.begin_slot();
            bool failed = false;
            for (std::size_t target = 0; target < 2; ++target) {
                if (from(0, 19) == 0) good[target] = bad[target] = 0;  // the process began anew
                good[target] += from(0, 200);
                bad[target] += from(0, 5) == 0 ? from(0, 80) : 0;
                bed.series(target, 200, {}) = good[target];
                bed.series(target, 500, {}) = bad[target];
                bed.series(target, 500, {.bad = true}) = bad[target];
                bed.targets[target].failure.reset();
                if (from(0, 9) == 0) {
                    bed.targets[target].failure = JudgeBed::Failure{Verdict::Error, "503"};
                    failed = true;
                } else {
                    paper.scraped(target, slot, good[target], bad[target]);
                }
            }
            bed.slot();
            const std::vector<RuleChange> judgements = bed.judge.view().rules;
            for (std::size_t i = 0; i < 3; ++i) {
                const RuleChange& rule = judgements[i];
                ASSERT_EQ(is_blind(rule.verdict), failed) << "seed " << seed << " slot " << slot;
                if (failed || std::isnan(rule.value)) continue;
                const auto sum = paper.last(windows[i]);
                ASSERT_EQ(rule.requests, sum.all) << "seed " << seed << " slot " << slot << " window " << windows[i];
                ASSERT_DOUBLE_EQ(rule.value, sum.bad / sum.all);
                ++judged;
            }
        }
    }
    EXPECT_GT(judged, 8'000U);
}

ServiceSettings moment_rules() {
    Rule some = above(10);
    some.n = 3;
    some.of = 5;
    Rule counting = above(10);
    counting.in_a_row = 3;
    ServiceSettings settings = service({above(10), above(10, 20s), above(10, 50s), some, counting});
    settings.signals = {signal_of(Signal::Kind::Gauge, "queue")};
    return settings;
}

/// I22: what is not seen never creates an action. Values between clear and limit, holding and clearing are included.
TEST(JudgeOracle, a_breached_slot_replaced_by_a_blind_one_never_creates_a_hold) {
    std::vector<int> held(5);
    for (unsigned seed = 0; seed < 600; ++seed) {
        std::mt19937 random(seed);
        const int breached = std::uniform_int_distribution<int>(30, 95)(random);
        std::uniform_int_distribution<int> percent(0, 99);
        JudgeBed seen(moment_rules());
        JudgeBed blinded(moment_rules());
        std::vector<bool> seen_held(5), blinded_held(5);
        for (int slot = 0; slot < 60; ++slot) {
            const double value = percent(random) < breached ? 15 : percent(random) < 50 ? 9 : 1;
            const bool replaced = value > 10 && percent(random) < 8;
            seen.series(0, 1, {}) = value;
            blinded.series(0, 1, {}) = value;
            seen.slot();
            replaced ? blinded.blind_slot() : blinded.slot();
            for (std::size_t rule = 0; rule < 5; ++rule) {
                seen_held[rule] = seen_held[rule] || seen.told_holds(rule);
                blinded_held[rule] = blinded_held[rule] || blinded.told_holds(rule);
                ASSERT_TRUE(seen_held[rule] || !blinded_held[rule]) << "seed " << seed << " rule " << rule;
            }
        }
        for (std::size_t rule = 0; rule < 5; ++rule) held[rule] += blinded_held[rule] ? 1 : 0;
    }
    for (const int count : held) EXPECT_GT(count, 20) << "the sequences must reach what they test";
}

/// The same for counters, where a blind sample moves what it missed into the next one: rules that count samples do not
/// take such a sample for a breach.
TEST(JudgeOracle, a_blind_sample_of_a_counter_never_creates_a_hold_of_samples_in_a_row) {
    int held = 0;
    for (unsigned seed = 0; seed < 600; ++seed) {
        std::mt19937 random(seed);
        std::uniform_int_distribution<int> percent(0, 99);
        Rule rule = above(0.05);
        rule.in_a_row = 3;
        JudgeBed seen(service({rule}));
        JudgeBed blinded(service({rule}));
        bool seen_held = false;
        bool blinded_held = false;
        for (int slot = 0; slot < 40; ++slot) {
            const double bad = percent(random) < 60 ? 40 : 0;
            const bool replaced = bad > 0 && percent(random) < 20;
            seen.slot(100 - bad, bad);
            blinded.serve(100 - bad, bad);
            replaced ? blinded.blind_slot() : blinded.slot();
            seen_held = seen_held || seen.told_holds(0);
            blinded_held = blinded_held || blinded.told_holds(0);
            ASSERT_TRUE(seen_held || !blinded_held) << "seed " << seed;
        }
        held += blinded_held ? 1 : 0;
    }
    EXPECT_GT(held, 100);
}

TEST(JudgeOracle, a_blind_bake_never_holds_whatever_the_reason) {
    for (const Verdict verdict : {Verdict::NoData, Verdict::Stale, Verdict::Partial, Verdict::Error, Verdict::Ambiguous,
                                  Verdict::Insufficient}) {
        JudgeBed bed(service({above(0.05), above(0.05, 20s)}));
        bed.slot(100, 0);
        bed.bake();
        for (int i = 0; i < 50; ++i) {
            bed.serve(0, 100);
            bed.blind_slot(verdict);
            ASSERT_FALSE(bed.holds(0) || bed.holds(1));
        }
        EXPECT_EQ(bed.judge.summarise().at(0).ok, 0U);
    }
}

}  // namespace
}  // namespace revertd
