// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/result.h"

namespace revertd::ctl {

/// A read-only value of an answer. Whatever is absent is null, so that a newer or an older daemon is read all the same.
class Json {
  public:
    Json() = default;

    /// Refuses what is not JSON and what is nested deeper than any object of the contract.
    [[nodiscard]] static Result<Json> parse(std::string_view text);

    [[nodiscard]] bool is_null() const;
    [[nodiscard]] bool is_array() const;
    [[nodiscard]] Json operator[](std::string_view key) const;

    /// The elements of an array, else nothing.
    [[nodiscard]] std::vector<Json> items() const;
    /// The members of an object in the order written, else nothing.
    [[nodiscard]] std::vector<std::pair<std::string, Json>> members() const;

    /// A string as it is, a number or boolean as JSON writes it, null as nothing.
    [[nodiscard]] std::string text() const;
    [[nodiscard]] std::optional<double> number() const;
    [[nodiscard]] bool truth() const;

    [[nodiscard]] std::string pretty() const;
    [[nodiscard]] std::string line() const;
    /// The object on one line with one more member.
    [[nodiscard]] std::string line_with(std::string_view key, int value) const;

  private:
    struct Document;

    Json(std::shared_ptr<const Document> document, const void* value);

    std::shared_ptr<const Document> document_;
    const void* value_ = nullptr;  // a rapidjson::Value inside the document
};

using JsonLeaf = std::variant<std::string, double, bool, std::map<std::string, std::string>>;

/// An argument of the command line as a member; one that was not given is left out.
[[nodiscard]] std::optional<JsonLeaf> given(const std::string& text);

/// The body of a request: one object, members without a value are left out.
[[nodiscard]] std::string json_object(const std::vector<std::pair<std::string, std::optional<JsonLeaf>>>& members);

}  // namespace revertd::ctl
