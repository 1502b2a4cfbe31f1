// SPDX-License-Identifier: Apache-2.0
// Who is told and how, as the configuration states it. Secrets are named by their file, never held here.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/hours.h"
#include "core/http_settings.h"

namespace revertd {

/// A bare name is a systemd credential, an absolute path a file.
using SecretFile = SecretPath;

struct PagerDutySettings {
    SecretFile routing_key;
    std::string url = "https://events.pagerduty.com/v2/enqueue";
};

struct WebhookSettings {
    std::string url;
    std::vector<std::pair<std::string, std::string>> headers;  ///< no secrets among them
    std::optional<SecretFile> secret;                          ///< signs the body
};

/// An incoming webhook (its URL is a secret), or a bot with a token and a channel.
struct SlackSettings {
    std::optional<SecretFile> webhook_url, token;
    std::string channel;
    std::string api = "https://slack.com/api";
};

struct GithubSettings {
    std::string repo;  ///< owner/name
    SecretFile token;
    std::vector<std::string> labels;
    std::string api = "https://api.github.com";
};

struct EmailSettings {
    std::string server;  ///< smtp://host:port (STARTTLS) or smtps://host:port
    std::string from;
    std::vector<std::string> to;
    std::string user;
    std::optional<SecretFile> password;
    bool starttls = true;  ///< off: only to a relay on this host
    std::string ca_file;   ///< instead of the system's bundle
};

struct ExecSettings {
    std::vector<std::string> argv;  ///< an absolute path first; the page is JSON on stdin
    Duration timeout = 30s;
};

struct AlertmanagerSettings {
    std::vector<std::string> urls;  ///< every member of a cluster
};

struct OpsgenieSettings {
    SecretFile key;
    std::string team;
    std::string url = "https://api.opsgenie.com";
};

struct StatuspageSettings {
    std::string page;
    SecretFile token;
    std::vector<std::string> components;
    std::string url = "https://api.statuspage.io/v1";
};

/// Where a person is reached, beside the channels that everybody reads.
struct Contact {
    std::string name, slack, mail;
    std::vector<Hours> hours;  ///< when; empty: always
};

struct NotifySettings {
    std::optional<PagerDutySettings> pagerduty;
    std::optional<WebhookSettings> webhook;
    std::optional<SlackSettings> slack;
    std::optional<GithubSettings> github;
    std::optional<EmailSettings> email;
    std::optional<ExecSettings> exec;
    std::optional<AlertmanagerSettings> alertmanager;
    std::optional<OpsgenieSettings> opsgenie;
    std::optional<StatuspageSettings> statuspage;

    std::map<std::string, HttpSettings> http;  ///< by channel, where something is written

    /// Which channel takes over when one fails. One that stands here as a second channel hears nothing otherwise.
    std::map<std::string, std::string> fallback;
    Duration fallback_after = 2min;
    std::map<std::string, std::vector<std::string>> routes;  ///< channels by service; without an entry: all
    std::map<std::string, std::vector<Contact>> contacts;    ///< by role; and by name, each person alone

    [[nodiscard]] bool empty() const { return channels().empty(); }

    /// Names of those that are configured.
    [[nodiscard]] std::vector<std::string> channels() const {
        std::vector<std::string> out;
        const auto add = [&out](const char* name, bool configured) {
            if (configured) out.emplace_back(name);
        };
        add("pagerduty", pagerduty.has_value()), add("opsgenie", opsgenie.has_value());
        add("slack", slack.has_value()), add("email", email.has_value());
        add("webhook", webhook.has_value()), add("alertmanager", alertmanager.has_value());
        add("github", github.has_value()), add("statuspage", statuspage.has_value());
        add("exec", exec.has_value());
        return out;
    }
};

}  // namespace revertd
