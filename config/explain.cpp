// SPDX-License-Identifier: Apache-2.0
#include "config/explain.h"

#include <algorithm>
#include <sstream>

#include "actions/rollback.h"
#include "config/policy_reader.h"
#include "config/promql_text.h"
#include "core/well_known.h"

namespace revertd {

namespace {

std::string mark(bool is_default) {
    return is_default ? " (default)" : "";
}

std::string joined(const std::vector<std::string>& words, const std::string& between = ", ") {
    std::string out;
    for (const std::string& word : words) out += (out.empty() ? "" : between) + word;
    return out;
}

std::string to_text(double value) {
    std::ostringstream out;
    out << value;
    return out.str();
}

std::string to_text(const RateLimit& limit) {
    return limit.count == 0 ? "off" : std::to_string(limit.count) + " per " + to_words(limit.per);
}

std::string to_text(const std::vector<Matcher>& matchers) {
    std::vector<std::string> words;
    for (const Matcher& matcher : matchers)
        words.push_back(matcher.label + config::promql::sign_of(matcher.op) + config::promql::quoted(matcher.value));
    return joined(words);
}

std::string of_all_series(Signal::Aggregate aggregate) {
    switch (aggregate) {
        case Signal::Aggregate::Single:
            return "one series a target";
        case Signal::Aggregate::Sum:
            return "the sum of all";
        case Signal::Aggregate::Max:
            return "the largest of all";
        case Signal::Aggregate::Min:
            return "the smallest of all";
        case Signal::Aggregate::Avg:
            return "the average of all";
    }
    return {};
}

std::string well_known_words(const Signal& signal) {
    std::vector<std::string> names;
    if (signal.starts) {
        for (const std::string_view known : well_known_starts()) names.emplace_back(known);
        return "each later time of " + joined(names) +
               " is a restart; where a page has none, its counters that begin anew";
    }
    if (signal.limit) {
        for (const WellKnownShare& known : well_known_shares())
            if (known.signal == signal.name)
                names.push_back(std::string(known.metric) + " / " + std::string(known.limit));
        return "the first that a scrape has of: " + joined(names);
    }
    if (signal.kind == Signal::Kind::Ratio)
        for (const WellKnownRequests& known : well_known_requests())
            names.push_back(std::string(known.metric) + "{" + std::string(known.label) + "=~\"" +
                            std::string(known.bad) + "\"}");
    else
        for (const WellKnownLatency& known : well_known_latencies()) names.emplace_back(known.histogram);
    if (signal.source == Signal::Source::Scrape) return "the first that a scrape has of: " + joined(names);
    const std::string where = signal.selector.matchers.empty()
                                  ? "with a label (job, service, app, ...) that names the service"
                                  : "with " + to_text(signal.selector.matchers);
    return "the first that the server has, " + where + ", of: " + joined(names);
}

std::string resolved(const Signal& signal) {
    if (signal.well_known) return well_known_words(signal);
    const std::string all = signal.selector.metric +
                            (signal.selector.matchers.empty() ? "" : "{" + to_text(signal.selector.matchers) + "}");
    const std::string unit = signal.unit == Unit::Seconds ? ", in seconds"
                             : signal.unit == Unit::Ratio ? ", a ratio"
                                                          : "";
    switch (signal.kind) {
        case Signal::Kind::Ratio:
            return "increase of " + all + " with " + to_text(signal.bad) + " / increase of all of them" + unit;
        case Signal::Kind::Quantile:
            return to_text(signal.quantile) + " quantile of the increase of " + signal.selector.metric +
                   "_bucket, summed by le" + unit;
        case Signal::Kind::Rate:
            return "increase of " + all + " a second, summed" + unit;
        case Signal::Kind::Gauge:
            return "last value of " + all + ", " + of_all_series(signal.aggregate) + unit;
    }
    return {};
}

std::string queried_words(const Signal& signal) {
    if (!signal.promql.empty())
        return signal.unit == Unit::Ratio     ? "a query, a ratio"
               : signal.unit == Unit::Seconds ? "a query, in seconds"
                                              : "a query";
    if (signal.kind == Signal::Kind::Ratio) return "rate of the bad / rate of all, by one query";
    return to_text(signal.quantile) + " quantile of the rates of all buckets, interpolated as histogram_quantile does";
}

/// The window of S20.
Duration window_of(const Rule& rule, const ServiceSettings& service) {
    if (rule.over) return *rule.over;
    return std::max<Duration>(service.interval, std::min<Duration>(rule.hold / 4, 1min));
}

class Explainer {
  public:
    explicit Explainer(const Loaded& loaded) : loaded_(loaded) {}

    std::string all() {
        for (const auto& [name, settings] : loaded_.settings.services) service(*settings);
        notify();
        people();
        out_ << "report: " << loaded_.report.dir << ", kept " << to_words(loaded_.report.keep) << "\n";
        return out_.str();
    }

