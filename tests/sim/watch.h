// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/judge.h"
#include "tests/sim/world.h"

namespace revertd::sim {

/// What a crash loses of one service: the Judge and what it has been shown.
struct World::Watch {
    explicit Watch(std::shared_ptr<const ServiceSettings> settings_);

    /// One round of answers of all targets, as the outside is at `now`.
    void ask(const Outside& outside, Time now);

    std::shared_ptr<const ServiceSettings> settings;
    Judge judge;
    Health health = Health::Unknown;
    std::string guard;
    int samples = 0;

  private:
    struct Series {
        std::uint32_t signal = 0;
        SeriesRole role;
        SeriesId id = 0;
        double value = 0;
        bool second = false;  ///< of a gauge that must be one series
    };

    void make_series(TargetIndex target);
    void grow(const Outside& outside, Duration elapsed);
    void answer(TargetIndex target, const Outside& outside, Time now);
    void query(std::uint32_t signal, const Outside& outside, Time now);
    [[nodiscard]] bool concerns(TargetIndex target, std::uint32_t signal) const;

    std::vector<std::vector<Series>> series_;  ///< by metrics target
    std::vector<SeriesValue> values_;
    Time last_{};
};

}  // namespace revertd::sim
