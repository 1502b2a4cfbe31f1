// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/explain.h"

#include <array>
#include <charconv>

#include "daemon/ctl/text.h"

namespace revertd::ctl {
namespace {

constexpr std::size_t kNameColumns = 14;

std::string number(double value) {
    std::array<char, 32> buffer{};
    const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
    return error == std::errc() ? std::string(buffer.data(), end) : std::string();
}

std::string words(Mode mode) {
    if (mode == Mode::Observe) return "observe (judges and reports, never acts)";
    return mode == Mode::Recommend ? "recommend (everything asks)" : "enforce";
}

std::string words(DownPolicy down) {
    if (down == DownPolicy::Any) return "any target is down";
    return down == DownPolicy::Half ? "half of the targets are down" : "all targets are down";
}

std::string words(const RateLimit& limit) {
    return limit.count == 0 ? "off" : std::to_string(limit.count) + " per " + to_words(limit.per);
}

std::string words(const SeverityPolicy& policy) {
    std::string text = "page " + policy.page;
    if (policy.rollback == SeverityPolicy::Rollback::Never) return "never rolls back, " + text;
    if (policy.rollback == SeverityPolicy::Rollback::Now) return "rolls back now, " + text;
    text += ", asks " + (policy.anyone ? "anyone" : policy.by.empty() ? "root and the group revertd" : policy.by);
    if (policy.quorum > 1) text += " (" + std::to_string(policy.quorum) + " of them)";
    const auto* then = policy.no_answer == SeverityPolicy::NoAnswer::Escalate ? "escalates"
                       : policy.no_answer == SeverityPolicy::NoAnswer::Hold   ? "holds"
                                                                              : "rolls back";
    return "rolls back after approval, " + text + ", waits " + to_words(policy.wait) + ", then " + then;
}

class Page {
  public:
    void title(const std::string& text) { text_ += text + "\n"; }

    void line(const std::string& name, const std::string& value) {
        text_ += "  " + pad(name, kNameColumns) + " " + value + "\n";
    }

    [[nodiscard]] std::string take() { return std::move(text_); }

  private:
    std::string text_;
};

void times(Page& page, const ServiceSettings& service) {
    page.line("mode", words(service.mode));
    page.line("environment", service.environment);
    page.line("bake", to_words(service.bake));
    page.line("warmup", to_words(service.warmup));
    page.line("interval", to_words(service.interval));
    page.line("baseline", to_words(service.baseline));
    page.line("rollout", "within " + to_words(service.rollout));
    page.line("min_requests", number(service.min_requests));
    page.line("no_data", service.no_data == NoDataPolicy::Hold ? "hold" : "corroborated");
}

void sources(Page& page, const ServiceSettings& service) {
    for (const auto& target : service.health) {
        const auto timeout = target.timeout.value_or(std::min<Duration>(3s, service.interval * 8 / 10));
        page.line("health", target.url + " (timeout " + to_words(timeout) + ")");
    }
    if (!service.health.empty()) page.line("down", "when " + words(service.down));
    for (const auto& url : service.metrics) page.line("metrics", url);
    if (service.current) page.line("current", service.current->url.empty() ? "a command" : service.current->url);
}

void judging(Page& page, const ServiceSettings& service) {
    for (const auto& signal : service.signals) {
        page.line("signal",
                  signal.name + ": " + (signal.well_known ? "found by well-known metric names" : signal.text));
    }
    for (const auto& rule : service.rules) {
        if (rule.severity == Severity::None) continue;  // of the verification
        page.line(std::string(to_string(rule.severity)),
                  rule.text + (rule.from_default_guard ? " (default guard)" : ""));
    }
}

void acting(Page& page, const ServiceSettings& service) {
    for (const auto severity : {Severity::P0, Severity::P1, Severity::P2, Severity::P3}) {
        page.line("severity " + std::string(to_string(severity)), words(service.policy(severity)));
    }
    if (!service.has_rollback) page.line("rollback", "none: only reports");
    if (service.has_rollback) {
        page.line("rollback", service.observes ? "the platform is asked what runs before and after it"
                                               : "what runs cannot be asked: every action asks");
    }
    page.line("limits", words(service.limits.per_service) + ", " + std::to_string(service.limits.attempts) +
                            " attempts, cooldown " + to_words(service.limits.cooldown));
    const auto& verify = service.verify;
    const auto rule = verify.rule ? "not " + service.rules.at(*verify.rule).text : "the deciding rule is clear";
    page.line("verify", std::string(verify.health_up ? "health up, " : "") + rule + " for " +
                            to_words(verify.clear_for) + ", within " + to_words(verify.within));
}

void everywhere(Page& page, const Loaded& loaded) {
    page.title("for all services");
    page.line("limits", "overall " + words(loaded.settings.overall));
    std::string channels;
    if (loaded.notify.pagerduty) channels = "pagerduty";
    if (loaded.notify.webhook) channels += channels.empty() ? "webhook" : ", webhook";
    page.line("notify", channels.empty() ? "nobody" : channels);
    page.line("report", loaded.report.dir + ", kept " + to_words(loaded.report.keep));
}

}  // namespace

std::string explain(const Loaded& loaded) {
    Page page;
    for (const auto& [name, service] : loaded.settings.services) {
        page.title("service " + name);
        times(page, *service);
        sources(page, *service);
        judging(page, *service);
        acting(page, *service);
    }
    everywhere(page, loaded);
    return page.take();
}

}  // namespace revertd::ctl
