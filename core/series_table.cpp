// SPDX-License-Identifier: Apache-2.0
#include "core/series_table.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace revertd {

void SeriesIdentities::shrink_to_fit() {
    hashes.shrink_to_fit();
    rows.shrink_to_fit();
    kinds.shrink_to_fit();
    targets.shrink_to_fit();
    endpoints.shrink_to_fit();
    endpoint_names.shrink_to_fit();
}

std::shared_ptr<SeriesIdentities> IdentityPool::intern(std::shared_ptr<SeriesIdentities> own) {
    std::erase_if(known_, [](const auto& known) { return known.expired(); });
    bool is_known = false;  // and has grown since
    for (const auto& known : known_) {
        auto other = known.lock();
        is_known = is_known || other == own;
        if (other != own && *other == *own) return other;
    }
    own->shrink_to_fit();
    if (!is_known && known_.size() < kMost) known_.push_back(own);
    return own;
}

std::size_t IdentityPool::size() const {
    return static_cast<std::size_t>(std::ranges::count_if(known_, [](const auto& known) { return !known.expired(); }));
}

std::uint32_t* SeriesTable::find(std::uint64_t hash, const Place& place) {
    const std::size_t mask = index_.size() - 1;
    for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
        std::uint32_t& entry = index_[at];
        if (entry == 0) return &entry;
        const SeriesId id = entry - 1;
        const Row& at_row = row(id);
        if (is_->hashes[id] == hash && target(id) == place.target && at_row.signal == place.signal &&
            at_row.cell == place.cell)
            return &entry;
    }
}

void SeriesTable::index_all() {
    index_.assign(std::bit_ceil(4 * (live_.size() + 8)), 0);
    for (SeriesId id = 0; id < live_.size(); ++id)
        *find(is_->hashes[id], {target(id), row(id).signal, row(id).cell, {}}) = id + 1;
}

/// Index of the row, which may be the one behind the last.
std::optional<std::uint16_t> SeriesTable::row_of(const Place& place) const {
    const auto known = std::find(is_->kinds.begin(), is_->kinds.end(), Row{place.signal, place.cell});
    if (known == is_->kinds.end() && is_->kinds.size() > std::numeric_limits<std::uint16_t>::max()) return std::nullopt;
    return static_cast<std::uint16_t>(known - is_->kinds.begin());
}

/// Others may have the same: whoever differs from now on has a copy.
SeriesIdentities& SeriesTable::own() {
    if (is_.use_count() > 1) is_ = std::make_shared<SeriesIdentities>(*is_);
    return *is_;
}

/// Of the series that was added last.
void SeriesTable::name_endpoint(SeriesIdentities& identities, std::string_view name) {
    std::vector<std::string>& names = identities.endpoint_names;
    const std::string kept(name.substr(0, EndpointCounts::kLongest));
    const auto known = std::find(names.begin(), names.end(), kept);
    if (known == names.end() && names.size() >= EndpointCounts::kMost) {
        identities.endpoints_are_ids = true;
        return;
    }
    const auto index = static_cast<EndpointIndex>(known - names.begin() + 1);
    if (known == names.end()) names.push_back(kept);
    identities.endpoints.resize(identities.hashes.size());
    identities.endpoints.back() = index;
}

std::optional<SeriesId> SeriesTable::add(std::uint64_t hash, const Place& place) {
    if (2 * (live_.size() + 1) > index_.size()) index_all();
    std::uint32_t* entry = find(hash, place);
    if (*entry == 0) {
        if (live_.size() >= kMost) return std::nullopt;
        const auto row = row_of(place);
        if (!row) return std::nullopt;
        live_.push_back({});
        SeriesIdentities& identities = own();
        if (*row == identities.kinds.size()) identities.kinds.push_back({place.signal, place.cell});
        identities.rows.push_back(*row);
        identities.hashes.push_back(hash);
        std::vector<TargetIndex>& targets = identities.targets;
        if (targets.empty() && place.target != 0) targets.resize(live_.size() - 1);
        if (place.target != 0 || !targets.empty()) targets.push_back(place.target);
        if (!place.endpoint.empty()) name_endpoint(identities, place.endpoint);
        *entry = static_cast<std::uint32_t>(live_.size());
    }
    return *entry - 1;
}

void SeriesTable::release_index() {
    if (index_.empty()) return;
    std::vector<std::uint32_t>().swap(index_);
    live_.shrink_to_fit();
    if (pool_ != nullptr)
        is_ = pool_->intern(std::move(is_));
    else
        is_->shrink_to_fit();
}

void SeriesTable::save(ByteWriter& out) const {
    out.put(static_cast<std::uint32_t>(live_.size()));
    for (SeriesId id = 0; id < live_.size(); ++id) {
        out.put(is_->hashes[id]);
        out.put(target(id));
        out.put(double(live_[id].last));
        out.put(std::uint32_t(live_[id].seen));
        out.put(row(id).signal);
        out.put(row(id).cell);
        out.put(endpoint(id));
    }
    out.put(is_->endpoints_are_ids);
    out.put(static_cast<std::uint32_t>(is_->endpoint_names.size()));
    for (const std::string& name : is_->endpoint_names) out.put(std::string_view(name));
}

bool SeriesTable::load(ByteReader& in) {
    std::uint32_t size = 0;
    if (!in.get(size) || size > kMost) return in.fail();
    std::vector<EndpointIndex> endpoints(size, 0);
    for (SeriesId id = 0; id < size; ++id) {
        std::uint64_t hash = 0;
        Place place;
        double last = 0;
        std::uint32_t seen = 0;
        if (!in.get(hash) || !in.get(place.target) || !in.get(last) || !in.get(seen)) return false;
        if (!in.get(place.signal) || !in.get(place.cell) || add(hash, place) != id) return in.fail();
        if (!in.get(endpoints[id])) return false;
        live_[id].last = last, live_[id].seen = seen;
    }
    return load_endpoints(in, std::move(endpoints));
}

bool SeriesTable::load_endpoints(ByteReader& in, std::vector<EndpointIndex> endpoints) {
    SeriesIdentities& identities = own();
    std::uint32_t size = 0;
    if (!in.get(identities.endpoints_are_ids) || !in.get(size) || size > EndpointCounts::kMost) return in.fail();
    identities.endpoint_names.assign(size, {});
    for (std::string& name : identities.endpoint_names)
        if (!in.get(name, EndpointCounts::kLongest)) return false;
    const auto unknown = [&](EndpointIndex index) { return index > size; };
    if (std::ranges::any_of(endpoints, unknown)) return in.fail();
    if (size > 0) identities.endpoints = std::move(endpoints);
    return true;
}

}  // namespace revertd
