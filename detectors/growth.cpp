// SPDX-License-Identifier: Apache-2.0
#include "detectors/growth.h"

#include <algorithm>
#include <cmath>

namespace revertd::detect {
namespace {

constexpr std::size_t kCells = 100;  // of the bake; memory of the test does not depend on the interval
constexpr double kFirst = 0.6, kWindow = 0.2, kEarlierFrom = 0.5, kEarlierTo = 0.3;  // of the bake
constexpr double kLeastRise = 0.08, kFull = 0.95, kBakesAhead = 1;
constexpr double kSettled = 0.8, kLatest = 0.15, kRecentFrom = 0.35, kRecentTo = 0.2;
constexpr std::size_t kFewest = 5;

}  // namespace

GrowthTest::GrowthTest(double bake, double interval)
    : bake_(bake), width_(bake / kCells), fewest_(kFewest), fresh_(kCells + 1), reference_(kCells + 1) {
    (void)interval;
}

void GrowthTest::add(bool fresh, double at, double share_of_limit) {
    if (at < 0 || !std::isfinite(share_of_limit)) return;
    auto& cell = (fresh ? fresh_ : reference_)[std::min(static_cast<std::size_t>(at / width_), kCells)];
    cell.sum += share_of_limit;
    ++cell.samples;
}

void GrowthTest::save(ByteWriter& out) const {
    for (const auto* cells : {&fresh_, &reference_})
        for (const Cell& cell : *cells) out.put(cell.sum), out.put(std::uint64_t{cell.samples});
}

bool GrowthTest::load(ByteReader& in) {
    for (auto* cells : {&fresh_, &reference_})
        for (Cell& cell : *cells) {
            std::uint64_t samples = 0;
            if (!in.get(cell.sum) || !in.get(samples) || !std::isfinite(cell.sum)) return in.fail();
            cell.samples = samples;
        }
    return true;
}

std::optional<double> GrowthTest::mean(const std::vector<Cell>& cells, double from, double to) const {
    Cell sum;
    const auto first = static_cast<std::size_t>(std::max(from, 0.0) / width_);
    const auto last = std::min(static_cast<std::size_t>(std::max(to, 0.0) / width_), kCells + 1);
    for (std::size_t i = first; i < last; ++i) {
        sum.sum += cells[i].sum;
        sum.samples += cells[i].samples;
    }
    if (sum.samples < fewest_) return std::nullopt;
    return sum.sum / static_cast<double>(sum.samples);
}

std::optional<GrowthTest::Growth> GrowthTest::grows(double at) const {
    if (at < kFirst * bake_) return std::nullopt;
    const auto rise = [&](const std::vector<Cell>& cells) -> std::optional<Growth> {
        const auto now = mean(cells, at - kWindow * bake_, at + width_);
        const auto earlier = mean(cells, at - kEarlierFrom * bake_, at - kEarlierTo * bake_);
        if (!now || !earlier) return std::nullopt;
        return Growth{*now, *now - *earlier};
    };
    auto growth = rise(fresh_);
    if (!growth) return std::nullopt;
    if (const auto common = rise(reference_)) growth->rise -= std::max(0.0, common->rise);
    const double slope = growth->rise / (kEarlierFrom - kWindow);  // a bake
    if (growth->rise < kLeastRise || growth->now + slope * kBakesAhead < kFull) return std::nullopt;
    return growth;
}

std::optional<GrowthTest::Growth> GrowthTest::still_grows(double at) const {
    if (at < kSettled * bake_) return std::nullopt;
    const auto growth = grows(at);
    if (!growth) return std::nullopt;
    const auto rise = [&](const std::vector<Cell>& cells) {
        const auto now = mean(cells, at - kLatest * bake_, at + width_);
        const auto earlier = mean(cells, at - kRecentFrom * bake_, at - kRecentTo * bake_);
        return now && earlier ? *now - *earlier : 0;
    };
    const double recent = rise(fresh_) - std::max(0.0, rise(reference_));
    const double slope = recent / ((kRecentFrom + kRecentTo - kLatest) / 2);  // a bake
    if (growth->now + slope * kBakesAhead < kFull) return std::nullopt;
    return growth;
}

}  // namespace revertd::detect
