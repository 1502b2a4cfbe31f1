// SPDX-License-Identifier: Apache-2.0
// Which input the loop is busy with at this instant, where a crash cannot take it away: in a mapped file, which the
// kernel keeps. What is found there at the next start has ended the process (S39).
#pragma once
#include <array>
#include <set>
#include <string>
#include <string_view>

#include "core/result.h"

namespace revertd {

class InputMark {
  public:
    InputMark() = default;
    InputMark(const InputMark&) = delete;
    InputMark& operator=(const InputMark&) = delete;
    ~InputMark();

    /// From now on kept in this file; gives what the run before left there, empty after an orderly end.
    Result<std::string> open(const std::string& path);

    /// The same, but what was left there stays until `clear`: for what must not be forgotten before somebody was told.
    Result<std::string> open_and_leave(const std::string& path);

    /// Stays there over the end of this process, orderly or not, until `clear`.
    void keep(std::string_view text) { push(text); }

    void clear();

    /// Inputs that are not taken any more.
    void set_quarantined(std::set<std::string, std::less<>> inputs) { quarantined_ = std::move(inputs); }

    [[nodiscard]] bool is_quarantined(std::string_view input) const {
        return !quarantined_.empty() && quarantined_.contains(input);
    }

    /// Busy with `input` until it is gone; what is inside of it is marked by itself. Empty: with none, as when what
    /// follows from an input is decided.
    class Busy {
      public:
        Busy(InputMark& mark, std::string_view input) : mark_(mark) { mark_.push(input); }

        Busy(const Busy&) = delete;
        Busy& operator=(const Busy&) = delete;

        ~Busy() { mark_.pop(); }

      private:
        InputMark& mark_;
    };

  private:
    static constexpr std::size_t kBytes = 512;  // a name and a URL; a longer one is cut
    static constexpr std::size_t kLevels = 8;   // an answer, its judging, a decision: more is never nested
    using Text = std::array<char, kBytes>;

    struct Level {
        Text text{};
        std::size_t size = 0;

        [[nodiscard]] std::string_view input() const { return {text.data(), size}; }
    };

    Result<std::string> map(const std::string& path);
    void push(std::string_view input);
    void pop();
    void write(std::string_view input);

    Text unmapped_{};
    char* place_ = unmapped_.data();
    std::size_t written_ = 0;              ///< bytes in `place_`, the first of which may be covered
    std::array<Level, kLevels> levels_{};  ///< copies: who names an input may be gone before it is done with
    std::size_t depth_ = 0;
    std::set<std::string, std::less<>> quarantined_;
};

}  // namespace revertd
