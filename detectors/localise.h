// SPDX-License-Identifier: Apache-2.0
// Where is the damage? The requests of a breached signal, divided by every label that is known.
#pragma once
#include <string>
#include <vector>

#include "core/places.h"

namespace revertd::detect {

/// How the damage lies in one label.
struct LabelDamage {
    enum class Shape : std::uint8_t {
        Unknown,      ///< too few bad requests to tell
        Even,         ///< every value is as much worse as the others
        Concentrated  ///< `worst` are worse than the others
    };

    std::string label;
    bool of_bad = false;  ///< kinds of bad requests, not places
    Shape shape = Shape::Unknown;
    double gain = 0;                 ///< nats that it explains beyond "all are equally worse"
    std::vector<PlaceShare> places;  ///< all values, the largest share of the damage first
    double fair = 0;                 ///< share that the first one would have if all were alike
    std::size_t worst = 0;           ///< so many of them together are the damage
    std::size_t unharmed = 0;        ///< values of the others that are known to be as before
};

struct Localisation {
    double damage = 0;                ///< bad requests beyond those that the time before lets expect
    std::vector<LabelDamage> labels;  ///< the one that explains most first

    /// What is told: the values that stand out, of the labels in this order, the worst first.
    [[nodiscard]] std::vector<PlaceShare> places() const;
};

/// Ranks what each value of each label adds to the damage: the bad requests beyond the value's own share before, times
/// its requests now. That all are equally worse is the hypothesis: either by the same factor, or by the same number a
/// request; only a value that fits neither stands out.
///
/// Source: excess counts against an expectation, as in indirect standardisation of rates (Breslow, Day, 1987); the gain
/// is the Poisson log-likelihood ratio of a scan statistic (Kulldorff, "A spatial scan statistic", 1997), less
/// log(values) for each value chosen. Rates before are drawn to the common one with the weight of three bad requests.
/// Assumes that requests of different values are independent; values vary by 15 % between healthy deploys. Guarantee:
/// one of V equal values is named wrongly with a chance of about 1 in 1,000.
[[nodiscard]] Localisation localise(const PlaceTable& table);

/// "all of it in route=/pay (48 % of the last 1,210 requests, 0.3 % before); not affected: the other 9 of route;
/// instance: 3 alike". `unit` follows an edge. Empty when nothing is known.
[[nodiscard]] std::string words(const Localisation& found, const PlaceTable& table);

}  // namespace revertd::detect
