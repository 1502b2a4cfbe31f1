// SPDX-License-Identifier: Apache-2.0
#include "daemon/sources/selector.h"

#include <re2/re2.h>

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "core/well_known.h"
#include "daemon/sources/number.h"
#include "daemon/sources/series_name.h"

namespace revertd {
namespace {

/// FNV-1a, finished so that similar names differ in all bits. Written to the flight recorder: it must never change.
class Identity {
  public:
    void add(std::string_view text) {
        for (const char c : text) add(static_cast<unsigned char>(c));
        add(kSeparator);
    }

    [[nodiscard]] std::uint64_t value() const {
        std::uint64_t h = hash_;
        h = (h ^ (h >> 33)) * 0xff51afd7ed558ccdULL;
        return h ^ (h >> 33);
    }

  private:
    static constexpr unsigned char kSeparator = 0xff;  // in no UTF-8 text

    void add(unsigned char byte) { hash_ = (hash_ ^ byte) * 0x100000001b3ULL; }

    std::uint64_t hash_ = 0xcbf29ce484222325ULL;
};

/// An absent label reads as empty, as in PromQL.
std::string_view value_of(const SeriesName& series, std::string_view label) {
    const auto it = std::lower_bound(series.labels.begin(), series.labels.end(), label,
                                     [](const Label& l, std::string_view name) { return l.name < name; });
    return it != series.labels.end() && it->name == label ? std::string_view(it->value) : std::string_view();
}

/// A compiled expression takes kilobytes, and a thousand services use the same few: each is compiled once. Of the
/// loop's thread, as everything here.
std::shared_ptr<const RE2> compiled_once(const std::string& pattern) {
    static std::map<std::string, std::weak_ptr<const RE2>> known;
    if (auto there = known[pattern].lock()) return there;
    std::erase_if(known, [](const auto& entry) { return entry.second.expired(); });
    RE2::Options options(RE2::Quiet);
    options.set_dot_nl(true);  // as in PromQL
    auto compiled = std::make_shared<const RE2>(pattern, options);
    known[pattern] = compiled;
    return compiled;
}

class CompiledMatcher {
  public:
    explicit CompiledMatcher(const Matcher& matcher) : matcher_(matcher) {
        if (matcher.op != Matcher::Op::Regex && matcher.op != Matcher::Op::NotRegex) return;
        regex_ = compiled_once(matcher.value);
    }

    [[nodiscard]] Result<void> check() const {
        if (!regex_ || regex_->ok()) return {};
        return Error(ErrorCode::Invalid, "'" + matcher_.value + "' is no regular expression: " + regex_->error());
    }

    [[nodiscard]] bool matches(const SeriesName& series) const {
        const std::string_view value = value_of(series, matcher_.label);
        switch (matcher_.op) {
            case Matcher::Op::Equal:
                return value == matcher_.value;
            case Matcher::Op::NotEqual:
                return value != matcher_.value;
            case Matcher::Op::Regex:
                return full_match(value);
            case Matcher::Op::NotRegex:
                return !full_match(value);
        }
        return false;
    }

  private:
    [[nodiscard]] bool full_match(std::string_view value) const {
        return RE2::FullMatch(re2::StringPiece(value.data(), value.size()), *regex_);
    }

