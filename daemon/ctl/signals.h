// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>

#include "daemon/ctl/session.h"

namespace revertd::ctl {

/// Waits on a signalfd: no handler, and no signal is lost between a check and a wait.
class SignalPace : public Pace {
  public:
    SignalPace();
    ~SignalPace() override;
    void hold_signals() override;
    [[nodiscard]] bool interrupted_within(Duration duration) override;
    void hold_keys() override;
    void release_keys() override;
    [[nodiscard]] std::optional<char> key_within(Duration duration) override;

  private:
    struct Terminal;

    int descriptor_ = -1;
    std::unique_ptr<Terminal> terminal_;  // as it was before keys were held
};

}  // namespace revertd::ctl
