// SPDX-License-Identifier: Apache-2.0
// When a rule holds: `for D` and `n of m` over slots, `n in a row` over samples (S22, S23). Blindness never helps it.
#pragma once
#include <cstdint>
#include <vector>

#include "core/bytes.h"
#include "core/rule.h"

namespace revertd {

class RuleRun {
  public:
    RuleRun(const Rule& rule, Duration interval);

    /// One verdict: of a slot, or of a sample for a rule that counts samples.
    /// Breaches in a row count at least `apart` from one another.
    void push(Verdict verdict, Time at, Duration apart = {});
    /// Slots that nobody judged: the daemon was down or the host suspended.
    void miss(std::uint64_t slots);
    /// Everything so far is forgotten: a phase began, or the rule cleared.
    void clear();

    /// The sentence is fulfilled by what was pushed last.
    [[nodiscard]] bool complete() const;

    /// Samples are breached, not yet enough of them (S24).
    [[nodiscard]] bool suspicious() const { return in_a_row_ > 0 && breached_ > 0 && breached_ < in_a_row_; }

    /// When the present run of breaches began; meaningless without one.
    [[nodiscard]] Time since() const { return since_; }

    void save(ByteWriter& out) const;
    bool load(ByteReader& in);

  private:
    /// What a slot was to the rule. Slots before the phase are `Other`: seen, and not breached.
    enum class Mark : std::uint8_t { Other, Breach, Blind };

    void push_sample(Verdict verdict, Time at, Duration apart);
    void push_slot(Mark mark, Time at);
    void mark_slot(Mark mark);

    [[nodiscard]] Mark newest() const { return marks_[newest_]; }

    [[nodiscard]] Mark oldest() const { return marks_[(newest_ + 1) % marks_.size()]; }

    [[nodiscard]] std::uint32_t& count(Mark mark) { return mark == Mark::Breach ? breaches_ : blinds_; }

    /// At most 20 % of the slots may be blind.
    [[nodiscard]] bool too_blind() const { return std::size_t{5} * blinds_ > marks_.size(); }

    Duration apart_;  ///< samples count at least this far from one another
    int in_a_row_, n_;
    std::vector<Mark> marks_;  ///< ring of the last slots that matter: both ends of `for`, or `m`
    std::size_t newest_ = 0;
    std::uint32_t breaches_ = 0, blinds_ = 0;
    int breached_ = 0;  ///< samples in a row
    bool running_ = false;
    Time since_{}, last_sample_{};
};

/// Beyond the limit in the direction of the rule.
[[nodiscard]] bool beyond(Rule::Op op, double value, double limit);

/// Where a rule that held clears (S25): 0.8 of its limit, on the healthy side of it.
[[nodiscard]] double default_clear(Rule::Op op, double limit);

/// Whether the value has reached the healthy side of `clear`.
[[nodiscard]] bool cleared(Rule::Op op, double value, double clear);

}  // namespace revertd
