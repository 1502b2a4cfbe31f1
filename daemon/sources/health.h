// SPDX-License-Identifier: Apache-2.0
// What one health answer says about its target (S16): up, down, or that we are blind.
#pragma once
#include <string>

#include "core/judge.h"
#include "core/settings.h"
#include "daemon/sources/answer.h"

namespace revertd {

struct HealthFinding {
    Health health = Health::Unknown;
    /// No connection in time: the target or the network? Blind, but down if a target on another host answered in the
    /// same slot. See `in_slot`.
    bool connect_timeout = false;
    bool answered = false;  ///< an HTTP answer came (or, for tcp://, a connection was made)
    std::string reason;     ///< empty when up

    /// What it is once the slot's other answers are known.
    [[nodiscard]] Health in_slot(bool another_host_answered) const {
        return connect_timeout && another_host_answered ? Health::Down : health;
    }
};

/// For http:// and https:// targets.
[[nodiscard]] HealthFinding judge_health(const HealthTarget& target, const Answer& answer);

/// For tcp:// targets: the connection alone is the answer.
[[nodiscard]] HealthFinding judge_connect(FetchError error);

class HealthListener {
  public:
    HealthListener() = default;
    HealthListener(const HealthListener&) = delete;
    HealthListener& operator=(const HealthListener&) = delete;
    virtual ~HealthListener() = default;
    virtual void health(TargetIndex target, const HealthFinding& finding, Time at) = 0;
};

/// The receiving end of a health check's Fetch. The target must outlive it.
class HealthSink final : public AnswerSink {
  public:
    HealthSink(TargetIndex index, const HealthTarget& target, HealthListener& listener)
        : AnswerSink(!target.json.empty()), index_(index), target_(target), listener_(listener) {}

  private:
    void answered(const Answer& answer, Time at) override {
        const bool tcp = target_.url.starts_with("tcp://");
        listener_.health(index_, tcp ? judge_connect(answer.error) : judge_health(target_, answer), at);
    }

    TargetIndex index_;
    const HealthTarget& target_;
    HealthListener& listener_;
};

}  // namespace revertd
