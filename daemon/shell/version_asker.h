// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <memory>

#include "actions/step.h"
#include "core/event.h"

namespace revertd {

/// A probe of the configuration as what the runner and the HTTP client do.
[[nodiscard]] Probe probe_of(const VersionProbe& probe);

class HttpClient;
class Loop;
class RunnerClient;

/// Asks one platform, or one key `current`, what runs: by http on a connection that is kept warm, or by a command that
/// the runner executes (the daemon has no right to).
class VersionAsker {
  public:
    using Answer = std::function<void(const Observation&)>;

    /// `input` names its answers for the mark of what is being worked on.
    VersionAsker(Loop& loop, HttpClient& http, RunnerClient& runner, Probe probe, std::string input);
    VersionAsker(const VersionAsker&) = delete;
    VersionAsker& operator=(const VersionAsker&) = delete;
    ~VersionAsker();

    /// One question at a time: while one is out another is answered "no answer" at once, later on the loop.
    void ask(Duration limit, Answer answer);

  private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace revertd
