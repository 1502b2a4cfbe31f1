// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/detector.h"

namespace revertd {

class Loop;

/// Runs studies of power on a thread of its own, one after another: each takes some hundredths of a second, and the
/// loop must not wait so long. The thread ends when nothing is left to do.
class PowerWorker {
  public:
    using Done = std::function<void(const std::vector<std::string>& words)>;

    explicit PowerWorker(Loop& loop);
    PowerWorker(const PowerWorker&) = delete;
    PowerWorker& operator=(const PowerWorker&) = delete;
    /// Waits for the study that runs.
    ~PowerWorker();

    /// `done` is called on the loop, later; not at all after the destructor.
    void run(std::vector<std::unique_ptr<PowerStudy>> studies, Done done);

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace revertd
