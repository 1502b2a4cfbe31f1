// SPDX-License-Identifier: Apache-2.0
#include <rapidjson/document.h>

#include "daemon/notify/bodies.h"
#include "daemon/notify/channels.h"

namespace revertd {

namespace {

/// Errors of the Web API that may pass; any other is a mistake of the configuration.
bool may_pass(const std::string& error) {
    for (const char* word : {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable",
                             "request_timeout", "team_added_to_org"})
        if (error == word) return true;
    return false;
}

bool is_auth(const std::string& error) {
    for (const char* word : {"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive",
                             "missing_scope", "no_permission"})
        if (error == word) return true;
    return false;
}

/// The Web API says `ok` inside of a 200.
std::optional<Delivery> refusal(const HttpResponse& response) {
    if (response.status < 200 || response.status > 299) return std::nullopt;
    rapidjson::Document json;
    json.Parse(response.body.data(), response.body.size());
    if (json.HasParseError() || !json.IsObject() || !json.HasMember("ok") || !json["ok"].IsBool())
        return Delivery::again("other", "the answer is none of Slack's");
    if (json["ok"].GetBool()) return std::nullopt;
    const std::string error =
        json.HasMember("error") && json["error"].IsString() ? json["error"].GetString() : "unknown error";
    if (may_pass(error)) return Delivery::again("rateLimited", error);
    return Delivery::refused(is_auth(error) ? "authError" : "clientError", error);
}

std::string member(const HttpResponse& response, const char* name) {
    rapidjson::Document json;
    json.Parse(response.body.data(), response.body.size());
    const bool there = !json.HasParseError() && json.IsObject() && json.HasMember(name) && json[name].IsString();
    return there ? json[name].GetString() : std::string{};
}

std::vector<std::string> mentions(const Message& message, const NotifySettings& settings) {
    std::vector<std::string> out;
    for (const Contact& person : people_of(message, settings))
        if (!person.slack.empty()) out.push_back(person.slack);
    return out;
}

}  // namespace

void SlackChannel::begin(const Message& message) {
    const auto s = settings().slack;
    if (s && s->webhook_url) return by_webhook(*s, message);
    if (s && s->token) return by_bot(*s, message);
    finish(Delivery::refused("other", "it is not configured any more"));
}

void SlackChannel::by_webhook(const SlackSettings& s, const Message& message) {
    const auto url = secret_or_wait(*s.webhook_url);
    if (!url) return;
    ask(post(*url, slack_body(message, {{}, {}, {}, mentions(message, settings())})),
        [this](const HttpResponse& response) { finish(classify(response, {})); });
}

/// The first page of an incident is its message; later ones change it and stand in its thread.
void SlackChannel::by_bot(const SlackSettings& s, const Message& message) {
    const auto token = secret_or_wait(*s.token);
    if (!token) return;
    const std::string key = dedup_key(message), ts = remembered(key);
    const auto people = mentions(message, settings());
    if (ts.empty()) {
        return call(s, *token, "chat.postMessage", slack_body(message, {s.channel, {}, {}, people}),
                    [this, key](const HttpResponse& response) {
                        // By its id the channel is known to chat.update, by its name it is not.
                        remember(key, member(response, "channel") + " " + member(response, "ts"));
                        finish(Delivery::done("posted"));
                    });
    }
    const std::string channel = ts.substr(0, ts.find(' ')), stamp = ts.substr(ts.find(' ') + 1);
    const std::string told = key + "/thread";
    const auto update = [this, s, token = *token, message, channel, stamp](const HttpResponse&) {
        remember(dedup_key(message) + "/thread", std::to_string(message.seq));
        call(s, token, "chat.update", slack_body(message, {channel, stamp, {}}),
             [this](const HttpResponse&) { finish(Delivery::done("updated")); });
    };
    if (remembered(told) == std::to_string(message.seq)) return update({});  // only the update was missing
    call(s, *token, "chat.postMessage", slack_body(message, {channel, {}, stamp, people}), update);
}

void SlackChannel::call(const SlackSettings& s, const std::string& token, const std::string& method, std::string body,
                        OnAnswer next) {
    HttpRequest request = post(s.api + "/" + method, std::move(body));
    request.headers = {{"Content-Type", "application/json; charset=utf-8"}, {"Authorization", "Bearer " + token}};
    ask(std::move(request), std::move(next), refusal);
}

}  // namespace revertd
