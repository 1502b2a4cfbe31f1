// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "config/load.h"
#include "core/state.h"
#include "daemon/api/backend.h"

namespace revertd {

/// Writes the report of a guard when it closes, and of its incident again when that closes:
/// `dir`/<id>/report.{md,json}. Reports older than `keep` are removed; the journal keeps what they are made of.
class ReportStore {
  public:
    ReportStore(const Backend& backend, const ReportSettings& settings, const std::string& storage);

    void on_record(const Record& record, const State& state);

  private:
    void write(const std::string& id) const;
    void remove_old() const;

    const Backend& backend_;
    std::string dir_;
    Duration keep_;
};

}  // namespace revertd
