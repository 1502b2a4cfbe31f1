// SPDX-License-Identifier: Apache-2.0
#include "detectors/evidence_words.h"

#include <algorithm>
#include <cmath>

#include "core/words.h"

namespace revertd::detect {
namespace {

constexpr double kMostOdds = 1e6;

double rate(const Events& events) {
    return events.requests > 0 ? events.errors / events.requests : 0;
}

std::string failed(const Events& events) {
    return value_words(rate(events), Unit::Ratio) + " of " + count_words(events.requests) + " requests failed";
}

/// "26x the 0.3 % before"; with a control group "26x the 0.3 % of the control group".
std::string compared(const Finding& finding, bool control) {
    const double now = rate(finding.fresh), base = control ? rate(finding.reference) : finding.before;
    const std::string whose = control ? " of the control group" : " before";
    if (base <= 0) return "none" + whose;
    return factor_words(now / base) + " the " + value_words(base, Unit::Ratio) + whose;
}

std::string odds(const Finding& finding) {
    const std::string doubt = doubt_words(finding.doubt);
    return "; odds against a healthy deploy " + odds_words(finding.evidence) +
           (doubt.empty() ? "" : ", where " + doubt);
}

std::string_view because(Doubt::Why why) {
    switch (why) {
        case Doubt::Why::SharedIncident:
            return "errors rose in the control group as well";
        case Doubt::Why::SharedSlowness:
            return "the control group is slow as well";
        case Doubt::Why::MoreLoad:
            return "the load has just grown";
        case Doubt::Why::EarlierIncident:
            return "errors had risen before the deploy";
        case Doubt::Why::None:
            break;
    }
    return {};
}

std::string latency(const Finding& finding, bool control) {
    const std::string whose = control ? " in the control group" : " before";
    return value_words(finding.value, Unit::Ratio) + " of " + count_words(finding.fresh.requests) +
           " requests are slower than " + value_words(finding.limit, Unit::None) + std::string(finding.unit) + ", " +
           value_words(finding.expected, Unit::Ratio) + whose + odds(finding);
}

}  // namespace

std::string odds_words(double evidence) {
    const double most = std::min(evidence, kMostOdds);
    if (!(most > 1)) return "1 : 1";
    const double unit = std::pow(10, std::max(0.0, std::floor(std::log10(most)) - 1));
    return (evidence > kMostOdds ? "less than 1 : " : "1 : ") + count_words(std::round(most / unit) * unit);
}

std::string doubt_words(const Doubt& doubt) {
    if (doubt.why == Doubt::Why::None) return {};
    return (doubt.times == 10 ? "ten" : count_words(doubt.times)) + " times the usual evidence is needed, because " +
           std::string(because(doubt.why));
}

std::string words(const Finding& finding, bool control, std::string_view endpoint) {
    switch (finding.kind) {
        case Finding::Kind::HardFailure:
            return failed(finding.fresh) + " in the last seconds, " + compared(finding, control);
        case Finding::Kind::TrafficLost:
            return count_words(finding.fresh.requests) + " requests came where the control group's traffic lets " +
                   count_words(finding.expected) + " be expected";
        case Finding::Kind::Errors:
            return failed(finding.fresh) + ", " + compared(finding, control) + odds(finding);
        case Finding::Kind::ErrorBlocks:
            return failed(finding.fresh) + " over minutes, " + compared(finding, control) + odds(finding);
        case Finding::Kind::Part:
            return "endpoint " + (endpoint.empty() ? std::to_string(finding.part) : std::string(endpoint)) + ": " +
                   failed(finding.fresh) + ", " + compared(finding, control) + odds(finding);
        case Finding::Kind::Latency:
            return latency(finding, control);
        case Finding::Kind::Memory:
            return "memory is at " + value_words(finding.value, Unit::Ratio) + " of its limit and grows by " +
                   value_words(finding.expected, Unit::Ratio) +
                   " of it within a third of the bake: full before another bake is over";
    }
    return {};
}

}  // namespace revertd::detect