    Matcher matcher_;
    std::shared_ptr<const RE2> regex_;
};

using CompiledMatchers = std::vector<CompiledMatcher>;

bool all_match(const CompiledMatchers& matchers, const SeriesName& series) {
    return std::all_of(matchers.begin(), matchers.end(), [&](const CompiledMatcher& m) { return m.matches(series); });
}

/// One way to find one signal.
struct Candidate {
    std::uint32_t signal = 0;
    Signal::Kind kind = Signal::Kind::Gauge;
    std::string signal_name;
    std::string metric;                   // with `_bucket`
    double to_base = 1;                   // of `le`
    std::optional<std::string> endpoint;  // as in Signal
    std::string needs_label;              // well-known errors: without the status label it is another metric
    Selector found;                       // what name_signal is told
    CompiledMatchers all, bad;
    std::size_t group = 0;  // chosen together: a gauge and its limit
    bool is_limit = false;
    bool open = false;  // well-known and not yet chosen
    bool live = true;   // false: another candidate was chosen
};

Result<CompiledMatchers> compile(const std::vector<Matcher>& matchers) {
    CompiledMatchers compiled;
    compiled.reserve(matchers.size());
    for (const Matcher& matcher : matchers) {
        compiled.emplace_back(matcher);
        if (auto ok = compiled.back().check(); !ok) return ok.error();
    }
    return compiled;
}

Result<Candidate> make_candidate(std::uint32_t index, const Signal& signal) {
    Candidate candidate;
    candidate.signal = index;
    candidate.kind = signal.kind;
    candidate.signal_name = signal.name;
    candidate.found = signal.selector;
    candidate.metric = signal.selector.metric + (signal.kind == Signal::Kind::Quantile ? "_bucket" : "");
    candidate.to_base = signal.to_base;
    candidate.endpoint = signal.endpoint;
    auto all = compile(signal.selector.matchers);
    if (!all) return all.wrap("signal '" + signal.name + "'");
    auto bad = compile(signal.bad);
    if (!bad) return bad.wrap("signal '" + signal.name + "'");
    candidate.all = std::move(*all);
    candidate.bad = std::move(*bad);
    return candidate;
}

/// The names under which a signal that the configuration does not name may be found, as signals.
std::vector<Signal> well_known_forms(const Signal& signal) {
    std::vector<Signal> forms;
    const auto add = [&](std::string_view metric) -> Signal& {
        Signal& form = forms.emplace_back(signal);
        form.selector = {std::string(metric), signal.selector.matchers};
        return form;
    };
    if (signal.kind == Signal::Kind::Ratio) {
        for (const auto& [metric, label, bad] : well_known_requests()) {
            add(metric).bad = {{std::string(label), Matcher::Op::Regex, std::string(bad)}};
        }
    } else if (signal.kind == Signal::Kind::Quantile) {
        for (const auto& [histogram, to_seconds] : well_known_latencies()) add(histogram).to_base = to_seconds;
    } else if (signal.starts) {
        for (const std::string_view metric : well_known_starts()) add(metric);
    } else {
        for (const auto& [name, metric, limit] : well_known_shares())
            if (signal.name == name || signal.name.starts_with(std::string(name) + " "))
                add(metric).limit = {std::string(limit), signal.selector.matchers};
    }
    return forms;
}

/// Which endpoint the series counts.
std::string endpoint_of(const Candidate& candidate, const SeriesName& series) {
    if (candidate.kind != Signal::Kind::Ratio) return {};
    if (candidate.endpoint) return std::string(value_of(series, *candidate.endpoint));
    for (const std::string_view label : well_known_endpoint_labels())
        if (const std::string_view value = value_of(series, label); !value.empty()) return std::string(value);
    return {};
}

/// The role of a series that the candidate's matchers let through; nothing for a bucket without a bound.
std::optional<SeriesRole> role_of(const Candidate& candidate, const SeriesName& series) {
    SeriesRole role;
    role.signal = candidate.signal;
    role.bad = candidate.is_limit;
    if (candidate.kind == Signal::Kind::Ratio) role.bad = all_match(candidate.bad, series);
    if (candidate.kind == Signal::Kind::Quantile) {
        const auto le = parse_number(value_of(series, "le"));
        if (!le || *le != *le) return std::nullopt;
        role.le = *le * candidate.to_base;
    }
    return role;
}

}  // namespace

void NameFilter::add(std::string name) {
    mask_ |= 1ULL << bit_of(name);
    names_.push_back(std::move(name));
}

bool NameFilter::has(std::string_view name) const {
    return std::find(names_.begin(), names_.end(), name) != names_.end();
}

struct SeriesSelector::Candidates {
    std::vector<Candidate> list;  // by signal, well-known ones in order of preference
};

SeriesSelector::SeriesSelector() : candidates_(std::make_unique<Candidates>()) {}

SeriesSelector::SeriesSelector(SeriesSelector&&) noexcept = default;
SeriesSelector& SeriesSelector::operator=(SeriesSelector&&) noexcept = default;
SeriesSelector::~SeriesSelector() = default;

Result<SeriesSelector> SeriesSelector::make(const std::vector<Signal>& signals, const Wanted& wanted) {
    SeriesSelector selector;
    for (std::uint32_t index = 0; index < signals.size(); ++index) {
        const Signal& signal = signals[index];
        if (signal.source != Signal::Source::Scrape || (wanted && !wanted(signal))) continue;
        const std::vector<Signal> forms = signal.well_known ? well_known_forms(signal) : std::vector<Signal>{signal};
        for (const Signal& form : forms) {
            auto candidate = make_candidate(index, form);
            if (!candidate) return candidate.error();
            candidate->open = signal.well_known;
            if (signal.well_known && !form.bad.empty()) candidate->needs_label = form.bad.front().label;
            std::vector<Candidate>& list = selector.candidates_->list;
            candidate->group = list.size();
            list.push_back(std::move(*candidate));
            if (!form.limit) continue;
            Signal limit = form;
            limit.selector = *form.limit;
            auto beside = make_candidate(index, limit);
            if (!beside) return beside.error();
            beside->group = list.size() - 1;
            beside->open = signal.well_known;
            beside->is_limit = true;
            list.push_back(std::move(*beside));
        }
    }
    selector.refilter();
    return selector;
}

void SeriesSelector::refilter() {
    names_ = {};
    for (const Candidate& candidate : candidates_->list) {
        if (candidate.live) names_.add(candidate.metric);
    }
}

void SeriesSelector::claim(const SeriesName& series, std::vector<Claim>& claims) const {
    for (std::uint32_t i = 0; i < candidates_->list.size(); ++i) {
        const Candidate& candidate = candidates_->list[i];
        if (!candidate.live || candidate.metric != series.metric || !all_match(candidate.all, series)) continue;
        if (!candidate.needs_label.empty() && value_of(series, candidate.needs_label).empty()) continue;
        const auto role = role_of(candidate, series);
        if (!role) continue;
        Identity identity;
        identity.add(candidate.signal_name);
        identity.add(series.metric);
        for (const Label& label : series.labels) {
            identity.add(label.name);
            identity.add(label.value);
        }
        SeriesRole all = *role;
        all.bad = candidate.is_limit;
        const std::string endpoint = endpoint_of(candidate, series);
        claims.push_back({i, identity.value(), all, 0, endpoint});
        if (!role->bad || candidate.is_limit) continue;
        identity.add("bad");  // one of the bad ones is one of all, too: counted twice, as two series
        claims.push_back({i, identity.value(), *role, 0, endpoint});
    }
}

void SeriesSelector::choose(const std::vector<Claim>& claims, const Found& found) {
    if (claims.empty()) return;  // nearly always: all series are known
    std::vector<Candidate>& list = candidates_->list;
    std::vector<bool> seen(list.size());
    for (const Claim& claim : claims) seen[claim.candidate] = true;
    bool chosen = false;
    for (std::size_t i = 0; i < list.size(); ++i) {
        if (!list[i].open || !list[i].live || !seen[i]) continue;
        for (Candidate& other : list) {
            if (other.signal != list[i].signal) continue;
            other.live = other.group == list[i].group;
            other.open = false;
        }
        chosen = true;
        found(list[i].signal, list[i].found);
    }
    if (chosen) refilter();
}

bool SeriesSelector::is_chosen(const Claim& claim) const {
    return candidates_->list[claim.candidate].live;
}

}  // namespace revertd
