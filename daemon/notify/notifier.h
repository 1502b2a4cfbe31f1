// SPDX-License-Identifier: Apache-2.0
// Delivers every page at least once to every channel that is to have it, in order, and never delays anything. When a
// channel fails, the one behind it takes over.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/notify_settings.h"
#include "core/record.h"
#include "core/result.h"

namespace revertd {

class HttpClient;
class Loop;
class RunnerClient;

namespace journal {
class Journal;
}

class Notifier {
  public:
    struct Parts {
        Loop& loop;
        HttpClient& http;
        std::string dir;  ///< of the outbox
        NotifySettings settings;
        RunnerClient* runner = nullptr;  ///< for the channel `exec`
        /// A page was not delivered at the first try, or is given up; words hold no secret.
        std::function<void(const std::string& channel, const std::string& words, bool given_up)> troubled = {};
        std::string external_url = {};  ///< where people reach this daemon; empty: pages have no links
        Duration send_limit = 10s;      ///< of one request to a receiver
    };

    static Result<std::unique_ptr<Notifier>> open(Parts parts);
    Notifier(const Notifier&) = delete;
    Notifier& operator=(const Notifier&) = delete;
    ~Notifier();

    /// Pages of the journal that had not arrived when the daemon ended.
    Result<void> catch_up(const journal::Journal& journal);

    void configure(const NotifySettings& settings);

    /// A durable record: pages are sent; the end of an incident ends what is renewed for it; others are passed over.
    void enqueue(const Record& record);

    /// A page that is in no journal and comes once: it is not remembered over a restart.
    void tell(const Record& record);

    /// `notify test`: one page to every channel, once, beside the queues. Called back when all have answered.
    struct Tested {
        std::string channel, words;
        bool delivered = false;
    };

    void test(std::function<void(const std::vector<Tested>&)> answered);

    /// Per channel: delivered, and given up (for the daemon's metrics).
    struct Count {
        std::uint64_t delivered = 0, failed = 0;
        std::map<std::string, std::uint64_t> failed_tries = {};  ///< by reason, also of tries that were repeated
    };

    [[nodiscard]] Count count(const std::string& channel) const;
    [[nodiscard]] std::map<std::string, Count> counts() const;
    [[nodiscard]] std::size_t waiting() const;
    /// Channels with a try under way, from the reading of its credentials to the answer.
    [[nodiscard]] std::size_t in_flight() const;

  private:
    struct Impl;
    explicit Notifier(std::shared_ptr<Impl> impl);
    std::shared_ptr<Impl> impl_;
};

}  // namespace revertd
