// SPDX-License-Identifier: Apache-2.0
// `rollback:` as it was written: a plain tree with positions, so that every complaint can point at its place.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace revertd {

/// A value of the configuration: a scalar, a list, or a map (whose items carry their keys).
struct Param {
    enum class Kind : std::uint8_t { Scalar, List, Map };

    Kind kind = Kind::Scalar;
    std::string text;          ///< of a scalar
    bool quoted = false;       ///< "true" in quotes is a string, without them a JSON boolean
    std::vector<Param> items;  ///< of a list or map
    std::string key;           ///< of an item of a map
    int line = 0, column = 0;  ///< of the value, from 1; 0: unknown
    int key_line = 0, key_column = 0;

    [[nodiscard]] bool is_scalar() const { return kind == Kind::Scalar; }

    [[nodiscard]] bool is_list() const { return kind == Kind::List; }

    [[nodiscard]] bool is_map() const { return kind == Kind::Map; }

    /// The item of a map; null when there is none.
    [[nodiscard]] const Param* find(std::string_view name) const;
};

/// `rollback:` is one mapping or a list of them.
struct RollbackSpec {
    std::vector<Param> entries;
};

/// A finding of check_rollback(). A warning does not stop the daemon.
struct Problem {
    bool is_warning = false;
    int line = 0, column = 0;
    std::string message;
    std::string hint;
};

}  // namespace revertd
