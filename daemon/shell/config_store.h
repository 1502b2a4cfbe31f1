// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "config/load.h"
#include "core/planner.h"

namespace revertd {

/// Every configuration that is in use: the current one, and those that open guards have pinned (S41), which are read
/// again from the journal after a restart. Expands recipes for the Engine.
class ConfigStore final : public Planner {
  public:
    /// The whole text of a configuration by its hash.
    using TextOf = std::function<Result<std::string>(const std::string& hash)>;

    explicit ConfigStore(TextOf text_of) : text_of_(std::move(text_of)) {}

    void set_current(std::shared_ptr<const Loaded> loaded);

    [[nodiscard]] const std::shared_ptr<const Loaded>& current() const { return current_; }

    /// Null if neither memory nor journal has it, or it is not valid any more.
    [[nodiscard]] std::shared_ptr<const Loaded> find(const std::string& hash) const;
    [[nodiscard]] std::shared_ptr<const ServiceSettings> pinned(const std::string& hash,
                                                                const std::string& service) const;
    [[nodiscard]] const RollbackSpec* rollback(const std::string& hash, const std::string& service) const;

    /// The steps after the last failed attempt.
    [[nodiscard]] const RollbackSpec* exhausted(const std::string& hash, const std::string& service) const;

    [[nodiscard]] Result<std::vector<PlannedStep>> plan(const PlanRequest& request) const override;

  private:
    TextOf text_of_;
    std::shared_ptr<const Loaded> current_;
    mutable std::map<std::string, std::shared_ptr<const Loaded>> by_hash_;
};

}  // namespace revertd
