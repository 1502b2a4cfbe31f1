// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <gtest/gtest.h>

#include <string>

#include "actions/rollback.h"
#include "actions/yaml.h"

namespace revertd {

/// `rollback:` from flow YAML, as a user would write it.
inline RollbackSpec spec_of(const std::string& yaml) {
    const Result<Param> tree = parse_yaml(yaml);
    EXPECT_TRUE(tree.has_value()) << yaml;
    return tree ? to_rollback_spec(*tree) : RollbackSpec{};
}

inline Placeholders usual_values() {
    Placeholders values;
    values.to = "v1";
    values.from = "v2";
    values.service = "api";
    values.deploy = "d-7";
    values.incident = "i-3";
    values.key = "api/d-7/i-3/1";
    return values;
}

}  // namespace revertd
