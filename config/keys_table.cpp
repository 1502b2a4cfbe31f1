// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "config/keys.h"

namespace revertd::config {

namespace {

using T = ScalarType;

constexpr std::string_view kNotYetPrometheus = "Prometheus queries";
constexpr std::string_view kNotYetStatistics = "statistical detectors";
constexpr std::string_view kNotYetChannels = "more channels";
constexpr std::string_view kNotYetHours = "hours and freezes";
constexpr std::string_view kNotYetLadder = "the ladder of people";
constexpr std::string_view kNotYetFollowUp = "follow-up work";
constexpr std::string_view kNotYetTcp = "access over TCP";

constexpr std::array kKeys{
    Key{"defaults", kMap, T::None, "", "", "any key of a service, for all services", "", "services.*"},
    Key{"services", kMap, T::None, "", "", "what is guarded, by name"},
    Key{"services.*", kMap, T::None, "", "", "one service"},
    Key{"services.*.health", kScalar | kMap | kList | kOff, T::Url, "http|https|tcp", "",
        "where the service says that it is up"},
    Key{"services.*.health.url", kScalar, T::Url, "http|https|tcp", "", "health endpoint"},
    Key{"services.*.health.tcp", kScalar, T::Text, "", "", "host:port that must accept a connection"},
    Key{"services.*.health.expect_status", kScalar, T::Statuses, "", "200-399", "statuses that mean up"},
    Key{"services.*.health.json", kMap, T::None, "", "", "JSON pointers (with *) and the value that each must have"},
    Key{"services.*.health.json.*", kScalar, T::Value, "", "", "the value that means up"},
    Key{"services.*.health.down", kScalar, T::Choice, "any|half|all", "half", "how many targets must be down"},
    Key{"services.*.health.timeout", kScalar, T::Period, "1ms..1m", "",
        "at most 0.8 of the interval and 3 s by default"},
    Key{"services.*.health.every", kScalar, T::Period, "100ms..1h", "", "as `interval`; others are not built yet"},
    Key{"services.*.metrics", kScalar | kList | kOff, T::Url, "http|https", "", "scraped directly, one URL a target"},
    Key{"services.*.prometheus", kScalar | kMap | kFree, T::Text, "", "", "a Prometheus-compatible HTTP API",
        kNotYetPrometheus},
    Key{"services.*.current", kScalar | kMap | kList | kOff, T::Url, "http|https", "",
        "where the running version is read: a change opens a guard"},
    Key{"services.*.current.http", kScalar, T::Url, "http|https", "", "URL whose answer names the version"},
    Key{"services.*.current.json", kScalar, T::Text, "", "", "JSON pointer to the version"},
    Key{"services.*.current[]", kScalar, T::Text, "", "", "one argument of the command"},
    Key{"services.*.owner", kScalar | kOff, T::Name, "", "", "who owns it; carried in pages and reports"},
    Key{"services.*.environment", kScalar, T::Name, "", "production", "carried in pages and reports"},
    Key{"services.*.runbook", kScalar | kOff, T::Url, "http|https", "", "a link for the person who is paged"},
    Key{"services.*.class", kScalar | kOff, T::Choice, "availability|correctness|performance", "", "kind of impact"},
    Key{"services.*.signals", kMap | kOff, T::None, "", "", "what is measured, by name"},
    Key{"services.*.signals.*", kScalar | kOff, T::Sentence, "", "", "ratio(), quantile(), a selector, or a rate"},
    Key{"services.*.compare", kMap | kFree, T::None, "", "", "control group", "the control group"},
    Key{"services.*.guard", kScalar | kMap | kList | kOff, T::Sentence, "", "", "what is dangerous, by severity"},
    Key{"services.*.guard[]", kScalar | kMap, T::Sentence, "", "", "a rule"},
    Key{"services.*.guard[].rule", kScalar, T::Sentence, "", "", "a rule"},
    Key{"services.*.guard[].do", kScalar | kList, T::Text, "", "", "names of the steps that it permits"},
    Key{"services.*.guard[].any|all|2 of|3 of", kList | kFree, T::None, "", "", "combined rules",
        "combinations of rules"},
    Key{"services.*.guard.P0|P1|P2|P3", kScalar | kMap | kList | kOff, T::Sentence, "", "", "rules of this severity",
        "", "services.*.guard[]"},
    Key{"services.*.guard.P0|P1|P2|P3[]", kScalar | kMap, T::Sentence, "", "", "a rule", "", "services.*.guard[]"},
    Key{"services.*.guard.anomaly", kScalar, T::Choice, "P0|P1|P2|P3", "P1", "severity of the statistical detectors",
        kNotYetStatistics},
    Key{"services.*.rollback", kScalar | kMap | kList | kOff | kFree, T::Text, "", "", "how it is undone"},
    Key{"services.*.migrations", kMap | kFree, T::None, "", "", "what undoes the database", "migrations"},
    Key{"services.*.verify", kMap, T::None, "", "", "when a rollback has helped"},
    Key{"services.*.verify.within", kScalar, T::Period, "100ms..1d", "20m", "time for the service to recover"},
    Key{"services.*.verify.for", kScalar, T::Period, "0s..1d", "5m", "how long it must be well"},
    Key{"services.*.verify.health", kScalar | kOff, T::Choice, "up", "up", "health must be up"},
    Key{"services.*.verify.*", kScalar, T::Sentence, "", "", "what a signal must satisfy: `< 1% for 5m`"},
    Key{"services.*.on_exhausted", kMap | kList | kFree, T::None, "", "", "steps after the second failed attempt",
        "steps after the last attempt"},
    Key{"services.*.steady", kScalar, T::Choice, "page", "off", "judge outside guards, too", "steady judging"},
    Key{"services.*.bake", kScalar, T::Period, "100ms..7d", "15m", "how long a deploy is watched"},
    Key{"services.*.warmup", kScalar | kOff, T::Period, "0s..1d", "60s", "when only health and P0 rules count"},
    Key{"services.*.interval", kScalar, T::Period, "100ms..1h", "5s", "how often everything is asked"},
    Key{"services.*.baseline", kScalar, T::Period, "1s..30d", "1h", "time before the deploy that rules compare with"},
    Key{"services.*.min_requests", kScalar | kOff, T::Number, "0..1000000000", "100", "fewer give no verdict"},
    Key{"services.*.rollout", kScalar, T::Period, "1s..1d", "30m",
        "longest time until the new version runs everywhere"},
    Key{"services.*.no_data", kScalar, T::Choice, "hold|corroborated", "hold", "what vanished metrics mean"},
    Key{"services.*.mode", kScalar, T::Choice, "observe|recommend|enforce", "enforce", "report, ask, or act"},
    Key{"services.*.severity", kMap, T::None, "", "", "the matrix, for this service", "", "severity"},
    Key{"services.*.limits", kMap, T::None, "", "", "the limits, for this service", "", "limits"},
    Key{"services.*.http", kMap | kFree, T::None, "", "", "TLS, proxy, headers", "options of the HTTP client"},
    Key{"services.*.escalate", kList | kFree, T::None, "", "", "people in order", kNotYetLadder},
    Key{"services.*.freeze", kList | kFree, T::None, "", "", "hours without deploys", kNotYetHours},
    Key{"services.*.ask_only", kList | kFree, T::None, "", "", "hours in which everything asks", kNotYetHours},
    Key{"services.*.notify", kMap | kFree, T::None, "", "", "channels of this service", "routes"},
    Key{"alpha", kScalar, T::Number, "0..0.5", "0.001", "share of healthy deploys that statistics may roll back",
        kNotYetStatistics},
    Key{"severity", kMap, T::None, "", "", "what happens at which severity"},
    Key{"severity.P0|P1|P2|P3", kMap, T::None, "", "", "one row of the matrix"},
    Key{"severity.P0|P1|P2|P3.rollback", kScalar, T::Choice, "now|after approval|never", "", "act, ask, or only tell"},
    Key{"severity.P0|P1|P2|P3.page", kScalar | kOff, T::Choice, "critical|error|warning|info|none", "",
        "urgency of the page"},
    Key{"severity.P0|P1|P2|P3.by", kScalar, T::Name, "", "", "role that may approve; `anyone`: the deployer, too"},
    Key{"severity.P0|P1|P2|P3.quorum", kScalar, T::Count, "1..1", "1",
        "approvals needed; more than one is not built yet"},
    Key{"severity.P0|P1|P2|P3.wait", kScalar, T::Period, "100ms..7d", "10m", "how long an approval is waited for"},
    Key{"severity.P0|P1|P2|P3.no_answer", kScalar, T::Choice, "escalate|hold|rollback", "escalate", "what then"},
    Key{"severity.P0|P1|P2|P3.sla", kScalar, T::Period, "", "", "time to restore", kNotYetFollowUp},
    Key{"severity.P0|P1|P2|P3.review", kScalar, T::Period, "", "", "when a review is due", kNotYetFollowUp},
    Key{"severity.P0|P1|P2|P3.assess", kScalar, T::Period, "", "", "when an assessment is due", kNotYetFollowUp},
    Key{"severity.P0|P1|P2|P3.issue", kScalar, T::Choice, "true", "", "opens an issue", kNotYetFollowUp},
    Key{"limits", kMap, T::None, "", "", "how often revertd may act"},
    Key{"limits.per_service", kScalar | kOff, T::Rate, "", "1 per 6h", "incidents acted on, each service"},
    Key{"limits.overall", kScalar | kOff, T::Rate, "", "3 per 1h", "incidents acted on, all services"},
    Key{"limits.attempts", kScalar, T::Count, "1..2", "2", "attempts of one incident"},
    Key{"limits.cooldown", kScalar | kOff, T::Period, "0s..30d", "30m",
        "pause before the next incident acts by itself"},
    Key{"limits.storm", kScalar, T::Percent, "0..100", "30%", "share of services at which all hold",
        "holding in a storm"},
    Key{"freeze", kList | kFree, T::None, "", "", "hours without deploys", kNotYetHours},
    Key{"ask_only", kList | kFree, T::None, "", "", "hours in which everything asks", kNotYetHours},
    Key{"people", kMap | kOff, T::None, "", "", "who may approve, by role"},
    Key{"people.*", kScalar | kList | kMap, T::Member, "", "",
        "members of the role: users, @groups, or described people"},
    Key{"people.*.name", kScalar, T::Name, "", "", "a person"},
    Key{"people.*.uid", kScalar, T::Count, "0..4294967294", "", "the user id on this host"},
    Key{"people.*.token_sha256", kScalar, T::Text, "", "", "a token for TCP", kNotYetTcp},
    Key{"people.*.cert_subject", kScalar, T::Text, "", "", "a client certificate for TCP", kNotYetTcp},
    Key{"people.*.slack", kScalar, T::Text, "", "", "id in Slack", kNotYetChannels},
    Key{"people.*.mail", kScalar, T::Text, "", "", "address", kNotYetChannels},
    Key{"people.*.hours", kScalar | kList | kFree, T::Text, "", "", "when to reach them", kNotYetHours},
    Key{"agents", kList | kOff, T::None, "", "", "users that may name the deployer by --by"},
    Key{"agents[]", kScalar, T::Name, "", "", "a user"},
    Key{"escalate", kList | kFree, T::None, "", "", "people in order", kNotYetLadder},
    Key{"notify", kMap | kOff, T::None, "", "", "who is told, and how"},
    Key{"notify.pagerduty", kMap | kOff, T::None, "", "", "PagerDuty, Events API v2"},
    Key{"notify.pagerduty.routing_key_file", kScalar, T::Secret, "", "", "file with the integration key"},
    Key{"notify.pagerduty.url", kScalar, T::Url, "http|https", "https://events.pagerduty.com/v2/enqueue",
        "another region, or a receiver of your own"},
    Key{"notify.webhook", kScalar | kMap | kOff, T::Url, "http|https", "", "every page as JSON by POST"},
    Key{"notify.webhook.url", kScalar, T::Url, "http|https", "", "where to"},
    Key{"notify.webhook.headers", kMap, T::None, "", "", "more header lines; no secrets"},
    Key{"notify.webhook.headers.*", kScalar, T::Text, "", "", "value"},
    Key{"notify.webhook.secret_file", kScalar, T::Secret, "", "", "file with the key that signs the body"},
    Key{"notify.slack|github|statuspage|email|alertmanager|opsgenie|exec", kScalar | kMap | kList | kFree, T::Text, "",
        "", "another channel", kNotYetChannels},
    Key{"http", kMap | kFree, T::None, "", "", "TLS, proxy, headers", "options of the HTTP client"},
    Key{"coordinate", kMap | kFree, T::None, "", "", "several daemons", "coordination of daemons"},
    Key{"report", kMap, T::None, "", "", "reports of incidents"},
    Key{"report.dir", kScalar, T::Text, "", "reports", "absolute, or below --storage.path"},
    Key{"report.keep", kScalar, T::Period, "1h..3650d", "30d", "how long they are kept"},
};

}  // namespace

std::span<const Key> all_keys() {
    return kKeys;
}

std::string_view fallback_of(std::string_view path) {
    const auto row = std::find_if(kKeys.begin(), kKeys.end(), [&](const Key& key) { return key.path == path; });
    return row == kKeys.end() ? std::string_view{} : row->fallback;
}

}  // namespace revertd::config
