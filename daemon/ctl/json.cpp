// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/json.h"

#include <rapidjson/document.h>
#include <rapidjson/prettywriter.h>
#include <rapidjson/reader.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cmath>

namespace revertd::ctl {
namespace {

using Buffer = rapidjson::StringBuffer;

// Objects of the contract nest five deep; writing a value recurses, so that depth is bounded before anything is kept.
constexpr int kMaxDepth = 64;

struct DepthLimit : rapidjson::BaseReaderHandler<rapidjson::UTF8<>, DepthLimit> {
    bool StartObject() { return ++depth <= kMaxDepth; }

    bool EndObject(rapidjson::SizeType) { return depth-- > 0; }

    bool StartArray() { return ++depth <= kMaxDepth; }

    bool EndArray(rapidjson::SizeType) { return depth-- > 0; }

    int depth = 0;
};

const rapidjson::Value& value_of(const void* value) {
    return *static_cast<const rapidjson::Value*>(value);
}

template <class Writer>
std::string write(const rapidjson::Value& value) {
    Buffer buffer;
    Writer writer(buffer);
    value.Accept(writer);
    return {buffer.GetString(), buffer.GetSize()};
}

/// Whole numbers as such: 600, not 600.0.
void write_number(rapidjson::Writer<Buffer>& writer, double number) {
    constexpr double kExactIntegers = 9007199254740992.0;  // 2^53
    if (std::abs(number) < kExactIntegers && number == std::floor(number)) {
        writer.Int64(static_cast<std::int64_t>(number));
    } else {
        writer.Double(number);
    }
}

void write_leaf(rapidjson::Writer<Buffer>& writer, const JsonLeaf& leaf) {
    if (const auto* text = std::get_if<std::string>(&leaf)) {
        writer.String(*text);
    } else if (const auto* number = std::get_if<double>(&leaf)) {
        write_number(writer, *number);
    } else if (const auto* truth = std::get_if<bool>(&leaf)) {
        writer.Bool(*truth);
    } else if (const auto* map = std::get_if<std::map<std::string, std::string>>(&leaf)) {
        writer.StartObject();
        for (const auto& [key, value] : *map) {
            writer.Key(key.data(), static_cast<rapidjson::SizeType>(key.size()));
            writer.String(value);
        }
        writer.EndObject();
    }
}

}  // namespace

struct Json::Document {
    rapidjson::Document tree;
};

Json::Json(std::shared_ptr<const Document> document, const void* value)
    : document_(std::move(document)), value_(value) {}

Result<Json> Json::parse(std::string_view text) {
    DepthLimit limit;
    rapidjson::MemoryStream stream(text.data(), text.size());
    rapidjson::Reader reader;
    if (!reader.Parse<rapidjson::kParseIterativeFlag>(stream, limit)) {
        return Error(ErrorCode::Invalid, "not JSON at byte " + std::to_string(reader.GetErrorOffset()));
    }
    auto document = std::make_shared<Document>();
    document->tree.Parse<rapidjson::kParseIterativeFlag>(text.data(), text.size());
    const void* root = static_cast<const rapidjson::Value*>(&document->tree);
    return Json(std::move(document), root);
}

bool Json::is_null() const {
    return value_ == nullptr || value_of(value_).IsNull();
}

bool Json::is_array() const {
    return value_ != nullptr && value_of(value_).IsArray();
}

Json Json::operator[](std::string_view key) const {
    if (value_ == nullptr || !value_of(value_).IsObject()) return {};
    const rapidjson::Value name(rapidjson::StringRef(key.data(), key.size()));
    const auto member = value_of(value_).FindMember(name);
    if (member == value_of(value_).MemberEnd()) return {};
    return {document_, &member->value};
}

std::vector<Json> Json::items() const {
    std::vector<Json> items;
    if (!is_array()) return items;
    for (const auto& item : value_of(value_).GetArray()) items.push_back(Json(document_, &item));
    return items;
}

std::vector<std::pair<std::string, Json>> Json::members() const {
    std::vector<std::pair<std::string, Json>> members;
    if (value_ == nullptr || !value_of(value_).IsObject()) return members;
    for (const auto& member : value_of(value_).GetObject()) {
        members.emplace_back(std::string(member.name.GetString(), member.name.GetStringLength()),
                             Json(document_, &member.value));
    }
    return members;
}

std::string Json::text() const {
    if (is_null()) return {};
    const auto& value = value_of(value_);
    if (value.IsString()) return {value.GetString(), value.GetStringLength()};
    return line();
}

std::optional<double> Json::number() const {
    if (value_ == nullptr || !value_of(value_).IsNumber()) return std::nullopt;
    return value_of(value_).GetDouble();
}

bool Json::truth() const {
    return value_ != nullptr && value_of(value_).IsTrue();
}

std::string Json::pretty() const {
    return value_ == nullptr ? "null" : write<rapidjson::PrettyWriter<Buffer>>(value_of(value_));
}

std::string Json::line() const {
    return value_ == nullptr ? "null" : write<rapidjson::Writer<Buffer>>(value_of(value_));
}

std::string Json::line_with(std::string_view key, int value) const {
    rapidjson::Document copy(rapidjson::kObjectType);
    if (value_ != nullptr && value_of(value_).IsObject()) copy.CopyFrom(value_of(value_), copy.GetAllocator());
    const rapidjson::Value name(rapidjson::StringRef(key.data(), key.size()));
    copy.RemoveMember(name);
    copy.AddMember(rapidjson::Value(name, copy.GetAllocator()), rapidjson::Value(value), copy.GetAllocator());
    return write<rapidjson::Writer<Buffer>>(copy);
}

std::optional<JsonLeaf> given(const std::string& text) {
    return text.empty() ? std::nullopt : std::optional<JsonLeaf>(text);
}

std::string json_object(const std::vector<std::pair<std::string, std::optional<JsonLeaf>>>& members) {
    Buffer buffer;
    rapidjson::Writer<Buffer> writer(buffer);
    writer.StartObject();
    for (const auto& [key, leaf] : members) {
        if (!leaf) continue;
        writer.Key(key.data(), static_cast<rapidjson::SizeType>(key.size()));
        write_leaf(writer, *leaf);
    }
    writer.EndObject();
    return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace revertd::ctl
