// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <span>
#include <string>

#include "core/judge.h"

namespace revertd::ctl {

/// The sequential test over a signal, if the service has one: a rule's index.
[[nodiscard]] std::optional<std::uint32_t> test_of(const ServiceSettings& settings, std::uint32_t signal);

/// What a bake from now on would find in the signal, by what a Prometheus has kept of it. Its rows are ticks, longer
/// than those of the daemon: what is said is rather too late than too early. Empty: too little is kept.
[[nodiscard]] std::string power_words(const ServiceSettings& settings, std::uint32_t signal,
                                      std::span<const HistoryRow> rows);

}  // namespace revertd::ctl
