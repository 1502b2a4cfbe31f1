// SPDX-License-Identifier: Apache-2.0
#include "daemon/notify/channel.h"

#include <algorithm>
#include <optional>

#include "actions/answers.h"
#include "daemon/io/http_client.h"
#include "daemon/io/http_options.h"
#include "daemon/io/loop.h"
#include "daemon/io/secret_files.h"
#include "daemon/notify/json_body.h"
#include "daemon/notify/outbox.h"

namespace revertd {

namespace {

constexpr std::size_t kShownBytes = 300;  // of what the receiver answered

std::string reason_of(int status) {
    if (status == 401 || status == 403) return "authError";
    if (status == 429 || status == 420) return "rateLimited";
    return status >= 500 ? "serverError" : "clientError";
}

std::string printable_line(const std::string& text) {
    std::string out;
    for (const char c : cut(text, kShownBytes)) out += static_cast<unsigned char>(c) < 32 ? ' ' : c;
    return out;
}

std::string transport_words(const HttpResponse& response) {
    return std::string(to_string(response.error)) + (response.detail.empty() ? "" : ": " + response.detail);
}

/// The files that a delivery needs.
std::vector<SecretPath> secrets_of(const NotifySettings& s, const std::string& channel) {
    std::vector<SecretPath> out;
    const auto add = [&](const char* name, const std::optional<SecretPath>& file) {
        if (channel == name && file) out.push_back(*file);
    };
    if (s.pagerduty) add("pagerduty", s.pagerduty->routing_key);
    if (s.webhook) add("webhook", s.webhook->secret);
    if (s.slack) add("slack", s.slack->webhook_url), add("slack", s.slack->token);
    if (s.github) add("github", s.github->token);
    if (s.email) add("email", s.email->password);
    if (s.opsgenie) add("opsgenie", s.opsgenie->key);
    if (s.statuspage) add("statuspage", s.statuspage->token);
    if (const auto http = s.http.find(channel); http != s.http.end())
        for (const auto& file : {http->second.credentials, http->second.password})
            if (file) out.push_back(*file);
    return out;
}

}  // namespace

Delivery classify(const HttpResponse& response, WallTime now) {
    if (response.error != FetchError::None) {
        const bool late = response.error == FetchError::Timeout || response.error == FetchError::ConnectTimeout;
        return Delivery::again(late ? "contextDeadlineExceeded" : "other", transport_words(response));
    }
    const std::string words = "status " + std::to_string(response.status) +
                              (response.body.empty() ? "" : ": " + printable_line(response.body));
    Delivery out{Delivery::Kind::Delivered, reason_of(response.status), words};
    switch (classify_status(response.status, CallPurpose::Notification)) {
        case AnswerClass::Acked:
            return Delivery::done(words);
        case AnswerClass::Final:
        case AnswerClass::Conflict:
            out.kind = response.status == 420 ? Delivery::Kind::Again : Delivery::Kind::Refused;
            break;
        case AnswerClass::NotSent:
        case AnswerClass::NotDone:
        case AnswerClass::Unknown:  // repeated: receivers know duplicates by the key
            out.kind = Delivery::Kind::Again;
            break;
    }
    const auto asked = response.headers.find("retry-after");
    if (out.kind == Delivery::Kind::Again && asked != response.headers.end())
        out.wait = retry_after(asked->second, now);
    return out;
}

void Channel::deliver(const Message& message, Done done) {
    secrets_.clear();
    done_ = std::move(done);
    parts_.http.secrets().read(secrets_of(settings(), name_), guarded([this, message] { begin(message); }));
}

void Channel::finish(const Delivery& delivery) {
    Delivery told = delivery;
    told.words = without_secrets(told.words);
    parts_.loop.post(guarded([this, told] {
        if (const Done done = std::exchange(done_, nullptr)) done(told);
    }));
}

void Channel::ask(HttpRequest request, OnAnswer next) {
    ask(std::move(request), std::move(next), {});
}

void Channel::ask(HttpRequest request, OnAnswer next, Judge judge) {
    request.whole_limit = parts_.send_limit;
    if (const auto prepared = prepare(request); !prepared)
        return finish(Delivery::again("authError", prepared.error().message));
    const auto sent = parts_.http.api().fetch(
        request, guarded([this, next = std::move(next), judge = std::move(judge)](const HttpResponse& response) {
            if (response.error == FetchError::None && judge)
                if (const auto said = judge(response)) return finish(*said);
            const Delivery delivery = classify(response, parts_.loop.clock().now().wall);
            if (!delivery.delivered()) return finish(delivery);
            next(response);
        }));
    // The URL may be a secret, so what is wrong with it is not repeated here.
    if (!sent)
        finish(Delivery::refused("clientError", "the request could not be made: its URL or a header is not valid"));
}

Result<void> Channel::prepare(HttpRequest& request) {
    const auto http = settings().http.find(name_);
    if (http == settings().http.end()) return {};
    auto headers = headers_of(http->second, parts_.http.secrets());
    if (!headers) return headers.error();
    for (HttpHeader& header : *headers) {
        if (header.first == "Authorization") secrets_.push_back(header.second.substr(header.second.find(' ') + 1));
        request.headers.push_back(std::move(header));
    }
    request.tls = tls_of(http->second);
    request.proxy = http->second.proxy;
    return {};
}

Result<std::string> Channel::secret(const SecretFile& file) {
    auto text = parts_.http.secrets().first_line(file);
    if (!text) return text;
    if (std::any_of(text->begin(), text->end(), [](char c) { return static_cast<unsigned char>(c) < 32; }))
        return Error(ErrorCode::Unavailable, "the secret " + file.name + " is no line of text");
    secrets_.push_back(*text);
    return text;
}

std::optional<std::string> Channel::secret_or_wait(const SecretFile& file) {
    auto text = secret(file);
    if (text) return std::move(*text);
    finish(Delivery::again("authError", text.error().message));
    return std::nullopt;
}

HttpRequest Channel::post(std::string url, std::string body) {
    HttpRequest request;
    request.method = "POST";
    request.url = std::move(url);
    request.headers = {{"Content-Type", "application/json"}};
    request.body = std::move(body);
    request.may_repeat = true;  // the receiver knows duplicates by the key, or shows one twice
    return request;
}

std::string Channel::without_secrets(std::string text) const {
    for (const std::string& secret : secrets_) {
        if (secret.size() < 4) continue;  // what would be found in any text
        for (std::size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at))
            text.replace(at, secret.size(), "<secret>");
    }
    return text;
}

std::string Channel::remembered(const std::string& key) const {
    return parts_.outbox.kept(name_, key);
}

void Channel::remember(const std::string& key, const std::string& value) {
    parts_.outbox.keep(name_, key, value);
}

std::vector<Contact> people_of(const Message& message, const NotifySettings& settings) {
    const std::string& to = message.page.to;
    if (to.starts_with("mail ")) return {Contact{{}, {}, to.substr(5), {}}};
    const auto role = settings.contacts.find(to);
    if (to.empty() || role == settings.contacts.end()) return {};
    std::vector<Contact> reachable;
    for (const Contact& person : role->second)
        if (person.hours.empty() || within(person.hours, message.wall) != nullptr) reachable.push_back(person);
    return reachable.empty() ? role->second : reachable;
}

}  // namespace revertd
