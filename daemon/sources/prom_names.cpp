// SPDX-License-Identifier: Apache-2.0
#include "daemon/sources/prom_names.h"

#include <algorithm>
#include <array>
#include <set>

#include "config/promql_text.h"
#include "core/well_known.h"

namespace revertd {
namespace {

namespace promql = config::promql;

/// Labels by which people and platforms name a service, the commonest first; behind them those that proxies put on what
/// they carry.
constexpr std::array<std::string_view, 12> kOwnLabels{"job",
                                                      "service",
                                                      "app",
                                                      "application",
                                                      "app_kubernetes_io_name",
                                                      "exported_service",
                                                      "ingress",
                                                      "destination_app",
                                                      "destination_workload",
                                                      "envoy_cluster_name",
                                                      "proxy",
                                                      "backend"};

/// One job of these carries the traffic of many services.
constexpr std::array<std::string_view, 5> kBetweenServices{"nginx_ingress_", "traefik_", "istio_", "envoy_",
                                                           "haproxy_"};

/// One name of the tables, as part of the query.
struct Form {
    Signal::Kind kind = Signal::Kind::Ratio;
    Selector selector;         ///< without what selects the service
    std::vector<Matcher> bad;  ///< Ratio
    double to_base = 1;        ///< Quantile
    Matcher present;           ///< what a series must have to be one of it
    std::string part;          ///< its rows in the answer
    bool between_services = false;
};

std::vector<Form> forms() {
    std::vector<Form> out;
    for (const auto& [metric, label, bad] : well_known_requests()) {
        Form& form = out.emplace_back();
        form.selector.metric = metric;
        form.bad = {{std::string(label), Matcher::Op::Regex, std::string(bad)}};
        form.present = {std::string(label), Matcher::Op::NotEqual, ""};
    }
    for (const auto& [histogram, to_seconds] : well_known_latencies()) {
        Form& form = out.emplace_back();
        form.kind = Signal::Kind::Quantile;
        form.selector.metric = histogram;
        form.to_base = to_seconds;
        form.present = {"le", Matcher::Op::Equal, "+Inf"};
    }
    for (Form& form : out) {
        form.part = "name" + std::to_string(&form - out.data());
        form.between_services = std::ranges::any_of(
            kBetweenServices, [&](std::string_view prefix) { return form.selector.metric.starts_with(prefix); });
    }
    return out;
}

std::vector<const PromSeries*> rows_of(const PromAnswer& answer, const Form& form) {
    std::vector<const PromSeries*> out;
    for (const PromSeries& series : answer.series)
        if (series.label(promql::kPart) == form.part) out.push_back(&series);
    return out;
}

/// The label of any of them that names the service.
std::optional<Matcher> own_label(const std::vector<const PromSeries*>& rows, const std::string& service) {
    for (const std::string_view label : kOwnLabels)
        if (std::ranges::any_of(rows, [&](const PromSeries* row) { return row->label(label) == service; }))
            return Matcher{std::string(label), Matcher::Op::Equal, service};
    return std::nullopt;
}

Signal as(const Signal& signal, const Form& form, const std::optional<Matcher>& more) {
    Signal out = signal;
    out.selector.metric = form.selector.metric;
    if (more) out.selector.matchers.push_back(*more);
    out.bad = form.bad;
    if (form.kind == Signal::Kind::Quantile) out.to_base = form.to_base;
    return out;
}

/// Of all names: the jobs that have any, but for those of proxies.
std::set<std::string> jobs_of(const PromAnswer& answer, const std::vector<Form>& all) {
    std::set<std::string> jobs;
    for (const Form& form : all) {
        if (form.between_services) continue;
        for (const PromSeries* row : rows_of(answer, form)) jobs.emplace(row->label("job"));
    }
    return jobs;
}

}  // namespace

std::string names_query(const std::vector<Matcher>& selector) {
    std::string labels, out;
    for (const std::string_view label : kOwnLabels) labels += (labels.empty() ? "" : ", ") + std::string(label);
    for (const Form& form : forms()) {
        std::vector<Matcher> matchers = selector;
        matchers.push_back(form.present);
        const std::string metric = form.selector.metric + (form.kind == Signal::Kind::Quantile ? "_bucket" : "");
        const std::string count = "count by (" + labels + ") (" + promql::selector_text(metric, matchers) + ")";
        out += (out.empty() ? "" : " or ") + promql::part(count, form.part);
    }
    return out;
}

std::variant<Signal, std::string> named(const Signal& signal, const PromAnswer& answer, const NamesWanted& wanted) {
    const std::vector<Form> all = forms();
    bool any = false;
    for (const Form& form : all) {
        if (form.kind != signal.kind) continue;
        const auto rows = rows_of(answer, form);
        if (rows.empty()) continue;
        any = true;
        if (wanted.selected) return as(signal, form, std::nullopt);
        if (const auto own = own_label(rows, wanted.service)) return as(signal, form, own);
    }
    if (!any) return "the server has no series of a well-known name" + std::string(wanted.selected ? " there" : "");
    const std::set<std::string> jobs = jobs_of(answer, all);
    if (wanted.alone_on_server && jobs.size() == 1 && !jobs.begin()->empty()) {
        const Matcher job{"job", Matcher::Op::Equal, *jobs.begin()};
        for (const Form& form : all)
            if (form.kind == signal.kind && !form.between_services && !rows_of(answer, form).empty())
                return as(signal, form, job);
    }
    return "no label says which series are those of `" + wanted.service + "`: write `selector` under `prometheus`";
}

}  // namespace revertd
