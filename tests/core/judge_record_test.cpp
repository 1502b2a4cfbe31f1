// SPDX-License-Identifier: Apache-2.0
// S38: a restored Judge goes on where the old one was, what nobody saw is blind; and no bytes can harm it.
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "core/bytes.h"
#include "tests/core/judge_bed.h"

namespace revertd {
namespace {

ServiceSettings full_service() {
    Rule relative = above(2, 20s);
    relative.relative = Rule::Relative::TimesBaseline;
    Rule counting = above(0.05);
    counting.in_a_row = 3;
    Rule some = above(0.05);
    some.n = 2;
    some.of = 4;
    Rule absent = above(0, 10s, 2);
    absent.kind = Rule::Kind::Absent;
    ServiceSettings settings = service({above(0.05, 40s), relative, counting, some, absent, above(0.4, 20s, 1),
                                        health_rule(Rule::Kind::HealthDown, 20s)},
                                       2);
    settings.baseline = 100s;
    settings.signals = {ratio_signal(), signal_of(Signal::Kind::Quantile, "p95", Unit::Seconds),
                        signal_of(Signal::Kind::Gauge, "queue"), signal_of(Signal::Kind::Rate, "orders")};
    return settings;
}

void busy_slot(JudgeBed& bed, double bad) {
    for (std::size_t target = 0; target < 2; ++target) {
        bed.serve(100 - bad, bad, target);
        bed.histogram(target, 0.1, 50, 1);
        bed.histogram(target, 0.5, 90, 1);
        bed.histogram(target, kInf, 100, 1);
        bed.series(target, 7, {.signal = 2}) = 12;
        *bed.series(target, 8, {.signal = 3}) += 4;
    }
    bed.slot();
}

JudgeBed busy_bed() {
    JudgeBed bed(full_service());
    for (int i = 0; i < 40; ++i) busy_slot(bed, 1);
    bed.judge.freeze_baseline(bed.at);
    bed.bake();
    for (int i = 0; i < 4; ++i) busy_slot(bed, 30);
    return bed;
}

/// What the bed's exporters go on to say is said to another Judge.
void move_to(JudgeBed& bed, Judge judge) {
    bed.judge = std::move(judge);
}

std::string state_of(const JudgeBed& bed) {
    std::string text;
    const JudgeView view = bed.judge.view();
    for (const RuleChange& rule : view.rules)
        text += std::string(to_string(rule.verdict)) + (rule.holds ? " holds " : " ") + rule.words + "\n";
    for (const RuleSummary& rule : bed.judge.summarise())
        text += std::to_string(rule.slots) + " " + std::to_string(rule.ok) + " " + std::to_string(rule.breach) + " " +
                std::to_string(rule.blind) + " " + std::to_string(rule.whole_bake_value) + "\n";
    return text + view.baseline_words;
}

TEST(JudgeRecord, a_restored_judge_goes_on_as_if_nothing_had_happened) {
    JudgeBed bed = busy_bed();
    JudgeBed other = busy_bed();
    Judge restored(std::make_shared<const ServiceSettings>(full_service()));
    ASSERT_TRUE(restored.restore(bed.judge.save(), bed.at + 1s));
    move_to(bed, std::move(restored));
    EXPECT_EQ(state_of(bed), state_of(other)) << "before it has judged anything itself";
    for (int i = 0; i < 10; ++i) {
        busy_slot(bed, 20);
        busy_slot(other, 20);
        ASSERT_EQ(state_of(bed), state_of(other)) << i;
    }
    EXPECT_TRUE(bed.holds(0));
}

TEST(JudgeRecord, slots_missing_between_save_and_now_are_blind) {
    JudgeBed bed = busy_bed();
    Judge restored(std::make_shared<const ServiceSettings>(full_service()));
    bed.at += 51s;
    ASSERT_TRUE(restored.restore(bed.judge.save(), bed.at));
    EXPECT_EQ(restored.summarise().at(0).blind, 9U) << "the tenth is not over";
    move_to(bed, std::move(restored));
    bed.at -= 4s;
    busy_slot(bed, 30);
    EXPECT_EQ(bed.judge.summarise().at(0).blind, 9U) << "they are counted once";
    EXPECT_EQ(bed.verdict(0), Verdict::Insufficient) << "the gap is longer than the window: values are set";
    for (int i = 0; i < 8; ++i) {
        busy_slot(bed, 30);
        EXPECT_FALSE(bed.holds(0));
    }
    busy_slot(bed, 30);
    EXPECT_TRUE(bed.holds(0));
}

TEST(JudgeRecord, series_keep_their_ids_and_their_last_value_over_a_short_gap) {
    JudgeBed bed(service({above(0.05)}));
    bed.slot(100, 1);
    bed.slot(100, 1);
    const SeriesId before = bed.judge.add_series(0, 500, {.bad = true});
    Judge restored(std::make_shared<const ServiceSettings>(bed.settings()));
    ASSERT_TRUE(restored.restore(bed.judge.save(), bed.at));
    EXPECT_EQ(restored.add_series(0, 500, {.bad = true}), before);
    move_to(bed, std::move(restored));
    bed.slot(90, 10);
    EXPECT_DOUBLE_EQ(bed.rule().value, 0.1);
}

TEST(JudgeRecord, a_service_that_restarts_while_a_reload_makes_a_new_judge_counts_from_0) {
    JudgeBed bed(service({above(0.05)}));
    bed.slot(100, 20);
    bed.slot(100, 20);
    Judge restored(std::make_shared<const ServiceSettings>(bed.settings()));
    ASSERT_TRUE(restored.restore(bed.judge.save(), bed.at));
    move_to(bed, std::move(restored));
    bed.restart();
    bed.slot(30, 10);
    EXPECT_EQ(bed.verdict(), Verdict::Breach);
    EXPECT_DOUBLE_EQ(bed.rule().value, 0.25) << "neither a loss of 200 requests nor a jump";
}

TEST(JudgeRecord, every_rule_is_told_again_after_a_restart) {
    JudgeBed bed = busy_bed();
    Judge restored(std::make_shared<const ServiceSettings>(full_service()));
    ASSERT_TRUE(restored.restore(bed.judge.save(), bed.at));
    move_to(bed, std::move(restored));
    busy_slot(bed, 30);
    EXPECT_EQ(bed.last().changes.size(), bed.settings().rules.size());
}

TEST(JudgeRecord, is_refused_under_other_settings_from_the_future_and_from_another_version) {
    JudgeBed bed = busy_bed();
    const std::string bytes = bed.judge.save();
    ServiceSettings other = full_service();
    other.rules[0].text = "errors > 6%";
    Judge changed(std::make_shared<const ServiceSettings>(other));
    EXPECT_EQ(changed.restore(bytes, bed.at).error().code, ErrorCode::Conflict);
    Judge same(std::make_shared<const ServiceSettings>(full_service()));
    EXPECT_EQ(same.restore(bytes, bed.at - 1min).error().code, ErrorCode::Corrupt);
}

TEST(JudgeRecord, truncated_or_changed_anywhere_it_is_an_error_and_nothing_changes) {
    JudgeBed bed = busy_bed();
    const std::string bytes = bed.judge.save();
    Judge judge(std::make_shared<const ServiceSettings>(full_service()));
    for (std::size_t length = 0; length < bytes.size(); ++length)
        ASSERT_FALSE(judge.restore(std::string_view(bytes).substr(0, length), bed.at)) << length;
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        std::string flipped = bytes;
        flipped[at] = static_cast<char>(flipped[at] ^ (1 << (at % 8)));
        ASSERT_FALSE(judge.restore(flipped, bed.at)) << at;
    }
    EXPECT_FALSE(judge.restore(bytes + "x", bed.at));
    EXPECT_TRUE(judge.restore(bytes, bed.at));
}

/// Behind a checksum that is right, as a careful enemy would write it.
TEST(JudgeRecord, wrong_bytes_with_a_right_checksum_do_no_harm) {
    JudgeBed bed = busy_bed();
    const std::string bytes = bed.judge.save();
    const auto settings = std::make_shared<const ServiceSettings>(full_service());
    std::mt19937 random(1);
    int accepted = 0;
    for (int round = 0; round < 4000; ++round) {
        std::string changed = bytes;
        const std::size_t body = sizeof(std::uint64_t);
        for (int i = 0; i < 1 + round % 4; ++i) {
            const std::size_t at = body + 12 + random() % (bytes.size() - body - 12);  // behind version and shape
            changed[at] = static_cast<char>(round % 3 == 0 ? 0xff : random());
        }
        if (round % 5 == 0) changed.resize(body + random() % (changed.size() - body));
        const std::uint64_t sum = checksum(std::string_view(changed).substr(body));
        std::memcpy(changed.data(), &sum, sizeof sum);
        JudgeBed other(full_service());
        other.at = bed.at;
        if (!other.judge.restore(changed, bed.at)) continue;
        ++accepted;
        for (int i = 0; i < 3; ++i) busy_slot(other, 30);
        other.bake();
        busy_slot(other, 30);
        EXPECT_FALSE(state_of(other).empty());
    }
    EXPECT_GT(accepted, 100);
}

}  // namespace
}  // namespace revertd
