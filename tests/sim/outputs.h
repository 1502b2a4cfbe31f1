// SPDX-License-Identifier: Apache-2.0
// What leaves the engine, as the daemon would write it: the chain of the journal (I13), and no secret in it (I16).
#pragma once
#include <string>
#include <vector>

#include "core/event.h"
#include "core/record.h"
#include "core/state.h"
#include "daemon/journal/chain.h"

namespace revertd::sim {

/// Stands wherever a secret stands in the configuration of the simulator. Secrets in files are never in the core's
/// hands, so there are none of them here.
constexpr const char* kCanary = "CANARY";

/// Words, if the text holds a secret.
[[nodiscard]] std::string without_secret(const std::string& text, const std::string& where);

class ChainedJournal {
  public:
    ChainedJournal();

    /// A record is durable: it becomes an entry as the daemon writes it. Words, if it holds a secret.
    [[nodiscard]] std::string note(const Record& record);

    /// Words, if these are not the records that were noted, in their order, or an entry does not give its record back.
    [[nodiscard]] std::string verify(const std::vector<Record>& durable) const;

  private:
    journal::Tail genesis_, tail_;
    std::vector<journal::Link> links_;
};

}  // namespace revertd::sim
