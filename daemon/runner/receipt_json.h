// SPDX-License-Identifier: Apache-2.0
// The one form of a receipt, on the wire and on disk. Only included by .cpp files.
#pragma once
#include "daemon/runner/json.h"
#include "daemon/runner/receipt.h"

namespace revertd::runner {

inline std::int64_t to_milliseconds(WallTime wall) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(wall.time_since_epoch()).count();
}

inline void write_receipt(JsonWriter& out, const Receipt& receipt) {
    out.StartObject();
    put(out, "state", std::string(to_string(receipt.state)));
    if (receipt.exit) put(out, "exit", std::int64_t{*receipt.exit});
    if (!receipt.reason.empty()) put(out, "reason", receipt.reason);
    if (!receipt.output.empty()) put(out, "output", receipt.output);
    if (receipt.survivors) out.Key("survivors"), out.Bool(true);
    if (receipt.repeated) out.Key("repeated"), out.Bool(true);
    if (receipt.started != WallTime{}) put(out, "started_ms", to_milliseconds(receipt.started));
    if (receipt.ended != WallTime{}) put(out, "ended_ms", to_milliseconds(receipt.ended));
    out.EndObject();
}

inline std::optional<Receipt> read_receipt(const rapidjson::Value& object) {
    Receipt receipt;
    const std::optional<StepState> state = step_state_from(text_of(object, "state").value_or(""));
    if (!state) return std::nullopt;
    receipt.state = *state;
    if (const auto exit = integer_of(object, "exit")) receipt.exit = static_cast<int>(*exit);
    receipt.reason = text_of(object, "reason").value_or("");
    receipt.output = text_of(object, "output").value_or("");
    receipt.survivors = true_of(object, "survivors");
    receipt.repeated = true_of(object, "repeated");
    receipt.started = WallTime(std::chrono::milliseconds(integer_of(object, "started_ms").value_or(0)));
    receipt.ended = WallTime(std::chrono::milliseconds(integer_of(object, "ended_ms").value_or(0)));
    return receipt;
}

}  // namespace revertd::runner
