// SPDX-License-Identifier: Apache-2.0
// The only place that reads a clock.
#pragma once
#include <atomic>
#include <string>

#include "core/clock.h"
#include "core/result.h"

namespace revertd {

/// CLOCK_BOOTTIME: time since the boot, suspended time included. Never steps.
[[nodiscard]] Duration since_boot();

/// Changes with every boot: tells whether `since_boot` of an earlier life can be compared with today's.
[[nodiscard]] Result<std::string> read_boot_id();

/// The daemon's timeline is CLOCK_BOOTTIME plus an offset. The journal restores the offset, so that the timeline goes
/// on where an earlier life of the daemon left it (S38, S40). May be read from any thread.
class SystemClock final : public Clock {
  public:
    explicit SystemClock(Duration offset = {}) : offset_(offset.count()) {}

    [[nodiscard]] Now now() const override;

    [[nodiscard]] Duration offset() const { return Duration(offset_.load(std::memory_order_relaxed)); }

    /// Before the first timer is set: a changed offset moves the timeline under those that wait.
    void set_offset(Duration offset) { offset_.store(offset.count(), std::memory_order_relaxed); }

  private:
    std::atomic<Duration::rep> offset_;
};

}  // namespace revertd
