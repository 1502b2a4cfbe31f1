// SPDX-License-Identifier: Apache-2.0
#include "config/compare_reader.h"

#include <set>

#include "config/promql.h"

namespace revertd::config {

namespace {

bool is_url(const Node& node) {
    return node.is_scalar() && (node.text.starts_with("http://") || node.text.starts_with("https://"));
}

bool is_targets(const Node& node) {
    return node.is_list() || is_url(node);
}

}  // namespace

bool read_labels(const Node& node, std::string& text, std::vector<Matcher>& matchers, Diagnostics& diagnostics) {
    const std::size_t begin = node.text.find('{'), end = node.text.rfind('}');
    const bool braces = begin == 0 && end == node.text.size() - 1;
    text = braces ? node.text.substr(1, end - 1) : node.text;
    if (begin != 0 && begin != std::string::npos && end == node.text.size() - 1) {
        diagnostics.error(node.at, "labels are expected, without the name of a metric",
                          "write '" + node.text.substr(begin) + "'");
        return false;
    }
    const auto parsed = promql::parse("{" + text + "}");
    if (const auto* error = std::get_if<SentenceError>(&parsed)) {
        const std::size_t offset = error->offset > 0 && !braces ? error->offset - 1 : error->offset;
        diagnostics.error(inside(node, offset, diagnostics), error->what, error->hint);
        return false;
    }
    const auto& selector = std::get<promql::Expr>(parsed);
    if (selector.kind != promql::Expr::Kind::Selector || selector.matchers.empty()) {
        diagnostics.error(node.at, "labels are expected", "as in '{track=\"canary\"}', or a list of URLs");
        return false;
    }
    matchers = selector.matchers;
    return true;
}

std::optional<Compare> read_compare(const Node& node, ServiceSettings& out, Diagnostics& diagnostics) {
    const Node* canary = node.find("canary");
    const Node* control = node.find("baseline");
    if (canary == nullptr || control == nullptr) {
        diagnostics.error(node.at, "`compare` needs `canary` and `baseline`",
                          "as in { canary: '{track=\"canary\"}', baseline: '{track=\"stable\"}' }");
        return std::nullopt;
    }
    Compare compare;
    compare.by_targets = is_targets(*canary);
    if (compare.by_targets != is_targets(*control)) {
        diagnostics.error(control->at, "`canary` and `baseline` are both labels, or both lists of URLs", {});
        return std::nullopt;
    }
    if (!compare.by_targets) {
        const bool good = read_labels(*canary, compare.canary, compare.canary_matchers, diagnostics) &&
                          read_labels(*control, compare.control, compare.control_matchers, diagnostics);
        if (good && compare.canary == compare.control)
            diagnostics.error(control->at, "the control group is the canary itself", "compare with other labels");
        return good ? std::optional(compare) : std::nullopt;
    }
    if (!out.metrics.empty())
        diagnostics.error(node.at, "`compare` with URLs and `metrics`: the canary's targets are the service's",
                          "remove `metrics`");
    out.metrics.clear();
    std::set<std::string> seen;
    const auto add = [&](const Node& url) {
        if (!url.is_scalar()) return;
        if (!seen.insert(url.text).second)
            diagnostics.error(url.at, "`compare` names this URL twice", "a target belongs to one group");
        out.metrics.push_back(url.text);
    };
    each(*canary, add);
    out.control_from = out.metrics.size();
    each(*control, add);
    return compare;
}

}  // namespace revertd::config
