// SPDX-License-Identifier: Apache-2.0
#include "daemon/api/request_body.h"

#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <set>
#include <vector>

#include "config/values.h"
#include "daemon/api/limits.h"
#include "daemon/api/text.h"

namespace revertd::api {
namespace {

const char* words(Field::Kind kind) {
    switch (kind) {
        case Field::Kind::Text:
            return "a text";
        case Field::Kind::Flag:
            return "true or false";
        case Field::Kind::Number:
            return "a number";
        case Field::Kind::Texts:
            return "an object of texts";
    }
    return "";
}

}  // namespace

/// Receives the parser's events. The contract knows one object, and in it objects of texts: anything deeper ends it.
class BodyReader : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, BodyReader> {
  public:
    BodyReader(std::span<const Field> fields, RequestBody& body) : fields_(fields), body_(body) {}

    bool Default() { return fail("is not an object"); }

    bool Null() {
        if (depth_ == 0 || depth_ == 2) return fail_value("a text");
        return true;
    }

    bool Bool(bool flag) { return take(Field::Kind::Flag, flag); }

    bool Int(int number) { return take(Field::Kind::Number, static_cast<double>(number)); }

    bool Uint(unsigned number) { return take(Field::Kind::Number, static_cast<double>(number)); }

    bool Int64(std::int64_t number) { return take(Field::Kind::Number, static_cast<double>(number)); }

    bool Uint64(std::uint64_t number) { return take(Field::Kind::Number, static_cast<double>(number)); }

    bool Double(double number) { return take(Field::Kind::Number, number); }

    bool String(const char* data, rapidjson::SizeType size, bool) {
        const std::string text(data, size);
        if (depth_ == 0) return Default();
        if (!is_plain_text(text)) return fail_name("has a control character or is not UTF-8");
        if (depth_ == 1) {
            if (field_->max_bytes < size && field_->kind == Field::Kind::Text)
                return fail_name("is longer than " + std::to_string(field_->max_bytes) + " bytes");
            return take(Field::Kind::Text, text);
        }
        if (size > kMaxMetaBytes || texts_.size() >= kMaxMetaEntries)
            return fail_name("is larger than " + std::to_string(kMaxMetaEntries) + " texts of " +
                             std::to_string(kMaxMetaBytes) + " bytes");
        texts_.emplace_back(inner_name_, text);
        return true;
    }

    bool StartObject() {
        if (depth_ == 0) return ++depth_ > 0;
        if (depth_ > 1 || field_->kind != Field::Kind::Texts) return fail_value(words(field_->kind));
        texts_.clear();
        return ++depth_ > 0;
    }

    bool Key(const char* data, rapidjson::SizeType size, bool) {
        const std::string name(data, size);
        if (!is_plain_text(name) || size > kMaxNameBytes) return fail("has a name that is no plain text");
        return depth_ == 1 ? outer_key(name) : inner_key(name);
    }

    bool EndObject(rapidjson::SizeType) {
        if (--depth_ == 1) body_.members_[std::string(field_->name)] = std::move(texts_);
        return true;
    }

    bool StartArray() { return depth_ == 0 ? Default() : fail_value(words(field_->kind)); }

    [[nodiscard]] const std::optional<Error>& error() const { return error_; }

  private:
    bool outer_key(const std::string& name) {
        const auto found = std::find_if(fields_.begin(), fields_.end(), [&](const Field& f) { return f.name == name; });
        if (found == fields_.end()) {
            std::vector<std::string> known;
            for (const Field& f : fields_) known.emplace_back(f.name);
            error_ = Error(ErrorCode::Invalid, "the body has an unknown member \"" + name + "\"",
                           config::did_you_mean(name, known));
            return false;
        }
        field_ = &*found;
        return seen_.insert(name).second || fail_name("is given twice");
    }

    bool inner_key(const std::string& name) {
        inner_name_ = name;
        const auto same = [&](const auto& entry) { return entry.first == name; };
        return std::none_of(texts_.begin(), texts_.end(), same) || fail_name("has \"" + name + "\" twice");
    }

    template <class T>
    bool take(Field::Kind kind, T value) {
        if (depth_ == 0) return Default();
        if (depth_ == 2) return fail_value("an object of texts");
        if (field_->kind != kind) return fail_value(words(field_->kind));
        body_.members_[std::string(field_->name)] = std::move(value);
        return true;
    }

    bool fail(const std::string& why) {
        error_ = Error(ErrorCode::Invalid, "the body " + why, "one JSON object");
        return false;
    }

    bool fail_name(const std::string& why) {
        error_ = Error(ErrorCode::Invalid, "\"" + std::string(field_->name) + "\" " + why);
        return false;
    }

    bool fail_value(const std::string& expected) {
        if (depth_ == 0) return Default();
        return fail_name("must be " + expected);
    }

    std::span<const Field> fields_;
    RequestBody& body_;
    int depth_ = 0;
    const Field* field_ = nullptr;  // of the latest name
    std::string inner_name_;
    Meta texts_;
    std::set<std::string> seen_;
    std::optional<Error> error_;
};

Result<RequestBody> RequestBody::parse(std::string_view json, std::span<const Field> fields) {
    RequestBody body;
    if (json.empty()) return body;
    BodyReader handler(fields, body);
    rapidjson::MemoryStream stream(json.data(), json.size());
    rapidjson::Reader reader;
    constexpr unsigned kFlags = rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag;
    const auto result = reader.Parse<kFlags>(stream, handler);
    if (handler.error()) return *handler.error();
    if (result.IsError())
        return Error(ErrorCode::Invalid, "the body is not JSON at byte " + std::to_string(result.Offset()) + ": " +
                                             rapidjson::GetParseError_En(result.Code()));
    return body;
}

template <class T>
T RequestBody::get(std::string_view name) const {
    const auto found = members_.find(name);
    return found == members_.end() ? T{} : std::get<T>(found->second);
}

std::string RequestBody::text(std::string_view name) const {
    return get<std::string>(name);
}

bool RequestBody::flag(std::string_view name) const {
    return get<bool>(name);
}

std::optional<double> RequestBody::number(std::string_view name) const {
    const auto found = members_.find(name);
    if (found == members_.end()) return std::nullopt;
    return std::get<double>(found->second);
}

Meta RequestBody::texts(std::string_view name) const {
    return get<Meta>(name);
}

}  // namespace revertd::api
