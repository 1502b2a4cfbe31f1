// SPDX-License-Identifier: Apache-2.0
// RapidJSON as the runner uses it: iterative parsing, valid UTF-8 only, fields read with their type or not at all.
// Only included by .cpp files.
#pragma once
#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace revertd::runner {

using JsonBuffer = rapidjson::StringBuffer;
using JsonWriter = rapidjson::Writer<JsonBuffer, rapidjson::UTF8<>, rapidjson::UTF8<>, rapidjson::CrtAllocator,
                                     rapidjson::kWriteValidateEncodingFlag>;

/// False if it is no JSON object.
inline bool parse_object(std::string_view text, rapidjson::Document& document) {
    document.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(text.data(), text.size());
    return !document.HasParseError() && document.IsObject();
}

inline const rapidjson::Value* member(const rapidjson::Value& object, const char* name) {
    if (!object.IsObject()) return nullptr;
    const auto found = object.FindMember(name);
    return found == object.MemberEnd() ? nullptr : &found->value;
}

inline std::optional<std::string> text_of(const rapidjson::Value& object, const char* name) {
    const rapidjson::Value* value = member(object, name);
    if (value == nullptr || !value->IsString()) return std::nullopt;
    return std::string(value->GetString(), value->GetStringLength());
}

inline std::optional<std::int64_t> integer_of(const rapidjson::Value& object, const char* name) {
    const rapidjson::Value* value = member(object, name);
    if (value == nullptr || !value->IsInt64()) return std::nullopt;
    return value->GetInt64();
}

inline bool true_of(const rapidjson::Value& object, const char* name) {
    const rapidjson::Value* value = member(object, name);
    return value != nullptr && value->IsTrue();
}

inline void put(JsonWriter& out, const char* name, const std::string& text) {
    out.Key(name);
    out.String(text);
}

inline void put(JsonWriter& out, const char* name, std::int64_t number) {
    out.Key(name);
    out.Int64(number);
}

}  // namespace revertd::runner
