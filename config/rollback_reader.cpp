// SPDX-License-Identifier: Apache-2.0
#include "config/rollback_reader.h"

#include "actions/rollback.h"

namespace revertd::config {

namespace {

Param to_param(const Node& node) {
    Param out;
    out.line = static_cast<int>(node.at.line);
    out.column = static_cast<int>(node.at.column);
    out.kind = node.is_map() ? Param::Kind::Map : node.is_list() ? Param::Kind::List : Param::Kind::Scalar;
    out.text = node.is_null() ? "null" : node.text;
    out.quoted = node.is_scalar() && !node.plain;
    out.items.reserve(node.items.size() + node.entries.size());
    for (const Node& item : node.items) out.items.push_back(to_param(item));
    for (const Node::Entry& entry : node.entries) {
        Param item = to_param(entry.value);
        item.key = entry.key;
        item.key_line = static_cast<int>(entry.at.line);
        item.key_column = static_cast<int>(entry.at.column);
        out.items.push_back(std::move(item));
    }
    return out;
}

/// Reports what has no value; in a `body` that is JSON's null.
bool blanks(const Node& node, Diagnostics& diagnostics) {
    if (node.is_null()) diagnostics.error(node.at, "a value of a step is missing", "fill it in, or remove its key");
    bool found = node.is_null();
    for (const Node& item : node.items) found = blanks(item, diagnostics) || found;
    for (const Node::Entry& entry : node.entries)
        if (entry.key != "body") found = blanks(entry.value, diagnostics) || found;
    return found;
}

/// What is written, if nothing of it is blank.
std::optional<RollbackSpec> spec_of(const Node& node, Diagnostics& diagnostics) {
    RollbackSpec spec;
    bool has_blank = false;
    each(node, [&](const Node& entry) {
        has_blank = blanks(entry, diagnostics) || has_blank;
        spec.entries.push_back(to_param(entry));
    });
    return has_blank ? std::nullopt : std::optional(std::move(spec));
}

/// The first `current: { http: URL }` at any depth.
const Param* http_probe(const Param& param) {
    if (param.key == "current" && param.is_map()) return param.find("http");
    for (const Param& item : param.items)
        if (const Param* found = http_probe(item)) return found;
    return nullptr;
}

bool is_the_service(const std::string& url, const ServiceSettings& settings) {
    const std::string authority = authority_of(url);
    const auto same = [&](const std::string& other) { return authority_of(other) == authority; };
    return std::any_of(settings.metrics.begin(), settings.metrics.end(), same) ||
           std::any_of(settings.health.begin(), settings.health.end(),
                       [&](const HealthTarget& t) { return same(t.url); });
}

/// A complaint without a place of its own belongs to the whole block.
Position place(const Problem& problem, const Node& node) {
    if (problem.line <= 0) return node.at;
    return {static_cast<std::uint32_t>(problem.line), static_cast<std::uint32_t>(std::max(problem.column, 1))};
}

bool report(const std::vector<Problem>& problems, const Node& node, Diagnostics& diagnostics) {
    bool fine = true;
    for (const Problem& problem : problems) {
        fine = fine && problem.is_warning;
        if (problem.is_warning)
            diagnostics.warning(place(problem, node), problem.message, problem.hint);
        else
            diagnostics.error(place(problem, node), problem.message, problem.hint);
    }
    return fine;
}

}  // namespace

std::optional<RollbackSpec> read_exhausted(const Node& node, Diagnostics& diagnostics) {
    auto spec = spec_of(node, diagnostics);
    if (!spec || !report(check_exhausted(*spec), node, diagnostics)) return std::nullopt;
    return spec;
}

std::optional<RollbackSpec> read_rollback(const Node& node, ServiceSettings& settings, Diagnostics& diagnostics) {
    auto read = spec_of(node, diagnostics);
    if (!read) return std::nullopt;
    RollbackSpec& spec = *read;
    if (!report(check_rollback(spec), node, diagnostics)) return std::nullopt;
    const auto traits = traits_of(spec);
    if (!traits) {
        diagnostics.error(node.at, traits.error().message, traits.error().hint);
        return std::nullopt;
    }
    settings.has_rollback = true;
    settings.observes = traits->observes;
    settings.settles = traits->settles;
    settings.reports_progress = traits->reports_progress;
    for (const Param& entry : spec.entries)
        if (const Param* url = http_probe(entry); url != nullptr && is_the_service(url->text, settings))
            diagnostics.warning({static_cast<std::uint32_t>(url->line), static_cast<std::uint32_t>(url->column)},
                                "`current` asks the service itself: a dead service cannot say what it is",
                                "ask what deploys it, for example by a command");
    return spec;
}

std::vector<std::string> step_names(const RollbackSpec& spec) {
    std::vector<std::string> out;
    for (const Param& entry : spec.entries)
        if (!entry.items.empty()) out.push_back(entry.items.front().key);
    return out;
}

}  // namespace revertd::config
