// SPDX-License-Identifier: Apache-2.0
// What the configuration means to the Judge and the Engine: plain validated structs, filled by config/.
#pragma once
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/hours.h"
#include "core/http_settings.h"
#include "core/rule.h"
#include "core/verdict.h"

namespace revertd {

/// From the tightest to the loosest; a reload applies at once only what tightens (S41).
enum class Mode : std::uint8_t { Observe, Recommend, Enforce };

/// `corroborated`: vanished metrics count when health fails too.
enum class NoDataPolicy : std::uint8_t { Hold, Corroborated };

/// How many targets must be down before the service is (S16).
enum class DownPolicy : std::uint8_t { Any, Half, All };

/// `/checks/*/status: ok`: every value that the pointer reaches must equal `expected` (case-insensitive).
struct JsonMatcher {
    std::string pointer;
    std::string expected;
};

struct HealthTarget {
    std::string url;  ///< http://, https:// or tcp://host:port
    int status_from = 200, status_to = 399;
    std::vector<JsonMatcher> json;
    std::optional<Duration> timeout;  ///< default: 0.8 of the interval, at most 3 s
    std::optional<Duration> every;    ///< longer than the interval; in between the last answer counts
};

/// A Prometheus-compatible HTTP API: Prometheus, Thanos, Mimir, VictoriaMetrics.
struct PrometheusSettings {
    std::string url;                          ///< what stands before /api/v1/query
    std::optional<Duration> timeout;          ///< of a query, told to the server; default: what the slot leaves
    std::optional<Duration> lookback_delta;   ///< told to the server only if written: not every one knows it
    std::optional<Duration> scrape_interval;  ///< of the server; default: read off the samples
    HttpSettings http;
    Duration delay{};  ///< queries ask for so long ago (servers that hide the newest samples)

    [[nodiscard]] bool operator==(const PrometheusSettings&) const = default;
};

/// Where a running version is read: an http answer (a JSON pointer into it, or its first line) or a command's first
/// line.
struct VersionProbe {
    std::string url;
    std::string json;               ///< JSON pointer; empty: the first line of the body
    std::vector<std::string> argv;  ///< a command instead of a URL
};

/// S4: another place that says which version is good: a release list, a tag, an audit table.
struct ResolverSettings {
    std::string name;
    VersionProbe probe;
};

struct SeverityPolicy {
    enum class Rollback : std::uint8_t { Now, AfterApproval, Never };
    enum class NoAnswer : std::uint8_t { Escalate, Hold, Rollback };

    Rollback rollback = Rollback::Never;
    std::string page = "none";  ///< critical | error | warning | info | none
    std::string by;             ///< role that may approve; empty: root and the group revertd
    int quorum = 1;
    bool anyone = false;  ///< `by: anyone`: the deployer may approve too
    Duration wait = 10min;
    NoAnswer no_answer = NoAnswer::Escalate;

    // What is promised to people; zero: nothing is.
    Duration sla{};      ///< to be restored in; missed, it is said
    Duration assess{};   ///< somebody has looked at it by then
    Duration review{};   ///< after its end; a date in page and report
    Duration updates{};  ///< between repeated pages, until it is closed
    bool issue = false;  ///< opens an issue where a channel can

    [[nodiscard]] bool operator==(const SeverityPolicy&) const = default;
};

using SeverityMatrix = std::array<SeverityPolicy, 4>;

/// One rung of the ladder of people: a role or a person, or an address of mail; and how long they have (S30).
struct Rung {
    std::string to;    ///< `oncall`, `mail cto@example.com`
    Duration after{};  ///< until the next rung; zero on the last
};

struct RateLimit {
    int count = 0;  ///< 0: no limit
    Duration per{};
};

struct Limits {
    RateLimit per_service{1, 6h};
    RateLimit overall{3, 1h};
    int attempts = 2;           ///< of one incident: never more than two (S34)
    Duration cooldown = 30min;  ///< no second incident of a service acts by itself so soon after one
};

struct VerifySettings {
    Duration within = 20min;
    Duration clear_for = 5min;
    bool health_up = true;
    /// `errors: < 1% for 5m` turned round (`errors >= 1%`): index into ServiceSettings::rules, where its severity is
    /// None. Without it the deciding rule must be clear.
    std::optional<std::uint32_t> rule;
};

/// What services have in common is shared among them: a thousand matrices of severities are one. Never null but
/// `prometheus`, which then is not asked.
struct ServiceSettings {
    std::string name;
    std::string owner, environment = "production", runbook, impact_class;
    Mode mode = Mode::Enforce;
    Duration bake = 15min, warmup = 60s, interval = 5s, baseline = 1h, rollout = 30min;
    double min_requests = 100;
    /// `bake: { at least, until excluded, at most }`: `bake` is the end that is fixed (S11); from `bake_at_least` on it
    /// ends as soon as more than `until_excluded` times of before is excluded. 0: it never ends earlier.
    Duration bake_at_least{};
    double until_excluded = 0;
    NoDataPolicy no_data = NoDataPolicy::Hold;
    bool steady = false;  ///< rules page outside of guards, too (S14)

    std::vector<HealthTarget> health;
    DownPolicy down = DownPolicy::Half;
    std::vector<std::string> metrics;         ///< URLs scraped directly, one a target
    std::optional<std::size_t> control_from;  ///< `metrics` from here on are the control group's
    std::shared_ptr<const PrometheusSettings> prometheus;
    std::vector<Matcher> prometheus_selector;  ///< which of the server's series are the service's: for well-known names
    std::shared_ptr<const HttpSettings> http = std::make_shared<const HttpSettings>();  ///< of health and metrics
    std::optional<VersionProbe> current;
    std::vector<ResolverSettings> resolvers;  ///< in order, after the ledger

    std::vector<Signal> signals;
    std::vector<Rule> rules;  ///< in the order written, P0 first
    std::shared_ptr<const SeverityMatrix> severity = std::make_shared<const SeverityMatrix>();
    Limits limits;
    VerifySettings verify;
    std::vector<Rung> ladder;
    std::vector<Hours> freeze;    ///< hours without deploys: `gate` says 4; never restrains a rollback
    std::vector<Hours> ask_only;  ///< hours in which `now` becomes `after approval`

    // What the rollback recipe can do, so that the Engine need not know recipes.
    bool has_rollback = false;
    bool has_exhausted = false;     ///< there are steps after the last failed attempt (S34)
    bool observes = false;          ///< the platform can be asked what runs (S12)
    bool settles = false;           ///< its answer says whether the rollout is complete (S11)
    bool reports_progress = false;  ///< it can say "nothing in progress" (S34)

    [[nodiscard]] const SeverityPolicy& policy(Severity s) const { return severity->at(static_cast<std::size_t>(s)); }
};

/// A member of a role: a local user, the members of a Unix group (`@group`), or a described person.
struct Person {
    std::string name;
    std::string group;  ///< without the @; then `name` is empty
    std::optional<std::uint32_t> uid;
};

struct Settings {
    std::string hash;  ///< SHA-256 of the whole text, hex: what a guard pins (S41)
    std::map<std::string, std::shared_ptr<const ServiceSettings>> services;
    std::map<std::string, std::vector<Person>> people;  ///< by role
    std::vector<std::string> agents;                    ///< may name the deployer by `--by`
    RateLimit overall{3, 1h};

    [[nodiscard]] std::shared_ptr<const ServiceSettings> find(const std::string& service) const {
        const auto it = services.find(service);
        return it == services.end() ? nullptr : it->second;
    }
};

}  // namespace revertd
