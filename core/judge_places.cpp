// SPDX-License-Identifier: Apache-2.0
// The requests of a signal divided by every label: what detectors/localise.h ranks. Asked at a breach, never in a slot
// without one.
#include <algorithm>
#include <cmath>
#include <map>

#include "core/judge_state.h"
#include "core/well_known.h"

namespace revertd {
namespace {

constexpr Duration kShortestMemory = 1min;
constexpr int kMemories = 5;  // of a bake: short enough to show what is, long enough to have something to divide

/// "10.0.0.7:9100"
std::string host_of(std::string_view url) {
    const auto scheme = url.find("://");
    if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
    return std::string(url.substr(0, url.find('/')));
}

/// The label that says which requests are bad.
bool says_bad(const Signal& signal, const std::string& label) {
    if (!signal.bad.empty()) return std::ranges::find(signal.bad, label, &Matcher::label) != signal.bad.end();
    return signal.kind == Signal::Kind::Ratio &&
           std::ranges::any_of(well_known_requests(), [&](const auto& known) { return known.label == label; });
}

/// `code="500"` are the bad ones, and so all of them have it: nobody need be told.
bool says_one_bad(const Signal& signal, const std::string& label) {
    return std::ranges::any_of(signal.bad,
                               [&](const Matcher& m) { return m.op == Matcher::Op::Equal && m.label == label; });
}

void add(const SeriesGain& gain, const std::string& value, std::map<std::string, Place>& places) {
    Place& place = places[value];
    place.value = value;
    place.before += gain.before;
    place.now += gain.now;
}

PlaceLabel label_of(std::string name, std::map<std::string, Place>& places) {
    PlaceLabel label;
    label.label = std::move(name);
    for (auto& [value, place] : places) label.places.push_back(std::move(place));
    return label;
}

/// The bucket bound at which the difference is clearest: requests slower than it are the bad ones.
std::optional<double> damaged_edge(std::span<const SeriesGain> all) {
    struct Counts {
        double before = 0, now = 0;
    };

    std::map<double, Counts> below;
    for (const SeriesGain& gain : all) {
        below[gain.le].before += gain.before.requests;
        below[gain.le].now += gain.now.requests;
    }
    if (below.empty() || !std::isinf(below.rbegin()->first)) return std::nullopt;
    const Counts total = below.rbegin()->second;
    std::optional<double> best;
    double clearest = 0;
    for (const auto& [le, counts] : below) {
        if (std::isinf(le)) break;
        const double share = (total.before - counts.before + 1) / (total.before + 2), slow = total.now - counts.now;
        const double z = (slow - total.now * share) / std::sqrt(total.now * share + 1);
        if (!best || z > clearest) best = le, clearest = z;
    }
    return best;
}

}  // namespace

void Judge::State::end_gains() {
    const Duration current = std::max<Duration>(kShortestMemory, settings->bake / kMemories);
    gains.end_slot(slots_in(gains.watching() ? current : settings->baseline, settings->interval));
}

/// What only a deploy that is watched needs.
void Judge::State::watch(bool watching) {
    if (watching == gains.watching()) return;
    gains.watch(watching);
    for (SignalState& signal : signals) signal.trace.end();
    endpoints.end();
    // Names are kept from deploy to deploy, but for those of releases that are long gone.
    if (watching && 2 * asked_endpoints.size() > EndpointCounts::kMost) asked_endpoints.clear();
    if (watching) begin_traces(), begin_endpoints();
}

/// Errors of starting up are everywhere, and say nothing of where those are that come later.
void Judge::State::forget_warmup(SlotIndex slot) {
    const auto breached = [](const RuleState& rule) { return rule.now.verdict == Verdict::Breach; };
    if (warm.moment == slot && warm.moment != opened.moment && std::ranges::none_of(rules, breached)) gains.restart();
}

void Judge::State::begin_traces() {
    for (std::size_t index = 0; index < signals.size(); ++index)
        if (!settings->signals[index].is_control)
            signals[index].trace.begin(slots_in(settings->bake, settings->interval));
}

/// What is not watched is not counted; what came before is known by series.
void Judge::State::begin_endpoints() {
    const std::size_t names = series.endpoint_names().size();
    std::vector<std::vector<PlaceCounts>> before(signals.size());
    for (SignalState& signal : signals) signal.query.endpoints = false;  // a query is asked for them, too
    if (names < 2 || series.size() > SeriesGains::kMostSeries) return endpoints.begin(std::move(before));
    for (std::size_t index = 0; index < signals.size(); ++index)
        if (settings->signals[index].kind == Signal::Kind::Ratio && !signals[index].queried)
            before[index].resize(names);
    for (SeriesId id = 0; id < series.size(); ++id) {
        const EndpointIndex endpoint = series.endpoint(id);
        const SeriesTable::Row& row = series.row(id);
        if (endpoint == 0 || before[row.signal].empty()) continue;
        PlaceCounts& counts = before[row.signal][endpoint - 1U];
        (row.cell == SignalWindow::kBad ? counts.bad : counts.requests) += gains.before(id);
    }
    endpoints.begin(std::move(before));
}

/// A label that has turned out to be an id names none.
EndpointRows Judge::State::endpoints_of(std::size_t signal) const {
    if (endpoint_names_of(signal).empty()) return {};
    return {endpoints.now(signal), endpoints.before(signal)};
}

std::span<const std::string> Judge::State::endpoint_names_of(std::size_t signal) const {
    return signals[signal].queried ? std::span(asked_endpoints) : series.endpoint_names();
}

/// Buckets: the requests of their series above them stand in the one with the largest bound, see `damaged_edge`.
std::vector<SeriesGain> Judge::State::gains_of(std::size_t index) const {
    const bool quantile = settings->signals[index].kind == Signal::Kind::Quantile;
    std::vector<SeriesGain> all;
    for (SeriesId id = 0; id < series.size(); ++id) {
        const SeriesTable::Row& row = series.row(id);
        if (row.signal != index) continue;
        const double before = gains.before(id), now = gains.now(id);
        if (before <= 0 && now <= 0) continue;
        SeriesGain gain;
        gain.series = id;
        if (quantile)
            gain.le = signals[index].window.bounds()[row.cell], gain.before.requests = before, gain.now.requests = now;
        else if (row.cell == SignalWindow::kBad)
            gain.before.bad = before, gain.now.bad = now;
        else
            gain.before.requests = before, gain.now.requests = now;
        all.push_back(gain);
    }
    return all;
}

void Judge::State::divide(std::size_t label, std::span<const SeriesGain> all, PlaceTable& table) const {
    if (gains.is_id(label) || gains.label(label) == "le") return;
    std::map<std::string, Place> places;
    for (const SeriesGain& gain : all) {
        const std::size_t value = gains.value_of(gain.series, label);
        if (value == 0) continue;
        add(gain, gains.value(label, value), places);
    }
    if (places.size() > 1) table.labels.push_back(label_of(gains.label(label), places));
}

void Judge::State::divide_by_target(std::span<const SeriesGain> all, PlaceTable& table) const {
    if (targets.size() < 2) return;
    std::map<std::string, Place> places;
    for (const SeriesGain& gain : all) add(gain, host_of(settings->metrics[series.target(gain.series)]), places);
    if (places.size() > 1) table.labels.push_back(label_of("instance", places));
}

PlaceTable Judge::State::places_of(std::size_t index) const {
    PlaceTable table;
    const Rule& rule = settings->rules[index];
    if (!is_of_signal(rule) || rule.signal >= signals.size()) return table;
    const Signal& signal = settings->signals[rule.signal];
    if (signal.kind != Signal::Kind::Ratio && signal.kind != Signal::Kind::Quantile) return table;
    std::vector<SeriesGain> all = gains_of(rule.signal);
    if (signal.kind == Signal::Kind::Quantile) {
        const auto edge = damaged_edge(all);
        if (!edge) return table;
        table.edge = *edge;
        // Of a histogram two buckets count: all requests, and those that are not slower than the edge.
        std::erase_if(all, [&](const SeriesGain& gain) { return gain.le != *edge && !std::isinf(gain.le); });
        for (SeriesGain& gain : all) {
            const double sign = std::isinf(gain.le) ? 1 : -1;
            gain.before.bad = sign * gain.before.requests, gain.now.bad = sign * gain.now.requests;
            if (sign < 0) gain.before.requests = gain.now.requests = 0;
        }
    }
    for (const SeriesGain& gain : all) table.before += gain.before, table.now += gain.now;
    for (std::size_t label = 0; label < gains.labels(); ++label) divide(label, all, table);
    divide_by_target(all, table);
    std::erase_if(table.labels, [&](const PlaceLabel& label) { return says_one_bad(signal, label.label); });
    for (PlaceLabel& label : table.labels) label.of_bad = says_bad(signal, label.label);
    return table;
}

bool Judge::wants_labels() const {
    return state_->gains.watching();
}

void Judge::describe(SeriesId series, const std::vector<std::pair<std::string_view, std::string_view>>& labels) {
    state_->gains.describe(series, labels);
}

PlaceTable Judge::places(std::uint32_t rule) const {
    return rule < state_->rules.size() ? state_->places_of(rule) : PlaceTable{};
}

}  // namespace revertd
