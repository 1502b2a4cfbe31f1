// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

/// A web service's text exposition whose counters are functions of time, so that no target needs a state of its own.
namespace bench {

/// The sums over http_requests_total as they were written.
struct Totals {
    std::int64_t requests = 0;
    std::int64_t errors = 0;
};

class Exposition {
  public:
    /// About `series` series: 17 for each handler (a histogram of 14 and three codes), gauges for the rest.
    explicit Exposition(unsigned series) {
        const unsigned handlers = series < 2 * kPerHandler ? 1 : (series - kGauges) / kPerHandler;
        for (const char* name : {"app_queue_depth", "app_workers", "app_pool_in_use", "process_open_fds"}) gauge(name);
        for (unsigned i = kGauges + handlers * kPerHandler; i < series; ++i) {
            gauge("go_memstats_gauge_" + std::to_string(i) + "_bytes");
        }
        add_latency(handlers);
        add_requests(handlers);
    }

    /// Writes the exposition `uptime` seconds after the start, all requests of the last `failing` seconds having
    /// failed.
    Totals render(std::string& out, double uptime, double failing) const {
        out.clear();
        Totals totals;
        char number[32];
        for (const Line& line : lines_) {
            const double failed = kFault * failing + kBackground * (uptime - failing);
            const double seconds = line.kind == Kind::Errors   ? failed
                                   : line.kind == Kind::Served ? uptime - failed
                                                               : uptime;
            const auto value = static_cast<std::int64_t>(line.rate * seconds);
            if (line.kind == Kind::Errors) totals.errors += value;
            if (line.kind == Kind::Errors || line.kind == Kind::Served) totals.requests += value;
            out += line.text;
            *std::to_chars(number, number + sizeof number - 1, value).ptr = '\0';
            out.append(number).push_back('\n');
        }
        return totals;
    }

  private:
    enum class Kind { Served, Errors, Other };

    struct Line {
        std::string text;
        Kind kind;
        double rate;  // per second
    };

    static constexpr unsigned kGauges = 4;
    static constexpr unsigned kPerHandler = 17;
    static constexpr double kRate = 1000;         // requests per second of a whole target
    static constexpr double kFault = 0.5;         // of them fail with the fault
    static constexpr double kBackground = 0.001;  // of them fail without any fault

    void gauge(const std::string& name) {
        lines_.push_back(
            {"# HELP " + name + " A gauge.\n# TYPE " + name + " gauge\n" + name + ' ', Kind::Other, 1719.5});
    }

    void add_latency(unsigned handlers) {
        std::string family =
            "# HELP http_request_duration_seconds Request latency.\n"
            "# TYPE http_request_duration_seconds histogram\n";
        const double rate = kRate / handlers;
        for (unsigned h = 0; h < handlers; ++h) {
            const std::string labels = "{handler=\"/api/v1/resource" + std::to_string(h) + "\",method=\"GET\"";
            for (const char* le :
                 {"0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"}) {
                const double share = 1 - std::exp(-std::strtod(le, nullptr) / 0.04);
                const std::string series = "http_request_duration_seconds_bucket" + labels + ",le=\"" + le + "\"} ";
                lines_.push_back({family + series, Kind::Other, rate * share});
                family.clear();
            }
            lines_.push_back({"http_request_duration_seconds_sum" + labels + "} ", Kind::Other, rate * 0.04});
            lines_.push_back({"http_request_duration_seconds_count" + labels + "} ", Kind::Other, rate});
        }
    }

    void add_requests(unsigned handlers) {
        std::string family = "# HELP http_requests_total Requests served.\n# TYPE http_requests_total counter\n";
        const double rate = kRate / handlers;
        for (unsigned h = 0; h < handlers; ++h) {
            const std::string labels = ",handler=\"/api/v1/resource" + std::to_string(h) + "\",method=\"GET\"} ";
            lines_.push_back({family + "http_requests_total{code=\"200\"" + labels, Kind::Served, rate * 0.98});
            lines_.push_back({"http_requests_total{code=\"404\"" + labels, Kind::Served, rate * 0.02});
            lines_.push_back({"http_requests_total{code=\"500\"" + labels, Kind::Errors, rate});
            family.clear();
        }
    }

    std::vector<Line> lines_;
};

}  // namespace bench
