// SPDX-License-Identifier: Apache-2.0
// Delivers every page at least once to every configured channel, in order, and never delays anything.
#pragma once
#include <memory>
#include <string>

#include "core/notify_settings.h"
#include "core/record.h"
#include "core/result.h"

namespace revertd {

class HttpClient;
class Loop;

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
    };

    static Result<std::unique_ptr<Notifier>> open(Parts parts);
    Notifier(const Notifier&) = delete;
    Notifier& operator=(const Notifier&) = delete;
    ~Notifier();

    /// Pages of the journal that had not arrived when the daemon ended.
    Result<void> catch_up(const journal::Journal& journal);

    void configure(const NotifySettings& settings);

    /// A durable record that holds a Paged; any other is passed over.
    void enqueue(const Record& record);

    /// Per channel: delivered, and given up (for the daemon's metrics).
    struct Count {
        std::uint64_t delivered = 0, failed = 0;
    };

    [[nodiscard]] Count count(const std::string& channel) const;
    [[nodiscard]] std::size_t waiting() const;

  private:
    struct Impl;
    explicit Notifier(std::shared_ptr<Impl> impl);
    std::shared_ptr<Impl> impl_;
};

}  // namespace revertd
