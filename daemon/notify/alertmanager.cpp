// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/http_client.h"
#include "daemon/io/loop.h"
#include "daemon/notify/bodies.h"
#include "daemon/notify/channels.h"

namespace revertd {

namespace {

constexpr Duration kRenew = 1min;  // Alertmanager forgets over its own restart, and resolves what it hears nothing of
constexpr Duration kLasts = 5min;

}  // namespace

void AlertmanagerChannel::begin(const Message& message) {
    const auto s = settings().alertmanager;
    if (!s) return finish(Delivery::refused("other", "it is not configured any more"));
    if (message.resolves()) open_.erase(dedup_key(message));
    send(message, s->urls, 0, Delivery::done());
}

/// From now on it is renewed. Not before: a server that asks for a pause gets one.
void AlertmanagerChannel::arrived(const Message& message) {
    const bool stands_alone = message.page.incident.empty() && message.page.about.empty();
    if (message.resolves() || stands_alone) return;
    // Identity is the set of labels: what the first page said of the incident stays.
    Message& open = open_.try_emplace(dedup_key(message), message).first->second;
    open.page.summary = message.page.summary, open.page.level = message.page.level, open.page.kind = "update";
    if (timer_ == TimerId::None) renew_later();
}

/// To all members of a cluster: they do not forward alerts. It has arrived when one of them has it.
void AlertmanagerChannel::send(const Message& message, std::vector<std::string> urls, std::size_t accepted,
                               const Delivery& worst) {
    if (urls.empty()) {
        if (accepted > 0) arrived(message);
        return finish(accepted > 0 ? Delivery::done("accepted by " + std::to_string(accepted)) : worst);
    }
    const WallTime now = parts().loop.clock().now().wall;
    HttpRequest request = post(urls.front() + "/api/v2/alerts",
                               alertmanager_body(message, message.resolves() ? now : now + kLasts, parts().source));
    urls.erase(urls.begin());
    const auto went = [this, message, urls, accepted, worst](const HttpResponse& response) {
        const Delivery delivery = classify(response, parts().loop.clock().now().wall);
        send(message, urls, accepted + (delivery.delivered() ? 1 : 0), delivery.delivered() ? worst : delivery);
    };
    request.whole_limit = parts().send_limit;
    const auto prepared = prepare(request);
    if (!prepared) return send(message, urls, accepted, Delivery::again("authError", prepared.error().message));
    if (!parts().http.api().fetch(request, guarded(went)))
        send(message, urls, accepted, Delivery::refused("clientError", "the URL is not valid"));
}

void AlertmanagerChannel::renew_later() {
    timer_ = parts().loop.at(parts().loop.now() + kRenew, guarded([this] { renew(); }));
}

void AlertmanagerChannel::renew() {
    renew_later();
    const auto s = settings().alertmanager;
    if (!s) return;
    for (const auto& [key, message] : open_)
        for (const std::string& url : s->urls) {
            const WallTime until = parts().loop.clock().now().wall + kLasts;
            HttpRequest request = post(url + "/api/v2/alerts", alertmanager_body(message, until, parts().source));
            if (!prepare(request)) continue;
            const auto sent = parts().http.api().fetch(request, [](const HttpResponse&) {});
            (void)sent.has_value();  // the next one comes in a minute
        }
}

void AlertmanagerChannel::restore(const Message& incident) {
    open_.try_emplace(dedup_key(incident), incident);
    if (timer_ == TimerId::None) renew();
}

void AlertmanagerChannel::forget(const Message& incident) {
    open_.erase(dedup_key(incident));
}

}  // namespace revertd
