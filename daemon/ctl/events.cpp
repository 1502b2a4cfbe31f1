// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/events.h"

namespace revertd::ctl {
namespace {

constexpr std::size_t kMaxEventBytes = 1U << 20U;

}  // namespace

bool EventReader::feed(std::string_view bytes, const std::function<void(const Event&)>& on_event) {
    while (!bytes.empty()) {
        const auto end = bytes.find('\n');
        line_ += bytes.substr(0, end);
        if (line_.size() + event_.data.size() > kMaxEventBytes) return false;
        if (end == std::string_view::npos) return true;
        bytes.remove_prefix(end + 1);
        take_line(on_event);
        line_.clear();
    }
    return true;
}

void EventReader::restart() {
    line_.clear();
    event_.data.clear();
}

void EventReader::take_line(const std::function<void(const Event&)>& on_event) {
    if (line_.ends_with('\r')) line_.pop_back();
    if (line_.empty()) {
        if (!event_.data.empty()) on_event(event_);
        event_.data.clear();
        return;
    }
    const auto colon = line_.find(':');
    const auto field = line_.substr(0, colon);
    auto value = colon == std::string::npos ? std::string() : line_.substr(colon + 1);
    if (value.starts_with(' ')) value.erase(0, 1);
    if (field == "id") event_.id = value;
    if (field != "data") return;
    if (!event_.data.empty()) event_.data += '\n';
    event_.data += value;
}

}  // namespace revertd::ctl
