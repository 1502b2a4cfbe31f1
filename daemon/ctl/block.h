// SPDX-License-Identifier: Apache-2.0
// A guard in words: pure, from the deployment object of the API to text.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.h"
#include "daemon/ctl/json.h"

namespace revertd::ctl {

/// What a watch has seen of each signal: a point for every fortieth of the bake, drawn behind the value.
class History {
  public:
    void add(const Json& deployment);
    [[nodiscard]] const std::vector<double>& of(const std::string& signal) const;

  private:
    std::optional<double> last_elapsed_;
    std::map<std::string, std::vector<double>> values_;
};

struct BlockStyle {
    std::size_t columns = 80;
    bool colour = false;
    WallTime now;
};

/// The live block: version, progress bar, health, signals with their limits, what is waited for. Ends with a newline,
/// no line is wider than `columns`.
[[nodiscard]] std::string render_block(const Json& deployment, const History& history, const BlockStyle& style);

/// The same in one line, for logs: `api v2 d-81: baking, 8m12s / 15m, healthy; errors 0.4%, p95 212 ms`.
[[nodiscard]] std::string render_line(const Json& deployment);

/// How it ended: `api v2 d-81: regression, rolled back and verified`, and how to read why.
[[nodiscard]] std::string render_end(const Json& deployment);

}  // namespace revertd::ctl
