// SPDX-License-Identifier: Apache-2.0
// Channels of one request a page: PagerDuty, the webhook, Opsgenie.
#include "daemon/notify/bodies.h"
#include "daemon/notify/channels.h"

namespace revertd {

namespace {

Delivery not_configured() {
    return Delivery::refused("other", "it is not configured any more");
}

}  // namespace

void PagerDutyChannel::begin(const Message& message) {
    const auto s = settings().pagerduty;
    if (!s) return finish(not_configured());
    const auto key = secret_or_wait(s->routing_key);
    if (!key) return;
    ask(post(s->url, pagerduty_body(message, *key, parts().source)),
        [this](const HttpResponse& response) { finish(classify(response, {})); });
}

void WebhookChannel::begin(const Message& message) {
    const auto s = settings().webhook;
    if (!s) return finish(not_configured());
    HttpRequest request = post(s->url, webhook_body(message, parts().source));
    for (const auto& [name, value] : s->headers) request.headers.emplace_back(name, value);
    request.headers.emplace_back("X-Revertd-Delivery", delivery_key(message));
    request.headers.emplace_back("Idempotency-Key",
                                 "\"" + delivery_key(message) + "\"");  // a string, as the draft has it
    if (s->secret) {
        const auto key = secret_or_wait(*s->secret);
        if (!key) return;
        request.headers.emplace_back("X-Revertd-Signature-256", signature(*key, request.body));
    }
    ask(std::move(request), [this](const HttpResponse& response) { finish(classify(response, {})); });
}

void OpsgenieChannel::begin(const Message& message) {
    const auto s = settings().opsgenie;
    if (!s) return finish(not_configured());
    const auto key = secret_or_wait(s->key);
    if (!key) return;
    const std::string alert = s->url + "/v2/alerts/" + percent_encoded(dedup_key(message));
    const bool update = message.page.kind == "update";
    HttpRequest request = message.resolves()
                              ? post(alert + "/close?identifierType=alias", opsgenie_note(message, parts().source))
                          : update ? post(alert + "/notes?identifierType=alias", opsgenie_note(message, parts().source))
                                   : post(s->url + "/v2/alerts", opsgenie_alert(message, parts().source, s->team));
    request.headers.emplace_back("Authorization", "GenieKey " + *key);
    ask(std::move(request), [this](const HttpResponse& response) { finish(classify(response, {})); });
}

std::shared_ptr<Channel> make_channel(const std::string& name, const ChannelParts& parts) {
    if (name == "pagerduty") return std::make_shared<PagerDutyChannel>(name, parts);
    if (name == "webhook") return std::make_shared<WebhookChannel>(name, parts);
    if (name == "opsgenie") return std::make_shared<OpsgenieChannel>(name, parts);
    if (name == "slack") return std::make_shared<SlackChannel>(name, parts);
    if (name == "github") return std::make_shared<GithubChannel>(name, parts);
    if (name == "email") return std::make_shared<EmailChannel>(name, parts);
    if (name == "exec") return std::make_shared<ExecChannel>(name, parts);
    if (name == "alertmanager") return std::make_shared<AlertmanagerChannel>(name, parts);
    if (name == "statuspage") return std::make_shared<StatuspageChannel>(name, parts);
    return nullptr;
}

}  // namespace revertd
