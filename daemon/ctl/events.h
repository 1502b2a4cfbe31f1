// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <string>
#include <string_view>

namespace revertd::ctl {

/// Server-sent events, fed by bytes as they come; comments and unknown fields are skipped.
class EventReader {
  public:
    struct Event {
        std::string id;  ///< the last id seen, what Last-Event-ID resumes from
        std::string data;
    };

    /// Calls `on_event` for every event that the bytes complete. False: an event is larger than any of the contract.
    [[nodiscard]] bool feed(std::string_view bytes, const std::function<void(const Event&)>& on_event);

    [[nodiscard]] const std::string& last_id() const { return event_.id; }

    /// Forgets a half-received event: the connection is a new one.
    void restart();

  private:
    void take_line(const std::function<void(const Event&)>& on_event);

    Event event_;
    std::string line_;
};

}  // namespace revertd::ctl
