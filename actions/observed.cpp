// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "actions/placeholders.h"
#include "actions/rollback.h"

namespace revertd {
namespace {

constexpr std::size_t kLongestVersion = 256;

}  // namespace

namespace {

bool is_one_version(std::string_view line) {
    return !line.empty() && line.size() <= kLongestVersion && line.find(' ') == std::string_view::npos &&
           is_plain_text(line);
}

std::string_view first_line(std::string_view output) {
    std::string_view line = output.substr(0, output.find('\n'));
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

/// `v2 tried`; any other words are for people.
Observed nothing_runs(std::string_view line) {
    static constexpr std::string_view kTried = " tried";
    if (!line.ends_with(kTried)) return {};
    line.remove_suffix(kTried.size());
    return is_one_version(line) ? Observed{{}, true, std::string(line)} : Observed{};
}

}  // namespace

Result<Observed> parse_observed(int exit, std::string_view output) {
    if (exit == kExitNothingRuns) return nothing_runs(first_line(output));
    if (exit != 0)
        return Error(ErrorCode::Unavailable, "the command that says what runs ended with " + std::to_string(exit));
    std::string_view line = first_line(output);
    static constexpr std::string_view kSettling = " settling";
    Observed observed;
    if (line.ends_with(kSettling)) {
        observed.settled = false;
        line.remove_suffix(kSettling.size());
    }
    if (!is_one_version(line))
        return Error(ErrorCode::Invalid, "the command that says what runs did not print one version",
                     "its first line is the version and nothing else; exit 3 means that nothing runs");
    observed.version = line;
    return observed;
}

}  // namespace revertd
