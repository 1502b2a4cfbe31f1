// SPDX-License-Identifier: Apache-2.0
#include "config/signals.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>

#include "config/promql.h"
#include "config/slips.h"
#include "config/values.h"
#include "core/well_known.h"

namespace revertd::config {

namespace {

constexpr std::string_view kOtherPromql =
    "directly scraped are ratio(), quantile(), a selector, sum|max|min|avg(selector), rate(selector[5m]) and "
    "sum(rate(selector[5m])); other PromQL needs `prometheus: http://...`";

constexpr const char* kValue = "a value in quotes is expected, as in code=\"500\"";

bool is_metric_start(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
}

bool is_metric_char(char c) {
    return is_metric_start(c) || (c >= '0' && c <= '9');
}

/// Reads one expression from left to right. The first mistake ends it: whatever is read behind it is "at the end".
class SignalReader {
  public:
    explicit SignalReader(std::string_view text) : text_(text) {}

    std::variant<ParsedSignal, SentenceError> read() {
        skip_space();
        const std::size_t begin = at_;
        const std::string word = name();
        if (!peek('('))
            parsed_.signal.selector = selector_after(word, begin);
        else if (word == "ratio")
            ratio();
        else if (word == "quantile")
            quantile();
        else if (word == "rate")
            rate();
        else if (!aggregate(word))
            refuse(begin, "`" + word + "(` is not possible here", hint_for(word));
        skip_space();
        if (at_ != text_.size())
            refuse(at_, "`" + std::string(text_.substr(at_, 20)) + "` after the end of the signal",
                   std::string(kOtherPromql));
        if (error_) return *std::move(error_);
        return std::move(parsed_);
    }

  private:
    void ratio() {
        parsed_.signal.kind = Signal::Kind::Ratio;
        parsed_.signal.unit = Unit::Ratio;
        expect('(');
        parsed_.signal.selector = selector();
        expect(',');
        do {
            parsed_.signal.bad.push_back(matcher());
        } while (accept(','));
        expect(')');
    }

    void quantile() {
        parsed_.signal.kind = Signal::Kind::Quantile;
        expect('(');
        skip_space();
        const std::size_t begin = at_;
        while (at_ < text_.size() && (text_[at_] == '.' || (text_[at_] >= '0' && text_[at_] <= '9'))) ++at_;
        const auto value = parse_number(text_.substr(begin, at_ - begin));
        if (!value || *value <= 0 || *value >= 1)
            return refuse(begin, "a quantile is a number between 0 and 1", "the 95th percentile is 0.95");
        parsed_.signal.quantile = *value;
        expect(',');
        Selector& selected = parsed_.signal.selector = selector();
        if (selected.metric.ends_with("_bucket")) selected.metric.resize(selected.metric.size() - 7);
        const auto le = [](const Matcher& matcher) { return matcher.label == "le"; };
        if (std::any_of(selected.matchers.begin(), selected.matchers.end(), le))
            refuse(begin, "`le` cannot be selected: all buckets are needed", {});
        expect(')');
    }

    void rate() {
        parsed_.signal.kind = Signal::Kind::Rate;
        parsed_.signal.aggregate = Signal::Aggregate::Sum;
        expect('(');
        parsed_.signal.selector = selector();
        if (!accept('[')) return fail("a window such as [5m] is expected");
        const std::size_t begin = at_;
        const std::size_t end = text_.find(']', begin);
        const auto window =
            end == std::string_view::npos ? std::nullopt : parse_duration(text_.substr(begin, end - begin));
        if (!window || *window <= Duration::zero())
            return refuse(begin, "a window such as [5m] is expected",
                          end == std::string_view::npos ? "`]` is missing" : "");
        parsed_.window = window;
        at_ = end + 1;
        expect(')');
    }

