// SPDX-License-Identifier: Apache-2.0
#include "daemon/api/json_text.h"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cmath>

#include "daemon/journal/utf8.h"

namespace revertd::api {

struct JsonText::Impl {
    void name(std::string_view text) {
        if (!text.empty()) write(text);
    }

    void write(std::string_view text) {
        const std::string valid = journal::valid_utf8(text);
        writer.String(valid.data(), static_cast<rapidjson::SizeType>(valid.size()));
    }

    rapidjson::StringBuffer buffer;
    rapidjson::Writer<rapidjson::StringBuffer> writer{buffer};
};

JsonText::JsonText() : impl_(std::make_unique<Impl>()) {}

JsonText::~JsonText() = default;

void JsonText::open_object(std::string_view name) {
    impl_->name(name);
    impl_->writer.StartObject();
}

void JsonText::close_object() {
    impl_->writer.EndObject();
}

void JsonText::open_array(std::string_view name) {
    impl_->name(name);
    impl_->writer.StartArray();
}

void JsonText::close_array() {
    impl_->writer.EndArray();
}

void JsonText::put_text(std::string_view name, std::string_view text) {
    if (text.empty()) return put_null(name);
    impl_->name(name);
    impl_->write(text);
}

void JsonText::put_number(std::string_view name, double number) {
    constexpr double kExact = 1e15;  // whole numbers below are written without a fraction
    if (!std::isfinite(number)) return put_null(name);
    if (std::trunc(number) == number && std::abs(number) < kExact)
        return put_count(name, static_cast<std::int64_t>(number));
    impl_->name(name);
    impl_->writer.Double(number);
}

void JsonText::put_count(std::string_view name, std::int64_t count) {
    impl_->name(name);
    impl_->writer.Int64(count);
}

void JsonText::put_count(std::string_view name, std::optional<int> count) {
    if (!count) return put_null(name);
    put_count(name, static_cast<std::int64_t>(*count));
}

void JsonText::put_flag(std::string_view name, bool flag) {
    impl_->name(name);
    impl_->writer.Bool(flag);
}

void JsonText::put_time(std::string_view name, std::optional<WallTime> time) {
    put_text(name, time ? to_rfc3339(*time) : std::string());
}

void JsonText::put_seconds(std::string_view name, std::optional<Duration> duration) {
    if (!duration) return put_null(name);
    const auto milliseconds = std::chrono::round<std::chrono::milliseconds>(*duration).count();
    put_number(name, static_cast<double>(milliseconds) / 1000);
}

void JsonText::put_null(std::string_view name) {
    impl_->name(name);
    impl_->writer.Null();
}

void JsonText::add_text(std::string_view text) {
    impl_->write(text);
}

std::string JsonText::take() {
    return {impl_->buffer.GetString(), impl_->buffer.GetSize()};
}

}  // namespace revertd::api
