// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstddef>
#include <optional>

namespace revertd::detect {

/// Notices when the new group's share of the traffic jumps up (a canary step, autoscaling): new instances, which are
/// cold. Compares the last few ticks with the dozen before them; the noise of the share is learned from tick to tick.
class ShareWatch {
  public:
    /// One tick that ended at `at`. Since when the share is larger, once for each jump.
    std::optional<double> add(double at, double dt, double fresh_requests, double reference_requests);

    /// The share may just have jumped: too early to tell.
    [[nodiscard]] bool suspicious() const { return suspicious_; }

    /// The share grows, step by step or steadily.
    [[nodiscard]] bool grows() const { return grows_; }

  private:
    static constexpr std::size_t kMost = 24;
    static constexpr double kStillGrows = 120;  // seconds after it was seen to grow

    struct Seen {
        double from = 0, fresh = 0, reference = 0;
    };

    /// How many standard deviations the share has grown; 0 when it is no growth to speak of.
    [[nodiscard]] double growth(std::size_t recent, double least);

    [[nodiscard]] const Seen& back(std::size_t ticks) const { return seen_[(count_ - 1 - ticks) % kMost]; }

    std::array<Seen, kMost> seen_{};
    std::size_t count_ = 0;
    double noise_ = 0.01;  // of the log odds, from tick to tick: variance
    bool suspicious_ = false, grows_ = false;
    double grew_at_ = -kStillGrows;
};

}  // namespace revertd::detect
