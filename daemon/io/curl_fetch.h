// SPDX-License-Identifier: Apache-2.0
// Inside of curl_client.cpp: a repeated GET whose easy handle is kept.
#pragma once
#include <string>

#include "daemon/io/curl_easy.h"
#include "daemon/io/curl_multi.h"
#include "daemon/io/timers.h"

namespace revertd {

class CurlFetch final : public Fetch, CurlTransfer, CurlReceiver {
  public:
    CurlFetch(Loop& loop, CurlMulti& multi, const std::string& user_agent, const HttpTarget& target,
              const FetchOptions& options);
    ~CurlFetch() override;

    void start(Time deadline, Sink& sink) override;
    void cancel() override;

    [[nodiscard]] bool in_flight() const override { return sink_ != nullptr; }

    [[nodiscard]] std::string_view detail() const override { return detail_; }

  private:
    void on_end(int code) override;
    bool on_head_line(std::string_view line) override;
    bool on_body(std::span<const char> bytes) override;
    bool refuse(FetchError error, std::string detail);
    void tell_head();
    void finish(FetchError error);

    Loop& loop_;
    CurlMulti& multi_;
    const std::size_t max_body_bytes_;
    CurlEasy easy_;
    Sink* sink_ = nullptr;
    TimerId failure_ = TimerId::None;  // tells of a failure of `start`
    FetchError refused_ = FetchError::None;
    std::string detail_;
    std::size_t head_bytes_ = 0;
    std::size_t body_bytes_ = 0;
    bool is_head_told_ = false;
};

}  // namespace revertd
