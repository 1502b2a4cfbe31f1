// SPDX-License-Identifier: Apache-2.0
// THE table of keys: what may be written where, of which type, in which range, with which default, in which words, and
// by which feature. Validation works from it; the JSON schema and the man page are made from it.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostic.h"
#include "config/document.h"

namespace revertd::config {

/// What a value may look like; several may be allowed.
enum Form : std::uint8_t {
    kScalar = 1,
    kMap = 2,
    kList = 4,  ///< of elements as `path[]` says; without such a row, of the other forms of the same row
    kOff = 8,   ///< the word `off`
    kFree = 16  ///< whatever is below is checked elsewhere
};

/// What a scalar is. The field `range` says more: `100ms..1h`, `1..10`, or words separated by `|`.
enum class ScalarType : std::uint8_t {
    None,
    Period,  ///< a duration
    Count,
    Number,
    Percent,
    Factor,    ///< `1.5x`, from 1.1x to below 100x
    Rate,      ///< `1 per 6h`
    Choice,    ///< one of the words of `range`
    Name,      ///< letters, digits, `.`, `_`, `-`
    Member,    ///< a name, or `@group`
    Text,      ///< anything but blank, or what YAML takes for a boolean
    Value,     ///< anything but blank
    Url,       ///< of the schemes of `range`
    Secret,    ///< the name of a systemd credential, or an absolute path
    Statuses,  ///< `200` or `200-399`
    Mail,      ///< an address of mail
    Hours,     ///< `Fri 16:00-Mon 08:00 Europe/Berlin`
    Sentence   ///< a rule or a signal: read by its own grammar
};

struct Key {
    std::string_view
        path;  ///< `services.*.health.url`: `*` is any name, `P0|P1` one of these, `[]` an element of a list
    unsigned form = kScalar;
    ScalarType scalar = ScalarType::None;
    std::string_view range{};
    std::string_view fallback{};  ///< what holds when it is not written; empty: nothing
    std::string_view words{};     ///< one line for people
    std::string_view feature{};   ///< empty: built; else the feature that is to bring it
    std::string_view like{};      ///< what is below is as below that path
};

/// Every row, in the order in which people meet them.
[[nodiscard]] std::span<const Key> all_keys();

/// Unknown keys, blanks, wrong types, values out of range, what is not built yet: all of it, positioned.
void check_keys(const Node& root, Diagnostics& diagnostics);

}  // namespace revertd::config
