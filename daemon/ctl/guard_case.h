// SPDX-License-Identifier: Apache-2.0
// A case of the judge stream as the deploy of a guarded service: through the Judge that the daemon runs, with the
// service's signals and rules, in the time of the stream. What is decided is what its severities say.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/judge.h"
#include "daemon/ctl/stream_case.h"

namespace revertd::ctl {

/// A service whose signals are those of the stream. A ratio has its requests and errors, a quantile its histogram, a
/// gauge the gauge of its name (`memory` is `mem`), a rate called `requests` or `traffic` its requests. Bake, interval
/// and the time before the deploy are the case's. Health is up: a stream has none. What the service may do (its mode,
/// rollback, limits, people) is left out.
class GuardedService {
  public:
    explicit GuardedService(const ServiceSettings& settings);

    /// Signals that rules name and no stream has; their rules are left out.
    [[nodiscard]] const std::vector<std::string>& without_data() const { return without_data_; }

    struct Feed {
        enum class Kind : std::uint8_t { Nothing, Counts, Buckets, Requests, Gauge };
        Kind kind = Kind::Nothing;
        std::string gauge;
    };

    /// For one case; `feeds` is what each signal is given.
    [[nodiscard]] std::shared_ptr<const ServiceSettings> settings(const JudgeLine& header,
                                                                  std::vector<Feed>& feeds) const;

  private:
    ServiceSettings alone_, beside_;  ///< without a control group, and with one
    std::vector<std::string> without_data_;
};

class GuardCase final : public StreamCase {
  public:
    static Result<std::unique_ptr<StreamCase>> open(const JudgeLine& header, const GuardedService& service);

    Result<std::optional<CaseVerdict>> sample(const JudgeLine& line) override;
    CaseVerdict end(double t) override;

  private:
    GuardCase(const JudgeLine& header, const CaseForm& form, std::shared_ptr<const ServiceSettings> settings,
              std::vector<GuardedService::Feed> feeds);

    /// One scraped target: the series that it has shown.
    struct Target {
        bool answered = false;                         ///< in the slot that is open
        double last = 0;                               ///< sample
        std::vector<SeriesId> requests, errors;        ///< by signal
        std::vector<std::vector<SeriesId>> buckets;    ///< by signal, then edge
        std::vector<std::vector<SeriesId>> endpoints;  ///< by signal, then endpoint: requests, errors
        std::vector<SeriesId> gauges;
    };

    [[nodiscard]] Time time_of(double at) const;
    void begin();
    void scrape(TargetIndex index, const JudgeLine& line, double at);
    void give(std::vector<SeriesId>& ids, TargetIndex target, std::uint32_t signal, bool bad, double value);
    void give_endpoints(TargetIndex target, std::uint32_t signal, const JudgeLine& line);
    void give_buckets(TargetIndex target, std::uint32_t signal, const JudgeLine& line);
    [[nodiscard]] bool all_answered() const;
    std::optional<CaseVerdict> close();
    [[nodiscard]] std::optional<CaseVerdict> decide(const JudgeReport& report);
    [[nodiscard]] bool ends_early(double excluded) const;
    [[nodiscard]] CaseVerdict passed(double t) const;

    double deploy_, bake_, interval_;
    CaseForm form_;
    std::vector<double> edges_;  ///< seconds, the last one infinite
    std::shared_ptr<const ServiceSettings> settings_;
    std::vector<GuardedService::Feed> feeds_;
    Judge judge_;
    std::vector<Target> targets_;
    std::vector<SeriesValue> values_;
    std::optional<std::int64_t> slot_;  ///< that is open
    std::int64_t closed_;               ///< the last one that is not
    double newest_ = 0;                 ///< sample of the slot
    bool baking_ = false;
    std::optional<CaseVerdict> held_;  ///< a rule that neither acts nor asks has held
};

}  // namespace revertd::ctl
