// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>

#include "actions/step.h"
#include "core/clock.h"
#include "daemon/runner/run.h"

namespace revertd::runner {

/// libcurl's multi handle: transfers beside the descriptors of the loop.
class HttpEngine {
  public:
    HttpEngine() = default;
    HttpEngine(const HttpEngine&) = delete;
    HttpEngine& operator=(const HttpEngine&) = delete;
    ~HttpEngine();

    struct Wanted {
        int fd;
        bool writing;  ///< also when it takes bytes
    };

    /// Until a descriptor or a transfer is ready, or for `timeout`; then lets the transfers go on.
    void wait(const std::vector<Wanted>& descriptors, Duration timeout);

    /// A request that is sent once. It is sent again only where the server said "not now", or never had a byte of it.
    /// Loads libcurl, which the first request does otherwise.
    void prepare();

    [[nodiscard]] std::unique_ptr<Run> start(const HttpCall& call, Duration now, Duration deadline);

  private:
    void* multi_ = nullptr;  // CURLM, once there was a request
};

}  // namespace revertd::runner
