// SPDX-License-Identifier: Apache-2.0
#include "daemon/shell/metrics_text.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <cmath>
#include <limits>
#include <utility>

#include "core/well_known.h"
#include "daemon/shell/process_stats.h"

namespace revertd {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

double unix_seconds(WallTime at) {
    return seconds(at.time_since_epoch());
}

constexpr std::size_t kChunk = 256;  // metrics that stand in memory as objects, which are ten times their text

/// The families in the order in which they are begun; written piece by piece.
class Page {
  public:
    void begin(const char* name, const char* help, MetricType type) {
        flush();
        family_.name = name;
        family_.help = help;
        family_.type = type;
        has_head_ = false;
    }

    void put(Labels labels, double value) {
        ClientMetric metric;
        metric.label = std::move(labels);
        (family_.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
        add(std::move(metric));
    }

    void put(Labels labels, std::uint64_t count) { put(std::move(labels), static_cast<double>(count)); }

    void gauge(const char* name, const char* help, double value) { single(name, help, MetricType::Gauge, value); }

    void counter(const char* name, const char* help, double value) { single(name, help, MetricType::Counter, value); }

    void histogram(const char* name, const char* help, const Histogram& of) {
        begin(name, help, MetricType::Histogram);
        ClientMetric metric;
        std::uint64_t below = 0;
        for (std::size_t i = 0; i < of.counts().size(); ++i) {
            below += of.counts()[i];
            const double bound = i < of.bounds().size() ? of.bounds()[i] : std::numeric_limits<double>::infinity();
            metric.histogram.bucket.push_back({below, bound});
        }
        metric.histogram.sample_count = below;
        metric.histogram.sample_sum = of.sum();
        add(std::move(metric));
    }

    [[nodiscard]] std::string take() {
        flush();
        return std::move(text_);
    }

  private:
    void single(const char* name, const char* help, MetricType type, double value) {
        if (std::isnan(value)) return;  // unknown is absent, never a number
        begin(name, help, type);
        put({}, value);
    }

    void add(ClientMetric metric) {
        family_.metric.push_back(std::move(metric));
        if (family_.metric.size() >= kChunk) flush();
    }

    /// HELP and TYPE stand once; a family without a metric says nothing but its name, and is left out.
    void flush() {
        if (family_.metric.empty()) return;
        const std::string lines = prometheus::TextSerializer().Serialize({family_});
        const auto head_end = lines.find('\n', lines.find('\n') + 1) + 1;
        text_.append(lines, std::exchange(has_head_, true) ? head_end : 0);
        family_.metric.clear();
    }

    MetricFamily family_;
    bool has_head_ = false;
    std::string text_;
};

void add_daemon(Page& page, const Meters& meters) {
    page.begin("revertd_build_info", "The version that runs; always 1.", MetricType::Gauge);
    page.put({{"version", REVERTD_VERSION}, {"revision", REVERTD_REVISION}, {"compiler", __VERSION__}}, 1.0);
    page.gauge("revertd_config_last_reload_successful", "Whether the last reload of the configuration was accepted.",
               meters.last_reload_done ? 1 : 0);
    page.gauge("revertd_config_last_reload_success_timestamp_seconds",
               "When the configuration that is in effect was read.", unix_seconds(meters.last_reload));
    page.gauge("revertd_heartbeat_timestamp_seconds", "When the daemon last made progress; compare it with time().",
               unix_seconds(meters.last_beat));
    page.histogram("revertd_loop_lag_seconds", "How late the latest timer of the loop was, once a second.",
                   meters.lags);
    page.histogram("revertd_journal_fsync_seconds", "How long a commit of the journal took, its syncs included.",
                   meters.commits);
}

void add_guards(Page& page, const Engine& engine) {
    const Settings* settings = engine.settings();
    if (settings == nullptr) return;
    page.begin("revertd_guards_active", "Open guards of a service.", MetricType::Gauge);
    for (const auto& [name, unused] : settings->services) {
        const ServiceState* service = engine.state().service(name);
        const bool newest = service != nullptr && !service->guard.empty();
        const bool older = service != nullptr && !service->older.empty();
        page.put({{"service", name}}, static_cast<double>(newest) + static_cast<double>(older));
    }
    std::map<std::string, double> waiting;
    for (const auto& [id, incident] : engine.state().incidents)
        if (incident.state == IncidentState::AwaitingApproval) waiting[incident.service] += 1;
    page.begin("revertd_approvals_pending", "Rollbacks of a service that wait for a person's answer.",
               MetricType::Gauge);
    for (const auto& [name, unused] : settings->services) {
        const auto found = waiting.find(name);
        page.put({{"service", name}}, found == waiting.end() ? 0.0 : found->second);
    }
    page.begin("revertd_ready_to_rollback",
               "Whether a rollback could be done right now; `revertctl status` says why not.", MetricType::Gauge);
    for (const auto& [name, unused] : settings->services)
        page.put({{"service", name}}, engine.why_not_ready(name).empty() ? 1.0 : 0.0);
}

void add_deploys(Page& page, const Meters& meters) {
    page.begin("revertd_deploys_total", "Guards that have ended, by how.", MetricType::Counter);
    for (const auto& [name, service] : meters.services())
        for (const auto& [outcome, count] : service.deploys) page.put({{"service", name}, {"outcome", outcome}}, count);
    page.begin("revertd_rollbacks_total", "Rollbacks that were begun; a second attempt is the same one.",
               MetricType::Counter);
    for (const auto& [name, service] : meters.services())
        for (const auto& [how, count] : service.rollbacks)
            page.put({{"service", name}, {"severity", std::string(to_string(how.first))}, {"mode", how.second}}, count);
    page.begin("revertd_rollbacks_failed_total", "Steps of rollbacks that are known to have failed.",
               MetricType::Counter);
    for (const auto& [name, service] : meters.services())
        for (const auto& [step, count] : service.failed_steps) page.put({{"service", name}, {"step", step}}, count);
    page.histogram(
        "revertd_reaction_seconds",
        "From the sample that decided until the first step was handed to the runner, where nobody was asked.",
        meters.reactions);
    page.histogram("revertd_rollback_duration_seconds", "From the first step until the platform showed the target.",
                   meters.rollbacks);
    page.histogram("revertd_approval_wait_seconds", "From the question until it was approved.", meters.approval_waits);
}

/// Two rules may be the same sentence: one series then.
using Evaluations = std::map<std::string, std::array<std::uint64_t, kVerdicts>>;

Evaluations evaluations_of(const MetricsInput::Watched& watched) {
    Evaluations sums;
    for (std::size_t i = 0; i < watched.counts.rules.size(); ++i) {
        const Rule& rule = watched.settings.rules[i];
        if (rule.severity == Severity::None || is_rollout_rule(rule)) continue;
        const bool known = is_of_signal(rule) && rule.signal < watched.counts.signals.size() &&
                           rule.signal < watched.settings.signals.size();
        const bool of_process = known && is_of_process(watched.settings.signals[rule.signal]);
        if (of_process && watched.counts.signals[rule.signal] == Time{}) continue;  // its page does not tell of it
        auto& sum = sums[rule.text];
        for (std::size_t verdict = 0; verdict < kVerdicts; ++verdict) sum[verdict] += watched.counts.rules[i][verdict];
    }
    return sums;
}

/// Ok and breach always, so that a rate has a beginning; the others from their first time on: most never happen.
void put_evaluations(Page& page, const MetricsInput::Watched& watched) {
    for (const auto& [rule, counts] : evaluations_of(watched)) {
        for (std::size_t i = 0; i < kVerdicts; ++i) {
            const auto verdict = static_cast<Verdict>(i);
            if (counts[i] == 0 && verdict != Verdict::Ok && verdict != Verdict::Breach) continue;
            page.put({{"service", watched.service}, {"rule", rule}, {"verdict", std::string(to_string(verdict))}},
                     counts[i]);
        }
    }
}

void put_signals(Page& page, const MetricsInput::Watched& watched) {
    for (std::size_t i = 0; i < watched.counts.signals.size(); ++i) {
        const Time at = watched.counts.signals[i];
        if (at == Time{}) continue;  // never seen: no time is a lie
        page.put({{"service", watched.service}, {"signal", watched.settings.signals[i].name}},
                 unix_seconds(watched.epoch + at.time_since_epoch()));
    }
}

void add_judging(Page& page, const MetricsInput& input) {
    page.begin("revertd_evaluations_total", "Evaluations of a rule, by what they said.", MetricType::Counter);
    input.each_watched([&](const MetricsInput::Watched& watched) { put_evaluations(page, watched); });
    page.begin("revertd_signal_last_success_timestamp_seconds", "When a signal could last be seen.", MetricType::Gauge);
    input.each_watched([&](const MetricsInput::Watched& watched) { put_signals(page, watched); });
    page.histogram("revertd_scrape_duration_seconds",
                   "From the question to the end of the answer of a /metrics target.", input.meters.scrapes);
    page.counter("revertd_scrape_bytes_total", "Bytes of the bodies of /metrics targets.",
                 static_cast<double>(input.scrape_bytes));
}

void add_notifications(Page& page, const MetricsInput& input) {
    page.begin("revertd_notifications_total", "Tries to deliver a page.", MetricType::Counter);
    for (const auto& [channel, counts] : input.notifications) {
        std::uint64_t all = counts.delivered;
        for (const auto& [reason, count] : counts.failed) all += count;
        page.put({{"integration", channel}}, all);
    }
    page.begin("revertd_notifications_failed_total", "Tries to deliver a page that failed, by why.",
               MetricType::Counter);
    for (const auto& [channel, counts] : input.notifications)
        for (const auto& [reason, count] : counts.failed)
            page.put({{"integration", channel}, {"reason", reason}}, count);
}

void add_process(Page& page) {
    const ProcessStats stats = read_process_stats();
    page.counter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", stats.cpu_seconds);
    page.gauge("process_resident_memory_bytes", "Resident memory size in bytes.", stats.resident_bytes);
    page.gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", stats.virtual_bytes);
    page.gauge("process_open_fds", "Number of open file descriptors.", stats.open_fds);
    page.gauge("process_max_fds", "Maximum number of open file descriptors.", stats.max_fds);
    page.gauge("process_threads", "Number of threads.", stats.threads);
    page.gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.",
               stats.start_seconds);
}

}  // namespace

std::string metrics_text(const MetricsInput& input) {
    Page page;
    add_daemon(page, input.meters);
    add_guards(page, input.engine);
    add_deploys(page, input.meters);
    add_judging(page, input);
    add_notifications(page, input);
    add_process(page);
    return page.take();
}

}  // namespace revertd
