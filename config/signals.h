// SPDX-License-Identifier: Apache-2.0
// Signal expressions over a direct scrape: `ratio(m{sel}, code=~"5..")`, `quantile(0.95, m{sel})`, `m{sel}`,
// `sum|max|min|avg(m{sel})`, `rate(m{sel}[5m])`, `sum(rate(m{sel}[5m]))`. Other PromQL is refused in words.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/rule.h"

namespace revertd::config {

/// Something in a sentence that cannot be understood.
struct SentenceError {
    std::size_t offset = 0;  ///< in bytes from the beginning of the sentence
    std::string what, hint;  ///< nothing: it follows from what is told already
};

/// Understood, but probably not what is meant; or, as an error, something that can never work.
struct Remark {
    std::size_t at = 0;  ///< in bytes from the beginning of the text
    std::string what, hint;
    bool error = false;
};

struct ParsedSignal {
    Signal signal;
    std::optional<Duration> window;  ///< `[5m]`: the window of rules on it that write no `over`
    std::vector<Remark> remarks;
};

[[nodiscard]] std::variant<ParsedSignal, SentenceError> parse_signal(const std::string& name, std::string_view text);

/// For a service with `prometheus`: `ratio(...)` and `quantile(0.95, metric{...})` become queries, anything else is
/// one.
[[nodiscard]] std::variant<ParsedSignal, SentenceError> parse_query_signal(const std::string& name,
                                                                           std::string_view text);

/// `errors` and `p95`, whose series are found by well-known names.
[[nodiscard]] std::optional<Signal> well_known_signal(std::string_view name);

/// `compare`: who was deployed to, and who was not. By labels of their series, or by targets of their own.
struct Compare {
    bool by_targets = false;
    std::string canary, control;  ///< matchers as written between braces
    std::vector<Matcher> canary_matchers, control_matchers;
};

/// The signals of one service while its rules are read. `errors` and `p95` join when a rule first names them.
class SignalTable {
  public:
    /// Where `errors` and `p95` come from when they are not named: from every series of the service's own pages, or
    /// from those of a Prometheus that `selector` lets through. Without a source nothing is found by name.
    explicit SignalTable(std::optional<Signal::Source> source, std::optional<Compare> compare = {},
                         std::vector<Matcher> selector = {})
        : source_(source), compare_(std::move(compare)), selector_(std::move(selector)) {}

    void add(ParsedSignal parsed);

    /// One that stands there and is wrong: rules about it are not wrong, too.
    void add_broken(std::string name) { broken_.push_back(std::move(name)); }

    [[nodiscard]] bool is_broken(std::string_view name) const;
    [[nodiscard]] std::optional<std::uint32_t> find(std::string_view name);

    [[nodiscard]] const Signal& at(std::uint32_t index) const { return signals_[index].signal; }

    [[nodiscard]] const std::optional<Duration>& window(std::uint32_t index) const { return signals_[index].window; }

    /// What may be named, for "did you mean".
    [[nodiscard]] std::vector<std::string> names() const;
    /// With a control group, every signal's twin stands behind all signals.
    [[nodiscard]] std::vector<Signal> take();

  private:
    [[nodiscard]] Signal twin_of(Signal& signal) const;

    std::optional<Signal::Source> source_;
    std::optional<Compare> compare_;
    std::vector<Matcher> selector_;
    std::vector<ParsedSignal> signals_;
    std::vector<std::string> broken_;
};

}  // namespace revertd::config
