// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "core/clock.h"
#include "daemon/journal/audit.h"

namespace revertd {

class Loop;

/// Reads the whole journal for what can be pruned, on a thread of its own: that takes a second for a million records.
class PruneWorker {
  public:
    using Done = std::function<void(Result<journal::PrunePlan>)>;

    /// `done` is called on the loop, later; not at all after the destructor.
    PruneWorker(Loop& loop, std::string dir, WallTime before, Done done);
    PruneWorker(const PruneWorker&) = delete;
    PruneWorker& operator=(const PruneWorker&) = delete;
    /// Waits for the end of the reading.
    ~PruneWorker();

  private:
    std::shared_ptr<int> alive_ = std::make_shared<int>();
    std::thread thread_;
};

}  // namespace revertd
