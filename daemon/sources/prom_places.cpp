// SPDX-License-Identifier: Apache-2.0
#include "daemon/sources/prom_places.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "config/promql_text.h"
#include "daemon/sources/number.h"

namespace revertd {
namespace {

namespace promql = config::promql;

/// One series of one part of the answer.
struct Row {
    const PromSeries* series = nullptr;
    bool is_now = false, is_bad = false;
    double le = 0, value = 0;
};

std::vector<Row> rows_of(const PromAnswer& answer) {
    std::vector<Row> rows;
    for (const PromSeries& series : answer.series) {
        const std::string_view part = series.label(promql::kPart);
        if (series.points.size() != 1 || !(series.points.front().value >= 0)) continue;
        if (std::isinf(series.points.front().value)) continue;
        Row row{&series, part.starts_with("now"), part.ends_with("bad"), 0, series.points.front().value};
        if (const auto le = parse_number(series.label("le"))) row.le = *le;
        rows.push_back(row);
    }
    return rows;
}

/// The bucket bound at which the difference is clearest, as the Judge chooses it.
std::optional<double> damaged_edge(const std::vector<Row>& rows) {
    std::map<double, std::pair<double, double>> below;  // before, now
    for (const Row& row : rows) (row.is_now ? below[row.le].second : below[row.le].first) += row.value;
    if (below.empty() || !std::isinf(below.rbegin()->first)) return std::nullopt;
    const auto [before, now] = below.rbegin()->second;
    std::optional<double> best;
    double clearest = 0;
    for (const auto& [le, counts] : below) {
        if (std::isinf(le)) break;
        const double share = (before - counts.first + 1) / (before + 2), slow = now - counts.second;
        const double z = (slow - now * share) / std::sqrt(now * share + 1);
        if (!best || z > clearest) best = le, clearest = z;
    }
    return best;
}

/// What a row adds. Of a histogram the last bucket counts all requests, and the edge's those that are not slower.
PlaceCounts counts_of(const Row& row, bool quantile) {
    if (!quantile) return row.is_bad ? PlaceCounts{0, row.value} : PlaceCounts{row.value, 0};
    return std::isinf(row.le) ? PlaceCounts{row.value, row.value} : PlaceCounts{0, -row.value};
}

void divide(const std::string& label, const std::vector<Row>& rows, bool quantile, PlaceTable& table) {
    std::map<std::string, Place> places;
    for (const Row& row : rows) {
        const std::string value(row.series->label(label));
        if (value.empty()) continue;
        Place& place = places[value];
        place.value = value;
        (row.is_now ? place.now : place.before) += counts_of(row, quantile);
    }
    if (places.size() < 2 || places.size() > SeriesGains::kMostValues) return;
    PlaceLabel out{label, false, {}};
    for (auto& [value, place] : places) out.places.push_back(std::move(place));
    table.labels.push_back(std::move(out));
}

}  // namespace

PlaceTable places_of(const Signal& signal, const PromAnswer& answer) {
    PlaceTable table;
    const bool quantile = signal.kind == Signal::Kind::Quantile;
    std::vector<Row> rows = rows_of(answer);
    if (quantile) {
        const auto edge = damaged_edge(rows);
        if (!edge) return table;
        table.edge = *edge * signal.to_base;
        std::erase_if(rows, [&](const Row& row) { return row.le != *edge && !std::isinf(row.le); });
    }
    std::set<std::string> labels;
    for (const Row& row : rows) {
        (row.is_now ? table.now : table.before) += counts_of(row, quantile);
        for (const auto& [label, value] : row.series->labels) labels.insert(label);
    }
    for (const char* none : {"__name__", "le", promql::kPart}) labels.erase(none);
    for (const Matcher& m : signal.bad)  // all of them have it
        if (m.op == Matcher::Op::Equal) labels.erase(m.label);
    for (const std::string& label : labels) divide(label, rows, quantile, table);
    for (PlaceLabel& label : table.labels)
        label.of_bad = std::ranges::find(signal.bad, label.label, &Matcher::label) != signal.bad.end();
    return table;
}

}  // namespace revertd