  private:
    void service(const ServiceSettings& service) {
        out_ << service.name << "\n";
        general(service);
        sources(service);
        signals(service);
        rules(service);
        rollback(service);
        policy(service);
        out_ << "\n";
    }

    template <class Value>
    void line(const std::string& name, const Value& value, bool is_default) {
        out_ << "  " << name << ": " << value << mark(is_default) << "\n";
    }

    void line(const std::string& name, Duration value, Duration fallback) {
        line(name, to_words(value), value == fallback);
    }

    void general(const ServiceSettings& service) {
        const ServiceSettings fallback;
        static constexpr std::array<const char*, 3> kModes{"observe", "recommend", "enforce"};
        line("mode", kModes.at(static_cast<std::size_t>(service.mode)), service.mode == fallback.mode);
        line("environment", service.environment, service.environment == fallback.environment);
        if (!service.owner.empty()) line("owner", service.owner, false);
        line("bake", service.bake, fallback.bake);
        if (service.until_excluded > 0) {
            line("bake: at least", service.bake_at_least, Duration{});
            line("bake: until excluded", to_text(service.until_excluded) + "x", false);
        }
        line("warmup", service.warmup, fallback.warmup);
        line("interval", service.interval, fallback.interval);
        line("baseline", service.baseline, fallback.baseline);
        line("rollout", service.rollout, fallback.rollout);
        line("min_requests", to_text(service.min_requests), service.min_requests == fallback.min_requests);
        line("no_data", service.no_data == NoDataPolicy::Hold ? "hold" : "corroborated",
             service.no_data == fallback.no_data);
    }

    void sources(const ServiceSettings& service) {
        static constexpr std::array<const char*, 3> kDown{"any", "half", "all"};
        for (const HealthTarget& target : service.health) {
            out_ << "  health: " << target.url;
            if (!target.url.starts_with("tcp://")) out_ << ", up is " << target.status_from << "-" << target.status_to;
            for (const JsonMatcher& matcher : target.json) out_ << ", " << matcher.pointer << ": " << matcher.expected;
            const Duration timeout = target.timeout.value_or(std::min<Duration>(service.interval * 4 / 5, 3s));
            out_ << ", within " << to_words(timeout) << mark(!target.timeout) << "\n";
        }
        if (!service.health.empty())
            line("down", kDown.at(static_cast<std::size_t>(service.down)), service.down == DownPolicy::Half);
        for (const std::string& url : service.metrics) out_ << "  metrics: " << url << "\n";
        if (service.prometheus) prometheus(*service.prometheus);
        if (service.current) out_ << "  current: " << probe(*service.current) << ": a change opens a guard\n";
    }

    void prometheus(const PrometheusSettings& server) {
        out_ << "  prometheus: " << server.url;
        if (server.timeout) out_ << ", timeout " << to_words(*server.timeout);
        if (server.lookback_delta) out_ << ", lookback_delta " << to_words(*server.lookback_delta);
        if (server.delay > Duration::zero()) out_ << ", asked for " << to_words(server.delay) << " ago";
        out_ << ", scrape interval "
             << (server.scrape_interval ? to_words(*server.scrape_interval) : "read off the samples (default)") << "\n";
    }

    /// The query, its window as at a scrape interval of 15 s where that is not written.
    static std::string query(const Signal& signal, const ServiceSettings& service) {
        const Duration scrape = service.prometheus ? service.prometheus->scrape_interval.value_or(15s) : 15s;
        const std::string text =
            config::promql::query_of(signal, config::promql::rate_window(service.interval, scrape));
        const bool assumed = signal.promql.empty() && service.prometheus && !service.prometheus->scrape_interval;
        return text + (assumed ? "   [window: as at a scrape interval of 15s]" : "");
    }

    /// Asked beside it while a deploy is watched. Which of the well-known labels there is shows when one begins.
    static std::string endpoints_query(const Signal& signal, const ServiceSettings& service) {
        const auto labels = config::promql::endpoint_labels(signal);
        const Duration scrape = service.prometheus ? service.prometheus->scrape_interval.value_or(15s) : 15s;
        const std::string text =
            config::promql::endpoints_of(signal, labels.front(), config::promql::rate_window(service.interval, scrape));
        return text + (labels.size() > 1 ? "   [by endpoint: the first of the labels " + joined(labels, ", ") +
                                               " that its series have]"
                                         : "   [by endpoint]");
    }

    static std::string starts_query(const Signal& signal, const ServiceSettings& service) {
        const Duration scrape = service.prometheus ? service.prometheus->scrape_interval.value_or(15s) : 15s;
        return config::promql::starts_of(signal, config::promql::rate_window(service.interval, scrape)) +
               "   [instances that begin anew]";
    }