    bool aggregate(const std::string& word) {
        static constexpr std::array<std::pair<std::string_view, Signal::Aggregate>, 4> kAggregates{
            {{"sum", Signal::Aggregate::Sum},
             {"max", Signal::Aggregate::Max},
             {"min", Signal::Aggregate::Min},
             {"avg", Signal::Aggregate::Avg}}};
        const auto it =
            std::find_if(kAggregates.begin(), kAggregates.end(), [&](const auto& a) { return a.first == word; });
        if (it == kAggregates.end()) return false;
        expect('(');
        skip_space();
        const std::size_t begin = at_;
        const std::string inner = name();
        if (!peek('(')) {
            parsed_.signal.selector = selector_after(inner, begin);
        } else if (inner == "rate" && it->second == Signal::Aggregate::Sum) {
            rate();
        } else {
            refuse(begin, "`" + word + "(" + inner + "(` is not possible here", hint_for(inner));
        }
        parsed_.signal.aggregate = it->second;
        expect(')');
        return true;
    }

    Selector selector() {
        skip_space();
        const std::size_t begin = at_;
        return selector_after(name(), begin);
    }

    Selector selector_after(const std::string& metric, std::size_t begin) {
        if (metric.empty()) refuse(begin, "the name of a metric is expected", std::string(kOtherPromql));
        if (metric == "by" || metric == "without")
            refuse(begin, "grouping is not possible here", std::string(kOtherPromql));
        Selector out{metric, {}};
        if (!accept('{')) return out;
        while (!error_ && !accept('}')) {
            out.matchers.push_back(matcher());
            if (!accept(',') && !peek('}')) fail("`,` or `}` is expected");
        }
        return out;
    }

    Matcher matcher() {
        skip_space();
        Matcher out;
        const std::size_t begin = at_;
        out.label = name();
        if (out.label.empty() || out.label.find(':') != std::string::npos || out.label == "__name__")
            refuse(begin, "a label is expected, as in code=~\"5..\"",
                   out.label.ends_with(':')
                       ? "write `=`, no colon: " + out.label.substr(0, out.label.size() - 1) + "=\"...\""
                       : "");
        out.op = matcher_op();
        skip_space();
        const std::size_t value_at = at_;
        out.value = quoted();
        const bool regex = out.op == Matcher::Op::Regex || out.op == Matcher::Op::NotRegex;
        if (regex) check_regex(out.value, value_at);
        return out;
    }

    Matcher::Op matcher_op() {
        skip_space();
        static constexpr std::array<std::pair<std::string_view, Matcher::Op>, 4> kOps{{{"=~", Matcher::Op::Regex},
                                                                                       {"!~", Matcher::Op::NotRegex},
                                                                                       {"!=", Matcher::Op::NotEqual},
                                                                                       {"=", Matcher::Op::Equal}}};
        for (const auto& [sign, op] : kOps) {
            if (!text_.substr(at_).starts_with(sign)) continue;
            at_ += sign.size();
            return op;
        }
        fail("one of =, !=, =~, !~ is expected");
        return Matcher::Op::Equal;
    }

    std::string quoted() {
        const char quote = at_ < text_.size() ? text_[at_] : '\0';
        if (quote != '"' && quote != '\'' && quote != '`') {
            const std::string foreign = foreign_text(text_.substr(at_, 4));
            if (quote == '=') refuse(at_, kValue, "one `=` is written, for the very text, or `=~` for a pattern");
            if (!foreign.empty()) refuse(at_, kValue, foreign);
            fail(kValue);
            return {};
        }
        const std::size_t begin = at_++;
        std::string out;
        for (; at_ < text_.size() && text_[at_] != quote; ++at_) {
            if (text_[at_] != '\\' || quote == '`') {
                out += text_[at_];
                continue;
            }
            if (++at_ == text_.size()) break;
            out += unescape(text_[at_]);
            if (error_) return {};
        }
        if (at_ == text_.size())
            refuse(begin, "a quote is not closed", {});
        else
            ++at_;
        return out;
    }

    char unescape(char c) {
        if (c == 'n') return '\n';
        if (c == 't') return '\t';
        if (c == '\\' || c == '"' || c == '\'') return c;
        refuse(at_ - 1, std::string("unknown escape \\") + c,
               "in a regular expression write it twice: \\\\" + std::string(1, c));
        return c;
    }

