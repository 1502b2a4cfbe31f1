// SPDX-License-Identifier: Apache-2.0
#include "core/verdict.h"

namespace revertd {

std::string_view to_string(Verdict verdict) {
    switch (verdict) {
        case Verdict::Ok:
            return "ok";
        case Verdict::Breach:
            return "breach";
        case Verdict::NoData:
            return "no_data";
        case Verdict::Stale:
            return "stale";
        case Verdict::Partial:
            return "partial";
        case Verdict::Error:
            return "error";
        case Verdict::Ambiguous:
            return "ambiguous";
        case Verdict::Insufficient:
            return "insufficient";
    }
    return "error";
}

std::string_view to_string(Severity severity) {
    switch (severity) {
        case Severity::P0:
            return "P0";
        case Severity::P1:
            return "P1";
        case Severity::P2:
            return "P2";
        case Severity::P3:
            return "P3";
        case Severity::None:
            return "none";
    }
    return "none";
}

std::string_view to_string(Health health) {
    switch (health) {
        case Health::Unknown:
            return "unknown";
        case Health::Up:
            return "up";
        case Health::Down:
            return "down";
        case Health::Blind:
            return "blind";
    }
    return "unknown";
}

std::optional<Severity> severity_from(std::string_view text) {
    for (const Severity severity : {Severity::P0, Severity::P1, Severity::P2, Severity::P3})
        if (text == to_string(severity)) return severity;
    return std::nullopt;
}

}  // namespace revertd
