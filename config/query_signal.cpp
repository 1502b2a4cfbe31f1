// SPDX-License-Identifier: Apache-2.0
// Signals of a Prometheus: ratio() and quantile() are revertd's own, everything else is PromQL.
#include "config/promql.h"
#include "config/signals.h"

namespace revertd::config {

std::variant<ParsedSignal, SentenceError> parse_query_signal(const std::string& name, std::string_view text) {
    const std::size_t begin = std::min(text.find_first_not_of(" \t\n"), text.size());
    const std::string_view body = text.substr(begin);
    const bool ratio = body.starts_with("ratio(");
    if (ratio || body.starts_with("quantile(")) {
        auto own = parse_signal(name, text);
        auto* parsed = std::get_if<ParsedSignal>(&own);
        if (parsed != nullptr) parsed->signal.source = Signal::Source::Prometheus;
        if (parsed != nullptr || ratio) return own;  // PromQL has a quantile() of its own, over series
    }
    auto read = promql::parse(text);
    if (const auto* error = std::get_if<SentenceError>(&read)) return *error;
    const auto& root = std::get<promql::Expr>(read);
    ParsedSignal out;
    out.signal.name = name;
    out.signal.source = Signal::Source::Prometheus;
    out.signal.text = out.signal.promql = text;
    out.signal.reach = promql::reach(root);
    out.signal.unit = promql::unit_of(root);
    out.signal.selector.metric = text.substr(0, 200);  // what status calls it
    out.remarks = promql::lint(root, text);
    return out;
}

}  // namespace revertd::config
