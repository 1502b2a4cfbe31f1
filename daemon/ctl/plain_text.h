// SPDX-License-Identifier: Apache-2.0
// For terminals whose locale knows no UTF-8: bars and curves in ASCII, of the same width.
#pragma once
#include <functional>
#include <optional>
#include <streambuf>
#include <string>

namespace revertd::ctl {

/// The environment names a locale, and it is not one of UTF-8. One that names none is taken for a container's, whose
/// terminal is elsewhere and knows UTF-8.
[[nodiscard]] bool wants_plain_text(const std::function<std::optional<std::string>(const char* name)>& environment);

/// Hands on what is written, every character outside of ASCII as one inside.
class PlainText final : public std::streambuf {
  public:
    explicit PlainText(std::streambuf& behind) : behind_(behind) {}

  protected:
    int_type overflow(int_type byte) override;

    int sync() override { return behind_.pubsync(); }

  private:
    std::streambuf& behind_;
    std::string sequence_;  ///< the bytes of a character that have come
};

}  // namespace revertd::ctl