    static std::string probe(const VersionProbe& probe) {
        if (!probe.argv.empty()) return joined(probe.argv, " ");
        return probe.url + (probe.json.empty() ? "" : " at " + probe.json);
    }

    void signals(const ServiceSettings& service) {
        if (!service.signals.empty()) out_ << "  signals:\n";
        for (std::uint32_t i = 0; i < service.signals.size(); ++i) {
            const Signal& signal = service.signals[i];
            const bool queried = signal.source == Signal::Source::Prometheus;
            const bool asked = queried && !signal.well_known;
            out_ << "    " << signal.name << ": " << (asked ? queried_words(signal) : resolved(signal)) << "\n";
            if (!asked) continue;
            out_ << "      " << query(signal, service) << "\n";
            if (config::promql::tests_endpoints(service, i))
                out_ << "      " << endpoints_query(signal, service) << "\n";
            if (config::promql::tests_starts(service, i)) out_ << "      " << starts_query(signal, service) << "\n";
        }
    }

    void rules(const ServiceSettings& service) {
        const bool is_default = !service.rules.empty() && service.rules.front().from_default_guard &&
                                service.rules.front().kind != Rule::Kind::Detector;
        out_ << "  guard:" << (service.rules.empty() ? " off" : mark(is_default)) << "\n";
        for (const Rule& rule : service.rules) {
            if (rule.severity == Severity::None) continue;
            out_ << "    " << to_string(rule.severity) << "  " << rule.text;
            const bool windowed =
                rule.kind == Rule::Kind::Threshold && service.signals[rule.signal].kind != Signal::Kind::Gauge;
            if (windowed) out_ << "   [over " << to_words(window_of(rule, service)) << "]";
            if (rule.confirmed_by)
                out_ << "   [where `" << service.rules[*rule.confirmed_by].text << "` agrees or cannot say]";
            if (!rule.steps.empty()) out_ << "   [permits " << joined(rule.steps) << "]";
            out_ << "\n";
        }
        if (service.steady) out_ << "  steady: page (judged outside of deploys, too; never acts)\n";
    }

    void rollback(const ServiceSettings& service) {
        const auto spec = loaded_.rollbacks.find(service.name);
        if (spec == loaded_.rollbacks.end()) {
            out_ << "  rollback: off\n";
            return;
        }
        out_ << "  rollback:" << (service.observes ? "" : " (nothing says what runs: every action asks)") << "\n";
        steps(spec->second, service);
        const auto last = loaded_.exhausted.find(service.name);
        if (last != loaded_.exhausted.end()) {
            out_ << "  on_exhausted:\n";
            steps(last->second, service);
        }
        for (const ResolverSettings& resolver : service.resolvers)
            out_ << "  resolver " << resolver.name << ": " << probe(resolver.probe) << "\n";
    }

    void steps(const RollbackSpec& spec, const ServiceSettings& service) {
        const auto plan = expand(spec, {"{to}", "{from}", service.name, "{deploy}", "{incident}", "{key}", 1});
        if (!plan) {
            out_ << "    " << plan.error().message << "\n";
            return;
        }
        int number = 0;
        for (const Step& step : plan->steps)
            out_ << "    " << ++number << ". " << step.name << ": " << call(step) << " [" << to_words(step.deadline)
                 << "]\n";
    }

    static std::string call(const Step& step) {
        if (const auto* exec = std::get_if<ExecCall>(&step.call)) return joined(exec->argv, " ");
        const auto& http = std::get<HttpCall>(step.call);
        return http.method + " " + http.url + (http.body.empty() ? "" : " " + http.body);
    }

    void policy(const ServiceSettings& service) {
        out_ << "  severity:\n";
        for (const Severity severity : {Severity::P0, Severity::P1, Severity::P2, Severity::P3})
            out_ << "    " << to_string(severity) << "  " << words(service, severity) << "\n";
        hours(service);
        const VerifySettings& verify = service.verify;
        out_ << "  verify: " << (verify.health_up ? "health up and " : "")
             << (verify.rule ? "not " + service.rules[*verify.rule].text : "the deciding rule clear") << " for "
             << to_words(verify.clear_for) << ", within " << to_words(verify.within) << "\n";
        const Limits& limits = service.limits;
        out_ << "  limits: per_service " << to_text(limits.per_service) << ", overall " << to_text(limits.overall)
             << ", attempts " << limits.attempts << ", cooldown " << to_words(limits.cooldown) << "\n";
    }

