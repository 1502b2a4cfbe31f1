// SPDX-License-Identifier: Apache-2.0
#include "config/policy_reader.h"

#include <unistd.h>

#include <cctype>

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

/// Header lines that carry secrets by custom.
bool is_secret_header(std::string name) {
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    for (const std::string_view part :
         {"authorization", "cookie", "token", "secret", "password", "api-key", "apikey", "signature"})
        if (name.find(part) != std::string::npos) return true;
    return false;
}

bool is_header_name(std::string_view name) {
    return !name.empty() && std::all_of(name.begin(), name.end(),
                                        [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_'; });
}

class NotifyReader {
  public:
    NotifyReader(const LoadOptions& options, Diagnostics& diagnostics) : options_(options), diagnostics_(diagnostics) {}

    std::optional<PagerDutySettings> pagerduty(const Node& node, Position at) {
        PagerDutySettings out;
        const Node* key = node.find("routing_key_file");
        if (key == nullptr) {
            if (node.find("routing_key") == nullptr)
                diagnostics_.error(at, "`pagerduty` needs `routing_key_file`",
                                   "the name of a systemd credential, or an absolute path");
            return std::nullopt;
        }
        out.routing_key = secret(*key);
        read_text(node, "url", out.url);
        return out;
    }

    std::optional<WebhookSettings> webhook(const Node& node, Position at) {
        WebhookSettings out;
        if (node.is_scalar()) out.url = node.text;
        if (!node.is_map()) return out;
        read_text(node, "url", out.url);
        if (node.find("url") == nullptr) diagnostics_.error(at, "`webhook` needs `url`", {});
        if (const Node* file = node.find("secret_file")) out.secret = secret(*file);
        if (const Node* headers = node.find("headers"))
            for (const Node::Entry& header : headers->entries) add_header(header, out);
        return out;
    }

  private:
    void add_header(const Node::Entry& header, WebhookSettings& out) {
        const Node& value = header.value;
        if (!is_header_name(header.key) || value.text.find_first_of("\r\n") != std::string::npos)
            return diagnostics_.error(header.at, "`" + header.key.substr(0, 60) + "` is no header line", {});
        if (is_secret_header(header.key)) {
            diagnostics_.hide(value.at, value.text);
            return diagnostics_.error(header.at, "a secret is never written in the configuration",
                                      "`secret_file` names the file with the key that signs the body");
        }
        out.headers.emplace_back(header.key, value.text);
    }

    SecretFile secret(const Node& node) {
        SecretFile out{node.text, {}};
        const bool is_path = node.text.starts_with('/');
        if (is_path)
            out.path = node.text;
        else if (!options_.credentials_directory.empty())
            out.path = options_.credentials_directory + "/" + node.text;
        const bool looked_up = options_.require_credentials || (!is_path && !out.path.empty());
        if (!looked_up || !node.is_scalar()) return out;
        if (out.path.empty())
            diagnostics_.error(
                node.at,
                "the systemd credential `" + node.text + "` cannot be found: $CREDENTIALS_DIRECTORY is not set",
                "start revertd as a systemd service with LoadCredential=, or write an absolute path");
        else if (::access(out.path.c_str(), F_OK) != 0)
            diagnostics_.error(node.at, "`" + node.text + "`: no such " + (is_path ? "file" : "credential"),
                               is_path ? "" : "add LoadCredential=" + node.text + ":/path/of/the/file to the unit");
        return out;
    }

    const LoadOptions& options_;
    Diagnostics& diagnostics_;
};

}  // namespace

SeverityMatrix default_severity() {
    SeverityMatrix out;
    out[0].rollback = Rollback::Now;
    out[0].page = "critical";
    out[1].rollback = Rollback::AfterApproval;
    out[1].page = "error";
    out[2].page = "warning";
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
        if (role != settings.people.end() && !role->second.empty()) continue;
        std::vector<std::string> roles{"anyone"};
        for (const auto& [name, members] : settings.people) roles.push_back(name);
        std::string hint = did_you_mean(by->text, roles);
        if (hint.empty()) hint = "name its members: `people: { " + by->text + ": [ana, bo] }`";
        diagnostics.error(
            by->at, "nobody could approve " + std::string(severity) + ": the role `" + by->text + "` has no members",
            hint);
    }
}

NotifySettings read_notify(const Node& root, const LoadOptions& options, Diagnostics& diagnostics) {
    NotifySettings out;
    const Node* notify = root.find("notify");
    if (notify == nullptr) return out;
    NotifyReader reader(options, diagnostics);
    for (const Node::Entry& channel : notify->entries) {
        if (channel.value.is_off() || channel.value.is_null()) continue;
        if (channel.key == "pagerduty" && channel.value.is_map())
            out.pagerduty = reader.pagerduty(channel.value, channel.at);
        if (channel.key == "webhook") out.webhook = reader.webhook(channel.value, channel.at);
    }
    return out;
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
