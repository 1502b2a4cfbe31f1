// SPDX-License-Identifier: Apache-2.0
// Small helpers of everything that fills structs from the tree. The table of keys has been checked before: a value that
// is wrong has its error already and is passed over here.
#pragma once
#include <algorithm>
#include <string>
#include <string_view>

#include "config/document.h"
#include "config/signals.h"
#include "config/values.h"

namespace revertd::config {

inline void read_duration(const Node& map, std::string_view key, Duration& out) {
    const Node* node = map.find(key);
    if (node == nullptr || !node->is_scalar()) return;
    if (node->is_off()) out = Duration::zero();
    if (const auto value = parse_duration(node->text)) out = *value;
}

inline void read_number(const Node& map, std::string_view key, double& out) {
    const Node* node = map.find(key);
    if (node == nullptr || !node->is_scalar()) return;
    if (node->is_off()) out = 0;
    if (const auto value = parse_number(node->text)) out = *value;
}

inline void read_count(const Node& map, std::string_view key, int& out) {
    const Node* node = map.find(key);
    if (node == nullptr || !node->is_scalar()) return;
    if (const auto value = parse_count(node->text)) out = static_cast<int>(std::min(*value, 1'000'000LL));
}

inline void read_text(const Node& map, std::string_view key, std::string& out) {
    const Node* node = map.find(key);
    if (node != nullptr && node->is_scalar()) out = node->is_off() ? std::string{} : node->text;
}

inline void read_rate(const Node& map, std::string_view key, RateLimit& out) {
    const Node* node = map.find(key);
    if (node == nullptr || !node->is_scalar()) return;
    if (node->is_off()) out = {};
    if (const auto value = parse_rate(node->text)) out = *value;
}

/// One of the words of a choice, as the value that stands for it.
template <class Value>
void read_choice(const Node& map, std::string_view key, Value& out,
                 std::initializer_list<std::pair<std::string_view, Value>> words) {
    const Node* node = map.find(key);
    if (node == nullptr || !node->is_scalar()) return;
    for (const auto& [word, value] : words)
        if (node->text == word) out = value;
}

/// The elements of a value that is one or a list of them.
template <class Visit>
void each(const Node& node, const Visit& visit) {
    if (!node.is_list()) return visit(node);
    for (const Node& item : node.items) visit(item);
}

/// Where in the file a place inside a scalar stands; the scalar's beginning when it is folded or has escapes.
[[nodiscard]] Position inside(const Node& scalar, std::size_t offset, const Diagnostics& diagnostics);

}  // namespace revertd::config
