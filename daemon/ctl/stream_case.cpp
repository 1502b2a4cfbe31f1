// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/stream_case.h"

#include <cmath>
#include <utility>

namespace revertd::ctl {
namespace {

constexpr double kMostCounter = 1e15;  // differences of doubles are exact below 2^53

bool within(double x, double low, double high) {
    return x >= low && x <= high;
}

bool is_counter(double x) {
    return within(x, 0, kMostCounter);
}

Error invalid(std::string what) {
    return {ErrorCode::Invalid, std::move(what)};
}

}  // namespace

Result<CaseForm> check_header(const JudgeLine& header) {
    if (header.version != 1) return invalid("the stream's version v is not 1");
    if (!within(header.deploy, -1e12, 1e12)) return invalid("deploy is not a time");
    if (!within(header.bake, 1, 2.6e6)) return invalid("bake_s is not between 1 s and 30 days");
    if (!within(header.interval, 0.01, header.bake)) return invalid("interval_s is not between 10 ms and the bake");
    if (!within(header.endpoint_count, 0, static_cast<double>(JudgeLineReader::kMostEndpoints)))
        return invalid("endpoints is not between 0 and 1024");
    for (std::size_t i = 0; i < header.edges.size(); ++i) {
        const double least = i == 0 ? 0 : header.edges[i - 1];
        if (!(header.edges[i] > least) || !std::isfinite(header.edges[i]))
            return invalid("le_ms is not ascending, above 0 and finite");
    }
    return CaseForm{header.control, header.edges.empty() ? 0 : header.edges.size() + 1,
                    static_cast<std::size_t>(header.endpoint_count)};
}

Result<void> check_sample(const JudgeLine& line, const CaseForm& form) {
    const bool known = form.control ? line.target == "canary" || line.target == "baseline" : line.target == "service";
    if (!known) return invalid("there is no target '" + line.target + "' in this case");
    if (std::isnan(line.requests) || std::isnan(line.errors)) return {};  // a scrape without value is no error
    if (!is_counter(line.requests) || !is_counter(line.errors)) return invalid("requests or errors is no counter");
    if (line.has_buckets && line.buckets.size() != form.buckets)
        return invalid("hist has " + std::to_string(line.buckets.size()) + " entries instead of " +
                       std::to_string(form.buckets));
    double below = 0;
    for (const double count : line.buckets) {
        if (std::isnan(count)) return {};
        if (!is_counter(count) || count < below) return invalid("hist is not cumulative");
        below = count;
    }
    if (line.has_endpoints && line.endpoints.size() != form.endpoints)
        return invalid("endpoints has " + std::to_string(line.endpoints.size()) + " entries instead of " +
                       std::to_string(form.endpoints));
    for (const auto& part : line.endpoints) {
        if (!is_counter(part.requests) || !is_counter(part.errors))
            return invalid("an endpoint is no pair of counters");
    }
    return {};
}

}  // namespace revertd::ctl
