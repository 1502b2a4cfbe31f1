// SPDX-License-Identifier: Apache-2.0
#include "config/policy_reader.h"

#include <algorithm>

namespace revertd::config {

namespace {

using Rollback = SeverityPolicy::Rollback;
using NoAnswer = SeverityPolicy::NoAnswer;

constexpr std::array<std::string_view, 4> kSeverities{"P0", "P1", "P2", "P3"};

void read_policy(const Node& node, SeverityPolicy& out) {
    read_choice(node, "rollback", out.rollback,
                {{"now", Rollback::Now}, {"after approval", Rollback::AfterApproval}, {"never", Rollback::Never}});
    read_choice(node, "no_answer", out.no_answer,
                {{"escalate", NoAnswer::Escalate}, {"hold", NoAnswer::Hold}, {"rollback", NoAnswer::Rollback}});
    read_text(node, "page", out.page);
    if (out.page.empty()) out.page = "none";
    read_count(node, "quorum", out.quorum);
    read_duration(node, "wait", out.wait);
    read_duration(node, "sla", out.sla);
    read_duration(node, "assess", out.assess);
    read_duration(node, "review", out.review);
    read_duration(node, "updates", out.updates);
    read_choice(node, "issue", out.issue, {{"true", true}, {"false", false}, {"off", false}});
    if (node.find("by") == nullptr) return;
    read_text(node, "by", out.by);
    out.anyone = out.by == "anyone";
    if (out.anyone) out.by.clear();
}

Person read_person(const Node& node) {
    Person out;
    if (node.is_scalar())
        (node.text.starts_with('@') ? out.group : out.name) = node.text.substr(node.text.starts_with('@') ? 1 : 0);
    if (!node.is_map()) return out;
    read_text(node, "name", out.name);
    const Node* uid = node.find("uid");
    if (uid == nullptr || !uid->is_scalar()) return out;
    if (const auto value = parse_count(uid->text)) out.uid = static_cast<std::uint32_t>(*value);
    return out;
}

/// More approvals than there are people could never be given; how many a group has, nobody knows here.
void check_quorum(const Node& row, const std::string& role, const std::vector<Person>& members,
                  Diagnostics& diagnostics) {
    const Node* quorum = row.find("quorum");
    const auto count = quorum == nullptr ? std::nullopt : parse_count(quorum->text);
    const bool has_group =
        std::any_of(members.begin(), members.end(), [](const Person& p) { return !p.group.empty(); });
    if (!count || has_group || *count <= static_cast<long long>(members.size())) return;
    diagnostics.error(quorum->at,
                      "`quorum: " + quorum->text + "`, but `" + role + "` has " + std::to_string(members.size()) +
                          " member(s): it could never be approved",
                      "lower it, or name more people");
}

}  // namespace

SeverityMatrix default_severity() {
    SeverityMatrix out;
    out[0].rollback = Rollback::Now;
    out[0].page = "critical";
    out[0].sla = 15min, out[0].review = 24h, out[0].updates = 30min;
    out[1].rollback = Rollback::AfterApproval;
    out[1].page = "error";
    out[1].updates = 30min;
    out[2].page = "warning";
    out[2].issue = true, out[2].assess = 2h;
    return out;
}

void read_severity(const Node& node, SeverityMatrix& out) {
    for (std::size_t i = 0; i < kSeverities.size(); ++i)
        if (const Node* row = node.find(kSeverities[i])) read_policy(*row, out[i]);
}

void read_limits(const Node& node, Limits& out) {
    read_rate(node, "per_service", out.per_service);
    read_rate(node, "overall", out.overall);
    read_count(node, "attempts", out.attempts);
    read_duration(node, "cooldown", out.cooldown);
}

void read_people(const Node& root, Settings& out, Diagnostics& diagnostics) {
    if (const Node* people = root.find("people"))
        for (const Node::Entry& role : people->entries) {
            std::vector<Person>& members = out.people[role.key];
            each(role.value, [&](const Node& node) {
                members.push_back(read_person(node));
                if (node.is_map() && node.find("name") == nullptr)
                    diagnostics.error(node.at, "a person needs `name`", {});
            });
        }
    if (const Node* agents = root.find("agents"))
        for (const Node& agent : agents->items) out.agents.push_back(agent.text);
}

void check_roles(const Node& node, const Settings& settings, Diagnostics& diagnostics) {
    for (const std::string_view severity : kSeverities) {
        const Node* row = node.find(severity);
        const Node* by = row == nullptr ? nullptr : row->find("by");
        if (by == nullptr || !by->is_scalar() || by->text == "anyone") continue;
        const auto role = settings.people.find(by->text);
        if (role != settings.people.end() && !role->second.empty()) {
            check_quorum(*row, role->first, role->second, diagnostics);
            continue;
        }
        std::vector<std::string> roles{"anyone"};
        for (const auto& [name, members] : settings.people)
            if (!members.empty()) roles.push_back(name);
        std::string hint = did_you_mean(by->text, roles);
        for (const auto& [name, members] : settings.people)
            if (std::any_of(members.begin(), members.end(), [&](const Person& p) { return p.name == by->text; }))
                hint = "`by` names a role, and `" + by->text + "` is a person: write `" + name + "`";
        if (hint.empty()) hint = "name its members: `people: { " + by->text + ": [ana, bo] }`";
        diagnostics.error(
            by->at, "nobody could approve " + std::string(severity) + ": the role `" + by->text + "` has no members",
            hint);
    }
}

ReportSettings read_report(const Node& root, Diagnostics& diagnostics) {
    ReportSettings out;
    const Node* report = root.find("report");
    if (report == nullptr) return out;
    read_text(*report, "dir", out.dir);
    read_duration(*report, "keep", out.keep);
    const auto parts = split(out.dir, '/');
    if (std::find(parts.begin(), parts.end(), "..") != parts.end())
        diagnostics.error(report->find("dir")->at, "`dir` leads out of its directory", "write it without `..`");
    return out;
}

}  // namespace revertd::config
