// SPDX-License-Identifier: Apache-2.0
// Which queries are asked together.
#include <algorithm>
#include <set>

#include "daemon/sources/prom_query.h"

namespace revertd {
namespace {

constexpr std::size_t kMostTogether = 500;  // alternatives of one regular expression

using config::promql::selector_text;

/// Everything of a query but the value of one label.
std::string key_without(const PromQuery& query, const std::string& label) {
    const Signal& signal = query.signal();
    std::vector<Matcher> others;
    for (const Matcher& m : signal.selector.matchers)
        if (m.label != label || m.op != Matcher::Op::Equal) others.push_back(m);
    std::sort(others.begin(), others.end(), [](const Matcher& a, const Matcher& b) {
        return std::tie(a.label, a.op, a.value) < std::tie(b.label, b.op, b.value);
    });
    return std::to_string(static_cast<int>(signal.kind)) + '/' + label + '/' +
           std::to_string(query.interval().count()) + '/' + selector_text(signal.selector.metric, others) + '/' +
           selector_text("", signal.bad);
}

/// The labels by which it may be grouped: matched by `=`, once.
std::vector<std::string> group_labels(const PromQuery& query) {
    std::vector<std::string> out;
    if (!query.signal().promql.empty() || !query.is_named()) return out;
    const auto& matchers = query.signal().selector.matchers;
    for (const Matcher& m : matchers) {
        const auto same =
            std::count_if(matchers.begin(), matchers.end(), [&](const Matcher& o) { return o.label == m.label; });
        const bool splits_bad = std::any_of(query.signal().bad.begin(), query.signal().bad.end(),
                                            [&](const Matcher& o) { return o.label == m.label; });
        if (m.op == Matcher::Op::Equal && same == 1 && !splits_bad && !m.value.empty() && m.label != "le")
            out.push_back(m.label);
    }
    return out;
}

std::string value_of(const PromQuery& query, const std::string& label) {
    for (const Matcher& m : query.signal().selector.matchers)
        if (m.label == label) return m.value;
    return {};
}

}  // namespace

PromServer& PromHub::server(const PrometheusSettings& settings) {
    for (const auto& one : servers_)
        if (one->configured() == settings) return *one;
    return *servers_.emplace_back(std::make_unique<PromServer>(loop_, http_, settings));
}

std::unique_ptr<PromQuery> PromHub::add(const ServiceSettings& settings, std::uint32_t signal, PromListener& listener) {
    return std::make_unique<PromQuery>(*this, server(*settings.prometheus), settings, signal, listener);
}

bool PromHub::is_alone(const PromQuery& query) const {
    return std::ranges::none_of(queries_, [&](const PromQuery* other) {
        return &other->server() == &query.server() && other->signal().well_known && other->service() != query.service();
    });
}

void PromHub::regroup_if_changed() {
    if (!std::exchange(changed_, false)) return;
    using Key = std::pair<const PromServer*, std::string>;
    std::map<Key, std::set<std::string>> values;
    for (const PromQuery* query : queries_)
        for (const std::string& label : group_labels(*query))
            values[{&query->server(), key_without(*query, label)}].insert(value_of(*query, label));
    std::map<Key, std::vector<PromQuery*>> chosen;
    for (PromQuery* query : queries_) {
        std::string grouped;
        query->value.clear();
        query->scrape_interval = nullptr;
        std::size_t most = 1;
        for (const std::string& label : group_labels(*query)) {
            const std::string key = key_without(*query, label);
            const std::size_t together = values[{&query->server(), key}].size();
            if (together <= most) continue;
            most = together;
            grouped = label;
            query->value = value_of(*query, label);
            query->key = key;
        }
        query->together = std::make_shared<Together>();
        query->together->group.label = grouped;
        if (!grouped.empty())
            chosen[{&query->server(), query->key}].push_back(query);
        else
            query->key = query->signal().promql.empty()
                             ? key_without(*query, {})
                             : query->signal().promql + '/' + std::to_string(query->interval().count());
    }
    for (auto& [key, members] : chosen) {
        std::sort(members.begin(), members.end(), [](const auto* a, const auto* b) { return a->value < b->value; });
        for (std::size_t from = 0; from < members.size(); from += kMostTogether) {
            const std::size_t to = std::min(from + kMostTogether, members.size());
            const auto together = members[from]->together;
            for (std::size_t i = from; i < to; ++i) together->group.values.push_back(members[i]->value);
            for (std::size_t i = from; i < to; ++i) members[i]->together = together;
        }
    }
    for (PromQuery* query : queries_) query->join_endpoints();
}

}  // namespace revertd
