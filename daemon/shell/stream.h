// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/record.h"
#include "core/state.h"
#include "daemon/api/backend.h"

namespace revertd {

/// Which guard and which incident were there when something was noted: an event tells the same whenever it is told.
class EventNames {
  public:
    /// Of everything that the state remembers, or of one service only.
    explicit EventNames(const State& state, const std::string* service = nullptr);

    /// The guard of a service that was open at an instant; empty: none.
    [[nodiscard]] std::string guard(const std::string& service, Time instant) const;
    /// The newest incident of a deployment that was opened by the record `seq` or before; empty: none.
    [[nodiscard]] std::string incident(const std::string& deployment, std::uint64_t seq) const;

  private:
    std::map<std::string, std::vector<const Deployment*>> guards_;   ///< by service, the oldest first
    std::map<std::string, std::vector<const Incident*>> incidents_;  ///< by deployment, the oldest first
};

/// The event of the stream that a record is, if it is one; `names` for what happened before this start.
[[nodiscard]] std::optional<StreamEvent> stream_event(const Record& record, const State& state,
                                                      const EventNames* names = nullptr);

}  // namespace revertd
