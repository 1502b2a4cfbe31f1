// SPDX-License-Identifier: Apache-2.0
#include "actions/yaml.h"

#include <yaml-cpp/yaml.h>

namespace revertd {
namespace {

constexpr int kMaxDepth = 32;  // no rollback is nested deeper; an alias of itself is endless

Param to_param(const YAML::Node& node, int depth) {
    if (depth > kMaxDepth) throw YAML::Exception(node.Mark(), "nested too deeply");
    Param param;
    param.line = node.Mark().line + 1;
    param.column = node.Mark().column + 1;
    if (node.IsSequence()) {
        param.kind = Param::Kind::List;
        for (const auto& item : node) param.items.push_back(to_param(item, depth + 1));
    } else if (node.IsMap()) {
        param.kind = Param::Kind::Map;
        for (const auto& item : node) {
            Param& value = param.items.emplace_back(to_param(item.second, depth + 1));
            value.key = item.first.Scalar();
            value.key_line = item.first.Mark().line + 1;
            value.key_column = item.first.Mark().column + 1;
        }
    } else {
        param.text = node.IsNull() ? "null" : node.Scalar();
        param.quoted = node.Tag() == "!";
    }
    return param;
}

}  // namespace

Result<Param> parse_yaml(const std::string& text) {
    try {
        return to_param(YAML::Load(text), 0);
    } catch (const YAML::Exception& e) {
        return Error(ErrorCode::Invalid, "YAML line " + std::to_string(e.mark.line + 1) + ": " + e.msg);
    }
}

RollbackSpec to_rollback_spec(const Param& value) {
    if (value.is_list()) return {value.items};
    return {{value}};
}

}  // namespace revertd
