// SPDX-License-Identifier: Apache-2.0
// Where a signal comes from: what each series gained before the deploy and in the last minutes, by its labels. Labels
// are kept only while a deploy is watched; outside of that a series costs eight bytes.
#pragma once
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/bytes.h"

namespace revertd {

using SeriesId = std::uint32_t;

/// Requests, and the bad ones among them: failed, or slower than an edge.
struct PlaceCounts {
    double requests = 0, bad = 0;

    PlaceCounts& operator+=(const PlaceCounts& other) {
        requests += other.requests;
        bad += other.bad;
        return *this;
    }
};

struct Place {
    std::string value;  ///< of the label
    PlaceCounts before, now;
};

/// One way to divide the requests: by route, by instance, by code.
struct PlaceLabel {
    std::string label;
    bool of_bad = false;  ///< it says what is bad (`code`): it tells kinds of damage apart, not places
    std::vector<Place> places;
};

/// One signal, divided in every way that is known.
struct PlaceTable {
    PlaceCounts before, now;
    std::vector<PlaceLabel> labels;
    double edge = 0;  ///< quantile: the bad ones are slower than this
};

/// One place that stands out: `all of it in route=/pay`.
struct PlaceShare {
    std::string label, value;
    double share = 0;            ///< of the damage
    double now = 0, before = 0;  ///< bad ones a request
    bool affected = false;       ///< worse than a healthy deploy

    template <class Self, class F>
    static void fields(Self& r, F&& f) {
        f("label", r.label), f("value", r.value), f("share", r.share), f("now", r.now), f("before", r.before);
        f("affected", r.affected);
    }
};

/// What the series of one service gained. Fixed cost: one addition a value.
class SeriesGains {
  public:
    static constexpr std::size_t kMostSeries = 20'000;  ///< beyond them the others say where it is, too
    static constexpr std::size_t kMostLabels = 12;      ///< a scrape has some five
    static constexpr std::size_t kMostValues = 256;     ///< a label with more of them is an id, not a place
    static constexpr std::size_t kLongestValue = 120;
    /// Slots: a deploy is noticed after three equal reads, and what ran in them is not what was before.
    static constexpr std::size_t kUnnoticed = 4;

    /// A new series: registration may allocate, `gained` does not.
    void add_series(SeriesId series);

    void gained(SeriesId series, double increase) {
        if (series >= now_.size()) return;
        std::uint32_t& bits = now_[series];
        if (watching_)
            bits = std::bit_cast<std::uint32_t>(std::bit_cast<float>(bits) + static_cast<float>(increase));
        else
            bits = (bits & ~kNewer) | rounded(half(bits) + static_cast<float>(increase));
    }

    /// A slot ends. `memory` in slots: how far back the current counts look.
    void end_slot(std::size_t memory);

    /// A deploy is watched from now on, or no longer.
    void watch(bool watching);
    /// What was counted since the deploy began is forgotten: a phase begins.
    void restart();

    [[nodiscard]] bool watching() const { return watching_; }

    /// The labels of a series, while a deploy is watched.
    void describe(SeriesId series, const std::vector<std::pair<std::string_view, std::string_view>>& labels);

    [[nodiscard]] double before(SeriesId series) const { return series < before_.size() ? before_[series] : 0; }

    [[nodiscard]] double now(SeriesId series) const {
        return watching_ && series < now_.size() ? std::bit_cast<float>(now_[series]) : 0;
    }

    // -- labels, in the order of their first sight; a value is an index from 1, 0: the series has no such label
    [[nodiscard]] std::size_t labels() const { return names_.size(); }

    [[nodiscard]] const std::string& label(std::size_t index) const { return names_[index].name; }

    /// It has more values than are kept.
    [[nodiscard]] bool is_id(std::size_t index) const { return names_[index].overflown; }

    [[nodiscard]] std::size_t values(std::size_t index) const { return names_[index].values.size(); }

    [[nodiscard]] const std::string& value(std::size_t index, std::size_t value) const {
        return names_[index].values[value - 1];
    }

    [[nodiscard]] std::size_t value_of(SeriesId series, std::size_t index) const {
        const std::size_t at = series * kMostLabels + index;
        return at < rows_.size() ? rows_[at] : 0;
    }

    void save(ByteWriter& out) const;
    /// `series`: how many there are.
    bool load(ByteReader& in, std::size_t series);

  private:
    struct Name {
        std::string name;
        bool overflown = false;
        std::vector<std::string> values;
        std::unordered_map<std::string, std::uint16_t> index;
    };

    static constexpr std::uint32_t kNewer = 0xffff;

    /// The upper half of a float, to the nearest.
    [[nodiscard]] static std::uint32_t rounded(float value) {
        return (std::bit_cast<std::uint32_t>(value) + 0x8000U) >> 16U;
    }

    /// The newer of two halves.
    [[nodiscard]] static float half(std::uint32_t bits) { return std::bit_cast<float>(bits << 16U); }

    [[nodiscard]] std::uint16_t intern(Name& name, std::string_view value);

    bool watching_ = false;
    std::size_t block_ = 0;  ///< slots of `now_` while nothing is watched
    std::size_t slots_ = 0;  ///< since the counts that are being added to were last halved
    std::vector<float> before_;
    /// While a deploy is watched a float. Else the upper halves of two: what was gained in the last block, which
    /// becomes `before_` if no deploy is noticed meanwhile, and in this one. Two digits are enough for a few slots.
    std::vector<std::uint32_t> now_;
    std::vector<std::uint16_t> rows_;
    std::vector<Name> names_;
};

}  // namespace revertd