    static std::string words(const ServiceSettings& service, Severity severity) {
        static constexpr std::array<const char*, 3> kAnswers{"escalate", "hold", "roll back"};
        const SeverityPolicy& policy = service.policy(severity);
        const std::string page = ", page " + policy.page + promises(policy);
        const bool can_act = service.has_rollback && service.mode != Mode::Observe;
        if (policy.rollback == SeverityPolicy::Rollback::Never || !can_act) return "no rollback" + page;
        const bool now =
            policy.rollback == SeverityPolicy::Rollback::Now && service.mode == Mode::Enforce && service.observes;
        if (now && severity != Severity::P1) return "rollback now" + page;
        const std::string who = policy.by.empty() ? "root and the group revertd" : policy.by;
        return (now ? "rollback now; what asks all the same, " : "rollback after approval ") + ("by " + who) +
               (policy.anyone ? ", the deployer included" : "") + ", waits " + to_words(policy.wait) +
               ", then: " + kAnswers.at(static_cast<std::size_t>(policy.no_answer)) + page;
    }

    void notify() {
        out_ << "notify:" << (loaded_.notify.empty() ? " nobody" : "") << "\n";
        if (const auto& pagerduty = loaded_.notify.pagerduty)
            out_ << "  pagerduty: " << pagerduty->url << ", key in " << place(pagerduty->routing_key) << "\n";
        if (const auto& webhook = loaded_.notify.webhook)
            out_ << "  webhook: " << webhook->url << (webhook->secret ? ", signed with " + place(*webhook->secret) : "")
                 << "\n";
        more_channels(loaded_.notify);
        for (const auto& [first, second] : loaded_.notify.fallback)
            out_ << "  when " << first << " fails for " << to_words(loaded_.notify.fallback_after) << ": " << second
                 << "\n";
    }

    void more_channels(const NotifySettings& notify) {
        if (const auto& slack = notify.slack)
            out_ << "  slack: "
                 << (slack->webhook_url ? "the webhook in " + place(*slack->webhook_url)
                                        : slack->channel + ", token in " + place(*slack->token))
                 << "\n";
        if (const auto& email = notify.email)
            out_ << "  email: " << email->server << " from " << email->from << " to "
                 << (email->to.empty() ? "people of the ladder only" : joined(email->to)) << "\n";
        if (const auto& alertmanager = notify.alertmanager)
            out_ << "  alertmanager: " << joined(alertmanager->urls) << "\n";
        if (const auto& opsgenie = notify.opsgenie)
            out_ << "  opsgenie: " << opsgenie->url << ", key in " << place(opsgenie->key) << "\n";
        if (const auto& github = notify.github)
            out_ << "  github: issues of " << github->repo << ", token in " << place(github->token) << "\n";
        if (const auto& statuspage = notify.statuspage)
            out_ << "  statuspage: " << statuspage->page << ", P0 and P1 in public\n";
        if (const auto& exec = notify.exec)
            out_ << "  exec: " << joined(exec->argv, " ") << " [" << to_words(exec->timeout) << "]\n";
    }

    void hours(const ServiceSettings& service) {
        for (const Hours& hours : service.freeze) out_ << "  freeze: " << hours.text << "\n";
        for (const Hours& hours : service.ask_only) out_ << "  ask_only: " << hours.text << "\n";
        if (service.ladder.empty()) return;
        out_ << "  escalate: ";
        for (const Rung& rung : service.ladder)
            out_ << rung.to << (rung.after > Duration{} ? ", after " + to_words(rung.after) + " " : "\n");
        const auto route = loaded_.notify.routes.find(service.name);
        if (route != loaded_.notify.routes.end())
            out_ << "  notify: " << (route->second.empty() ? "nobody" : joined(route->second)) << "\n";
    }

    static std::string promises(const SeverityPolicy& policy) {
        std::string out;
        const auto add = [&out](const char* name, Duration value) {
            if (value > Duration{}) out += std::string(", ") + name + " " + to_words(value);
        };
        add("sla", policy.sla), add("assess within", policy.assess), add("updates every", policy.updates);
        add("review within", policy.review);
        return out + (policy.issue ? ", issue" : "");
    }

    static std::string place(const SecretFile& file) {
        return file.name.starts_with('/') ? file.name : "the credential " + file.name;
    }

    void people() {
        for (const auto& [role, members] : loaded_.settings.people) {
            std::vector<std::string> names;
            for (const Person& person : members)
                names.push_back(person.group.empty() ? person.name : "@" + person.group);
            out_ << "role " << role << ": " << joined(names) << "\n";
        }
        if (loaded_.settings.people.empty())
            out_ << "people: root and the members of the group revertd may approve, the deployer included (default)\n";
        if (!loaded_.settings.agents.empty()) out_ << "agents: " << joined(loaded_.settings.agents) << "\n";
    }

    const Loaded& loaded_;
    std::ostringstream out_;
};

}  // namespace

std::string explain(const Loaded& loaded) {
    return Explainer(loaded).all();
}

}  // namespace revertd
