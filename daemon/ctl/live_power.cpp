// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/live_power.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/detector.h"
#include "detectors/power.h"

namespace revertd::ctl {
namespace {

constexpr std::uint64_t kSeed = 20'260'101;  // any: the same history is told the same

/// Requests of each bucket, in the order of their bounds; empty without a last one.
std::vector<double> buckets_of(const std::map<double, double>& below) {
    std::vector<double> buckets;
    if (below.empty() || !std::isinf(below.rbegin()->first)) return buckets;
    double before = 0;
    for (const auto& [bound, count] : below) {
        buckets.push_back(std::max(0.0, count - before));
        before = std::max(before, count);
    }
    return buckets;
}

}  // namespace

std::optional<std::uint32_t> test_of(const ServiceSettings& settings, std::uint32_t signal) {
    for (std::uint32_t i = 0; i < settings.rules.size(); ++i) {
        const Rule& rule = settings.rules[i];
        if (rule.detector != nullptr && rule.detector->name == "worse" && rule.signal == signal) return i;
    }
    return std::nullopt;
}

std::string power_words(const ServiceSettings& settings, std::uint32_t index, std::span<const HistoryRow> rows) {
    const auto rule = test_of(settings, index);
    const Signal& signal = settings.signals[index];
    const bool quantile = signal.kind == Signal::Kind::Quantile;
    if (!rule || rows.empty() || (!quantile && signal.kind != Signal::Kind::Ratio)) return {};
    detect::PowerTicks before;
    before.latency = quantile;
    before.shape.bake = seconds(settings.bake);
    before.shape.interval = seconds(rows.front().length);
    before.shape.alpha = settings.rules[*rule].arguments[0];
    before.from = counts_in_warmup(settings.rules[*rule]) ? 0 : seconds(settings.warmup);
    for (const HistoryRow& row : rows) {
        detect::Events all;
        std::map<double, double> below;
        for (const QueryCell& cell : row.values) {
            const double count = std::isfinite(cell.value) ? std::max(0.0, cell.value) * seconds(row.length) : 0;
            (cell.bad ? all.errors : all.requests) += count;
            below[cell.le] += count;
        }
        if (quantile) {
            auto buckets = buckets_of(below);
            std::vector<double> edges;
            for (const auto& [bound, count] : below)
                if (std::isfinite(bound)) edges.push_back(bound);
            if (buckets.size() < 2 || (!before.buckets.empty() && edges != before.shape.edges)) continue;
            before.shape.edges = std::move(edges);
            before.buckets.push_back(std::move(buckets));
            all = {below.rbegin()->second, 0};
        }
        before.at.push_back(seconds(row.end - rows.back().end));
        before.all.push_back({all.requests, std::min(all.requests, all.errors)});
    }
    const auto power = detect::power_of(before, kSeed);
    constexpr std::size_t kFewest = 12;
    return !power && before.all.size() < kFewest ? std::string() : detect::words(power, signal.name);
}

}  // namespace revertd::ctl
