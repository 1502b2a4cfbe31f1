// SPDX-License-Identifier: Apache-2.0
#include "core/known_services.h"

#include <algorithm>
#include <vector>

namespace revertd {
namespace {

constexpr std::size_t kMostNamed = 8;  // of a hint: it is read on one line

/// Letters that must be inserted, deleted or replaced. A name is short: the rows are, too.
std::size_t distance(const std::string& a, const std::string& b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
        }
    }
    return row.back();
}

}  // namespace

std::string known_services(const Settings* settings, const std::string& name) {
    if (settings == nullptr || settings->services.empty()) return "no services are configured";
    std::vector<std::pair<std::size_t, std::string>> near;
    for (const auto& [known, unused] : settings->services) near.emplace_back(distance(name, known), known);
    std::ranges::sort(near);
    const std::size_t named = std::min(near.size(), kMostNamed);
    std::string words = near.size() == 1 ? "the only one configured is " : "configured are ";
    for (std::size_t i = 0; i < named; ++i) {
        const bool last = i + 1 == near.size();
        words += (i == 0 ? "" : last ? " and " : ", ") + near[i].second;
    }
    if (near.size() > named) words += " and " + std::to_string(near.size() - named) + " more";
    return words;
}

}  // namespace revertd
