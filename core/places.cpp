// SPDX-License-Identifier: Apache-2.0
#include "core/places.h"

#include <algorithm>

namespace revertd {

void SeriesGains::add_series(SeriesId series) {
    if (series >= kMostSeries) return;
    if (series >= before_.size()) before_.resize(series + 1, 0.0F);
    if (series >= now_.size()) now_.resize(before_.size(), 0);
}

/// Halving what is older than `memory` forgets without a second copy: what counts is one to two of them long.
void SeriesGains::end_slot(std::size_t memory) {
    if (before_.capacity() > before_.size()) before_.shrink_to_fit(), now_.shrink_to_fit();  // new series came
    if (!watching_ && ++block_ >= kUnnoticed) {
        block_ = 0;
        for (std::size_t i = 0; i < now_.size(); ++i) {
            before_[i] += half(now_[i] >> 16U);
            now_[i] <<= 16U;
        }
    }
    if (++slots_ < memory) return;
    slots_ = 0;
    if (watching_)
        for (std::uint32_t& gained : now_) gained = std::bit_cast<std::uint32_t>(std::bit_cast<float>(gained) / 2);
    else
        for (float& gained : before_) gained /= 2;
}

void SeriesGains::watch(bool watching) {
    if (watching == watching_) return;
    watching_ = watching;
    slots_ = block_ = 0;
    now_.assign(before_.size(), 0);
    rows_ = {};
    names_ = {};
}

void SeriesGains::restart() {
    if (!watching_) return;
    std::ranges::fill(now_, 0);
    slots_ = 0;
}

std::uint16_t SeriesGains::intern(Name& name, std::string_view value) {
    const std::string kept(value.substr(0, kLongestValue));
    if (const auto known = name.index.find(kept); known != name.index.end()) return known->second;
    if (name.values.size() >= kMostValues) {
        name.overflown = true;
        return 0;
    }
    name.values.push_back(kept);
    return name.index[kept] = static_cast<std::uint16_t>(name.values.size());
}

void SeriesGains::describe(SeriesId series, const std::vector<std::pair<std::string_view, std::string_view>>& labels) {
    if (!watching_ || series >= before_.size()) return;
    if (rows_.size() < before_.size() * kMostLabels) rows_.resize(before_.size() * kMostLabels, 0);
    for (const auto& [label, value] : labels) {
        auto name = std::ranges::find(names_, label, &Name::name);
        if (name == names_.end()) {
            if (names_.size() >= kMostLabels) continue;
            names_.push_back({std::string(label), false, {}, {}});
            name = names_.end() - 1;
        }
        rows_[series * kMostLabels + static_cast<std::size_t>(name - names_.begin())] = intern(*name, value);
    }
}

void SeriesGains::save(ByteWriter& out) const {
    out.put(watching_);
    out.put(static_cast<std::uint64_t>(slots_));
    out.put(static_cast<std::uint32_t>(before_.size()));
    out.put(before_);
    out.put(now_);
}

/// Labels are in every scrape: they are read anew.
bool SeriesGains::load(ByteReader& in, std::size_t series) {
    std::uint64_t slots = 0;
    std::uint32_t size = 0;
    if (!in.get(watching_) || !in.get(slots) || !in.get(size) || size > series) return in.fail();
    slots_ = slots;
    before_.assign(size, 0.0F);
    now_.assign(size, 0);
    return in.get_same(before_) && in.get_same(now_);
}

}  // namespace revertd
