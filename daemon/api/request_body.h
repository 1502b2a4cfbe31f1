// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "core/record.h"
#include "core/result.h"

namespace revertd::api {

/// What a member of a request's body may be.
struct Field {
    enum class Kind { Text, Flag, Number, Texts };
    std::string_view name;
    Kind kind = Kind::Text;
    std::size_t max_bytes = 0;  ///< of a text
};

/// The JSON object of a POST: flat, every member known and of its kind. An empty body is `{}`, null is "not given".
class RequestBody {
  public:
    /// Errors: Invalid, in words.
    [[nodiscard]] static Result<RequestBody> parse(std::string_view json, std::span<const Field> fields);

    [[nodiscard]] std::string text(std::string_view name) const;
    [[nodiscard]] bool flag(std::string_view name) const;
    [[nodiscard]] std::optional<double> number(std::string_view name) const;
    [[nodiscard]] Meta texts(std::string_view name) const;

  private:
    friend class BodyReader;
    using Value = std::variant<std::string, bool, double, Meta>;

    template <class T>
    [[nodiscard]] T get(std::string_view name) const;

    std::map<std::string, Value, std::less<>> members_;
};

}  // namespace revertd::api
