// SPDX-License-Identifier: Apache-2.0
// One service, from what is written for it over what is written under `defaults`.
#pragma once
#include <memory>
#include <optional>

#include "actions/spec.h"
#include "config/policy_reader.h"
#include "config/reader.h"

namespace revertd::config {

/// What is written once for all services.
struct CommonSettings {
    const Node* defaults = nullptr;  ///< may be null
    SeverityMatrix severity;
    Limits limits;
    HttpSettings http;
    const LoadOptions* options = nullptr;
    const Settings* settings = nullptr;      ///< people are there already
    const NotifySettings* notify = nullptr;  ///< and so are channels
    const Node* root = nullptr;
    double alpha = 0.001;  ///< of healthy deploys; 0: off
};

/// What the service before this one had: most have the same.
struct Alike {
    std::shared_ptr<const SeverityMatrix> severity;
    std::shared_ptr<const HttpSettings> http;
    std::shared_ptr<const PrometheusSettings> prometheus;
};

struct ReadService {
    std::shared_ptr<const ServiceSettings> settings;
    std::optional<RollbackSpec> rollback, exhausted;
    std::optional<std::vector<std::string>> channels;  ///< that its pages go to, when it names them
};

[[nodiscard]] ReadService read_service(const Node::Entry& service, const CommonSettings& common, Alike& alike,
                                       Diagnostics& diagnostics);

}  // namespace revertd::config
