// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/clock.h"

namespace revertd::api {

/// Writes one JSON text as the contract has it: unknown is null, times are RFC 3339 in UTC, durations seconds. Bytes
/// that are not UTF-8 are replaced. A name belongs to every value inside an object, and to none inside an array.
class JsonText {
  public:
    JsonText();
    JsonText(const JsonText&) = delete;
    JsonText& operator=(const JsonText&) = delete;
    ~JsonText();

    void open_object(std::string_view name = {});
    void close_object();
    void open_array(std::string_view name = {});
    void close_array();

    /// An empty text is null.
    void put_text(std::string_view name, std::string_view text);
    /// NaN and infinities are null.
    void put_number(std::string_view name, double number);
    void put_count(std::string_view name, std::int64_t count);
    void put_count(std::string_view name, std::optional<int> count);
    void put_flag(std::string_view name, bool flag);
    void put_time(std::string_view name, std::optional<WallTime> time);
    /// To the millisecond.
    void put_seconds(std::string_view name, std::optional<Duration> duration);
    void put_null(std::string_view name);
    /// An element of an array, also if it is empty.
    void add_text(std::string_view text);

    [[nodiscard]] std::string take();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace revertd::api
