// SPDX-License-Identifier: Apache-2.0
#include "daemon/sources/exposition.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "daemon/sources/byte_scan.h"
#include "daemon/sources/limits.h"
#include "daemon/sources/number.h"
#include "daemon/sources/series_name.h"

namespace revertd {
namespace {

constexpr std::uint32_t kEmptySlot = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t kNotFound = std::numeric_limits<std::size_t>::max();

}  // namespace

void Exposition::begin(const SeriesSelector& selector, const Layout& layout) {
    selector_ = &selector;
    layout_ = &layout;
    expected_ = 0;
    layout_held_ = true;
    index_.clear();
    values_.clear();
    claims_.clear();
    carry_.clear();
    bytes_ = lines_ = samples_ = 0;
    fault_.clear();
}

bool Exposition::feed(std::span<const char> chunk) {
    bytes_ += chunk.size();
    if (bytes_ > kMaxScrapeBytes) return fail("the body is larger than 8 MiB");
    std::string_view text(chunk.data(), chunk.size());
    if (!carry_.empty() && !complete_carried_line(text)) return false;
    const std::size_t newline = text.rfind('\n');
    if (newline == std::string_view::npos) return carry(text);
    const char* const rest = read_lines(text.substr(0, newline + 1));
    return rest != nullptr && carry(text.substr(static_cast<std::size_t>(rest - text.data())));
}

bool Exposition::end() {
    if (carry_.empty()) return true;
    carry_ += '\n';  // the last line may lack it
    const char* const rest = read_lines(carry_);
    if (rest == nullptr) return false;
    return rest == carry_.data() + carry_.size() || fail("the body ends inside a label value");
}

/// Reads as many whole lines as there are; returns the start of the one that is not whole, nothing after a fault.
const char* Exposition::read_lines(std::string_view text) {
    const char* p = text.data();
    for (LineReader lines(text); !lines.at_end();) {
        const Line& line = lines.next();
        if (line.kind == Line::Kind::Incomplete) return p;
        ++lines_;
        if (!take(line)) return nullptr;
        p += line.text.size();
    }
    return p;
}

/// Moves bytes from the chunk to the carried line until that is whole. A label value may hold newlines, so each further
/// attempt takes twice as much: the work stays linear whatever a target sends.
bool Exposition::complete_carried_line(std::string_view& chunk) {
    const std::size_t carried = carry_.size();
    const std::size_t last_newline = chunk.rfind('\n');
    std::size_t taken = 0;
    while (last_newline != std::string_view::npos && taken <= last_newline) {
        const std::size_t wanted = taken == 0 ? 0 : std::min(carried + 2 * taken, last_newline);
        const std::size_t newline = chunk.find('\n', wanted);
        carry_.append(chunk.substr(taken, newline + 1 - taken));
        taken = newline + 1;
        const char* const rest = read_lines(carry_);
        if (rest == nullptr) return false;
        const auto read = static_cast<std::size_t>(rest - carry_.data());
        if (read > 0) {
            chunk.remove_prefix(read - carried);
            carry_.clear();
            return true;
        }
    }
    carry_.append(chunk.substr(taken));
    chunk = {};
    return carry_.size() <= kMaxLineBytes || fail("the line is longer than 64 KiB");
}

bool Exposition::carry(std::string_view rest) {
    carry_.append(rest);
    return carry_.size() <= kMaxLineBytes || fail("the line is longer than 64 KiB");
}

bool Exposition::take(const Line& line) {
    if (line.kind == Line::Kind::Invalid) return fail(line.fault);
    if (line.text.size() > kMaxLineBytes) return fail("the line is longer than 64 KiB");
    if (line.kind != Line::Kind::Sample) return true;
    ++samples_;
    if (is_wanted(line)) return keep(line);
    return line.plain || is_number(line.value) || fail("the value is no number that a double can hold");
}

bool Exposition::is_wanted(const Line& line) const {
    if (line.quoted && line.metric.find('\\') != std::string_view::npos) {
        return selector_->wants(decode_escapes(line.metric));
    }
    return selector_->wants(line.metric);
}

bool Exposition::keep(const Line& line) {
    const auto value = line.plain ? plain_value(line.value) : parse_number(line.value);
    if (!value) return fail("the value is no number that a double can hold");
    if (values_.size() >= kMaxWantedLines) return fail("there are more than 20000 series of the wanted names");
    const std::uint64_t hash = bytes::hash(line.series.data(), line.series.size(), seed_);
    const std::vector<Layout::Entry>& entries = layout_->entries;
    if (expected_ < entries.size() && entries[expected_].hash == hash) {
        keep_known(expected_, *value);
        return true;
    }
    layout_held_ = false;
    const std::size_t entry = find(hash);
    if (entry == kNotFound) {
        keep_new(line, hash, *value);
    } else {
        keep_known(entry, *value);
    }
    return true;
}

/// Once for every signal that wants the line.
void Exposition::keep_known(std::size_t entry, double value) {
    for (;; ++entry) {
        const Layout::Entry& known = layout_->entries[entry];
        values_.push_back({known.hash, value, known.series, false, known.more});
        if (!known.more) break;
    }
    expected_ = entry + 1;
}

void Exposition::keep_new(const Line& line, std::uint64_t hash, double value) {
    const std::size_t first = claims_.size();
    selector_->claim(decode_series(line.series), claims_);
    if (claims_.size() == first) values_.push_back({hash, value, kNoSeries, false, false});
    for (std::size_t i = first; i < claims_.size(); ++i) {
        values_.push_back({hash, value, static_cast<std::uint32_t>(i), true, i + 1 < claims_.size()});
    }
}

std::size_t Exposition::find(std::uint64_t hash) {
    if (layout_->entries.empty()) return kNotFound;
    if (index_.empty()) build_index();
    for (std::size_t slot = hash & (index_.size() - 1); index_[slot] != kEmptySlot;
         slot = (slot + 1) & (index_.size() - 1)) {
        if (layout_->entries[index_[slot]].hash == hash) return index_[slot];
    }
    return kNotFound;
}

/// Of entries with the same hash (a line's several, a line that comes twice) the first is found.
void Exposition::build_index() {
    const std::vector<Layout::Entry>& entries = layout_->entries;
    index_.assign(std::bit_ceil(2 * entries.size()), kEmptySlot);
    for (std::uint32_t i = 0; i < entries.size(); ++i) {
        std::size_t slot = entries[i].hash & (index_.size() - 1);
        while (index_[slot] != kEmptySlot) slot = (slot + 1) & (index_.size() - 1);
        index_[slot] = i;
    }
}

bool Exposition::fail(std::string_view what) {
    fault_ = "line " + std::to_string(lines_) + ": " + std::string(what);
    return false;
}

}  // namespace revertd
