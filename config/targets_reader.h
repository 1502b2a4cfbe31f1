// SPDX-License-Identifier: Apache-2.0
// `health`, `metrics`, `prometheus` and `current`: what is asked, and how.
#pragma once
#include <optional>

#include "config/reader.h"
#include "core/settings.h"

namespace revertd::config {

class TargetsReader {
  public:
    explicit TargetsReader(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

    void health(const Node& node, ServiceSettings& out);
    void metrics(const Node& node, ServiceSettings& out);
    [[nodiscard]] std::optional<PrometheusSettings> prometheus(const Node& node);
    [[nodiscard]] std::optional<VersionProbe> current(const Node& node);
    [[nodiscard]] std::vector<ResolverSettings> resolvers(const Node& node);

  private:
    void health_target(const Node& node, ServiceSettings& out, const Node*& down);
    void address(const Node& node, HealthTarget& target);
    void check_pointer(std::string_view pointer, Position at);
    void check_page(const Node& url);

    Diagnostics& diagnostics_;
};

}  // namespace revertd::config
