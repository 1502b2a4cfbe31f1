// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/shadow.h"

namespace revertd::sim {

namespace {

constexpr std::size_t kMadeBlind = 15;  // of a hundred breaches: S22 forgives a fifth, so both cases come up

}  // namespace

Shadow::Shadow(std::shared_ptr<const ServiceSettings> settings) : settings_(std::move(settings)) {
    for (const Rule& rule : settings_->rules) rules_.push_back({RuleRun(rule, settings_->interval)});
}

void Shadow::note(const JudgeReport& report) {
    for (const RuleChange& change : report.changes) {
        if (change.rule >= rules_.size()) continue;
        One& one = rules_[change.rule];
        if (one.holds && !change.holds) one.run.clear();  // as the rule itself does when it clears (S25)
        one.verdict = change.verdict, one.holds = change.holds;
    }
}

std::string Shadow::slot(const JudgeReport& report, Time at, std::uint64_t& premises) {
    note(report);
    std::string words;
    for (std::size_t index = 0; index < rules_.size(); ++index) {
        const Rule& rule = settings_->rules[index];
        const bool of_slots = rule.in_a_row == 0 && rule.kind != Rule::Kind::Combined;
        if (is_rollout_rule(rule) || !of_slots) continue;
        One& one = rules_[index];
        const bool blinded = one.verdict == Verdict::Breach && dice_.below(100) < kMadeBlind;
        one.run.push(blinded ? Verdict::Error : one.verdict, at);
        if (!one.run.complete()) continue;
        ++premises;
        if (!one.holds) words = rule.text + " would hold if it had been blind, and does not";
    }
    return words;
}

void Shadow::clear() {
    for (One& one : rules_) one.run.clear(), one.holds = false, one.verdict = Verdict::Insufficient;
}

}  // namespace revertd::sim
