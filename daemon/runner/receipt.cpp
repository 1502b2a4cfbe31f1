// SPDX-License-Identifier: Apache-2.0
#include "daemon/runner/receipt.h"

#include <array>
#include <charconv>

namespace revertd {
namespace {

constexpr std::array<std::string_view, 6> kNames{"none", "running", "done", "failed", "unknown", "no_answer"};

}  // namespace

std::uint64_t number_of(std::string_view key) {
    std::uint64_t number = 0;
    const std::string_view text = key.substr(key.rfind('.') + 1);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size() ? number : 0;
}

std::string_view to_string(StepState state) {
    return kNames.at(static_cast<std::size_t>(state));
}

std::optional<StepState> step_state_from(std::string_view text) {
    for (std::size_t i = 0; i < kNames.size(); ++i)
        if (kNames.at(i) == text) return static_cast<StepState>(i);
    return std::nullopt;
}

}  // namespace revertd
