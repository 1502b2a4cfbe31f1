// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <deque>
#include <functional>
#include <optional>
#include <string>

#include "daemon/api/backend.h"

namespace revertd::api {

/// The events of one client as server-sent events: what is kept since its last one, then what happens. What it does
/// not take in time is bounded.
class EventStream {
  public:
    /// `service`: only its events; empty: all. `after`: resume behind this id; nothing: only what happens from now on.
    EventStream(std::string service, std::optional<std::uint64_t> after);
    EventStream(const EventStream&) = delete;
    EventStream& operator=(const EventStream&) = delete;
    ~EventStream();

    /// `wake` is called when there is more to take, or when the client has fallen behind.
    void open(Backend& backend, std::size_t most_live, std::function<void()> wake);

    /// More live events than allowed are waiting: the client is dropped, and resumes by Last-Event-ID.
    [[nodiscard]] bool has_fallen_behind() const { return live_ > most_live_; }

    /// Appends events to `out` until it has about `bytes`.
    void take(std::string& out, std::size_t bytes);

  private:
    [[nodiscard]] bool wanted(const StreamEvent& event) const { return service_.empty() || event.service == service_; }

    const std::string service_;
    const std::optional<std::uint64_t> after_;
    Backend* backend_ = nullptr;
    std::uint64_t subscription_ = 0;
    std::size_t most_live_ = 0;
    std::deque<StreamEvent> queue_;
    std::size_t live_ = 0;  // of the queue, those behind the backlog
};

}  // namespace revertd::api
