// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "core/bytes.h"

namespace revertd::detect {

/// The sums of one tick.
struct TickRow {
    std::uint64_t end = 0;  ///< the slot after its last
    std::uint64_t slots = 0;
    bool counts = true;           ///< false: seen, and nothing may be found in it
    std::uint64_t restarted = 0;  ///< percent of the instances, started anew within it
    std::vector<double> cells;
};

/// An hour of ticks in little memory: counts of a few seconds are small whole numbers, most of a histogram's are 0, so
/// a cell takes a byte or two. Rows with other numbers are kept as floats. The oldest row goes first.
class PackedRows {
  public:
    void push(const TickRow& row);
    void drop_oldest();
    void clear();
    /// Each row has so many cells from now on, 0 where it had none.
    void widen(std::size_t cells);

    [[nodiscard]] std::size_t size() const { return size_; }

    /// What is kept of it, in bytes.
    [[nodiscard]] std::size_t bytes() const { return bytes_.capacity(); }

    /// From the oldest; `visit` takes a row that is valid during the call.
    template <class F>
    void each(const F& visit) const {
        TickRow row;
        std::size_t at = begin_;
        for (std::size_t i = 0; i < size_; ++i) {
            at = unpack(at, row);
            visit(row);
        }
    }

    void save(ByteWriter& out) const;
    /// At most `rows` of `cells` each, none later than `last`.
    bool load(ByteReader& in, std::size_t rows, std::size_t cells, std::uint64_t last);

  private:
    std::size_t unpack(std::size_t at, TickRow& row) const;
    [[nodiscard]] std::uint64_t number(std::size_t& at) const;
    void put(std::uint64_t number);

    std::vector<std::uint8_t> bytes_;
    std::size_t begin_ = 0, size_ = 0;  // of the oldest row; rows
};

}  // namespace revertd::detect
