// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "daemon/ctl/session.h"

namespace revertd::ctl {

/// Waits on a signalfd: no handler, and no signal is lost between a check and a wait.
class SignalPace : public Pace {
  public:
    ~SignalPace() override;
    void hold_signals() override;
    [[nodiscard]] bool interrupted_within(Duration duration) override;

  private:
    int descriptor_ = -1;
};

}  // namespace revertd::ctl
