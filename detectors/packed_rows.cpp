// SPDX-License-Identifier: Apache-2.0
#include "detectors/packed_rows.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace revertd::detect {
namespace {

constexpr std::uint8_t kCounts = 1, kWhole = 2, kRestarted = 4;
constexpr double kMostWhole = 9007199254740992.0;  // 2^53: beyond it not every number is one
constexpr std::uint8_t kMore = 0x80;

bool whole(double x) {
    return x >= 0 && x < kMostWhole && std::floor(x) == x;
}

}  // namespace

void PackedRows::put(std::uint64_t number) {
    while (number >= kMore) {
        bytes_.push_back(static_cast<std::uint8_t>(number) | kMore);
        number >>= 7;
    }
    bytes_.push_back(static_cast<std::uint8_t>(number));
}

std::uint64_t PackedRows::number(std::size_t& at) const {
    std::uint64_t out = 0;
    for (unsigned shift = 0;; shift += 7) {
        const std::uint8_t byte = bytes_[at++];
        out |= static_cast<std::uint64_t>(byte & ~kMore) << shift;
        if ((byte & kMore) == 0) return out;
    }
}

void PackedRows::push(const TickRow& row) {
    // What has gone makes room; grown by a quarter, not to twice of what is needed.
    if (begin_ > bytes_.size() / 4) {
        bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(begin_));
        begin_ = 0;
    }
    constexpr std::size_t kMostBytes = 9;  // of a number
    const std::size_t most = bytes_.size() + kMostBytes * (row.cells.size() + 4);
    if (bytes_.capacity() < most) bytes_.reserve(most + bytes_.size() / 4);
    const bool all_whole = std::ranges::all_of(row.cells, whole);
    bytes_.push_back((row.counts ? kCounts : 0) | (all_whole ? kWhole : 0) | (row.restarted > 0 ? kRestarted : 0));
    if (row.restarted > 0) put(row.restarted);
    put(row.end);
    put(row.slots);
    put(row.cells.size());
    for (const double cell : row.cells) {
        if (all_whole) {
            put(static_cast<std::uint64_t>(cell));
            continue;
        }
        const auto rounded = static_cast<float>(cell);
        std::uint8_t raw[sizeof rounded];
        std::memcpy(raw, &rounded, sizeof rounded);
        bytes_.insert(bytes_.end(), std::begin(raw), std::end(raw));
    }
    ++size_;
}

std::size_t PackedRows::unpack(std::size_t at, TickRow& row) const {
    const std::uint8_t flags = bytes_[at++];
    row.counts = (flags & kCounts) != 0;
    row.restarted = (flags & kRestarted) != 0 ? number(at) : 0;
    row.end = number(at);
    row.slots = number(at);
    row.cells.resize(number(at));
    for (double& cell : row.cells) {
        if ((flags & kWhole) != 0) {
            cell = static_cast<double>(number(at));
            continue;
        }
        float rounded = 0;
        std::memcpy(&rounded, bytes_.data() + at, sizeof rounded);
        at += sizeof rounded;
        cell = rounded;
    }
    return at;
}

void PackedRows::drop_oldest() {
    if (size_ == 0) return;
    std::size_t at = begin_;
    const std::uint8_t flags = bytes_[at++];
    if ((flags & kRestarted) != 0) (void)number(at);
    (void)number(at);
    (void)number(at);
    const std::uint64_t cells = number(at);
    for (std::uint64_t i = 0; i < cells; ++i) {
        if ((flags & kWhole) != 0)
            (void)number(at);
        else
            at += sizeof(float);
    }
    begin_ = at;
    if (--size_ == 0) clear();
}

void PackedRows::widen(std::size_t cells) {
    PackedRows wider;
    TickRow wide;
    each([&](const TickRow& row) {
        wide = row;
        wide.cells.resize(cells);
        wider.push(wide);
    });
    *this = std::move(wider);
}

void PackedRows::save(ByteWriter& out) const {
    out.put(static_cast<std::uint32_t>(size()));
    each([&](const TickRow& row) {
        out.put(row.end);
        out.put(row.slots);
        out.put(row.counts);
        out.put(row.restarted);
        out.put(row.cells);
    });
}

bool PackedRows::load(ByteReader& in, std::size_t rows, std::size_t cells, std::uint64_t last) {
    std::uint32_t size = 0;
    if (!in.get(size) || size > rows) return in.fail();
    clear();
    TickRow row;
    for (std::uint32_t i = 0; i < size; ++i) {
        if (!in.get(row.end) || !in.get(row.slots) || !in.get(row.counts) || row.end > last || !in.get(row.restarted) ||
            row.restarted > 100)
            return in.fail();
        std::uint32_t many = 0;
        if (!in.get(many) || many != cells) return in.fail();
        row.cells.assign(many, 0);
        for (double& cell : row.cells)
            if (!in.get(cell) || !(cell >= 0) || std::isinf(cell)) return in.fail();
        push(row);
    }
    return true;
}

void PackedRows::clear() {
    bytes_.clear();
    begin_ = size_ = 0;
}

}  // namespace revertd::detect
