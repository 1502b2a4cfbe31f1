// SPDX-License-Identifier: Apache-2.0
// S22, S23 against their own sentences, written down without rings and counters.
#include "core/rule_state.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace revertd {
namespace {

constexpr Duration kInterval = 5s;

Rule rule_for(int slots) {
    Rule rule;
    rule.hold = slots * kInterval;
    return rule;
}

Rule rule_n_of(int n, int of) {
    Rule rule;
    rule.n = n;
    rule.of = of;
    return rule;
}

Rule rule_in_a_row(int n) {
    Rule rule;
    rule.in_a_row = n;
    return rule;
}

/// Whether the rule's sentence is true of the last of these verdicts, by reading the sentence.
bool sentence(const Rule& rule, const std::vector<Verdict>& verdicts) {
    const auto last = static_cast<int>(verdicts.size());
    const auto at = [&](int back) {
        return back < last ? verdicts[static_cast<std::size_t>(last - 1 - back)] : Verdict::Ok;
    };
    const auto count = [&](int slots, auto is) {
        int found = 0;
        for (int back = 0; back < slots; ++back) found += is(at(back)) ? 1 : 0;
        return found;
    };
    const auto breach = [](Verdict verdict) { return verdict == Verdict::Breach; };
    if (rule.in_a_row > 0) return count(rule.in_a_row, breach) == rule.in_a_row;
    if (rule.of > 0) return count(rule.of, breach) >= rule.n;
    const auto slots = static_cast<int>(rule.hold / kInterval) + 1;
    const bool both_ends = breach(at(0)) && breach(at(slots - 1));
    const int blind = count(slots, [](Verdict verdict) { return is_blind(verdict); });
    return both_ends && count(slots, breach) + blind == slots && blind <= 0.2 * slots;
}

/// Mostly breaches, so that runs of every length come about.
std::vector<Verdict> random_verdicts(std::mt19937& random, std::size_t length) {
    static constexpr Verdict kOthers[] = {Verdict::Ok,    Verdict::NoData,    Verdict::Stale,       Verdict::Partial,
                                          Verdict::Error, Verdict::Ambiguous, Verdict::Insufficient};
    std::uniform_int_distribution<int> percent(0, 99);
    std::uniform_int_distribution<std::size_t> other(0, std::size(kOthers) - 1);
    const int breached = percent(random);
    std::vector<Verdict> verdicts(length);
    for (Verdict& verdict : verdicts) verdict = percent(random) < breached ? Verdict::Breach : kOthers[other(random)];
    return verdicts;
}

Rule random_rule(std::mt19937& random) {
    const auto from = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); };
    const int kind = from(0, 2);
    if (kind == 0) return rule_for(from(0, 24));
    if (kind == 1) return rule_in_a_row(from(1, 6));
    const int of = from(1, 12);
    return rule_n_of(from(1, of), of);
}

