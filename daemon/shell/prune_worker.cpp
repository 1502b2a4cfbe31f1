// SPDX-License-Identifier: Apache-2.0
#include "daemon/shell/prune_worker.h"

#include <utility>

#include "daemon/io/loop.h"

namespace revertd {

PruneWorker::PruneWorker(Loop& loop, std::string dir, WallTime before, Done done)
    : thread_([&loop, dir = std::move(dir), before, done = std::move(done), alive = std::weak_ptr(alive_)]() mutable {
          auto plan = std::make_shared<Result<journal::PrunePlan>>(journal::plan_prune(dir, before));
          loop.post([plan, done = std::move(done), alive = std::move(alive)] {
              if (!alive.expired()) done(std::move(*plan));
          });
      }) {}

PruneWorker::~PruneWorker() {
    thread_.join();
}

}  // namespace revertd
