// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace revertd {

/// This process as the kernel sees it, in base units; NaN where it does not say.
struct ProcessStats {
    double cpu_seconds, resident_bytes, virtual_bytes, open_fds, max_fds, start_seconds, threads;
};

[[nodiscard]] ProcessStats read_process_stats();

}  // namespace revertd