    void check_regex(const std::string& pattern, std::size_t at) {
        RE2::Options options;
        options.set_log_errors(false);
        options.set_max_mem(1 << 20);  // a pattern may not cost more than this
        const RE2 regex(pattern, options);
        if (!regex.ok()) refuse(at, "no valid regular expression: " + regex.error(), {});
    }

    std::string name() {
        skip_space();
        const std::size_t begin = at_;
        if (at_ < text_.size() && is_metric_start(text_[at_]))
            while (at_ < text_.size() && is_metric_char(text_[at_])) ++at_;
        return std::string(text_.substr(begin, at_ - begin));
    }

    void skip_space() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
    }

    bool peek(char c) {
        skip_space();
        return at_ < text_.size() && text_[at_] == c;
    }

    bool accept(char c) {
        if (!peek(c)) return false;
        ++at_;
        return true;
    }

    void expect(char c) {
        if (!accept(c)) fail(std::string("`") + c + "` is expected");
    }

    void refuse(std::size_t at, std::string what, std::string hint) {
        if (!error_) error_ = SentenceError{at, std::move(what), std::move(hint)};
        at_ = text_.size();
    }

    /// What is expected here.
    void fail(const std::string& what) {
        skip_space();
        std::string hint;
        if (at_ == text_.size())
            hint =
                "the text ends here: a bracket is not closed; inside { } or [ ] of YAML a signal must be put in quotes";
        refuse(at_, what, hint);
    }

    static std::string hint_for(const std::string& word) {
        if (word == "histogram_quantile") return "write quantile(0.95, name_of_the_histogram{...})";
        if (word == "irate" || word == "increase") return "write rate(selector[5m])";
        return std::string(kOtherPromql);
    }

    std::string_view text_;
    std::size_t at_ = 0;
    ParsedSignal parsed_;
    std::optional<SentenceError> error_;
};

struct UnitSuffix {
    std::string_view suffix;
    Unit unit;
    double to_base;
};

constexpr std::array<UnitSuffix, 5> kUnitSuffixes{{{"_milliseconds", Unit::Seconds, 0.001},
                                                   {"_ms", Unit::Seconds, 0.001},
                                                   {"_microseconds", Unit::Seconds, 0.000001},
                                                   {"_seconds", Unit::Seconds, 1},
                                                   {"_ratio", Unit::Ratio, 1}}};

/// The unit is in the metric's name, by the convention of Prometheus; well-known names tell theirs.
void set_unit(Signal& signal) {
    if (signal.kind == Signal::Kind::Ratio || signal.kind == Signal::Kind::Rate) return;
    for (const UnitSuffix& suffix : kUnitSuffixes) {
        if (!signal.selector.metric.ends_with(suffix.suffix)) continue;
        signal.unit = suffix.unit;
        signal.to_base = suffix.to_base;
        return;
    }
    for (const WellKnownLatency& known : well_known_latencies()) {
        if (signal.kind != Signal::Kind::Quantile || signal.selector.metric != known.histogram) continue;
        signal.unit = Unit::Seconds;
        signal.to_base = known.to_seconds;
    }
}

std::vector<Remark> lint(const Signal& signal) {
    std::vector<Remark> out;
    const std::string& metric = signal.selector.metric;
    const bool counter = metric.ends_with("_total") || metric.ends_with("_count") || metric.ends_with("_bucket");
    if (signal.kind == Signal::Kind::Gauge && counter)
        out.push_back(
            {0,
             "`" + metric + "` is a counter, which only grows: rate(" + metric + "[1m]) or ratio() is probably meant",
             {},
             false});
    for (const auto* matchers : {&signal.selector.matchers, &signal.bad})
        for (const Matcher& one : *matchers)
            if (auto remark = promql::doubt(one, signal.text)) out.push_back(std::move(*remark));
    return out;
}

}  // namespace

std::variant<ParsedSignal, SentenceError> parse_signal(const std::string& name, std::string_view text) {
    auto read = SignalReader(text).read();
    if (auto* parsed = std::get_if<ParsedSignal>(&read)) {
        parsed->signal.name = name;
        parsed->signal.text = text;
        set_unit(parsed->signal);
        parsed->remarks = lint(parsed->signal);
    }
    return read;
}

