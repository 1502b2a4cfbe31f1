// SPDX-License-Identifier: Apache-2.0
#include "daemon/api/event_stream.h"

#include <algorithm>

#include "daemon/api/json_text.h"

namespace revertd::api {
namespace {

std::string to_text(const StreamEvent& event) {
    JsonText data;
    data.open_object();
    data.put_text("id", std::to_string(event.id));
    data.put_time("at", event.at);
    data.put_text("type", event.type);
    data.put_text("service", event.service);
    data.put_text("deployment", event.deployment);
    data.put_text("incident", event.incident);
    data.put_text("words", event.words);
    if (event.exit_code) data.put_count("exit_code", event.exit_code);
    data.close_object();
    return "id: " + std::to_string(event.id) + "\nevent: " + event.type + "\ndata: " + data.take() + "\n\n";
}

}  // namespace

EventStream::EventStream(std::string service, std::optional<std::uint64_t> after)
    : service_(std::move(service)), after_(after) {}

EventStream::~EventStream() {
    if (backend_ != nullptr) backend_->unsubscribe(subscription_);
}

void EventStream::open(Backend& backend, std::size_t most_live, std::function<void()> wake) {
    backend_ = &backend;
    most_live_ = most_live;
    if (after_)
        for (StreamEvent& event : backend.events_after(*after_))
            if (wanted(event)) queue_.push_back(std::move(event));
    subscription_ = backend.subscribe([this, wake = std::move(wake)](const StreamEvent& event) {
        if (!wanted(event) || has_fallen_behind()) return;
        queue_.push_back(event);
        ++live_;
        wake();
    });
}

void EventStream::take(std::string& out, std::size_t bytes) {
    while (!queue_.empty() && out.size() < bytes) {
        out += to_text(queue_.front());
        queue_.pop_front();
    }
    live_ = std::min(live_, queue_.size());
}

}  // namespace revertd::api
