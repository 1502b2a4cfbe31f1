// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/result.h"
#include "daemon/ctl/json.h"

namespace revertd::ctl {

/// One part of a path or one value of a query, percent-encoded.
[[nodiscard]] std::string encoded(std::string_view text);

/// The daemon's API over its unix socket (`unix:/path`) or TCP (`http://host:port`, `https://…`).
///
/// Errors: `Unavailable` when the daemon cannot be reached, breaks off or is not ready; `NotAllowed` for 401, 403 and a
/// socket that may not be opened; otherwise the class of the HTTP status, with the words of the API's error object.
class Client {
  public:
    struct Stream {
        std::string path;
        std::string last_event_id;                       ///< sent as Last-Event-ID
        std::function<bool(std::string_view)> on_bytes;  ///< false ends the stream
        std::function<bool()> on_idle;                   ///< asked about once a second; false ends the stream
    };

    explicit Client(std::string address);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    [[nodiscard]] Result<Json> get(const std::string& path);
    [[nodiscard]] Result<std::string> get_text(const std::string& path);
    [[nodiscard]] Result<Json> post(const std::string& path, const std::string& body);

    /// Reads a stream until a callback or the daemon ends it; an error if it cannot be opened or breaks off.
    [[nodiscard]] Result<void> read(const Stream& stream);

    /// Asked about once a second while a request runs; true gives it up with `Timeout`.
    void give_up_when(std::function<bool()> cancelled);

  private:
    struct Transfer;

    std::string address_;
    std::function<bool()> cancelled_;
    std::unique_ptr<Transfer> transfer_;
};

}  // namespace revertd::ctl
