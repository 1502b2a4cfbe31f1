// SPDX-License-Identifier: Apache-2.0
// Where the damage of made-up breaches is, and which gauges grow.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "detectors/localise.h"
#include "detectors/registry.h"
#include "tests/detectors/oracle/rows.h"

namespace revertd::detect::oracle {
namespace {

/// One label: as many values, of which some are worse by a factor or by so many a request.
PlaceLabel label_of(Numbers& numbers, std::size_t name) {
    PlaceLabel label{std::to_string(name), numbers.chance(0.15), {}};
    const double scale = std::exp(numbers.next(3, 9)), rate = std::exp(numbers.next(-7, -2.5));
    const double factor = numbers.chance(0.4) ? numbers.next(1, 12) : 1;
    const double more = numbers.chance(0.3) ? numbers.next(0, 0.2) : 0;
    const bool all = numbers.chance(0.3);
    const auto values = static_cast<std::size_t>(numbers.whole(1, 9));
    for (std::size_t v = 0; v < values; ++v) {
        const double own = rate * numbers.next(0.3, 3);
        const auto counts = [&](double chance) {
            const double n = std::floor(scale * numbers.next(0.05, 1));
            const double bad = numbers.hits(n, std::min(0.9, chance));
            return PlaceCounts{label.of_bad ? bad : n, bad};
        };
        const bool worse = all || v == 0 || numbers.chance(0.1);
        const PlaceCounts before = numbers.chance(0.1) ? PlaceCounts{} : counts(own);
        const PlaceCounts now = numbers.chance(0.05) ? PlaceCounts{} : counts(worse ? own * factor + more : own);
        label.places.push_back({std::to_string(v), before, now});
    }
    return label;
}

void breach(Numbers& numbers) {
    PlaceTable table;
    std::vector<std::vector<double>> labels, found, places;
    const auto count = static_cast<std::size_t>(numbers.whole(1, 5));
    for (std::size_t i = 0; i < count; ++i) table.labels.push_back(label_of(numbers, i));
    for (const PlaceLabel& label : table.labels) {
        labels.push_back({label.of_bad ? 1.0 : 0});
        for (const Place& place : label.places)
            labels.back().insert(labels.back().end(),
                                 {place.before.requests, place.before.bad, place.now.requests, place.now.bad});
    }
    const PlaceLabel& first = table.labels.front();
    for (const Place& place : first.places) table.before += place.before, table.now += place.now;
    if (first.of_bad) table.before.requests *= 30, table.now.requests *= 30;
    const Localisation where = localise(table);
    for (const LabelDamage& label : where.labels) {
        found.push_back({std::stod(label.label), static_cast<double>(label.shape), label.gain, label.fair,
                         static_cast<double>(label.worst), static_cast<double>(label.unharmed)});
        places.emplace_back();
        for (const PlaceShare& share : label.places)
            places.back().insert(places.back().end(), {std::stod(share.value), share.share, share.now, share.before,
                                                       share.affected ? 1.0 : 0});
    }
    const std::vector<double> all = {table.before.requests, table.before.bad, table.now.requests, table.now.bad};
    Row("breach")
        .put("all", all)
        .put("labels", labels)
        .put("damage", where.damage)
        .put("found", found)
        .put("places", places);
}

/// `<gauge> grows by 20% over` so many slots.
void trend(Numbers& numbers) {
    const auto kind = std::ranges::find(detectors::all(), "grows", &DetectorKind::name);
    ServiceSettings settings;
    settings.interval = std::chrono::seconds(5);
    Signal signal;
    signal.name = "memory", signal.kind = Signal::Kind::Gauge;
    Rule rule;
    const double slots = numbers.chance(0.3) ? numbers.whole(241, 600) : numbers.whole(2, 120);
    rule.arguments = {0.2, 5 * slots, 0};
    const auto detector = (*kind)->make({settings, rule, signal});
    const double from = numbers.next(10, 1000), slope = numbers.next(-0.3, 1) / slots, noise = numbers.next(0, 0.3);
    std::vector<double> values;
    std::vector<std::vector<double>> said;
    detector->begin();
    for (double t = 0; t < 1.5 * slots; ++t) {
        const bool blind = numbers.chance(0.1);
        values.push_back(blind ? std::nan("") : from * (1 + slope * t) * (1 + noise * numbers.next(-1, 1)));
        DetectorSlot slot;
        slot.counts = true;
        slot.now.value = values.back();
        if (blind) detector->miss(1);
        const revertd::Finding finding = blind ? revertd::Finding{} : detector->judge(slot);
        said.push_back({finding.value, finding.baseline, static_cast<double>(finding.verdict)});
    }
    Row("trend")
        .put("slots", slots)
        .put("values", values)
        .put("said", said)
        .put("verdicts", std::vector<double>{static_cast<double>(Verdict::Breach), static_cast<double>(Verdict::Ok)});
}

}  // namespace

void places() {
    Numbers numbers;
    for (int i = 0; i < 1500; ++i) breach(numbers);
    for (int i = 0; i < 100; ++i) trend(numbers);
}

}  // namespace revertd::detect::oracle
