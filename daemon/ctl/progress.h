// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <string>

#include "daemon/ctl/json.h"
#include "daemon/ctl/session.h"

namespace revertd::ctl {

/// How a watch is told while it goes on, on stderr.
class Progress {
  public:
    Progress() = default;
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    virtual ~Progress() = default;

    virtual void show(const Json& deployment) = 0;
    /// Something about the watch itself: the daemon restarts, the watch ends before the guard does.
    virtual void note(const std::string& words) = 0;
};

/// A block redrawn in place on a terminal; otherwise a line for each change and a heartbeat a minute, since CI systems
/// kill silent jobs; with `--no-progress` and for `jsonl` (whose events are the progress) only the notes.
[[nodiscard]] std::unique_ptr<Progress> make_progress(Session& session);

}  // namespace revertd::ctl
