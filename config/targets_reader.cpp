// SPDX-License-Identifier: Apache-2.0
#include "config/targets_reader.h"

#include <set>

#include "config/slips.h"

namespace revertd::config {

namespace {

constexpr std::size_t kMaxTargets = 1000;  // of one service

void read_statuses(const Node& node, HealthTarget& target) {
    const auto parts = split(node.text, '-');
    const auto from = parse_count(parts.front()), to = parse_count(parts.back());
    if (!from || !to || *from > 999 || *to > 999) return;
    target.status_from = static_cast<int>(*from);
    target.status_to = static_cast<int>(*to);
}

}  // namespace

void TargetsReader::health(const Node& node, ServiceSettings& out) {
    const Node* down = nullptr;
    each(node, [&](const Node& target) { health_target(target, out, down); });
    std::set<std::string> seen;
    for (const HealthTarget& target : out.health)
        if (!seen.insert(target.url).second)
            diagnostics_.error(node.at, "`health` names " + target.url + " twice", "every target counts once");
    if (out.health.size() > kMaxTargets)
        diagnostics_.error(node.at, "more than " + std::to_string(kMaxTargets) + " targets", {});
}

void TargetsReader::health_target(const Node& node, ServiceSettings& out, const Node*& down) {
    HealthTarget target;
    if (node.is_scalar()) target.url = node.text;
    if (node.is_map()) address(node, target);
    if (const Node* status = node.find("expect_status")) read_statuses(*status, target);
    if (const Node* json = node.find("json"))
        for (const Node::Entry& matcher : json->entries) {
            check_pointer(matcher.key, matcher.at);
            target.json.push_back({matcher.key, matcher.value.text});
        }
    if (node.find("timeout") != nullptr) {
        Duration timeout{};
        read_duration(node, "timeout", timeout);
        target.timeout = timeout;
    }
    if (const Node* every = node.find("every")) {
        const auto rhythm = parse_duration(every->text);
        if (rhythm && *rhythm < out.interval)
            diagnostics_.error(every->at,
                               "`every` is shorter than `interval` (" + to_words(out.interval) +
                                   "): nothing is asked more often than a slot",
                               "set `interval: " + every->text + "`");
        if (rhythm && *rhythm > out.interval) target.every = rhythm;
    }
    if (const Node* policy = node.find("down")) {
        if (down != nullptr && down->text != policy->text)
            diagnostics_.error(policy->at, "`down` is one policy for all targets, it was `" + down->text + "` before",
                               {});
        down = policy;
        read_choice(node, "down", out.down,
                    {{"any", DownPolicy::Any}, {"half", DownPolicy::Half}, {"all", DownPolicy::All}});
    }
    if (!target.url.empty()) out.health.push_back(std::move(target));
}

void TargetsReader::address(const Node& node, HealthTarget& target) {
    const Node* url = node.find("url");
    const Node* tcp = node.find("tcp");
    if ((url == nullptr) == (tcp == nullptr))
        return diagnostics_.error(node.at, "a health check has either `url` or `tcp`",
                                  "as in { url: http://127.0.0.1:8080/health }");
    if (url != nullptr) {
        target.url = url->text;
        return;
    }
    target.url = tcp->text.starts_with("tcp://") ? tcp->text : "tcp://" + tcp->text;
    if (const auto complaint = check_url(target.url, "tcp"))
        diagnostics_.error(tcp->at, "`tcp`: " + complaint->what, complaint->hint);
    for (const char* key : {"expect_status", "json"})
        if (const Node* extra = node.find(key))
            diagnostics_.error(extra->at, std::string("`") + key + "` needs a `url`: tcp has no answer to look at", {});
}

void TargetsReader::metrics(const Node& node, ServiceSettings& out) {
    std::set<std::string> seen;
    each(node, [&](const Node& url) {
        if (!url.is_scalar() || url.text.empty()) return;
        if (!seen.insert(url.text).second)
            return diagnostics_.error(url.at, "`metrics` names this URL twice", "every target counts once");
        check_page(url);
        out.metrics.push_back(url.text);
    });
    if (out.metrics.size() > kMaxTargets)
        diagnostics_.error(node.at, "more than " + std::to_string(kMaxTargets) + " targets", {});
}

/// A server's API, or its root, where the page of a target is meant.
void TargetsReader::check_page(const Node& url) {
    const std::size_t api = url.text.find("/api/v1");
    if (api != std::string::npos)
        return diagnostics_.error(url.at, "`metrics` is the page of a target, and this is the API of a Prometheus",
                                  "write `prometheus: " + url.text.substr(0, api) + "`");
    if (check_url(url.text, "http|https")) return;  // the table of keys has complained
    const std::size_t host = url.text.find("://");
    const std::size_t slash = host == std::string::npos ? 0 : url.text.find('/', host + 3);
    if (slash == std::string::npos || slash + 1 == url.text.size())
        diagnostics_.warning(url.at, "`metrics` without a path asks for `/`",
                             "the page is at /metrics mostly: write " + url.text +
                                 (slash == std::string::npos ? "/metrics" : "metrics"));
}

std::optional<PrometheusSettings> TargetsReader::prometheus(const Node& node) {
    PrometheusSettings out;
    if (node.is_scalar()) out.url = node.text;
    if (node.is_map()) read_text(node, "url", out.url);
    if (node.is_map() && node.find("url") == nullptr)
        diagnostics_.error(node.at, "`prometheus` needs `url`", "as in { url: http://prometheus:9090 }");
    const auto period = [&](const char* key, std::optional<Duration>& value) {
        Duration read{};
        read_duration(node, key, read);
        if (node.find(key) != nullptr) value = read;
    };
    if (node.is_map()) {
        period("timeout", out.timeout);
        period("lookback_delta", out.lookback_delta);
        period("scrape_interval", out.scrape_interval);
        read_duration(node, "delay", out.delay);
    }
    const Node* at = node.is_map() ? node.find("url") : &node;
    if (out.url.find('?') != std::string::npos)
        diagnostics_.error(at->at, "`prometheus` is what stands before /api/v1/query, without a query", {});
    if (out.url.find("/api/v1") != std::string::npos)
        diagnostics_.error(at->at, "`prometheus` is what stands before /api/v1/query",
                           "write " + out.url.substr(0, out.url.find("/api/v1")));
    else if (const std::string before = without_page(out.url); !before.empty())
        diagnostics_.error(at->at, "`prometheus` is what stands before /api/v1/query, not a page of the server",
                           "write " + before);
    if (out.url.empty()) return std::nullopt;
    const std::string authority = authority_of(out.url);
    if (out.url == "http://" + authority.substr(0, authority.rfind(':')) && authority.ends_with(":80"))
        diagnostics_.notice(at->at, "`prometheus` without a port is asked at port 80",
                            "a Prometheus itself listens at 9090: " + out.url + ":9090");
    return out;
}

std::optional<VersionProbe> TargetsReader::current(const Node& node) {
    VersionProbe probe;
    if (node.is_scalar()) probe.url = node.text;
    for (const Node& argument : node.items) probe.argv.push_back(argument.text);
    if (!probe.argv.empty() && !probe.argv.front().starts_with('/'))
        diagnostics_.error(node.items.front().at, "`current`: a program is named by its absolute path",
                           "no shell and no PATH are used");
    if (node.is_map()) {
        read_text(node, "http", probe.url);
        read_text(node, "json", probe.json);
        if (const Node* json = node.find("json")) check_pointer(probe.json, json->at);
        if (node.find("http") == nullptr)
            diagnostics_.error(node.at, "`current` needs `http`",
                               "as in { http: http://127.0.0.1:8080/version, json: /version }");
    }
    return probe;
}

std::vector<ResolverSettings> TargetsReader::resolvers(const Node& node) {
    std::vector<ResolverSettings> out;
    for (const Node& item : node.items) {
        if (!item.is_map()) continue;
        ResolverSettings& resolver = out.emplace_back();
        read_text(item, "name", resolver.name);
        read_text(item, "http", resolver.probe.url);
        read_text(item, "json", resolver.probe.json);
        if (const Node* json = item.find("json")) check_pointer(resolver.probe.json, json->at);
        if (const Node* exec = item.find("exec"))
            for (const Node& argument : exec->items) resolver.probe.argv.push_back(argument.text);
        const std::vector<std::string>& argv = resolver.probe.argv;
        if (!argv.empty() && !argv.front().starts_with('/'))
            diagnostics_.error(item.find("exec")->at, "`resolvers`: a program is named by its absolute path",
                               "no shell and no PATH are used");
        if (resolver.name.empty())
            diagnostics_.error(item.at, "a resolver needs `name`",
                               "who says so, as in { name: release list, http: … }");
        if (resolver.probe.url.empty() == argv.empty())
            diagnostics_.error(item.at, "a resolver needs either `http` or `exec`",
                               "as in { name: release list, http: http://releases/api, json: /last_good }");
        const auto same = [&](const ResolverSettings& other) { return other.name == resolver.name; };
        if (std::count_if(out.begin(), out.end(), same) > 1)
            diagnostics_.error(item.at, "the resolver `" + resolver.name + "` stands there twice", "rename one");
    }
    return out;
}

void TargetsReader::check_pointer(std::string_view pointer, Position at) {
    if (!pointer.starts_with('/') || pointer.size() > 500)
        diagnostics_.error(at, "`" + std::string(pointer.substr(0, 60)) + "` is no JSON pointer",
                           "it begins with /, as in /status or /checks/*/status");
}

}  // namespace revertd::config
