// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <span>
#include <vector>

#include "core/bytes.h"
#include "core/clock.h"

namespace revertd {

/// What one signal was before the deploy (S18): the last `baseline` of time under a good version, as sums over some 60
/// blocks, so that memory does not depend on the interval. Grows only while the guard is closed; frozen when it opens.
class Baseline {
  public:
    Baseline(std::size_t slots, std::size_t cells);

    void widen(std::size_t cells);
    /// One slot under a good version.
    void add(std::span<const double> cells, Time at);
    /// A blind slot takes its place and adds nothing.
    void skip(std::uint64_t slots, Time at);
    /// Leaves out every block that reaches beyond `at`: it may hold the new version already.
    void freeze(Time at);

    /// Sums over all blocks but the one still being filled; all of it once frozen.
    [[nodiscard]] std::span<const double> sums() const { return sums_; }

    [[nodiscard]] std::uint32_t seen() const { return seen_; }

    /// Half of the slots were seen.
    [[nodiscard]] bool sufficient() const { return std::size_t{2} * seen_ >= slots_; }

    /// The blocks that were seen, from the oldest: when each ended, and its sums.
    template <class F>
    void each_block(const F& visit) const {
        for (std::size_t i = 1; i <= blocks_.size(); ++i) {
            const std::size_t block = (filling_ + i) % blocks_.size();
            if (blocks_[block].seen > 0) visit(blocks_[block].last, std::span(values_).subspan(block * cells_, cells_));
        }
    }

    void save(ByteWriter& out) const;
    bool load(ByteReader& in);

  private:
    struct Block {
        std::uint32_t used = 0, seen = 0;  ///< slots
        Time last{};
    };

    [[nodiscard]] std::span<double> cells_of(std::size_t block);
    Block& current(Time at);
    void erase(std::size_t block);
    void add_up(bool with_current);

    std::size_t slots_, cells_, block_slots_;
    std::vector<Block> blocks_;
    std::vector<double> values_;
    std::size_t filling_ = 0;
    std::vector<double> sums_;
    std::uint32_t seen_ = 0;
};

}  // namespace revertd
