// SPDX-License-Identifier: Apache-2.0
#include "core/rule_state.h"

#include <algorithm>

#include "core/slot_grid.h"

namespace revertd {
namespace {

std::size_t slots_of(const Rule& rule, Duration interval) {
    if (rule.in_a_row > 0) return 1;
    if (rule.of > 0) return static_cast<std::size_t>(rule.of);
    return slots_in(rule.hold, interval) + 1;  // both ends of `for`
}

bool upward(Rule::Op op) {
    return op == Rule::Op::Greater || op == Rule::Op::GreaterEqual;
}

}  // namespace

RuleRun::RuleRun(const Rule& rule, Duration interval)
    : apart_(interval / 10), in_a_row_(rule.in_a_row), n_(rule.of > 0 ? rule.n : 0), marks_(slots_of(rule, interval)) {}

void RuleRun::push(Verdict verdict, Time at, Duration apart) {
    if (in_a_row_ > 0) return push_sample(verdict, at, std::max(apart, apart_));
    push_slot(verdict == Verdict::Breach ? Mark::Breach : is_blind(verdict) ? Mark::Blind : Mark::Other, at);
}

void RuleRun::push_sample(Verdict verdict, Time at, Duration apart) {
    if (verdict != Verdict::Breach) {
        // A blind sample ends the run, too: a breach replaced by blindness must never bring an action nearer.
        breached_ = 0;
        return;
    }
    if (breached_ > 0 && at - last_sample_ < apart) return;
    if (breached_ == 0) since_ = at;
    breached_ = std::min(breached_ + 1, in_a_row_);
    last_sample_ = at;
}

void RuleRun::push_slot(Mark mark, Time at) {
    mark_slot(mark);
    if (mark == Mark::Breach && !running_) since_ = at;
    running_ = mark == Mark::Breach || (running_ && mark == Mark::Blind && !too_blind());
}

void RuleRun::mark_slot(Mark mark) {
    newest_ = (newest_ + 1) % marks_.size();
    Mark& place = marks_[newest_];
    if (place != Mark::Other) --count(place);
    place = mark;
    if (place != Mark::Other) ++count(place);
}

void RuleRun::miss(std::uint64_t slots) {
    if (slots == 0) return;
    breached_ = 0;
    for (std::uint64_t i = std::min<std::uint64_t>(slots, marks_.size()); i > 0; --i) mark_slot(Mark::Blind);
    running_ = running_ && !too_blind();
}

void RuleRun::clear() {
    std::ranges::fill(marks_, Mark::Other);
    breaches_ = blinds_ = 0;
    breached_ = 0;
    running_ = false;
}

bool RuleRun::complete() const {
    if (in_a_row_ > 0) return breached_ >= in_a_row_;
    if (n_ > 0) return breaches_ >= static_cast<std::uint32_t>(n_);
    const bool others = breaches_ + blinds_ < marks_.size();
    return newest() == Mark::Breach && oldest() == Mark::Breach && !others && !too_blind();
}

void RuleRun::save(ByteWriter& out) const {
    out.put(marks_);
    out.put(static_cast<std::uint32_t>(newest_));
    out.put(breached_);
    out.put(running_);
    out.put(since_);
    out.put(last_sample_);
}

bool RuleRun::load(ByteReader& in) {
    std::uint32_t size = 0;
    std::uint32_t newest = 0;
    if (!in.get(size) || size != marks_.size()) return in.fail();
    clear();
    for (Mark& mark : marks_) {
        if (!in.get_enum(mark, Mark::Blind)) return false;
        if (mark != Mark::Other) ++count(mark);
    }
    if (!in.get(newest) || newest >= marks_.size() || !in.get(breached_)) return in.fail();
    if (breached_ < 0 || breached_ > in_a_row_) return in.fail();
    newest_ = newest;
    return in.get(running_) && in.get(since_) && in.get(last_sample_);
}

bool beyond(Rule::Op op, double value, double limit) {
    switch (op) {
        case Rule::Op::Greater:
            return value > limit;
        case Rule::Op::GreaterEqual:
            return value >= limit;
        case Rule::Op::Less:
            return value < limit;
        case Rule::Op::LessEqual:
            return value <= limit;
    }
    return false;
}

double default_clear(Rule::Op op, double limit) {
    constexpr double kHysteresis = 0.8;
    return upward(op) == (limit >= 0) ? limit * kHysteresis : limit / kHysteresis;
}

bool cleared(Rule::Op op, double value, double clear) {
    return upward(op) ? value <= clear : value >= clear;
}

}  // namespace revertd
