// SPDX-License-Identifier: Apache-2.0
#include "daemon/notify/json_body.h"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "daemon/journal/utf8.h"

namespace revertd {

struct JsonBody::Impl {
    rapidjson::StringBuffer buffer;
    rapidjson::Writer<rapidjson::StringBuffer, rapidjson::UTF8<>, rapidjson::ASCII<>> out{buffer};

    void name(std::string_view name) {
        if (!name.empty()) out.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
    }

    void string(std::string_view value) {
        const std::string text = journal::valid_utf8(value);  // what is not would end the whole text in the middle
        out.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
    }
};

JsonBody::JsonBody() : impl_(std::make_unique<Impl>()) {}

JsonBody::~JsonBody() = default;

JsonBody& JsonBody::open(std::string_view name) {
    impl_->name(name);
    impl_->out.StartObject();
    return *this;
}

JsonBody& JsonBody::open_array(std::string_view name) {
    impl_->name(name);
    impl_->out.StartArray();
    return *this;
}

JsonBody& JsonBody::close() {
    impl_->out.EndObject();
    return *this;
}

JsonBody& JsonBody::close_array() {
    impl_->out.EndArray();
    return *this;
}

JsonBody& JsonBody::text(std::string_view name, std::string_view value) {
    if (value.empty()) return *this;
    impl_->name(name);
    impl_->string(value);
    return *this;
}

JsonBody& JsonBody::count(std::string_view name, std::uint64_t value) {
    impl_->name(name);
    impl_->out.Uint64(value);
    return *this;
}

JsonBody& JsonBody::flag(std::string_view name, bool value) {
    impl_->name(name);
    impl_->out.Bool(value);
    return *this;
}

JsonBody& JsonBody::item(std::string_view value) {
    impl_->string(value);
    return *this;
}

std::string JsonBody::take() {
    return {impl_->buffer.GetString(), impl_->buffer.GetSize()};
}

std::string cut(const std::string& text, std::size_t bytes) {
    if (text.size() <= bytes) return text;
    std::size_t end = bytes;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
    return text.substr(0, end);
}

}  // namespace revertd
