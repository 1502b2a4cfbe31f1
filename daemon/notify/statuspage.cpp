// SPDX-License-Identifier: Apache-2.0
#include <rapidjson/document.h>

#include "daemon/notify/bodies.h"
#include "daemon/notify/channels.h"

namespace revertd {

namespace {

std::string text(const rapidjson::Value& json, const char* name) {
    const bool there = json.IsObject() && json.HasMember(name) && json[name].IsString();
    return there ? json[name].GetString() : std::string{};
}

struct Known {
    std::string id;
    bool told = false;  ///< this very page has arrived
};

std::string ours(const rapidjson::Value& incident, const char* name) {
    if (!incident.IsObject() || !incident.HasMember("metadata") || !incident["metadata"].IsObject()) return {};
    const auto& metadata = incident["metadata"];
    return metadata.HasMember("revertd") ? text(metadata["revertd"], name) : std::string{};
}

/// The open incident that carries our key in its metadata.
Known known_in(const HttpResponse& response, const Message& message) {
    rapidjson::Document json;
    json.Parse(response.body.data(), response.body.size());
    if (json.HasParseError() || !json.IsArray()) return {};
    for (const auto& incident : json.GetArray())
        if (ours(incident, "key") == dedup_key(message))
            return {text(incident, "id"), ours(incident, "last") == delivery_key(message)};
    return {};
}

/// Of one incident.
bool is_told(const HttpResponse& response, const Message& message) {
    rapidjson::Document json;
    json.Parse(response.body.data(), response.body.size());
    return !json.HasParseError() && ours(json, "last") == delivery_key(message);
}

HttpRequest with_key(HttpRequest request, const std::string& token) {
    request.headers.emplace_back("Authorization", "OAuth " + token);
    return request;
}

}  // namespace

/// Public: only what is bad enough that revertd acts on it or asks (P0, P1), and its end.
void StatuspageChannel::begin(const Message& message) {
    const auto s = settings().statuspage;
    if (!s) return finish(Delivery::refused("other", "it is not configured any more"));
    const std::string severity = message.fact("severity"), known = remembered(dedup_key(message));
    const bool outage = !message.page.incident.empty() && (severity == "P0" || severity == "P1");
    if (known.empty() && (!outage || message.resolves())) return finish(Delivery::done("not for the public"));
    const auto token = secret_or_wait(s->token);
    if (!token) return;
    if (!known.empty()) return update(*s, *token, message, known);
    HttpRequest unresolved;
    unresolved.url = s->url + "/pages/" + s->page + "/incidents/unresolved";
    ask(with_key(unresolved, *token), [this, s, token, message](const HttpResponse& response) {
        const Known incident = known_in(response, message);
        if (incident.id.empty()) return create(*s, *token, message);
        remember(dedup_key(message), incident.id);
        if (incident.told) return finish(Delivery::done("incident " + incident.id));
        update(*s, *token, message, incident.id);
    });
}

void StatuspageChannel::create(const StatuspageSettings& s, const std::string& token, const Message& message) {
    HttpRequest request = post(s.url + "/pages/" + s.page + "/incidents", statuspage_body(message, s, true));
    request.may_repeat = false;
    ask(with_key(request, token), [this, message](const HttpResponse& response) {
        rapidjson::Document json;
        json.Parse(response.body.data(), response.body.size());
        const std::string id = json.HasParseError() ? std::string{} : text(json, "id");
        if (id.empty()) return finish(Delivery::again("other", "the answer is none of Statuspage's"));
        remember(dedup_key(message), id);
        finish(Delivery::done("incident " + id));
    });
}

/// Every update is shown to the public: one whose answer was lost is looked for before it is sent again.
void StatuspageChannel::update(const StatuspageSettings& s, const std::string& token, const Message& message,
                               const std::string& id) {
    const std::string sent = delivery_key(message) + "/sent", url = s.url + "/pages/" + s.page + "/incidents/" + id;
    if (remembered(sent).empty()) {
        remember(sent, "yes");
        return change(s, token, message, url);
    }
    HttpRequest request;
    request.url = url;
    ask(with_key(request, token), [this, s, token, message, url, sent](const HttpResponse& response) {
        if (!is_told(response, message)) return change(s, token, message, url);
        remember(sent, {});
        finish(Delivery::done("updated"));
    });
}

void StatuspageChannel::change(const StatuspageSettings& s, const std::string& token, const Message& message,
                               const std::string& url) {
    HttpRequest request = post(url, statuspage_body(message, s, false));
    request.method = "PATCH";
    request.may_repeat = false;
    ask(with_key(request, token), [this, message](const HttpResponse&) {
        remember(delivery_key(message) + "/sent", {});
        finish(Delivery::done("updated"));
    });
}

}  // namespace revertd
