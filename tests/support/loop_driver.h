// SPDX-License-Identifier: Apache-2.0
// What tests of the I/O edge need to drive a loop and to look at what a fetch did.
#pragma once
#include <functional>
#include <string>

#include "daemon/io/http.h"
#include "daemon/io/loop.h"

namespace revertd::test {

/// Runs the loop until the condition holds; false if it does not within ten seconds, which no passing test waits.
/// Looks every slot, so the condition may also be another thread's doing.
template <class Condition>
[[nodiscard]] bool run_until(Loop& loop, Condition condition) {
    const Time limit = loop.now() + 10s;
    TimerId tick = TimerId::None;
    const std::function<void()> look = [&] { tick = loop.at(loop.now() + 10ms, look); };
    look();
    while (!condition() && loop.now() < limit) loop.run_one();
    loop.cancel(tick);
    return condition();
}

/// Keeps what it is told.
class RecordingSink final : public Sink {
  public:
    void head(int status_, std::string_view type, std::optional<std::uint64_t> length_) override {
        ++heads;
        status = status_;
        content_type = type;
        length = length_;
    }

    bool body(std::span<const char> chunk) override {
        bytes.append(chunk.data(), chunk.size());
        if (on_body) on_body();
        return bytes.size() < stop_at;
    }

    void done(FetchError error_, Time at_) override {
        error = error_;
        at = at_;
        ++dones;
        if (on_done) on_done();
    }

    int status = 0;
    std::string content_type;
    std::optional<std::uint64_t> length;
    std::string bytes;
    std::optional<FetchError> error;
    Time at;
    int heads = 0;
    int dones = 0;
    std::size_t stop_at = std::string::npos;  // bytes after which it has enough
    std::function<void()> on_body;
    std::function<void()> on_done;
};

}  // namespace revertd::test
