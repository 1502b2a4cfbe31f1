// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/clock.h"
#include "daemon/runner/receipt.h"

namespace revertd::runner {

/// One step or probe in progress. Driven by the runner's loop: nothing in it waits. Times are CLOCK_BOOTTIME.
class Run {
  public:
    Run() = default;
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;
    virtual ~Run() = default;

    /// Takes what has arrived and does what is due.
    virtual void look(Duration now) = 0;

    /// How long until look() is due without anything arriving.
    [[nodiscard]] virtual Duration wake_in(Duration now) const = 0;

    /// Descriptors whose readability is a reason to look.
    virtual void add_descriptors(std::vector<int>& out) const = 0;

    virtual void stop(Duration now, const std::string& reason) = 0;

    [[nodiscard]] virtual bool finished() const = 0;

    /// Once it is finished; `started` and `ended` are the caller's.
    [[nodiscard]] virtual Receipt receipt() const = 0;
};

}  // namespace revertd::runner
