// SPDX-License-Identifier: Apache-2.0
// YAML (and JSON, its subset) as a tree in which every value knows its place. Scalars stay text: whether `off` is a
// word or `010` a number, the table of keys decides, not YAML.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostic.h"
#include "core/result.h"

namespace revertd::config {

inline constexpr std::size_t kMaxConfigBytes = 4 << 20;  ///< 10,000 services fit
inline constexpr std::size_t kMaxConfigDepth = 24;       ///< the deepest key of the contract is 9 deep
inline constexpr std::size_t kMaxConfigNodes = 1 << 19;  ///< with every alias expanded: no billion laughs

struct Node {
    enum class Kind : std::uint8_t { Null, Scalar, List, Map };
    struct Entry;

    Kind kind = Kind::Null;
    bool plain = false;  ///< a scalar without quotes
    Position at;
    std::string text;
    std::vector<Node> items;
    std::vector<Entry> entries;  ///< in the order written; keys are unique

    [[nodiscard]] bool is_null() const { return kind == Kind::Null; }

    [[nodiscard]] bool is_scalar() const { return kind == Kind::Scalar; }

    [[nodiscard]] bool is_list() const { return kind == Kind::List; }

    [[nodiscard]] bool is_map() const { return kind == Kind::Map; }

    /// `off`, the word that switches a feature off.
    [[nodiscard]] bool is_off() const { return is_scalar() && text == "off"; }

    /// The value of a key of a map; null when there is none.
    [[nodiscard]] const Node* find(std::string_view key) const;
};

struct Node::Entry {
    std::string key;
    Position at;
    Node value;
};

/// The whole file through one descriptor (F2); an error says what is wrong with the file itself.
[[nodiscard]] Result<std::string> read_config_file(const std::string& path);

/// Nothing when the text is no YAML at all (the syntax error is among `diagnostics`). Duplicate keys are errors, too,
/// but leave a tree in which the first one stands.
[[nodiscard]] std::optional<Node> parse_document(const std::string& text, Diagnostics& diagnostics);

}  // namespace revertd::config
