// SPDX-License-Identifier: Apache-2.0
// `http`: the http_config of the Prometheus family.
#pragma once
#include "config/load.h"
#include "config/reader.h"
#include "core/http_settings.h"

namespace revertd::config {

/// What is written goes over what `out` holds already, key by key; `off` forgets all of it.
void read_http(const Node& node, const LoadOptions& options, HttpSettings& out, Diagnostics& diagnostics);

}  // namespace revertd::config
