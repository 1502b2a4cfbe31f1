// SPDX-License-Identifier: Apache-2.0
// What the API needs of the daemon; daemon/shell implements it, tests fake it.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/engine.h"

namespace revertd {

/// One event of the stream (interface, section 8); `id` is the journal's sequence number.
struct StreamEvent {
    std::uint64_t id = 0;
    WallTime at{};
    std::string type, service, deployment, incident, words;
    std::optional<int> exit_code;  ///< of guard.closed
};

/// The daemon as a process, for `status/runtimeinfo`.
struct RuntimeInfo {
    WallTime started{}, reloaded{};
    bool reload_done = true;  ///< the last one
    std::uint64_t records = 0;
    std::string journal;  ///< its name for good
    std::size_t events_kept = 0;
};

class Backend {
  public:
    Backend() = default;
    Backend(const Backend&) = delete;
    Backend& operator=(const Backend&) = delete;
    virtual ~Backend() = default;

    [[nodiscard]] virtual const Engine& engine() const = 0;
    [[nodiscard]] virtual Now now() const = 0;
    [[nodiscard]] virtual bool ready() const = 0;

    /// What the Judge of a service sees now; nothing for an unknown service.
    [[nodiscard]] virtual std::optional<JudgeView> view(const std::string& service) const = 0;
    [[nodiscard]] virtual std::optional<Time> next_check(const std::string& service) const = 0;

    /// Answered on the loop, once what it brought about is durable (an error at once).
    using Answer = std::function<void(const effect::Reply&)>;
    virtual void command(const Peer& peer, const Command& command, Answer answer) = 0;

    virtual Result<void> reload() = 0;

    /// `notify test`: what one channel answered.
    struct ChannelAnswer {
        std::string channel, words;
        bool delivered = false;
    };

    using ChannelsAnswered = std::function<void(const std::vector<ChannelAnswer>&)>;

    /// One page to every channel; called back on the loop when all have answered.
    virtual void test_channels(ChannelsAnswered answered) { answered({}); }

    struct PruneAnswer {
        std::uint64_t more = 0, before = 0, seq = 0;  ///< taken out by this, blank already, the record that says so
    };

    using PruneAnswered = std::function<void(const Result<PruneAnswer>&)>;

    /// Takes out of the journal what was said of deploys that were over by then; called back on the loop when it is
    /// durable.
    virtual void prune(const Peer& peer, WallTime before, PruneAnswered answered) = 0;

    /// `format`: md, html or json.
    [[nodiscard]] virtual Result<std::string> report(const std::string& incident, const std::string& format) const = 0;
    /// Why it was decided, line by line, from the journal.
    [[nodiscard]] virtual Result<std::vector<std::string>> explain(const std::string& id) const = 0;
    /// Text exposition of the daemon's own metrics.
    [[nodiscard]] virtual std::string metrics() const = 0;

    /// The current configuration as YAML, secrets masked.
    [[nodiscard]] virtual std::string config_text() const = 0;
    [[nodiscard]] virtual RuntimeInfo runtime() const = 0;

    /// Durable events after `id`, oldest first, as far as they are kept.
    [[nodiscard]] virtual std::vector<StreamEvent> events_after(std::uint64_t id) = 0;
    using Listener = std::function<void(const StreamEvent&)>;
    virtual std::uint64_t subscribe(Listener listener) = 0;
    virtual void unsubscribe(std::uint64_t subscription) = 0;
};

}  // namespace revertd
