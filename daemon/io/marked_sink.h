// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <utility>

#include "daemon/io/http.h"
#include "daemon/io/input_mark.h"

namespace revertd {

/// Marks the input while another sink works on it. Both outlive the fetch.
class MarkedSink final : public Sink {
  public:
    MarkedSink(InputMark& mark, std::string input, Sink& sink) : mark_(mark), input_(std::move(input)), sink_(sink) {}

    [[nodiscard]] const std::string& input() const { return input_; }

    [[nodiscard]] bool is_quarantined() const { return mark_.is_quarantined(input_); }

    void head(int status, std::string_view content_type, std::optional<std::uint64_t> content_length) override {
        const InputMark::Busy busy(mark_, input_);
        sink_.head(status, content_type, content_length);
    }

    bool body(std::span<const char> chunk) override {
        const InputMark::Busy busy(mark_, input_);
        return sink_.body(chunk);
    }

    void done(FetchError error, Time at) override {
        const InputMark::Busy busy(mark_, input_);
        sink_.done(error, at);
    }

  private:
    InputMark& mark_;
    std::string input_;
    Sink& sink_;
};

}  // namespace revertd
