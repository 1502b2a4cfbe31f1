// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace revertd {

/// Small closed set of error classes; the words are in the message.
enum class ErrorCode { Invalid, NotFound, Conflict, NotAllowed, Unavailable, Timeout, Limit, Io, Corrupt, Internal };

[[nodiscard]] const char* to_string(ErrorCode code);

/// What was tried, on what, what was found and what was expected; `hint` says what to do about it.
struct Error {
    Error(ErrorCode code_, std::string message_, std::string hint_ = {})
        : code(code_), message(std::move(message_)), hint(std::move(hint_)) {}

    ErrorCode code;
    std::string message;
    std::string hint;
};

/// Value or error, shaped as C++23's std::expected (GCC 12 has it under -std=c++23 only).
template <class T>
class [[nodiscard]] Result {
  public:
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}

    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

    [[nodiscard]] bool has_value() const { return state_.index() == 0; }

    explicit operator bool() const { return has_value(); }

    T& operator*() & { return *std::get_if<0>(&state_); }

    const T& operator*() const& { return *std::get_if<0>(&state_); }

    T&& operator*() && { return std::move(*std::get_if<0>(&state_)); }

    T* operator->() { return std::get_if<0>(&state_); }

    const T* operator->() const { return std::get_if<0>(&state_); }

    [[nodiscard]] const Error& error() const { return *std::get_if<1>(&state_); }

    [[nodiscard]] Error& error() { return *std::get_if<1>(&state_); }

    /// The same error with what was being done put before it.
    [[nodiscard]] Error wrap(const std::string& doing) const {
        return {error().code, doing + ": " + error().message, error().hint};
    }

  private:
    std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
  public:
    Result() = default;

    Result(Error error) : error_(std::move(error)) {}

    [[nodiscard]] bool has_value() const { return !error_; }

    explicit operator bool() const { return has_value(); }

    [[nodiscard]] const Error& error() const { return *error_; }

    [[nodiscard]] Error wrap(const std::string& doing) const {
        return {error_->code, doing + ": " + error_->message, error_->hint};
    }

  private:
    std::optional<Error> error_;
};

}  // namespace revertd
