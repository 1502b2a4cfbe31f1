// SPDX-License-Identifier: Apache-2.0
// The words of a rule, and its bounds with their units.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/signals.h"

namespace revertd::config {

struct Word {
    std::string_view text;
    std::size_t offset = 0;
};

/// A sentence cut at blanks; comparison signs are words of their own. What is not as expected is thrown as
/// SentenceError.
class Words {
  public:
    explicit Words(std::string_view text);

    [[nodiscard]] std::optional<Word> maybe();

    [[nodiscard]] const Word* peek() const { return at_ < words_.size() ? &words_[at_] : nullptr; }

    void skip() { ++at_; }

    Word next(std::string_view expected);
    void expect(std::string_view word);
    Duration duration();
    [[nodiscard]] std::string duration_hint(std::string_view number) const;

    void refuse(std::size_t at, std::string what, std::string hint);

    [[nodiscard]] const std::optional<SentenceError>& error() const { return error_; }

    /// Of the last word that was read: where a missing rest is reported.
    [[nodiscard]] std::size_t last_offset() const { return at_ == 0 ? 0 : words_[at_ - 1].offset; }

  private:
    std::vector<Word> words_;
    std::size_t at_ = 0;
    std::size_t end_;
    std::optional<SentenceError> error_;
};

/// In base units: a ratio from 0 to 1, seconds, or a factor of the baseline.
struct Bound {
    double value = 0;
    Rule::Relative relative = Rule::Relative::Absolute;
    std::size_t at = 0;
    std::string warning;
    Rule::Reference reference = Rule::Reference::Before;
};

/// `5%`, `0.05`, `300ms`, `1.5x baseline`, `50% baseline`, checked against the unit of the signal. `baseline` is the
/// control group where there is one; `control` and `before` say which is meant. With a relative
/// `kind` the word `baseline` may be missing: it was said before.
[[nodiscard]] Bound read_bound(Words& words, const Signal& signal, Rule::Relative kind = Rule::Relative::Absolute);

[[nodiscard]] std::string trimmed(std::string_view text);

}  // namespace revertd::config
