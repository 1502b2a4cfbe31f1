// SPDX-License-Identifier: Apache-2.0
#include "daemon/journal/codec.h"

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

#include "daemon/journal/utf8.h"

namespace revertd::journal {

namespace {

using Writer = rapidjson::Writer<rapidjson::StringBuffer>;
using Json = rapidjson::Value;

// --- writing: one overload a type ---

void write(Writer& out, const std::string& value) {
    out.String(valid_utf8(value));
}

void write(Writer& out, bool value) {
    out.Bool(value);
}

void write(Writer& out, double value) {
    if (std::isfinite(value)) {
        out.Double(value);
    } else {
        out.String(std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
    }
}

void write(Writer& out, Duration value) {
    out.Int64(value.count());
}

void write(Writer& out, Time value) {
    out.Int64(value.time_since_epoch().count());
}

void write(Writer& out, const std::pair<std::string, std::string>& value) {
    out.StartArray();
    write(out, value.first);
    write(out, value.second);
    out.EndArray();
}

template <class T>
requires std::is_integral_v<T>

void write(Writer& out, T value) {
    if constexpr (std::is_signed_v<T>) {
        out.Int64(value);
    } else {
        out.Uint64(value);
    }
}

template <class T>
requires std::is_enum_v<T>

void write(Writer& out, T value) {
    out.String(std::string(to_string(value)));
}

template <class T>
void write(Writer& out, const std::vector<T>& values);

template <class T>

requires requires(T value) {
    T::fields(value, [](const char*, auto&) {});
}

void write(Writer& out, const T& value) {
    out.StartObject();
    T::fields(value, [&out](const char* name, const auto& member) {
        out.Key(name);
        write(out, member);
    });
    out.EndObject();
}

template <class T>
void write(Writer& out, const std::vector<T>& values) {
    out.StartArray();
    for (const T& value : values) write(out, value);
    out.EndArray();
}

// --- reading: false if the value is of another type ---

bool read(const Json& in, std::string& value) {
    if (in.IsString()) value.assign(in.GetString(), in.GetStringLength());
    return in.IsString();
}

bool read(const Json& in, bool& value) {
    if (in.IsBool()) value = in.GetBool();
    return in.IsBool();
}

bool read(const Json& in, double& value) {
    if (in.IsNumber()) {
        value = in.GetDouble();
        return true;
    }
    if (!in.IsString()) return false;
    const std::string_view word(in.GetString(), in.GetStringLength());
    if (word == "NaN") value = std::numeric_limits<double>::quiet_NaN();
    if (word == "Infinity") value = std::numeric_limits<double>::infinity();
    if (word == "-Infinity") value = -std::numeric_limits<double>::infinity();
    return word == "NaN" || word == "Infinity" || word == "-Infinity";
}

bool read(const Json& in, Duration& value) {
    if (in.IsInt64()) value = Duration(in.GetInt64());
    return in.IsInt64();
}

bool read(const Json& in, Time& value) {
    if (in.IsInt64()) value = Time(Duration(in.GetInt64()));
    return in.IsInt64();
}

bool read(const Json& in, std::pair<std::string, std::string>& value) {
    return in.IsArray() && in.Size() == 2 && read(in[0], value.first) && read(in[1], value.second);
}

template <class T>
requires std::is_integral_v<T>

bool read(const Json& in, T& value) {
    if (in.IsInt64() && std::in_range<T>(in.GetInt64())) {
        value = static_cast<T>(in.GetInt64());
        return true;
    }
    if (!in.IsUint64() || !std::in_range<T>(in.GetUint64())) return false;
    value = static_cast<T>(in.GetUint64());
    return true;
}

template <class T>
requires std::is_enum_v<T>

bool read(const Json& in, T& value) {
    if (!in.IsString()) return false;
    const auto found = enum_from<T>(std::string_view(in.GetString(), in.GetStringLength()));
    if (found) value = *found;
    return found.has_value();
}

template <class T>
bool read(const Json& in, std::vector<T>& values);

template <class T>

requires requires(T value) {
    T::fields(value, [](const char*, auto&) {});
}

bool read(const Json& in, T& value) {
    if (!in.IsObject()) return false;
    bool fits = true;
    T::fields(value, [&](const char* name, auto& member) {
        const auto found = in.FindMember(name);
        if (found != in.MemberEnd()) fits = read(found->value, member) && fits;
    });
    return fits;
}

template <class T>
bool read(const Json& in, std::vector<T>& values) {
    if (!in.IsArray()) return false;
    values.clear();
    for (const Json& item : in.GetArray()) {
        if (!read(item, values.emplace_back())) return false;
    }
    return true;
}

// --- the alternatives of Fact ---

template <std::size_t I = 0>
Result<Fact> read_fact(std::string_view kind, const Json& in) {
    if constexpr (I == std::variant_size_v<Fact>) {
        return Error(ErrorCode::NotFound, "a record of kind " + std::string(kind) + " is no fact");
    } else {
        using T = std::variant_alternative_t<I, Fact>;
        if (kind != T::kName) return read_fact<I + 1>(kind, in);
        T fact;
        if (!read(in, fact))
            return Error(ErrorCode::Invalid, "a record of kind " + std::string(kind) + " has a member of another type");
        return Fact(std::move(fact));
    }
}

// The member of that name, if the fact has one that is text.
std::string text_of(const Fact& fact, std::string_view wanted) {
    std::string text;
    std::visit(
        [&]<class T>(const T& value) {
            T::fields(value, [&](std::string_view name, const auto& member) {
                if constexpr (std::is_same_v<std::decay_t<decltype(member)>, std::string>) {
                    if (name == wanted) text = member;
                }
            });
        },
        fact);
    return text;
}

}  // namespace

std::string encode(const Fact& fact) {
    rapidjson::StringBuffer buffer;
    Writer out(buffer);
    std::visit([&out](const auto& value) { write(out, value); }, fact);
    return {buffer.GetString(), buffer.GetSize()};
}

// Iterative, and into a pool that is freed as a whole: a body nested a million deep costs memory, never the stack.
Result<Fact> decode(std::string_view kind, std::string_view body) {
    rapidjson::Document document;
    document.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseFullPrecisionFlag>(body.data(), body.size());
    if (document.HasParseError())
        return Error(ErrorCode::Invalid, "a record of kind " + std::string(kind) + " is not JSON");
    return read_fact(kind, document);
}

Entry to_entry(const Record& record) {
    return {.seq = record.seq,
            .at = record.at,
            .wall = record.wall,
            .kind = name_of(record.fact),
            .service = text_of(record.fact, "service"),
            .incident = text_of(record.fact, "incident"),
            .body = encode(record.fact)};
}

Result<Record> to_record(const Entry& entry) {
    auto fact = decode(entry.kind, entry.body);
    if (!fact) return fact.wrap("record " + std::to_string(entry.seq));
    return Record{entry.seq, entry.at, entry.wall, std::move(*fact)};
}

}  // namespace revertd::journal
