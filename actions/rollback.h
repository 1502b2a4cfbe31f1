// SPDX-License-Identifier: Apache-2.0
// From `rollback:` to steps: check when it is loaded, expand when it is needed.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "actions/spec.h"
#include "actions/step.h"
#include "core/result.h"

namespace revertd {

/// The six placeholders, and the number of the attempt for the environment.
struct Placeholders {
    std::string to, from, service, deploy, incident;
    std::string key;  ///< idempotency key, as it is
    int attempt = 1;
};

/// Everything that is wrong, with its place; expand() and observe_of() work on a spec without errors only.
[[nodiscard]] std::vector<Problem> check_rollback(const RollbackSpec& spec);

/// The same of `on_exhausted`, whose steps go to no version.
[[nodiscard]] std::vector<Problem> check_exhausted(const RollbackSpec& spec);

/// What the engine needs to know of recipes (S11, S12, S34): true where every entry can do it.
struct RollbackTraits {
    bool observes = false;
    bool settles = false;
    bool reports_progress = false;
};

[[nodiscard]] Result<RollbackTraits> traits_of(const RollbackSpec& spec);

/// How to ask what runs, for each entry: needs no target, so it can be asked before there is one.
[[nodiscard]] Result<std::vector<Entry>> observe_of(const RollbackSpec& spec, const std::string& service);

/// Refuses a value that is needed but empty, has control characters or invalid UTF-8, or would begin an argv element
/// with `-` where the configuration did not. The key of a plan of several steps is that of the step to be run.
[[nodiscard]] Result<Plan> expand(const RollbackSpec& spec, const Placeholders& values);

/// The first line of a probe command that ended with `exit`; an error is "no answer", never "nothing runs".
[[nodiscard]] Result<Observed> parse_observed(int exit, std::string_view output);

}  // namespace revertd
