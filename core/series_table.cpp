// SPDX-License-Identifier: Apache-2.0
#include "core/series_table.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace revertd {

std::uint32_t* SeriesTable::find(std::uint64_t hash, const Place& place) {
    const std::size_t mask = index_.size() - 1;
    for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
        std::uint32_t& entry = index_[at];
        if (entry == 0) return &entry;
        const SeriesId id = entry - 1;
        const Row& at_row = rows_[live_[id].row];
        if (hashes_[id] == hash && target(id) == place.target && at_row.signal == place.signal &&
            at_row.cell == place.cell)
            return &entry;
    }
}

void SeriesTable::index_all() {
    index_.assign(std::bit_ceil(4 * (live_.size() + 8)), 0);
    for (SeriesId id = 0; id < live_.size(); ++id)
        *find(hashes_[id], {target(id), row(live_[id]).signal, row(live_[id]).cell}) = id + 1;
}

std::optional<std::uint16_t> SeriesTable::row_of(const Place& place) {
    const auto same = [&](const Row& r) { return r.signal == place.signal && r.cell == place.cell; };
    const auto known = std::find_if(rows_.begin(), rows_.end(), same);
    if (known == rows_.end() && rows_.size() > std::numeric_limits<std::uint16_t>::max()) return std::nullopt;
    const auto index = static_cast<std::uint16_t>(known - rows_.begin());
    if (known == rows_.end()) rows_.push_back({place.signal, place.cell});
    return index;
}

std::optional<SeriesId> SeriesTable::add(std::uint64_t hash, const Place& place) {
    if (2 * (live_.size() + 1) > index_.size()) index_all();
    std::uint32_t* entry = find(hash, place);
    if (*entry == 0) {
        if (live_.size() >= kMost) return std::nullopt;
        const auto row = row_of(place);
        if (!row) return std::nullopt;
        live_.push_back({0, 0, *row});
        hashes_.push_back(hash);
        if (targets_.empty() && place.target != 0) targets_.resize(live_.size() - 1);
        if (place.target != 0 || !targets_.empty()) targets_.push_back(place.target);
        *entry = static_cast<std::uint32_t>(live_.size());
    }
    return *entry - 1;
}

void SeriesTable::release_index() {
    if (index_.empty()) return;
    std::vector<std::uint32_t>().swap(index_);
    live_.shrink_to_fit();
    rows_.shrink_to_fit();
    hashes_.shrink_to_fit();
    targets_.shrink_to_fit();
}

void SeriesTable::save(ByteWriter& out) const {
    out.put(static_cast<std::uint32_t>(live_.size()));
    for (SeriesId id = 0; id < live_.size(); ++id) {
        out.put(hashes_[id]);
        out.put(target(id));
        out.put(double(live_[id].last));
        out.put(std::uint32_t(live_[id].seen));
        out.put(row(live_[id]).signal);
        out.put(row(live_[id]).cell);
    }
}

bool SeriesTable::load(ByteReader& in) {
    std::uint32_t size = 0;
    if (!in.get(size) || size > kMost) return in.fail();
    for (SeriesId id = 0; id < size; ++id) {
        std::uint64_t hash = 0;
        Place place;
        double last = 0;
        std::uint32_t seen = 0;
        if (!in.get(hash) || !in.get(place.target) || !in.get(last) || !in.get(seen)) return false;
        if (!in.get(place.signal) || !in.get(place.cell) || add(hash, place) != id) return in.fail();
        live_[id].last = last, live_[id].seen = seen;
    }
    return true;
}

}  // namespace revertd
