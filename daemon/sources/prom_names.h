// SPDX-License-Identifier: Apache-2.0
// What a service's requests and latencies are called on a Prometheus, when the configuration does not name them: one
// query asks for all names of core/well_known.h at once.
#pragma once
#include <string>
#include <variant>
#include <vector>

#include "core/rule.h"
#include "daemon/sources/prom_answer.h"

namespace revertd {

/// How many series each of the well-known names has, of those that `selector` lets through.
[[nodiscard]] std::string names_query(const std::vector<Matcher>& selector);

struct NamesWanted {
    std::string service;           ///< what a label of the series should say, if the configuration says nothing
    bool selected = false;         ///< the configuration says which series are the service's
    bool alone_on_server = false;  ///< no other service looks for names there
};

/// The signal under the first name that is there, in the order of the table; or words that say why there is none.
///
/// Which series are the service's, a server does not know. They are those that the configuration selects; else those
/// with a label that names the service (`job`, `app`, …); else, if this service is the only one that looks for names
/// there and there is but one job with any, those of that job. Never more: another service's errors would roll this one
/// back. What stands between services (an ingress, a mesh) is taken by a label only.
[[nodiscard]] std::variant<Signal, std::string> named(const Signal& signal, const PromAnswer& answer,
                                                      const NamesWanted& wanted);

}  // namespace revertd
