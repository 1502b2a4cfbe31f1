// SPDX-License-Identifier: Apache-2.0
// Where a unit's releases are, as its own file says: `init` guesses by it. Reads files, runs nothing.
#pragma once
#include <optional>
#include <string>
#include <vector>

namespace revertd::ctl {

struct ReleaseLayout {
    std::string releases;  ///< the directory of all of them
    std::string link;      ///< the symlink to the live one
};

/// Where systemd looks for units, in its order.
[[nodiscard]] std::vector<std::string> unit_directories();

/// From the first symlink to a directory on a path that the unit's command or working directory names. Nothing: the
/// unit is not found, or runs from no link.
[[nodiscard]] std::optional<ReleaseLayout> layout_of(const std::string& unit,
                                                     const std::vector<std::string>& directories);

}  // namespace revertd::ctl
