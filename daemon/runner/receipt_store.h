// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "daemon/runner/fd.h"
#include "daemon/runner/protocol.h"

namespace revertd::runner {

struct StoredReceipt {
    std::optional<StartRecord> start;  ///< none: torn, the runner died while writing it
    std::optional<Receipt> end;        ///< none: running, or the runner died meanwhile
};

/// One file per key, named by its SHA-256, created exclusively: whoever comes second is refused, in this life of the
/// runner or any later one (S33). The first line is written and synced before the step starts, the second when it ends.
/// Receipts are small and actions are rare: none is ever removed.
class ReceiptStore {
  public:
    explicit ReceiptStore(std::string directory) : directory_(std::move(directory)) {}

    /// `Conflict`: there is one already.
    [[nodiscard]] Result<Fd> claim(const std::string& key) const;

    /// File and directory are on disk when it returns.
    [[nodiscard]] Result<void> write_start(const Fd& file, const StartRecord& record) const;

    /// Only for a claim whose step was not started.
    void withdraw(const std::string& key) const;

    [[nodiscard]] Result<void> write_end(const std::string& key, const Receipt& receipt) const;

    /// `NotFound`: nothing was ever claimed.
    [[nodiscard]] Result<StoredReceipt> read(const std::string& key) const;

    /// The key with the highest number_of(): an outside witness of how far the journal has come. Empty: none.
    [[nodiscard]] std::string newest() const;

    /// Those of a former life without an end.
    [[nodiscard]] std::vector<StartRecord> unfinished() const;

  private:
    void for_each(const std::function<void(StoredReceipt)>& visit) const;
    [[nodiscard]] std::string path_of(const std::string& key) const;

    std::string directory_;
};

}  // namespace revertd::runner
