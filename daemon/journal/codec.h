// SPDX-License-Identifier: Apache-2.0
// Facts of the engine as the journal's JSON, in both directions, from the one list of members that each fact has.
#pragma once
#include <string>
#include <string_view>

#include "core/record.h"
#include "core/result.h"
#include "daemon/journal/entry.h"

namespace revertd::journal {

/// A JSON object. Durations and times are nanoseconds, enums their names, NaN and infinities strings; a double comes
/// back as the same double. Bytes that are not UTF-8 become U+FFFD: those are output of commands and words about it,
/// never an identity.
[[nodiscard]] std::string encode(const Fact& fact);

/// Members that are not there keep their default, so that an older journal is read; those not known are passed over.
/// NotFound for a kind that is no fact, Invalid for a value of another type.
[[nodiscard]] Result<Fact> decode(std::string_view kind, std::string_view body);

/// The entry for a record; `service` and `incident` are those of the fact, if it has them.
[[nodiscard]] Entry to_entry(const Record& record);
[[nodiscard]] Result<Record> to_record(const Entry& entry);

}  // namespace revertd::journal