TEST(RuleRun, is_complete_exactly_when_its_sentence_is_true) {
    int complete = 0;
    for (unsigned seed = 0; seed < 100'000; ++seed) {
        std::mt19937 random(seed);
        const Rule rule = random_rule(random);
        RuleRun run(rule, kInterval);
        std::vector<Verdict> verdicts;
        Time at{};
        for (const Verdict verdict : random_verdicts(random, 30)) {
            verdicts.push_back(verdict);
            run.push(verdict, at += kInterval);
            ASSERT_EQ(run.complete(), sentence(rule, verdicts)) << "seed " << seed << ", verdict " << verdicts.size();
            complete += run.complete() ? 1 : 0;
        }
    }
    EXPECT_GT(complete, 100'000) << "the sequences must reach what they test";
}

/// I22: what is not seen never brings an action nearer.
TEST(RuleRun, a_breach_replaced_by_blindness_never_completes_it_sooner) {
    int both = 0;
    for (unsigned seed = 0; seed < 20'000; ++seed) {
        std::mt19937 random(seed);
        const Rule rule = random_rule(random);
        const std::vector<Verdict> verdicts = random_verdicts(random, 40);
        std::bernoulli_distribution replaced(0.1);
        RuleRun seen(rule, kInterval);
        RuleRun blinded(rule, kInterval);
        Time at{};
        for (const Verdict verdict : verdicts) {
            at += kInterval;
            seen.push(verdict, at);
            blinded.push(verdict == Verdict::Breach && replaced(random) ? Verdict::Error : verdict, at);
            ASSERT_TRUE(seen.complete() || !blinded.complete()) << "seed " << seed;
            both += blinded.complete() ? 1 : 0;
        }
    }
    EXPECT_GT(both, 10'000);
}

TEST(RuleRun, more_than_a_fifth_blind_never_completes_for) {
    for (int slots = 1; slots <= 30; ++slots) {
        for (int blind = 0; blind < slots; ++blind) {
            RuleRun run(rule_for(slots), kInterval);
            for (int i = 0; i <= slots; ++i)
                run.push(i > 0 && i <= blind ? Verdict::NoData : Verdict::Breach, Time(i * kInterval));
            EXPECT_EQ(run.complete(), 5 * blind <= slots + 1 && blind < slots) << blind << " of " << slots + 1;
        }
    }
}

TEST(RuleRun, a_for_that_is_no_multiple_of_the_interval_is_rounded_up) {
    Rule rule;
    rule.hold = 11s;
    RuleRun run(rule, kInterval);
    for (int i = 0; i < 3; ++i) run.push(Verdict::Breach, Time(i * kInterval));
    EXPECT_FALSE(run.complete()) << "10 s";
    run.push(Verdict::Breach, Time(3 * kInterval));
    EXPECT_TRUE(run.complete());
}

TEST(RuleRun, missed_slots_are_blind_however_many_they_are) {
    RuleRun run(rule_for(9), kInterval);
    for (int i = 0; i < 5; ++i) run.push(Verdict::Breach, Time(i * kInterval));
    run.miss(2);
    for (int i = 7; i < 10; ++i) run.push(Verdict::Breach, Time(i * kInterval));
    EXPECT_TRUE(run.complete());
    EXPECT_EQ(run.since(), Time{});
    run.miss(UINT64_MAX);
    run.push(Verdict::Breach, Time(1000 * kInterval));
    EXPECT_FALSE(run.complete());
    EXPECT_EQ(run.since(), Time(1000 * kInterval));
}

TEST(RuleRun, samples_count_a_tenth_of_the_interval_apart) {
    RuleRun run(rule_in_a_row(3), kInterval);
    run.push(Verdict::Breach, Time(0ms));
    EXPECT_TRUE(run.suspicious());
    run.push(Verdict::Breach, Time(499ms));
    run.push(Verdict::Breach, Time(500ms));
    EXPECT_FALSE(run.complete());
    run.push(Verdict::Breach, Time(1000ms));
    EXPECT_TRUE(run.complete());
    EXPECT_FALSE(run.suspicious());
    EXPECT_EQ(run.since(), Time(0ms));
}

TEST(Clear, is_on_the_healthy_side_of_the_limit_whatever_its_sign) {
    EXPECT_DOUBLE_EQ(default_clear(Rule::Op::Greater, 5), 4);
    EXPECT_DOUBLE_EQ(default_clear(Rule::Op::Less, 4), 5);
    EXPECT_DOUBLE_EQ(default_clear(Rule::Op::GreaterEqual, -4), -5);
    EXPECT_DOUBLE_EQ(default_clear(Rule::Op::LessEqual, -5), -4);
    EXPECT_TRUE(cleared(Rule::Op::Greater, 0, default_clear(Rule::Op::Greater, 0)));
}

TEST(Beyond, compares_as_written) {
    EXPECT_FALSE(beyond(Rule::Op::Greater, 5, 5));
    EXPECT_TRUE(beyond(Rule::Op::GreaterEqual, 5, 5));
    EXPECT_FALSE(beyond(Rule::Op::Less, 5, 5));
    EXPECT_TRUE(beyond(Rule::Op::LessEqual, 5, 5));
    for (const Rule::Op op : {Rule::Op::Greater, Rule::Op::GreaterEqual, Rule::Op::Less, Rule::Op::LessEqual})
        EXPECT_FALSE(beyond(op, std::numeric_limits<double>::quiet_NaN(), 5));
}

}  // namespace
}  // namespace revertd
