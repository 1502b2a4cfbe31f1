// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "daemon/options.h"

namespace revertd {

/// Runs the daemon until SIGTERM or SIGINT. Exit codes: 0; 1 runtime failure; 2 configuration; 75 another instance
/// holds the state; 78 the journal needs a person.
int run_daemon(const Options& options);

}  // namespace revertd
