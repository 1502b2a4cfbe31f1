// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace revertd {

/// Gives back what starting took and running does not need: free heap, and mapped pages of code and constants. Those
/// stay in the page cache, and what is needed again is mapped again at its first use, for less than a microsecond.
void release_startup_memory();

}  // namespace revertd
