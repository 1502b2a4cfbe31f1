// SPDX-License-Identifier: Apache-2.0
#include "detectors/localise.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <utility>

#include "core/words.h"
#include "detectors/statistics.h"

namespace revertd::detect {
namespace {

constexpr double kShrink = 3;  // bad requests' worth by which a value's rate before is drawn to the common one
constexpr double kHealthySpread = 0.15;  // of a value's rate between two healthy deploys, relative
constexpr double kFewestBad = 3;         // fewer bad requests beyond the expected ones say nothing about where
constexpr double kChance = 0.001;        // that one of equal values is named
constexpr double kWorse = 1.25;          // times what was expected: less is nobody's trouble
constexpr double kLikely = 2;            // standard deviations: worse, not surely
constexpr double kLittle = 0.1;          // of the damage a request of the worst one
constexpr double kUnharmed = 1.5;        // and so much more cannot be, if a value is called unharmed

/// One value with what the time before lets expect of it.
struct Value {
    const Place* place = nullptr;
    double expected = 0;  ///< bad requests, if nothing had changed
    double variance = 0;  ///< of the expectation

    [[nodiscard]] double bad() const { return place->now.bad; }

    [[nodiscard]] double damage() const { return bad() - expected; }
};

/// It is worse by itself, more than chance allows.
bool is_affected(const Value& v) {
    const double limit = -probit(kChance);
    return v.bad() > kWorse * v.expected && v.damage() > limit * std::sqrt(std::max(v.expected, 1.0) + v.variance);
}

std::vector<Value> expect(const PlaceTable& table, const PlaceLabel& label) {
    const double common = (table.before.bad + 0.5) / (table.before.requests + 1);
    const double traffic = table.before.requests > 0 ? table.now.requests / table.before.requests : 0;
    std::vector<Value> values;
    for (const Place& place : label.places) {
        if (place.now.requests <= 0 && place.now.bad <= 0 && !label.of_bad) continue;
        Value value{&place, 0, 0};
        if (label.of_bad) {  // its requests are the bad ones: what is expected follows from all requests
            value.expected = place.before.bad * traffic;
            value.variance = place.before.bad * traffic * traffic;
        } else {
            const double events = place.before.bad + kShrink;
            const double rate = events / (place.before.requests + kShrink / common);
            value.expected = place.now.requests * std::min(rate, 1.0);
            value.variance = value.expected * value.expected / events;
        }
        value.variance += std::pow(kHealthySpread * value.expected, 2);
        values.push_back(value);
    }
    // What is large varies by more than what is small has in all: those that are surely worse come first.
    std::ranges::sort(values, [](const Value& a, const Value& b) {
        return std::pair(is_affected(a), a.damage()) > std::pair(is_affected(b), b.damage());
    });
    return values;
}

template <class F>
double sum(const std::vector<Value>& values, const F& of) {
    return std::accumulate(values.begin(), values.end(), 0.0, [&](double all, const Value& v) { return all + of(v); });
}

/// How far a value lies from what is expected of it, in standard deviations.
double away(const Value& v, double mean, double variance) {
    return std::abs(v.bad() - mean) / std::sqrt(std::max(mean, 1.0) + variance);
}

/// Neither "all by the same factor" nor "all by the same number a request" fits.
bool stands_out(const std::vector<Value>& values) {
    const double limit = -probit(kChance / static_cast<double>(2 * values.size()));
    const double bad = sum(values, [](const Value& v) { return v.bad(); });
    const double expected = sum(values, [](const Value& v) { return v.expected; });
    const double requests = sum(values, [](const Value& v) { return v.place->now.requests; });
    const double factor = expected > 0 ? bad / expected : 0;
    const double more = requests > 0 ? (bad - expected) / requests : 0;
    double by_factor = 0, by_number = 0;
    for (const Value& v : values) {
        by_factor = std::max(by_factor, away(v, v.expected * factor, v.variance * factor * factor));
        const double mean = std::max(0.0, v.expected + more * v.place->now.requests);
        by_number = std::max(by_number, away(v, mean, v.variance + std::pow(kHealthySpread * mean, 2)));
    }
    return by_factor >= limit && by_number >= limit;
}

double log_ratio(double bad, double expected) {
    return bad > 0 && expected > 0 ? bad * std::log(bad / expected) : 0;
}

/// Nats that "the first `n` are worse, the rest is alike" gains over "all are alike".
double gain_of(const std::vector<Value>& values, std::size_t n) {
    double bad = 0, expected = 0, rest_bad = 0, rest_expected = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        (i < n ? bad : rest_bad) += values[i].bad();
        (i < n ? expected : rest_expected) += values[i].expected;
    }
    const double factor = (bad + rest_bad) / std::max(expected + rest_expected, 1e-9);
    return log_ratio(bad, expected * factor) + log_ratio(rest_bad, rest_expected * factor) -
           static_cast<double>(n) * std::log(static_cast<double>(values.size()));
}

/// Together they are worse than chance allows.
bool is_worse(const std::vector<Value>& values) {
    const double bad = sum(values, [](const Value& v) { return v.bad(); });
    const double expected = sum(values, [](const Value& v) { return v.expected; });
    const double variance = expected + sum(values, [](const Value& v) { return v.variance; });
    return bad - expected > -probit(kChance) * std::sqrt(std::max(variance, 1.0));
}

/// Enough was seen to rule out that it is much worse than before, or that it has much of what the worst one has.
bool is_unharmed(const Value& v, const Value& worst) {
    if (is_affected(v)) return false;
    const double most = v.expected * kUnharmed;
    if (v.bad() < most && most - v.bad() > 2 * std::sqrt(std::max(most, 1.0))) return true;
    const double could_be = v.bad() + 2 * std::sqrt(v.bad() + 1) - v.expected;
    const double a_request = worst.damage() / std::max(worst.place->now.requests, 1.0);
    return could_be < kLittle * a_request * v.place->now.requests;
}

PlaceShare share_of(const PlaceLabel& label, const Value& v, double damage) {
    PlaceShare share;
    share.label = label.label, share.value = v.place->value;
    share.share = std::clamp(v.damage() / damage, 0.0, 1.0);
    share.now = v.place->now.requests > 0 ? v.bad() / v.place->now.requests : 0;
    share.before = v.place->before.requests > 0 ? v.place->before.bad / v.place->before.requests : 0;
    share.affected = is_affected(v);
    return share;
}

/// Where all may be alike, too, the one that has most of the damage.
std::string leader_of(const LabelDamage& damage) {
    constexpr double kMost = 0.5, kBeyondFair = 0.25;
    const PlaceShare& first = damage.places.front();
    if (first.share < std::max(kMost, damage.fair + kBeyondFair) || !first.affected) return {};
    return "probably most of it in " + first.label + "=" + first.value + " (" + value_words(first.share, Unit::Ratio) +
           "), too few to be sure";
}

LabelDamage damage_of(const PlaceTable& table, const PlaceLabel& label) {
    LabelDamage out;
    out.label = label.label;
    out.of_bad = label.of_bad;
    auto values = expect(table, label);
    if (label.of_bad) std::erase_if(values, [](const Value& v) { return v.bad() <= 0 && v.expected <= 0; });
    const double all = sum(values, [](const Value& v) { return v.damage(); });
    // A label that tells nothing apart now (the version, pods that are gone) is no place either.
    if (values.size() < (label.of_bad ? 1 : 2) || std::max(all, values.front().damage()) < kFewestBad) return out;
    // Those that are worse by themselves are the damage, and what is left, if that is more than chance.
    const auto first_well = std::ranges::find_if_not(values, is_affected);
    const auto affected = static_cast<std::size_t>(first_well - values.begin());
    out.worst = std::max<std::size_t>(1, affected);
    const std::vector<Value> rest(values.begin() + static_cast<std::ptrdiff_t>(out.worst), values.end());
    double damage = all - sum(rest, [](const Value& v) { return v.damage(); });
    if (is_worse(rest)) damage = std::max(damage, all);
    for (const Value& v : values) out.places.push_back(share_of(label, v, damage));
    const auto others = values.begin() + static_cast<std::ptrdiff_t>(out.worst);
    out.unharmed = static_cast<std::size_t>(
        std::count_if(others, values.end(), [&](const Value& v) { return is_unharmed(v, values.front()); }));
    out.gain = gain_of(values, out.worst);
    const double expected = sum(values, [](const Value& v) { return v.expected; });
    const double requests = sum(values, [](const Value& v) { return v.place->now.requests; });
    out.fair = std::max(values.front().expected / std::max(expected, 1e-9),
                        values.front().place->now.requests / std::max(requests, 1.0));
    const bool concentrated = label.of_bad || (affected > 0 && stands_out(values));
    out.shape = concentrated ? LabelDamage::Shape::Concentrated : LabelDamage::Shape::Even;
    // That nothing tells them apart is no knowledge that they are alike.
    const auto worse = std::ranges::count_if(values, [](const Value& v) {
        return v.damage() > kLikely * std::sqrt(std::max(v.expected, 1.0) + v.variance);
    });
    const bool alike = 2 * static_cast<std::size_t>(worse) >= values.size();
    if (!concentrated && !alike && leader_of(out).empty()) out.shape = LabelDamage::Shape::Unknown;
    return out;
}

std::string rates(const PlaceShare& place, const PlaceTable& table, const std::string& label) {
    double requests = 0;
    for (const PlaceLabel& one : table.labels) {
        if (one.label != label) continue;
        for (const Place& value : one.places)
            if (value.value == place.value) requests = value.now.requests;
    }
    return " (" + value_words(place.now, Unit::Ratio) + " of the last " + count_words(requests) + " requests, " +
           value_words(place.before, Unit::Ratio) + " before)";
}

std::string share_words(double share) {
    return share > 0.97 ? "all of it" : value_words(std::round(share * 100) / 100, Unit::Ratio) + " of it";
}

std::string concentrated(const LabelDamage& damage, const PlaceTable& table) {
    constexpr std::size_t kNamed = 3;
    std::string out;
    for (std::size_t i = 0; i < std::min(damage.worst, kNamed); ++i) {
        const PlaceShare& place = damage.places[i];
        out += (out.empty() ? "" : ", ") + share_words(place.share) + (damage.of_bad ? " with " : " in ") +
               place.label + "=" + place.value + (damage.of_bad ? "" : rates(place, table, damage.label));
    }
    if (damage.worst > kNamed) out += " and " + std::to_string(damage.worst - kNamed) + " more of " + damage.label;
    const std::size_t others = damage.places.size() - damage.worst;
    if (damage.of_bad || others == 0) return out;
    if (damage.unharmed == 1 && others == 1)
        return out + "; not affected: " + damage.label + "=" + damage.places[damage.worst].value;
    if (damage.unharmed == 0) return out;
    if (damage.unharmed == others)
        return out + "; not affected: the other " + std::to_string(others) + " of " + damage.label;
    out += "; not affected: " + std::to_string(damage.unharmed) + " of " + damage.label + ", too little is seen of " +
           std::to_string(others - damage.unharmed);
    return out;
}

}  // namespace

