// SPDX-License-Identifier: Apache-2.0
#include "config/notify_reader.h"

#include <cctype>

#include "config/hours.h"
#include "config/http_reader.h"
#include "config/scalars.h"
#include "config/secrets.h"

namespace revertd::config {

namespace {

bool is_header_name(std::string_view name) {
    return !name.empty() && std::all_of(name.begin(), name.end(),
                                        [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_'; });
}

bool is_local(std::string_view server) {
    const std::string authority = authority_of(server);
    const std::string host = authority.substr(0, authority.rfind(':'));
    return host == "localhost" || host.starts_with("127.") || host == "[::1]";
}

class NotifyReader {
  public:
    NotifyReader(const LoadOptions& options, Diagnostics& diagnostics) : options_(options), diagnostics_(diagnostics) {}

    void channel(const Node::Entry& entry, NotifySettings& out) {
        at_ = entry.at;
        name_ = entry.key;
        const Node& node = entry.value;
        if (name_ == "pagerduty") pagerduty(node, out);
        if (name_ == "webhook") webhook(node, out);
        const bool shaped = node.is_map();  // where it is not, that is an error already
        if (!shaped && name_ != "webhook" && name_ != "exec" && name_ != "alertmanager") return;
        if (name_ == "slack") slack(node, out);
        if (name_ == "github") github(node, out);
        if (name_ == "email") email(node, out);
        if (name_ == "exec") exec(node, out);
        if (name_ == "alertmanager") alertmanager(node, out);
        if (name_ == "opsgenie") opsgenie(node, out);
        if (name_ == "statuspage") statuspage(node, out);
    }

  private:
    void pagerduty(const Node& node, NotifySettings& out) {
        PagerDutySettings s;
        const auto key = needed_secret(node, "routing_key_file");
        if (!key) return;
        s.routing_key = *key;
        read_text(node, "url", s.url);
        out.pagerduty = std::move(s);
    }

    void webhook(const Node& node, NotifySettings& out) {
        WebhookSettings s;
        if (node.is_scalar()) s.url = node.text;
        if (node.is_map()) {
            s.url = needed(node, "url");
            if (const Node* file = node.find("secret_file")) s.secret = secret(*file);
            if (const Node* headers = node.find("headers"))
                for (const Node::Entry& header : headers->entries) add_header(header, s);
        }
        check_webhook_url(node.is_scalar() ? node : node.find("url") != nullptr ? *node.find("url") : node, s.url);
        out.webhook = std::move(s);
    }

    /// URLs that let whoever knows them post are secrets themselves.
    void check_webhook_url(const Node& node, const std::string& url) {
        const std::string host = authority_of(url);
        const bool chat = host.starts_with("hooks.slack.com") || host.starts_with("discord.com") ||
                          host.find(".webhook.office.com") != std::string::npos;
        bool in_query = false;
        for (const char* word : {"token=", "key=", "secret=", "password=", "sig="})
            in_query = in_query || url.find(word, std::min(url.find('?'), url.size())) != std::string::npos;
        if (!chat && !in_query) return;
        diagnostics_.hide(node.at, node.text);
        diagnostics_.error(node.at, "this URL is itself a secret, and a secret is never written in the configuration",
                           host.starts_with("hooks.slack.com")
                               ? "put it in a file: `slack: { webhook_url_file: ... }`"
                               : "a program of yours can post to it: `exec: [/usr/local/bin/tell]`");
    }

    void slack(const Node& node, NotifySettings& out) {
        SlackSettings s;
        if (const Node* file = node.find("webhook_url_file")) s.webhook_url = secret(*file);
        if (const Node* file = node.find("token_file")) s.token = secret(*file);
        read_text(node, "channel", s.channel);
        read_text(node, "url", s.api);
        const bool inline_secret = node.find("webhook_url") != nullptr || node.find("token") != nullptr;
        if (!s.webhook_url && !s.token && !inline_secret)
            diagnostics_.error(at_, "`slack` needs `webhook_url_file`, or `token_file` and `channel`",
                               "the name of a systemd credential, or an absolute path");
        if (s.webhook_url && s.token)
            diagnostics_.error(at_, "`slack` has both `webhook_url_file` and `token_file`", "keep one of them");
        if (s.token && s.channel.empty())
            diagnostics_.error(at_, "`slack` with `token_file` needs `channel`", "as in channel: \"#incidents\"");
        if (s.webhook_url && !s.channel.empty())
            diagnostics_.warning(node.find("channel")->at, "an incoming webhook has its channel already",
                                 "remove `channel`");
        out.slack = std::move(s);
    }

    void github(const Node& node, NotifySettings& out) {
        GithubSettings s;
        s.repo = needed(node, "repo");
        const auto parts = split(s.repo, '/');
        const bool named = parts.size() == 2 && is_name(parts[0]) && is_name(parts[1]);
        if (!s.repo.empty() && !named)
            diagnostics_.error(node.find("repo")->at, "`" + s.repo.substr(0, 60) + "` names no repository",
                               "as in acme/api, without the host");
        const auto token = needed_secret(node, "token_file");
        if (token) s.token = *token;
        if (const Node* labels = node.find("labels"))
            for (const Node& label : labels->items) s.labels.push_back(label.text);
        read_text(node, "url", s.api);
        out.github = std::move(s);
    }

    void email(const Node& node, NotifySettings& out) {
        EmailSettings s;
        s.server = needed(node, "server");
        s.from = needed(node, "from");
        if (const Node* to = node.find("to")) each(*to, [&](const Node& one) { s.to.push_back(one.text); });
        read_text(node, "user", s.user);
        read_text(node, "ca_file", s.ca_file);
        if (const Node* file = node.find("password_file")) s.password = secret(*file);
        const Node* starttls = node.find("starttls");
        s.starttls = starttls == nullptr || !starttls->is_off();
        if (s.password && s.user.empty()) diagnostics_.error(at_, "`email` has a password and no `user`", {});
        if (!s.user.empty() && !s.password && node.find("password") == nullptr)
            diagnostics_.error(at_, "`email` has a `user` and no `password_file`", {});
        const bool clear = !s.starttls && !s.server.starts_with("smtps:");
        if (clear && (!is_local(s.server) || s.password))
            diagnostics_.error(starttls->at, "mail and password would cross the network in clear",
                               "`starttls: off` is for a relay on this host that asks for no password");
        if (!s.ca_file.empty() && !s.ca_file.starts_with('/'))
            diagnostics_.error(node.find("ca_file")->at, "a relative path", "write an absolute one");
        out.email = std::move(s);
    }

    void exec(const Node& node, NotifySettings& out) {
        ExecSettings s;
        const Node* argv = node.is_list() ? &node : node.find("argv");
        if (argv == nullptr) return diagnostics_.error(at_, "`exec` needs `argv`", "as in exec: [/usr/local/bin/tell]");
        for (const Node& word : argv->items) s.argv.push_back(word.text);
        if (!s.argv.empty() && !s.argv.front().starts_with('/'))
            diagnostics_.error(argv->items.front().at, "`" + s.argv.front().substr(0, 60) + "` is no absolute path",
                               "no shell looks for it: write the program's absolute path");
        read_duration(node, "timeout", s.timeout);
        out.exec = std::move(s);
    }

    void alertmanager(const Node& node, NotifySettings& out) {
        AlertmanagerSettings s;
        const Node* urls = node.is_map() ? node.find("url") : &node;
        if (urls == nullptr) return diagnostics_.error(at_, "`alertmanager` needs `url`", {});
        each(*urls, [&](const Node& url) {
            s.urls.push_back(url.text);
            while (s.urls.back().ends_with('/')) s.urls.back().pop_back();
            if (url.text.find("/api/") != std::string::npos)
                diagnostics_.error(url.at, "the URL names the API itself", "write it without /api/v2/alerts");
        });
        out.alertmanager = std::move(s);
    }

    void opsgenie(const Node& node, NotifySettings& out) {
        OpsgenieSettings s;
        const auto key = needed_secret(node, "key_file");
        if (key) s.key = *key;
        read_text(node, "team", s.team);
        read_text(node, "url", s.url);
        out.opsgenie = std::move(s);
    }

    void statuspage(const Node& node, NotifySettings& out) {
        StatuspageSettings s;
        s.page = needed(node, "page");
        const auto token = needed_secret(node, "token_file");
        if (token) s.token = *token;
        if (const Node* components = node.find("components"))
            for (const Node& id : components->items) s.components.push_back(id.text);
        read_text(node, "url", s.url);
        out.statuspage = std::move(s);
    }

    std::string needed(const Node& node, const std::string& key) {
        std::string text;
        read_text(node, key, text);
        if (node.find(key) == nullptr) diagnostics_.error(at_, "`" + name_ + "` needs `" + key + "`", {});
        return text;
    }

    std::optional<SecretFile> needed_secret(const Node& node, const std::string& key) {
        if (const Node* file = node.find(key)) return secret(*file);
        const std::string written = key.substr(0, key.size() - 5);  // without _file: it has its error already
        if (node.find(written) == nullptr)
            diagnostics_.error(at_, "`" + name_ + "` needs `" + key + "`",
                               "the name of a systemd credential, or an absolute path");
        return std::nullopt;
    }

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

    SecretFile secret(const Node& node) { return read_secret(node, options_, diagnostics_); }

    const LoadOptions& options_;
    Diagnostics& diagnostics_;
    Position at_;
    std::string name_;
};

/// Over what is written for all channels. A service that has a key of its own is never sent another's credentials.
void read_channel_http(const Node& notify, const LoadOptions& options, NotifySettings& out, Diagnostics& diagnostics) {
    const Node* all = notify.find("http");
    HttpSettings common;
    if (all != nullptr) read_http(*all, options, common, diagnostics);
    if (common.credentials || common.password)
        diagnostics.error(
            all->at, "credentials for all channels would be sent to services that they are not for",
            "write `authorization` or `basic_auth` in `webhook: { http: ... }` or `alertmanager: { http: ... }`");
    for (const Node::Entry& channel : notify.entries) {
        const Node* own = channel.value.is_map() ? channel.value.find("http") : nullptr;
        HttpSettings http = common;
        if (own != nullptr) read_http(*own, options, http, diagnostics);
        const bool takes_credentials = channel.key == "webhook" || channel.key == "alertmanager";
        const bool has_credentials =
            own != nullptr && (own->find("authorization") != nullptr || own->find("basic_auth") != nullptr);
        if (has_credentials && !takes_credentials)
            diagnostics.error(own->at, "`" + channel.key + "` has a secret of its own and takes no other credentials",
                              "`http` is for TLS, a proxy and headers here");
        if (http != HttpSettings{}) out.http[channel.key] = std::move(http);
    }
}

/// Each names a channel that exists and is not itself; no ring, or a page would go round.
void check_fallbacks(const Node& notify, const NotifySettings& out, Diagnostics& diagnostics) {
    const auto names = out.channels();
    for (const Node::Entry& channel : notify.entries) {
        const Node* to = channel.value.is_map() ? channel.value.find("fallback") : nullptr;
        if (to == nullptr || !to->is_scalar()) continue;
        const bool there = std::find(names.begin(), names.end(), to->text) != names.end();
        if (!there) {
            diagnostics.error(to->at, "`fallback: " + to->text + "`, but that channel is not configured",
                              did_you_mean(to->text, names));
            continue;
        }
        std::string next = to->text;
        std::size_t hops = 0;
        for (; hops <= names.size() && next != channel.key; ++hops) {
            const auto further = out.fallback.find(next);
            if (further == out.fallback.end()) break;
            next = further->second;
        }
        if (next == channel.key)
            diagnostics.error(to->at, "`fallback` leads back to `" + channel.key + "`", "one must stand first");
    }
}

Contact contact_of(const Node& person) {
    Contact out;
    read_text(person, "name", out.name);
    read_text(person, "slack", out.slack);
    read_text(person, "mail", out.mail);
    if (const Node* hours = person.find("hours")) out.hours = read_hours(*hours);
    return out;
}

void read_contacts(const Node& root, NotifySettings& out) {
    const Node* people = root.find("people");
    if (people == nullptr || !people->is_map()) return;
    for (const Node::Entry& role : people->entries) {
        std::vector<Contact>& members = out.contacts[role.key];
        each(role.value, [&](const Node& node) {
            if (node.is_scalar() && !node.text.starts_with('@')) members.push_back({node.text, {}, {}, {}});
            if (node.is_map()) members.push_back(contact_of(node));
        });
    }
    for (const auto& [role, members] : std::map(out.contacts))
        for (const Contact& person : members)
            if (!person.name.empty()) out.contacts.try_emplace(person.name, std::vector<Contact>{person});
}

std::vector<std::string> names_of(const NotifySettings& notify) {
    std::vector<std::string> out;
    for (const auto& [name, members] : notify.contacts) out.push_back(name);
    return out;
}

void check_rung(const Node& node, const NotifySettings& notify, Diagnostics& diagnostics) {
    if (node.text.starts_with("mail ")) {
        if (!is_mail_address(node.text.substr(5)))
            return diagnostics.error(node.at, "`" + node.text.substr(0, 60) + "` names no address of mail",
                                     "as in `mail cto@example.com`");
        if (!notify.email)
            diagnostics.error(node.at, "`" + node.text.substr(0, 60) + "`, but no mail can be sent",
                              "configure `notify: { email: ... }`");
        return;
    }
    const auto known = notify.contacts.find(node.text);
    if (known != notify.contacts.end()) return;
    std::string hint = did_you_mean(node.text, names_of(notify));
    if (is_mail_address(node.text)) hint = "an address is written `mail " + node.text + "`";
    if (hint.empty()) hint = "a role or a person under `people`, or `mail ADDRESS`";
    diagnostics.error(node.at, "`" + node.text.substr(0, 60) + "` is nobody that `people` names", hint);
}

}  // namespace

std::vector<Hours> read_hours(const Node& node) {
    std::vector<Hours> out;
    if (node.is_off()) return out;
    each(node, [&](const Node& one) {
        if (!one.is_scalar()) return;
        auto parsed = parse_hours(one.text);
        if (auto* hours = std::get_if<Hours>(&parsed)) out.push_back(std::move(*hours));
    });
    return out;
}

std::vector<Rung> read_ladder(const Node& node, const NotifySettings& notify, Diagnostics& diagnostics) {
    std::vector<Rung> out;
    const Node* before = nullptr;
    for (const Node& item : node.items) {
        if (!item.is_scalar()) continue;
        const auto time = parse_duration(item.text);
        if (time && (out.empty() || out.back().after != Duration{}))
            diagnostics.error(item.at, out.empty() ? "the ladder begins with a time" : "two times in a row",
                              "it goes: who, how long they have, who is next");
        else if (time)
            out.back().after = *time;
        if (time && *time == Duration{}) diagnostics.error(item.at, "nobody can answer in no time", {});
        if (time) continue;
        if (before != nullptr && out.back().after == Duration{})
            diagnostics.error(
                item.at,
                "how long has `" + before->text.substr(0, 60) + "` until `" + item.text.substr(0, 60) + "` is told?",
                "write a time between them, such as 15m");
        check_rung(item, notify, diagnostics);
        out.push_back({item.text, {}});
        before = &item;
    }
    if (!out.empty() && out.back().after != Duration{})
        diagnostics.error(node.items.back().at, "the ladder ends with a time, and nobody after it",
                          "remove it, or name who is next");
    return out;
}

NotifySettings read_notify(const Node& root, const LoadOptions& options, Diagnostics& diagnostics) {
    NotifySettings out;
    read_contacts(root, out);
    const Node* notify = root.find("notify");
    if (notify == nullptr || !notify->is_map()) return out;
    NotifyReader reader(options, diagnostics);
    read_duration(*notify, "fallback_after", out.fallback_after);
    for (const Node::Entry& channel : notify->entries) {
        if (channel.value.is_off() || channel.value.is_null()) continue;
        reader.channel(channel, out);
        std::string second;
        if (channel.value.is_map()) read_text(channel.value, "fallback", second);
        if (!second.empty()) out.fallback[channel.key] = second;
    }
    read_channel_http(*notify, options, out, diagnostics);
    check_fallbacks(*notify, out, diagnostics);
    return out;
}

}  // namespace revertd::config
