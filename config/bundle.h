// SPDX-License-Identifier: Apache-2.0
// The configuration may be several files: the main one, and more services in `conf.d` beside it. They travel as one
// text, so that a guard pins and the journal keeps all of it; findings still name the file and its line.
#pragma once
#include <string>
#include <vector>

#include "config/diagnostic.h"
#include "config/document.h"
#include "core/result.h"

namespace revertd::config {

/// The text of `path`, or of it and `conf.d/*.yaml` beside it, in the order of their names.
[[nodiscard]] Result<std::string> read_config(const std::string& path);

struct BundlePart {
    std::string name;              ///< of the file
    std::uint32_t first_line = 1;  ///< in the whole text
    std::string text;
};

/// One part, named `name`, when the text is that of one file.
[[nodiscard]] std::vector<BundlePart> split_bundle(const std::string& text, const std::string& name);

/// One tree: the services of every part under those of the first. Positions are those of the whole text.
[[nodiscard]] std::optional<Node> parse_bundle(const std::vector<BundlePart>& parts, Diagnostics& diagnostics);

}  // namespace revertd::config
