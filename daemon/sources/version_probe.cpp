// SPDX-License-Identifier: Apache-2.0
#include "daemon/sources/version_probe.h"

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

Result<Observed> version_from_command(int exit, std::string_view output) {
    return checked(parse_observed(exit, output));
}

}  // namespace revertd
