// SPDX-License-Identifier: Apache-2.0
#include "daemon/sources/version_probe.h"

#include <algorithm>

#include "actions/rollback.h"
#include "core/version.h"
#include "daemon/sources/json_answer.h"

namespace revertd {
namespace {

/// Nothing that is not a version by the contract goes any further.
Result<Observed> checked(Result<Observed> observed) {
    if (observed && !observed->tried.empty() && !valid_version(observed->tried)) observed->tried.clear();
    if (!observed || observed->version.empty() || valid_version(observed->version)) return observed;
    return Error(ErrorCode::Invalid, "'" + quotable(observed->version) + "' is no version",
                 "a version is letters, digits and ._+:@/- (128 at most), a letter or digit first");
}

/// Programs say what happened last.
std::string_view last_line(std::string_view text) {
    const std::size_t end = text.find_last_not_of(" \r\n\t");
    text = text.substr(0, end == std::string_view::npos ? 0 : end + 1);
    const std::size_t before = text.rfind('\n');
    text.remove_prefix(before == std::string_view::npos ? 0 : before + 1);
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
    return text;
}

}  // namespace

Result<Observed> version_from_http(std::string_view json, const Answer& answer) {
    if (answer.error != FetchError::None) return Error(ErrorCode::Unavailable, to_string(answer.error));
    if (answer.status < 200 || answer.status > 299) {
        return Error(ErrorCode::Unavailable, "the answer is " + std::to_string(answer.status));
    }
    if (answer.cut) return Error(ErrorCode::Limit, "the body is larger than 1 MiB");
    if (json.empty()) return version_from_command(0, answer.body);
    auto text = json_text_at(answer.body, json);
    if (!text) return text.error();
    if (text->empty()) return Error(ErrorCode::Invalid, "the version at " + std::string(json) + " is empty");
    return checked(Observed{std::move(*text), true});
}

Result<Observed> version_from_command(int exit, std::string_view output, std::string_view errors) {
    auto observed = checked(parse_observed(exit, output));
    if (const std::string_view said = last_line(errors); !observed && !said.empty())
        observed.error().message += " (" + quotable(said) + ")";
    return observed;
}

}  // namespace revertd
