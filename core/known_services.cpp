// SPDX-License-Identifier: Apache-2.0
#include "core/known_services.h"

#include <algorithm>
#include <vector>

#include "core/edit_distance.h"

namespace revertd {
namespace {

constexpr std::size_t kMostNamed = 8;  // of a hint: it is read on one line

}  // namespace

std::string known_services(const Settings* settings, const std::string& name) {
    if (settings == nullptr || settings->services.empty()) return "no services are configured";
    std::vector<std::pair<std::size_t, std::string>> near;
    for (const auto& [known, unused] : settings->services) near.emplace_back(edit_distance(name, known), known);
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
