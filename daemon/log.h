// SPDX-License-Identifier: Apache-2.0
// The daemon's log: one event a line, keys from the glossary. `core`, `detectors` and `actions` never log.
#pragma once
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace revertd::log {

/// error: a person must act; warn: degraded, continues; info: what happens to guards and incidents; debug: the rest.
enum class Level { Debug, Info, Warn, Error };

using Fields = std::initializer_list<std::pair<std::string_view, std::string_view>>;

/// `format`: logfmt, json, or journal (no timestamp, a <N> priority before each line).
void configure(const std::string& level, const std::string& format);
void write(Level level, std::string_view message, Fields fields = {});

}  // namespace revertd::log
