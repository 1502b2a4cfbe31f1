// SPDX-License-Identifier: Apache-2.0
// The configuration from text to validated plain structs, with everything that is wrong at once.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "actions/spec.h"
#include "config/diagnostic.h"
#include "core/notify_settings.h"
#include "core/result.h"
#include "core/settings.h"

namespace revertd {

struct ReportSettings {
    std::string dir = "reports";  ///< absolute, or below --storage.path
    Duration keep = 24h * 30;
};

struct Loaded {
    Settings settings;
    std::map<std::string, RollbackSpec> rollbacks;  ///< by service; those that have one
    std::map<std::string, RollbackSpec> exhausted;  ///< `on_exhausted`, by service; those that have it
    NotifySettings notify;
    ReportSettings report;
    double alpha = 0.001;  ///< share of healthy deploys that statistics may roll back; 0: off
};

struct LoadOptions {
    std::string credentials_directory;  ///< $CREDENTIALS_DIRECTORY; empty: not set
    /// The daemon: every file of a secret must be there. Otherwise (`check`) only a bare name is looked up, and only if
    /// the directory is set. No file is opened either way.
    bool require_credentials = false;
};

struct LoadResult {
    std::optional<Loaded> loaded;  ///< nothing when there is any error
    std::vector<Diagnostic> diagnostics;
};

/// Pure but for looking up credentials. `filename` is for the diagnostics only.
[[nodiscard]] LoadResult load(const std::string& text, const std::string& filename, const LoadOptions& options = {});

/// Reads the file, and `conf.d/*.yaml` beside it, once and loads what was read.
[[nodiscard]] LoadResult load_file(const std::string& path, const LoadOptions& options = {});

}  // namespace revertd
