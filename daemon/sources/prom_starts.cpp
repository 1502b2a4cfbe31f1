// SPDX-License-Identifier: Apache-2.0
#include "daemon/sources/prom_starts.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "config/promql_text.h"

namespace revertd {

namespace promql = config::promql;

PromStarts::PromStarts(PromServer& server, const ServiceSettings& settings, std::uint32_t signal)
    : server_(server), interval_(settings.interval), wanted_(promql::tests_starts(settings, signal)) {}

PromStarts::~PromStarts() {
    server_.forget(ticket_);
}

void PromStarts::watch(bool watched) {
    watched_ = watched && wanted_;
    share_ = 0;
}

void PromStarts::ask(const Signal& signal, Duration window, Time deadline, std::function<void()> told) {
    share_ = 0;
    if (text_.empty() || window_ != window) {
        text_ = promql::starts_of(signal, window);
        window_ = window;
        memory_ = {};
    }
    ticket_ = server_.ask(
        text_, interval_, seen_, deadline,
        [this, told = std::move(told)](const std::shared_ptr<const PromRound>& round) {
            seen_ = round->asked;
            if (round->answer.verdict == Verdict::Ok && round->answer.instant) take(round->answer);
            told();
        },
        &memory_);
}

void PromStarts::take(const PromAnswer& answer) {
    double instances = 0, began = 0;
    for (const PromSeries& series : answer.series) {
        const std::string_view part = series.label(promql::kPart);
        const double value = series.points.front().value;
        if (!std::isfinite(value) || value < 0) return;
        if (part == promql::kInstances) instances = value;
        if (part == promql::kNew || part == promql::kAgain) began += value;
    }
    if (instances > 0) share_ = std::min(1.0, began / instances);
}

}  // namespace revertd