Localisation localise(const PlaceTable& table) {
    Localisation out;
    for (const PlaceLabel& label : table.labels) {
        auto damage = damage_of(table, label);
        if (damage.shape != LabelDamage::Shape::Unknown) out.labels.push_back(std::move(damage));
    }
    const double common = (table.before.bad + 0.5) / (table.before.requests + 1);
    out.damage = table.now.bad - table.now.requests * common;
    std::ranges::stable_sort(out.labels, [](const LabelDamage& a, const LabelDamage& b) {
        const auto order = [](const LabelDamage& d) {  // places, then what all share, then kinds
            return std::pair(d.of_bad ? 2 : d.shape == LabelDamage::Shape::Even ? 1 : 0, -d.gain);
        };
        return order(a) < order(b);
    });
    return out;
}

std::vector<PlaceShare> Localisation::places() const {
    constexpr std::size_t kMost = 16;  // of a label: a page, not a table
    std::vector<PlaceShare> out;
    for (const LabelDamage& label : labels) {
        if (label.shape != LabelDamage::Shape::Concentrated) continue;
        const auto end = label.places.begin() + static_cast<std::ptrdiff_t>(std::min(label.worst, kMost));
        out.insert(out.end(), label.places.begin(), end);
    }
    return out;
}

std::string words(const Localisation& found, const PlaceTable& table) {
    std::string places, kinds, even, leader;
    for (const LabelDamage& label : found.labels) {
        if (label.shape == LabelDamage::Shape::Even) {
            if (const std::string probable = places.empty() && leader.empty() ? leader_of(label) : std::string();
                !probable.empty())
                leader = probable;
            else
                even += (even.empty() ? "" : ", ") + label.label + " (" + std::to_string(label.places.size()) + ")";
            continue;
        }
        std::string& to = label.of_bad ? kinds : places;
        to += (to.empty() ? "" : "; ") + concentrated(label, table);
    }
    if (!even.empty())
        even = (places.empty() && leader.empty() ? "no single place, alike in every " : "alike in every ") + even;
    std::string out;
    for (const std::string* part : {&places, &leader, &even, &kinds})
        if (!part->empty()) out += (out.empty() ? "" : "; ") + *part;
    return out;
}

}  // namespace revertd::detect
