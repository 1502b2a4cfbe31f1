// SPDX-License-Identifier: Apache-2.0
#include "core/judge_targets.h"

#include <string_view>
#include <vector>

namespace revertd {
namespace {

/// "host:port" of a URL.
std::string_view authority_of(std::string_view url) {
    if (const auto scheme = url.find("://"); scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
    url = url.substr(0, url.find_first_of("/?#"));
    if (const auto user = url.rfind('@'); user != std::string_view::npos) url.remove_prefix(user + 1);
    return url;
}

std::string_view host_of(std::string_view url) {
    const std::string_view authority = authority_of(url);
    const auto colon = authority.rfind(':');
    const bool inside_ipv6 = colon != std::string_view::npos && authority.find(']', colon) != std::string_view::npos;
    return inside_ipv6 ? authority : authority.substr(0, colon);
}

}  // namespace

std::optional<std::size_t> own_health(const ServiceSettings& settings, std::size_t metrics_target) {
    const std::string_view metrics = settings.metrics[metrics_target];
    std::vector<std::size_t> on_host;
    for (std::size_t target = 0; target < settings.health.size(); ++target) {
        const std::string_view health = settings.health[target].url;
        if (authority_of(health) == authority_of(metrics)) return target;
        if (host_of(health) == host_of(metrics)) on_host.push_back(target);
    }
    if (on_host.size() == 1) return on_host.front();
    const bool in_order = settings.health.size() == settings.metrics.size();
    for (const std::size_t target : on_host)
        if (in_order && target == metrics_target) return target;
    return std::nullopt;
}

}  // namespace revertd
