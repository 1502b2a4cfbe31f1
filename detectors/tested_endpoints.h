// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/bytes.h"
#include "core/detector.h"
#include "detectors/counts.h"

namespace revertd::detect {

/// The endpoints of one deploy that are tested each on its own: those that had requests before it, the busiest ones if
/// there are many. One that is new has nothing to be compared with; the total has it.
class TestedEndpoints {
  public:
    /// A test costs four likelihoods an endpoint and tick, and the more there are the stronger each must be.
    static constexpr std::size_t kMost = 64;

    /// A phase begins: they are to be chosen.
    void clear();
    /// At the first slot of a phase. One alone is the total, and so none.
    void choose(const DetectorSlot& slot);

    [[nodiscard]] bool chosen() const { return chosen_; }

    [[nodiscard]] std::size_t size() const { return indices_.size(); }

    /// In a row of cells, of one group: {requests, errors} of each.
    [[nodiscard]] std::size_t cells() const { return 2 * size(); }

    /// `times`: slots that the counts stand for.
    void add(std::span<const PlaceCounts> now, double times, std::span<double> cells) const;
    [[nodiscard]] std::span<const Events> read(std::span<const double> cells, std::vector<Events>& into) const;

    /// Of the group that the deploy is compared with.
    [[nodiscard]] std::span<const Events> before() const { return before_; }

    [[nodiscard]] const std::string& name(std::size_t index) const { return names_[index]; }

    void save(ByteWriter& out) const;
    bool load(ByteReader& in);

  private:
    bool chosen_ = false;
    std::vector<std::uint32_t> indices_;  ///< into the slot's entries
    std::vector<std::string> names_;
    std::vector<Events> before_;
};

}  // namespace revertd::detect
