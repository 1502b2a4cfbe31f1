// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "core/bytes.h"
#include "core/judge.h"

namespace revertd {

/// Every known series of one service, flat: 14 bytes that each scrape touches, 8 or 12 of identity that only
/// registration does.
class SeriesTable {
  public:
    struct Place {
        TargetIndex target = 0;
        std::uint16_t signal = 0;
        std::uint16_t cell = 0;  ///< of the signal's row
    };

    struct Row {
        std::uint16_t signal = 0;
        std::uint16_t cell = 0;
    };

    /// Packed: of these there are hundreds of thousands.
    struct [[gnu::packed]] Live {
        double last = 0;         ///< last good value
        std::uint32_t seen = 0;  ///< the target's scrape that had it last; 0: none yet
        std::uint16_t row = 0;
    };

    static constexpr std::size_t kMost = 100'000;  ///< 26 bytes each; a label that never repeats must not eat the host

    /// The id of a known identity, or a new one; nothing when there are too many.
    std::optional<SeriesId> add(std::uint64_t hash, const Place& place);

    [[nodiscard]] std::size_t size() const { return live_.size(); }

    [[nodiscard]] TargetIndex target(SeriesId id) const { return targets_.empty() ? 0 : targets_[id]; }

    [[nodiscard]] Live& live(SeriesId id) { return live_[id]; }

    [[nodiscard]] const Live& live(SeriesId id) const { return live_[id]; }

    [[nodiscard]] const Row& row(const Live& live) const { return rows_[live.row]; }

    /// Gives back what only registration needs; called when a slot ends.
    void release_index();

    void save(ByteWriter& out) const;
    /// The caller checks the places.
    bool load(ByteReader& in);

  private:
    [[nodiscard]] std::uint32_t* find(std::uint64_t hash, const Place& place);
    void index_all();

    [[nodiscard]] std::optional<std::uint16_t> row_of(const Place& place);

    std::vector<Live> live_;
    std::vector<Row> rows_;  ///< few: one a cell of a signal
    std::vector<std::uint64_t> hashes_;
    std::vector<TargetIndex> targets_;  ///< empty while all are of target 0: most services have only that one
    std::vector<std::uint32_t> index_;  ///< open addressing, id + 1; empty while nothing is being registered
};

}  // namespace revertd
