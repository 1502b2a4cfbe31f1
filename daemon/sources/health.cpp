// SPDX-License-Identifier: Apache-2.0
#include "daemon/sources/health.h"

#include "daemon/sources/json_answer.h"

namespace revertd {
namespace {

HealthFinding down(std::string reason) {
    return {Health::Down, false, false, std::move(reason)};
}

HealthFinding blind(FetchError error) {
    return {Health::Blind, false, false, to_string(error)};
}

/// The target's own fault, or ours? In doubt it is blind: only what the target did can be down.
HealthFinding judge_failure(FetchError error) {
    switch (error) {
        case FetchError::ConnectRefused:
        case FetchError::Reset:
        case FetchError::ClosedEarly:
        case FetchError::Timeout:
        case FetchError::Malformed:
        case FetchError::TooLarge:
            return down(to_string(error));
        case FetchError::ConnectTimeout:
            return {Health::Blind, true, false, to_string(error)};
        case FetchError::Resolve:
        case FetchError::LocalLimit:
        case FetchError::Tls:
        case FetchError::Untrusted:
        case FetchError::OwnCertificate:
        case FetchError::Aborted:
        case FetchError::None:
            break;
    }
    return blind(error);
}

HealthFinding judge_answer(const HealthTarget& target, const Answer& answer) {
    if (answer.status < target.status_from || answer.status > target.status_to) {
        return down("the answer is " + std::to_string(answer.status));
    }
    if (!target.json.empty()) {
        if (answer.cut) return down("the body is larger than 1 MiB");
        if (auto ok = check_json(answer.body, target.json); !ok) return down(ok.error().message);
    }
    return {Health::Up, false, false, {}};
}

}  // namespace

HealthFinding judge_health(const HealthTarget& target, const Answer& answer) {
    // Nobody reads the body of a check that is judged by its status: however large it is, the answer has come.
    const bool enough = answer.error == FetchError::TooLarge && answer.status != 0 && target.json.empty();
    const bool whole = answer.error == FetchError::None || enough;
    HealthFinding finding = whole ? judge_answer(target, answer) : judge_failure(answer.error);
    finding.answered = answer.status != 0;
    return finding;
}

HealthFinding judge_connect(FetchError error) {
    HealthFinding finding =
        error == FetchError::None ? HealthFinding{Health::Up, false, true, {}} : judge_failure(error);
    return finding;
}

}  // namespace revertd
