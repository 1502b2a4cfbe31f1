// SPDX-License-Identifier: Apache-2.0
#include "daemon/sources/prom_endpoints.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "config/promql_text.h"
#include "daemon/sources/prom_query.h"

namespace revertd {
namespace {

namespace promql = config::promql;

constexpr Duration kAgain = 1min;  // at most: a canary's series come with its deploy
// A deploy is noticed after three equal reads: what ran then already is not what was before.
constexpr Duration::rep kUnnoticed = 4;

}  // namespace

const std::string PromEndpoints::kNone;

PromEndpoints::PromEndpoints(PromServer& server, const ServiceSettings& settings, std::uint32_t signal,
                             PromListener& listener)
    : server_(server),
      index_(signal),
      interval_(settings.interval),
      listener_(listener),
      tested_(promql::tests_endpoints(settings, signal)) {}

PromEndpoints::~PromEndpoints() {
    server_.forget(ticket_);
}

void PromEndpoints::watch(const std::optional<PromDeploy>& deploy) {
    if (deploy == deploy_) return;
    deploy_ = deploy;
    server_.forget(std::exchange(ticket_, {}));
    is_known_ = asking_ = false;
    again_ = Time::min();
    pause_ = {};
    names_.clear();
    label_.clear();
}

void PromEndpoints::learn(const Signal& signal, Time now, Time deadline, std::function<void()> known) {
    if (!tested_ || !deploy_ || is_known_ || asking_ || now < again_) return;
    pause_ = std::clamp<Duration>(2 * pause_, interval_, kAgain);
    again_ = now + pause_ - interval_ / 2;  // slots jitter
    asking_ = true;
    if (!label_.empty()) return ask_before(signal, now, deadline, std::move(known));
    auto labels = promql::endpoint_labels(signal);
    const std::string text = promql::count_endpoints(signal, labels);
    ticket_ = server_.ask(text, interval_, Time::min(), deadline, [this, labels](const auto& round) {
        asking_ = false;
        if (round->answer.verdict == Verdict::Ok) take_labels(round->answer, labels);
    });
}

/// The first label that series have. With more values than are kept it names ids, and there are no endpoints.
void PromEndpoints::take_labels(const PromAnswer& answer, const std::vector<std::string>& labels) {
    for (const std::string& label : labels)
        for (const PromSeries& series : answer.series) {
            if (series.label(promql::kPart) != label || series.points.size() != 1) continue;
            if (series.points.front().value > static_cast<double>(EndpointCounts::kMost)) {
                again_ = Time::max();
                return;
            }
            label_ = label;
            pause_ = {};
            again_ = Time::min();
            return;
        }
}

void PromEndpoints::ask_before(const Signal& signal, Time now, Time deadline, std::function<void()> known) {
    const Duration ago = std::max<Duration>(now - deploy_->since, interval_) + kUnnoticed * interval_;
    const std::string text = promql::endpoints_before(signal, label_, deploy_->before, ago);
    ticket_ = server_.ask(text, interval_, Time::min(), deadline,
                          [this, known = std::move(known)](const std::shared_ptr<const PromRound>& round) {
                              asking_ = false;
                              if (round->answer.verdict != Verdict::Ok) return;
                              take_before(round->answer);
                              is_known_ = true;
                              known();
                          });
}

void PromEndpoints::take_before(const PromAnswer& answer) {
    std::vector<EndpointCell> cells;
    for (const PromSeries& series : answer.series) {
        const std::string_view name = series.label(label_), part = series.label(promql::kPart);
        if (name.empty() || series.points.size() != 1 || !std::isfinite(series.points.front().value)) continue;
        if (part != promql::kAll && part != promql::kBad) continue;
        const EndpointIndex endpoint = listener_.name_endpoint(name);
        names_[std::string(name)] = endpoint;
        cells.push_back({endpoint, part == promql::kBad, series.points.front().value});
    }
    listener_.endpoints_before(index_, cells);
}

void PromEndpoints::take(const std::vector<const PromSeries*>& rows, std::vector<EndpointCell>& cells) const {
    for (const PromSeries* row : rows) {
        if (row->points.size() != 1) continue;
        const auto known = names_.find(row->label(label_));
        if (known == names_.end() || known->second == 0) continue;
        cells.push_back({known->second, row->label(promql::kPart) == promql::kBad, row->points.front().value});
    }
}

}  // namespace revertd
