// SPDX-License-Identifier: Apache-2.0
#include "daemon/sources/exposition.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "daemon/sources/byte_scan.h"
#include "daemon/sources/limits.h"
#include "daemon/sources/number.h"
#include "daemon/sources/series_name.h"

namespace revertd {
namespace {

constexpr std::uint32_t kEmptySlot = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t kNotFound = std::numeric_limits<std::size_t>::max();

/// Never zero, which is "not computed".
std::uint64_t hash_of_series(std::string_view series, std::uint64_t seed) {
    return std::max<std::uint64_t>(bytes::hash(series.data(), series.size(), seed), 1);
}

/// Of a sample of OpenMetrics up to its value.
std::string metric_of(std::string_view start) {
    if (!start.starts_with('{')) return std::string(start.substr(0, start.find_first_of("{ ")));
    return decode_series(start.substr(0, start.find_last_not_of(' ') + 1)).metric;
}

}  // namespace

std::uint64_t Layout::hash_of(std::size_t entry, std::uint64_t seed) const {
    return shape == nullptr ? hashes[entry] : hash_of_row(entries()[entry].row, seed);
}

std::uint64_t Layout::hash_of_row(std::uint32_t row, std::uint64_t seed) const {
    constexpr std::string_view kBlanks = " \t";
    std::string_view series = shape->start(row);
    series.remove_prefix(std::min(series.find_first_not_of(kBlanks), series.size()));
    series = series.substr(0, series.find_last_not_of(kBlanks) + 1);
    return hash_of_series(series, seed);
}

void Exposition::begin(const SeriesSelector& selector, const Layout& layout, bool learn, Format format) {
    format_ = format;
    ended_ = false;
    selector_ = &selector;
    layout_ = &layout;
    entries_ = layout.entries();
    expect(0);
    layout_held_ = true;
    shape_ = layout.shape.get();
    had_shape_ = shape_ != nullptr;
    families_.clear();
    familiar_ = 0;
    absent_.clear();
    families_shape_ = format == Format::OpenMetrics ? shape_ : nullptr;
    row_ = strange_ = 0;
    learning_ = learn;
    learned_.clear();
    index_.clear();
    values_.clear();
    claims_.clear();
    keeps_names_ = false;
    names_ = {};  // as large as the page, and rarely wanted
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
    const auto ended = [this] {
        if (format_ == Format::Text) return true;
        if (!ended_) return fail("the body does not end with # EOF: it was cut off");
        // Lines that the shape does not have, or no longer a family's type: what follows them matters.
        return (strange_ <= 1 && absent_.empty()) || check_families_of_shape();
    };
    if (carry_.empty()) return ended();
    carry_ += '\n';  // the last line may lack it
    const char* const rest = read_lines(carry_);
    if (rest == nullptr) return false;
    if (rest != carry_.data() + carry_.size()) return fail("the body ends inside a label value");
    return ended();
}

/// Reads as many whole lines as there are; returns the start of the one that is not whole, nothing after a fault.
const char* Exposition::read_lines(std::string_view text) {
    const char* p = text.data();
    const char* const end = p + text.size();
    LineReader lines(text, format_);
    while (p != end) {
        if (shape_ != nullptr) {
            if (const char* const after = read_known(p, end)) {
                p = after;
                continue;
            }
            lines.skip_to(p);
        }
        const Line& line = lines.next();
        if (line.kind == Line::Kind::Incomplete) return p;
        ++lines_;
        ++strange_;
        if (!take(line)) return nullptr;
        p += line.text.size();
        if (!layout_held_) shape_ = nullptr;  // which lines are wanted is known by their order alone
    }
    return p;
}

/// The line if it is the shape's next one, or the one after that; nothing if it is to be read in full.
const char* Exposition::read_known(const char* p, const char* end) {
    const char* const after = match(p, end);
    if (after == nullptr) return nullptr;
    const std::size_t row = row_++;  // also if its value is read in full: the line is this one
    if (shape_->is_sample(row)) return read_known_value(row, p, after, end);
    ++lines_;
    return after;
}

/// Returns the end of what the line and its row have in common, which is all of the row.
inline const char* Exposition::match(const char* p, const char* end) {
    const auto left = static_cast<std::size_t>(end - p);
    for (std::size_t row = row_; row < shape_->size() && row < row_ + 2; ++row) {
        const std::string_view start = shape_->start(row);
        if (start.size() >= left || std::memcmp(p, start.data(), start.size()) != 0) {
            if (row == wanted_row_) return nullptr;  // a wanted line may be missing, but is never passed over
            continue;
        }
        if (row != row_ && families_shape_ != nullptr) absent_.push_back(static_cast<std::uint32_t>(row_));
        row_ = row;
        return p + start.size();
    }
    return nullptr;
}

inline const char* Exposition::read_known_value(std::size_t row, const char* start, const char* p, const char* end) {
    const NumberToken number = scan_number(p, end);
    const std::string_view token(p, static_cast<std::size_t>(number.end - p));
    if (*number.end != '\n' || static_cast<std::size_t>(number.end - start) >= kMaxLineBytes) return nullptr;
    if (row == wanted_row_) {
        const auto value = number.plain ? plain_value(token) : parse_number(token);
        if (!value) return nullptr;
        keep_known(expected_, 0, static_cast<std::uint32_t>(row), *value);
    } else if (!number.plain && !is_number(token)) {
        return nullptr;
    }
    ++lines_;
    ++samples_;
    return number.end + 1;
}

bool Exposition::shape_is_stale() const {
    return had_shape_ && strange_ > lines_ / 8;
}

void Exposition::learn(const Line& line) {
    const bool is_sample = line.kind == Line::Kind::Sample;
    learned_.add(
        is_sample ? line.text.substr(0, static_cast<std::size_t>(line.value.data() - line.text.data())) : line.text,
        is_sample);
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
    if (ended_) return fail("something follows # EOF");
    if (line.kind == Line::Kind::End) {
        ended_ = true;
        shape_ = nullptr;  // what follows is looked at, whatever it is
        return true;
    }
    if (format_ == Format::OpenMetrics && !check_family(line)) return false;
    if (learning_) learn(line);
    if (line.kind != Line::Kind::Sample) return true;
    ++samples_;
    if (is_wanted(line)) return keep(line);
    return line.plain || is_number(line.value) || fail("the value is no number that a double can hold");
}

bool Exposition::check_family(const Line& line) {
    if (!check_families_of_shape()) return false;
    const bool together = line.kind == Line::Kind::Sample ? families_.add_sample(metric_of(line.series))
                                                          : families_.add_descriptor(line.text);
    return together || fail("the lines of " + families_.name() + " do not stand together");
}

/// The rows before the line that is read. A body of nothing but these needs no look: they stood together once.
bool Exposition::check_families_of_shape() {
    for (; families_shape_ != nullptr && familiar_ < row_; ++familiar_) {
        const auto row = static_cast<std::uint32_t>(familiar_);
        if (std::binary_search(absent_.begin(), absent_.end(), row)) continue;
        const std::string_view start = families_shape_->start(row);
        const bool together =
            families_shape_->is_sample(row) ? families_.add_sample(metric_of(start)) : families_.add_descriptor(start);
        if (!together) return fail("the lines of " + families_.name() + " do not stand together");
    }
    return true;
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
    const std::uint64_t hash = hash_of_series(line.series, seed_);
    if (expected_ < entries_.size() && layout_->hash_of(expected_, seed_) == hash) {
        keep_known(expected_, hash, learned_row(), *value);
        return true;
    }
    layout_held_ = false;
    const std::size_t entry = find(hash);
    if (entry == kNotFound) {
        keep_new(line, hash, *value);
    } else {
        keep_known(entry, hash, learned_row(), *value);
    }
    return true;
}

/// Once for every signal that wants the line.
void Exposition::keep_known(std::size_t entry, std::uint64_t hash, std::uint32_t row, double value) {
    for (;; ++entry) {
        const Layout::Entry& known = entries_[entry];
        values_.push_back({hash, value, known.series, false, known.more != 0, row});
        if (known.more == 0) break;
    }
    expect(entry + 1);
}

void Exposition::expect(std::size_t entry) {
    expected_ = entry;
    wanted_row_ = entry < entries_.size() ? entries_[entry].row : kNotFound;
}

void Exposition::keep_new(const Line& line, std::uint64_t hash, double value) {
    const std::size_t first = claims_.size();
    SeriesName name = decode_series(line.series);
    selector_->claim(name, claims_);
    if (keeps_names_ && claims_.size() > first) {
        for (std::size_t i = first; i < claims_.size(); ++i)
            claims_[i].name = static_cast<std::uint32_t>(names_.size());
        names_.push_back(std::move(name));
    }
    if (claims_.size() == first) values_.push_back({hash, value, kNoSeries, false, false, learned_row()});
    for (std::size_t i = first; i < claims_.size(); ++i) {
        const bool more = i + 1 < claims_.size();
        values_.push_back({hash, value, static_cast<std::uint32_t>(i), true, more, learned_row()});
    }
}

std::size_t Exposition::find(std::uint64_t hash) {
    if (layout_->entries().empty()) return kNotFound;
    if (index_.empty()) build_index();
    for (std::size_t slot = hash & (index_.size() - 1); index_[slot] != kEmptySlot;
         slot = (slot + 1) & (index_.size() - 1)) {
        if (layout_->hash_of(index_[slot], seed_) == hash) return index_[slot];
    }
    return kNotFound;
}

/// Of entries with the same hash (a line's several, a line that comes twice) the first is found.
void Exposition::build_index() {
    const std::vector<Layout::Entry>& entries = layout_->entries();
    index_.assign(std::bit_ceil(2 * entries.size()), kEmptySlot);
    for (std::uint32_t i = 0; i < entries.size(); ++i) {
        std::size_t slot = layout_->hash_of(i, seed_) & (index_.size() - 1);
        while (index_[slot] != kEmptySlot) slot = (slot + 1) & (index_.size() - 1);
        index_[slot] = i;
    }
}

bool Exposition::fail(std::string_view what) {
    fault_ = "line " + std::to_string(lines_) + ": " + std::string(what);
    return false;
}

}  // namespace revertd
