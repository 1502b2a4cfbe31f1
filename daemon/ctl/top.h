// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <string>
#include <vector>

#include "daemon/ctl/block.h"

namespace revertd::ctl {

/// What is shown at one moment. Pure.
struct TopView {
    Json status;                             ///< of the API
    std::vector<Json> guards;                ///< deployments that are open, as far as they were asked
    std::map<std::string, History> history;  ///< of each guard, by its id
    std::string note;                        ///< about the view itself: the daemon does not answer
};

struct TopStyle {
    std::size_t columns = 80, rows = 24;
    bool colour = false;
    WallTime now;
};

/// At most `rows` lines of at most `columns` columns: the summary, every open guard, all services, and how to leave.
/// What does not fit is counted.
[[nodiscard]] std::vector<std::string> render_top(const TopView& view, const TopStyle& style);

}  // namespace revertd::ctl
