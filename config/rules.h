// SPDX-License-Identifier: Apache-2.0
// The grammar of a rule:
//   <signal> <op> <value>[%|ms|s|x baseline|% baseline] [over D] [for D | n in a row | n of m] [clear <value>]
//     (`control` or `before` for `baseline` say which: the control group, or the time before)
//   <signal> <sentence of a detector> [for D | n of m], by the table in detectors/registry.cpp
//   <signal> absent for D | health down for D | health down n of m | health fails n in a row | rollout stuck | deploy
//   failed
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "config/signals.h"
#include "core/rule.h"

namespace revertd::config {

struct ParsedRule {
    Rule rule;  ///< severity, steps and from_default_guard are the caller's
    std::string warning;
};

[[nodiscard]] std::variant<ParsedRule, SentenceError> parse_rule(std::string_view text, SignalTable& signals);

}  // namespace revertd::config