std::optional<Signal> well_known_signal(std::string_view name) {
    Signal signal;
    signal.name = name;
    signal.well_known = true;
    if (name == "errors") {
        signal.kind = Signal::Kind::Ratio;
        signal.unit = Unit::Ratio;
        signal.text = "errors by well-known names";
    } else if (name == "p95") {
        signal.kind = Signal::Kind::Quantile;
        signal.quantile = 0.95;
        signal.unit = Unit::Seconds;
        signal.text = "p95 by well-known names";
    } else if (name == "restarts") {
        signal.kind = Signal::Kind::Rate;
        signal.starts = true;
        signal.text = "restarts by process_start_time_seconds";
    } else if (std::ranges::find(well_known_shares(), name, &WellKnownShare::signal) != well_known_shares().end()) {
        signal.aggregate = Signal::Aggregate::Max;
        signal.unit = Unit::Ratio;
        signal.limit.emplace();
        signal.text = std::string(name) + " as a share of their limit, by well-known names";
    } else {
        return std::nullopt;
    }
    return signal;
}

void SignalTable::add(ParsedSignal parsed) {
    const bool scraped = parsed.signal.source == Signal::Source::Scrape;
    if (compare_ && (scraped || !compare_->by_targets)) parsed.signal.control = 0;  // which one, `take` says
    signals_.push_back(std::move(parsed));
}

bool SignalTable::is_broken(std::string_view name) const {
    return std::ranges::find(broken_, name) != broken_.end();
}

std::optional<std::uint32_t> SignalTable::find(std::string_view name) {
    if (is_broken(name)) return std::nullopt;
    const auto it =
        std::find_if(signals_.begin(), signals_.end(), [&](const auto& s) { return s.signal.name == name; });
    if (it != signals_.end()) return static_cast<std::uint32_t>(it - signals_.begin());
    auto found = source_ ? well_known_signal(name) : std::nullopt;
    if (!found) return std::nullopt;
    const bool pages_only = found->starts || found->limit;
    if (pages_only && *source_ != Signal::Source::Scrape) return std::nullopt;
    found->source = *source_;
    if (found->source == Signal::Source::Prometheus) found->selector.matchers = selector_;
    add({std::move(*found), std::nullopt, {}});
    return static_cast<std::uint32_t>(signals_.size() - 1);
}

std::vector<std::string> SignalTable::names() const {
    std::vector<std::string> out;
    for (const auto& parsed : signals_) out.push_back(parsed.signal.name);
    for (const char* name : {"errors", "p95"})
        if (source_ && std::find(out.begin(), out.end(), name) == out.end()) out.emplace_back(name);
    out.emplace_back("health");
    return out;
}

/// The signal over the control group; narrows the signal itself to who was deployed to.
Signal SignalTable::twin_of(Signal& signal) const {
    Signal twin = signal;
    twin.is_control = true;
    twin.control.reset();
    twin.name += " (control group)";
    if (compare_->by_targets) return twin;
    const auto narrow = [](Signal& one, const std::string& text, const std::vector<Matcher>& matchers) {
        one.selector.matchers.insert(one.selector.matchers.end(), matchers.begin(), matchers.end());
        if (one.promql.empty()) return;
        const auto parsed = promql::parse(one.promql);
        if (const auto* root = std::get_if<promql::Expr>(&parsed))
            one.promql = promql::with_matchers(one.promql, *root, text);
    };
    narrow(signal, compare_->canary, compare_->canary_matchers);
    narrow(twin, compare_->control, compare_->control_matchers);
    return twin;
}

std::vector<Signal> SignalTable::take() {
    std::vector<Signal> out;
    out.reserve(2 * signals_.size());
    for (auto& parsed : signals_) out.push_back(std::move(parsed.signal));
    for (std::size_t i = 0; i < signals_.size(); ++i) {
        if (!out[i].control) continue;
        Signal twin = twin_of(out[i]);
        out[i].control = static_cast<std::uint32_t>(out.size());
        out.push_back(std::move(twin));
    }
    return out;
}

}  // namespace revertd::config
