// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/session.h"

#include <ostream>

#include "daemon/ctl/exit_code.h"

namespace revertd::ctl {

Session::Session(Outside& outside, GlobalOptions options)
    : outside_(outside), options_(std::move(options)), client_(options_.address) {}

int Session::show(const std::string& doing, const Result<Json>& answer, const std::function<void(const Json&)>& words) {
    if (!answer) return fail(doing, answer.error());
    if (for_people()) {
        words(*answer);
    } else if (options_.format != Format::GitHub && options_.format != Format::JUnit) {  // those say it their own way
        print_json(out(), *answer, options_.format);
    }
    return kDone;
}

int Session::fail(const std::string& doing, const Error& error) {
    print_error(err(), doing, error);
    return exit_code_of(error.code);
}

int Session::refuse(const std::string& why, const std::string& hint) {
    print_error(err(), "usage", Error(ErrorCode::Invalid, why, hint));
    return kUsage;
}

}  // namespace revertd::ctl
