// SPDX-License-Identifier: Apache-2.0
// One unit test of rules: series as promtool writes them, through the daemon's own parser into its own Judge.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "config/document.h"
#include "core/settings.h"

namespace revertd::ctl {

/// `0+95x20 1900+90x40 _x3 5`: what a series is worth, one value an interval; nothing where it is missing.
[[nodiscard]] Result<std::vector<std::optional<double>>> expand_values(std::string_view text);

struct RulesCase {
    struct Series {
        std::string name;  ///< with its labels
        std::vector<std::optional<double>> values;
    };

    struct Health {
        Duration from{};
        bool up = true;
    };

    /// `rule` and one of: holds, breach, ok, insufficient, no_data, blind and the other verdicts.
    struct Expectation {
        Duration at{};
        std::string rule, is;
        config::Node where;
    };

    std::string name, service;
    Duration interval{};  ///< of the values; zero: that of the service
    Duration deploy{};    ///< when the new version is first seen
    std::vector<Series> series;
    std::vector<Health> health;
    std::vector<Expectation> expected;
};

/// What is wrong stands in the diagnostics, at its place.
[[nodiscard]] std::vector<RulesCase> read_cases(const config::Node& root, Diagnostics& diagnostics);

/// A sentence for each expectation that is not met, with what was instead.
[[nodiscard]] Result<std::vector<std::string>> run_case(const RulesCase& test, const ServiceSettings& settings);

}  // namespace revertd::ctl
