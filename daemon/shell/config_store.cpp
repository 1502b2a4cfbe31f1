// SPDX-License-Identifier: Apache-2.0
#include "daemon/shell/config_store.h"

#include "actions/rollback.h"

namespace revertd {

void ConfigStore::set_current(std::shared_ptr<const Loaded> loaded) {
    current_ = std::move(loaded);
    by_hash_[current_->settings.hash] = current_;
}

std::shared_ptr<const Loaded> ConfigStore::find(const std::string& hash) const {
    if (const auto it = by_hash_.find(hash); it != by_hash_.end()) return it->second;
    std::shared_ptr<const Loaded> found;
    if (const auto text = text_of_(hash)) {
        LoadResult result = load(*text, "the configuration pinned in the journal");
        if (result.loaded) found = std::make_shared<const Loaded>(std::move(*result.loaded));
    }
    by_hash_[hash] = found;  // not asked again: a text that is missing or no longer valid stays so
    return found;
}

std::shared_ptr<const ServiceSettings> ConfigStore::pinned(const std::string& hash, const std::string& service) const {
    const auto loaded = find(hash);
    return loaded ? loaded->settings.find(service) : nullptr;
}

const RollbackSpec* ConfigStore::rollback(const std::string& hash, const std::string& service) const {
    const auto loaded = find(hash);
    if (!loaded) return nullptr;
    const auto it = loaded->rollbacks.find(service);
    return it == loaded->rollbacks.end() ? nullptr : &it->second;
}

const RollbackSpec* ConfigStore::exhausted(const std::string& hash, const std::string& service) const {
    const auto loaded = find(hash);
    if (!loaded) return nullptr;
    const auto it = loaded->exhausted.find(service);
    return it == loaded->exhausted.end() ? nullptr : &it->second;
}

Result<std::vector<PlannedStep>> ConfigStore::plan(const PlanRequest& request) const {
    const RollbackSpec* spec =
        request.exhausted ? exhausted(request.config, request.service) : rollback(request.config, request.service);
    const std::string key = request.exhausted ? "on_exhausted" : "rollback";
    if (spec == nullptr) return Error(ErrorCode::NotFound, "no " + key + " is configured for " + request.service);
    Placeholders values;
    values.to = request.to, values.from = request.from, values.service = request.service;
    values.deploy = request.deploy.empty() ? request.incident : request.deploy, values.incident = request.incident;
    values.key = "planned";  // digests are the same for every key
    auto plan = expand(*spec, values);
    if (!plan) return plan.error();
    std::vector<PlannedStep> steps;
    int entry = -1;
    for (const Step& step : plan->steps) {
        PlannedStep planned;
        planned.name = step.name, planned.digest = step.digest, planned.deadline = step.deadline,
        planned.entry = step.entry;
        planned.first_of_entry = step.entry != entry, planned.last_of_entry = step.last_of_entry;
        planned.observed = plan->entries.at(static_cast<std::size_t>(step.entry)).observe.has_value();
        planned.recipe = plan->entries.at(static_cast<std::size_t>(step.entry)).recipe;
        planned.place = static_cast<int>(steps.size());
        entry = step.entry;
        steps.push_back(std::move(planned));
    }
    return steps;
}

}  // namespace revertd
