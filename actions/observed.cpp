// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "actions/placeholders.h"
#include "actions/rollback.h"

namespace revertd {
namespace {

constexpr std::size_t kLongestVersion = 256;

}  // namespace

Result<Observed> parse_observed(int exit, std::string_view output) {
    if (exit == kExitNothingRuns) return Observed{};
    if (exit != 0)
        return Error(ErrorCode::Unavailable, "the command that says what runs ended with " + std::to_string(exit));
    std::string_view line = output.substr(0, output.find('\n'));
    if (line.ends_with('\r')) line.remove_suffix(1);
    static constexpr std::string_view kSettling = " settling";
    Observed observed;
    if (line.ends_with(kSettling)) {
        observed.settled = false;
        line.remove_suffix(kSettling.size());
    }
    if (line.empty() || line.size() > kLongestVersion || line.find(' ') != std::string_view::npos ||
        !is_plain_text(line))
        return Error(ErrorCode::Invalid, "the command that says what runs did not print one version",
                     "its first line is the version and nothing else; exit 3 means that nothing runs");
    observed.version = line;
    return observed;
}

}  // namespace revertd
