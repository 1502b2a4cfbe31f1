// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <span>
#include <vector>

#include "detectors/certificate.h"
#include "detectors/counts.h"
#include "detectors/history.h"

namespace revertd::detect::oracle {

/// Random numbers that are the same on every machine.
class Numbers {
  public:
    /// Uniform between the bounds.
    double next(double low, double high) {
        state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
        return low + (high - low) * static_cast<double>(state_ >> 11) * 0x1p-53;
    }

    double whole(double low, double high) { return static_cast<double>(static_cast<long>(next(low, high))); }

    bool chance(double share) { return next(0, 1) < share; }

    /// Near enough to a standard normal one.
    double normal() {
        double sum = -6;
        for (int i = 0; i < 12; ++i) sum += next(0, 1);
        return sum;
    }

    /// As many of `requests`.
    double hits(double requests, double share) {
        const double mean = requests * share;
        double count = 0;
        for (double product = next(0, 1), least = std::exp(-std::min(mean, 600.0)); product > least; ++count)
            product *= next(0, 1);
        return std::min(count, requests);
    }

  private:
    std::uint64_t state_ = 42;
};

/// One line of JSON: a name, what goes in, what comes out.
class Row {
  public:
    explicit Row(const char* name) { std::printf("{\"name\": \"%s\"", name); }

    ~Row() { std::printf("}\n"); }

    Row(const Row&) = delete;
    Row& operator=(const Row&) = delete;

    Row& put(const char* key, double value) {
        std::printf(", \"%s\": ", key);
        number(value);
        return *this;
    }

    Row& put(const char* key, std::span<const double> values) {
        std::printf(", \"%s\": ", key);
        list(values);
        return *this;
    }

    Row& put(const char* key, const std::vector<std::vector<double>>& rows) {
        std::printf(", \"%s\": [", key);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            if (i > 0) std::printf(", ");
            list(rows[i]);
        }
        std::printf("]");
        return *this;
    }

    Row& put(const DeployShape& shape) {
        put("bake", shape.bake).put("interval", shape.interval).put("control", shape.control ? 1 : 0);
        put("control_kind", static_cast<double>(shape.control_kind)).put("alpha", shape.alpha);
        return put("quantile", shape.quantile).put("edges", shape.edges);
    }

    /// Every tick: at, requests, errors, then the buckets.
    Row& put(const History& history) {
        std::vector<std::vector<double>> ticks;
        for (std::size_t i = 0; i < history.size(); ++i) {
            const auto& tick = history.tick(i);
            ticks.push_back({tick.at, tick.all.requests, tick.all.errors});
            const auto buckets = history.buckets(i);
            ticks.back().insert(ticks.back().end(), buckets.begin(), buckets.end());
        }
        return put("before", ticks);
    }

    /// What is excluded, and with which evidence: the logarithm of the odds at which the bound would be another.
    Row& put(const Certificate& certificate) {
        const double bound = certificate.upper(0.001);
        double low = 0, high = 600;
        for (int i = 0; i < 60 && std::isfinite(bound); ++i) {
            const double middle = (low + high) / 2;
            (certificate.upper(std::exp(-middle)) <= bound * (1 + 1e-9) ? low : high) = middle;
        }
        return put("bound", bound).put("evidence_of_bound", low);
    }

  private:
    static void number(double value) {
        if (std::isnan(value))
            std::printf("NaN");
        else if (std::isinf(value))
            std::printf(value > 0 ? "Infinity" : "-Infinity");
        else
            std::printf("%.17g", value);
    }

    static void list(std::span<const double> values) {
        std::printf("[");
        for (std::size_t i = 0; i < values.size(); ++i) {
            if (i > 0) std::printf(", ");
            number(values[i]);
        }
        std::printf("]");
    }
};

// What oracle_..._test.py asks for, a section each.
void formulas();
void latencies();
void errors();
void levels();
void deploys();
void incidents();
void places();
void powers();
void rules();

}  // namespace revertd::detect::oracle
