// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace revertd {

/// Writes a receiver's JSON: ASCII only, so that no proxy can misread it. Empty members are left out.
class JsonBody {
  public:
    JsonBody();
    JsonBody(const JsonBody&) = delete;
    JsonBody& operator=(const JsonBody&) = delete;
    ~JsonBody();

    JsonBody& open(std::string_view name = {});        ///< an object
    JsonBody& open_array(std::string_view name = {});  ///< to be closed by close_array
    JsonBody& close();
    JsonBody& close_array();
    JsonBody& text(std::string_view name, std::string_view value);
    JsonBody& count(std::string_view name, std::uint64_t value);
    JsonBody& flag(std::string_view name, bool value);
    JsonBody& item(std::string_view value);  ///< of an array
    [[nodiscard]] std::string take();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// Cut at a character's beginning.
[[nodiscard]] std::string cut(const std::string& text, std::size_t bytes);

}  // namespace revertd
