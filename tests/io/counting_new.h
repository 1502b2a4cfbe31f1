// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>

namespace revertd::test {

/// Heap allocations of this thread since its start; the whole test program counts.
[[nodiscard]] std::size_t allocations();

}  // namespace revertd::test
