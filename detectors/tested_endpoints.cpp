// SPDX-License-Identifier: Apache-2.0
#include "detectors/tested_endpoints.h"

#include <algorithm>
#include <cmath>

#include "core/endpoints.h"

namespace revertd::detect {

void TestedEndpoints::clear() {
    chosen_ = false;
    indices_.clear();
    names_.clear();
    before_.clear();
}

void TestedEndpoints::choose(const DetectorSlot& slot) {
    clear();
    chosen_ = true;
    // A control group that was there before the deploy is what it is compared with.
    const auto busy = [](std::span<const PlaceCounts> all) {
        return std::ranges::any_of(all, [](const PlaceCounts& counts) { return counts.requests > 0; });
    };
    const auto before = busy(slot.control_endpoints.before) ? slot.control_endpoints.before : slot.endpoints.before;
    const std::size_t known = std::min(before.size(), slot.endpoint_names.size());
    for (std::uint32_t i = 0; i < known; ++i)
        if (before[i].requests > 0) indices_.push_back(i);
    const auto busier = [&](std::uint32_t a, std::uint32_t b) { return before[a].requests > before[b].requests; };
    std::stable_sort(indices_.begin(), indices_.end(), busier);
    if (indices_.size() > kMost) indices_.resize(kMost);
    if (indices_.size() < 2) return indices_.clear();
    for (const std::uint32_t i : indices_) {
        names_.push_back(slot.endpoint_names[i]);
        before_.push_back({before[i].requests, std::min(before[i].bad, before[i].requests)});
    }
}

void TestedEndpoints::add(std::span<const PlaceCounts> now, double times, std::span<double> cells) const {
    for (std::size_t i = 0; i < indices_.size(); ++i) {
        if (indices_[i] >= now.size()) continue;
        cells[2 * i] += times * now[indices_[i]].requests;
        cells[2 * i + 1] += times * now[indices_[i]].bad;
    }
}

std::span<const Events> TestedEndpoints::read(std::span<const double> cells, std::vector<Events>& into) const {
    into.resize(size());
    for (std::size_t i = 0; i < size(); ++i) into[i] = {cells[2 * i], std::min(cells[2 * i], cells[2 * i + 1])};
    return into;
}

void TestedEndpoints::save(ByteWriter& out) const {
    out.put(chosen_);
    out.put(static_cast<std::uint32_t>(size()));
    for (std::size_t i = 0; i < size(); ++i) {
        out.put(indices_[i]);
        out.put(std::string_view(names_[i]));
        out.put(before_[i].requests);
        out.put(before_[i].errors);
    }
}

bool TestedEndpoints::load(ByteReader& in) {
    clear();
    std::uint32_t size = 0;
    if (!in.get(chosen_) || !in.get(size) || size > kMost) return in.fail();
    indices_.resize(size);
    names_.resize(size);
    before_.resize(size);
    for (std::size_t i = 0; i < size; ++i) {
        Events& events = before_[i];
        if (!in.get(indices_[i]) || !in.get(names_[i], EndpointCounts::kLongest)) return false;
        if (!in.get(events.requests) || !in.get(events.errors)) return false;
        if (!(events.requests > 0) || std::isinf(events.requests) || !(events.errors >= 0)) return in.fail();
    }
    return true;
}

}  // namespace revertd::detect
