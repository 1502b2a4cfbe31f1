// SPDX-License-Identifier: Apache-2.0
#include <rapidjson/document.h>
#include <rapidjson/pointer.h>

#include <algorithm>

#include "daemon/io/http_client.h"
#include "daemon/io/loop.h"
#include "daemon/notify/bodies.h"
#include "daemon/notify/channels.h"

namespace revertd {

namespace {

constexpr Duration kLookBack = 5min;  // clocks of this host and Slack's
constexpr int kPagesLookedAt = 10;    // of 200 messages each

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

struct Found {
    std::string stamp, cursor;
};

/// The message that carries the key in its metadata, else where the list goes on.
Found found_in(const HttpResponse& response, const std::string& key) {
    rapidjson::Document json;
    json.Parse(response.body.data(), response.body.size());
    if (json.HasParseError()) return {};
    const auto text = [](const rapidjson::Value* value) {
        return value != nullptr && value->IsString() ? std::string(value->GetString()) : std::string{};
    };
    const rapidjson::Value* messages = rapidjson::Pointer("/messages").Get(json);
    if (messages == nullptr || !messages->IsArray()) return {};
    for (const auto& one : messages->GetArray())
        if (text(rapidjson::Pointer("/metadata/event_payload/key").Get(one)) == key)
            return {text(rapidjson::Pointer("/ts").Get(one)), {}};
    return {{}, text(rapidjson::Pointer("/response_metadata/next_cursor").Get(json))};
}

bool is_channel_id(const std::string& name) {
    return name.size() >= 2 && std::string_view("CGD").find(name[0]) != std::string_view::npos &&
           std::all_of(name.begin() + 1, name.end(),
                       [](unsigned char c) { return std::isdigit(c) != 0 || std::isupper(c) != 0; });
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
    HttpRequest request = post(*url, slack_body(message, {{}, {}, {}, mentions(message, settings())}));
    request.may_repeat = false;  // two messages would be two
    ask(std::move(request), [this](const HttpResponse& response) { finish(classify(response, {})); });
}

struct SlackChannel::Talk {
    SlackSettings settings;
    std::string token;
    Message message;
    std::string channel, thread;  ///< where to post: under its id, once that is known
    std::vector<std::string> people;
};

/// The first page of an incident is its message; later ones change it and stand in its thread.
void SlackChannel::by_bot(const SlackSettings& s, const Message& message) {
    const auto token = secret_or_wait(*s.token);
    if (!token) return;
    const std::string key = dedup_key(message), place = remembered(key);
    auto talk = std::make_shared<Talk>(Talk{s, *token, message, s.channel, {}, mentions(message, settings())});
    if (place.empty()) {
        return post_once(talk, [this, key](const std::string& channel, const std::string& stamp) {
            remember(key, channel + " " + stamp);
            finish(Delivery::done("posted"));
        });
    }
    talk->channel = place.substr(0, place.find(' ')), talk->thread = place.substr(place.find(' ') + 1);
    const std::string told = key + "/thread";
    if (remembered(told) == std::to_string(message.seq)) return update(talk);  // only the update was missing
    post_once(talk, [this, talk, told](const std::string&, const std::string&) {
        remember(told, std::to_string(talk->message.seq));
        update(talk);
    });
}

void SlackChannel::update(const std::shared_ptr<Talk>& talk) {
    call(
        *talk, "chat.update", slack_body(talk->message, {talk->channel, talk->thread, {}}),
        [this](const HttpResponse&) { finish(Delivery::done("updated")); }, refusal);
}

void SlackChannel::post_once(const std::shared_ptr<Talk>& talk, const Posted& next) {
    const std::string sent = delivery_key(talk->message) + "/sent", id = remembered("id of " + talk->channel);
    if (!id.empty()) talk->channel = id;
    const Posted posted = [this, sent, next](const std::string& channel, const std::string& stamp) {
        remember(sent, {});
        next(channel, stamp);
    };
    if (!remembered(sent).empty() && is_channel_id(talk->channel)) return look(talk, {}, kPagesLookedAt, posted);
    remember(sent, "yes");
    const std::string key = delivery_key(talk->message);
    const auto judge = [this, sent](const HttpResponse& response) {
        if (response.status < 500) remember(sent, {});  // it is known what became of it
        return refusal(response);
    };
    call(
        *talk, "chat.postMessage", slack_body(talk->message, {talk->channel, {}, talk->thread, talk->people, key}),
        [this, talk, posted](const HttpResponse& response) {
            // By its id the channel is known to chat.update and to its history, by its name it is not.
            const std::string channel = member(response, "channel");
            if (!channel.empty()) remember("id of " + talk->settings.channel, channel);
            posted(channel, member(response, "ts"));
        },
        judge);
}

/// Without the right to read the channel's history nothing is found, and the message may stand there twice.
void SlackChannel::look(const std::shared_ptr<Talk>& talk, const std::string& cursor, int pages, const Posted& next) {
    const auto since = std::chrono::floor<std::chrono::seconds>(talk->message.wall - kLookBack).time_since_epoch();
    HttpRequest request;
    request.url = talk->settings.api + (talk->thread.empty() ? "/conversations.history" : "/conversations.replies") +
                  "?channel=" + talk->channel + (talk->thread.empty() ? "" : "&ts=" + talk->thread) +
                  "&include_all_metadata=true&limit=200&oldest=" + std::to_string(since.count()) +
                  (cursor.empty() ? "" : "&cursor=" + percent_encoded(cursor));
    request.headers = {{"Authorization", "Bearer " + talk->token}};
    const auto answered = [this, talk, pages, next](const HttpResponse& response) {
        const Delivery delivery = refusal(response).value_or(classify(response, parts().loop.clock().now().wall));
        if (delivery.kind == Delivery::Kind::Again) return finish(delivery);
        const Found found = delivery.delivered() ? found_in(response, delivery_key(talk->message)) : Found{};
        if (!found.stamp.empty()) return next(talk->channel, found.stamp);
        if (!found.cursor.empty() && pages > 1) return look(talk, found.cursor, pages - 1, next);
        remember(delivery_key(talk->message) + "/sent", {});
        post_once(talk, next);
    };
    request.whole_limit = parts().send_limit;
    if (const auto prepared = prepare(request); !prepared)
        return finish(Delivery::again("authError", prepared.error().message));
    if (!parts().http.api().fetch(request, guarded(answered)))
        finish(Delivery::refused("clientError", "the URL is not valid"));
}

void SlackChannel::call(const Talk& talk, const std::string& method, std::string body, OnAnswer next, Judge judge) {
    HttpRequest request = post(talk.settings.api + "/" + method, std::move(body));
    request.headers = {{"Content-Type", "application/json; charset=utf-8"}, {"Authorization", "Bearer " + talk.token}};
    request.may_repeat = false;  // two messages would be two
    ask(std::move(request), std::move(next), std::move(judge));
}

}  // namespace revertd
