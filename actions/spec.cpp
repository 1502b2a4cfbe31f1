// SPDX-License-Identifier: Apache-2.0
#include "actions/spec.h"

namespace revertd {

const Param* Param::find(std::string_view name) const {
    for (const Param& item : items)
        if (is_map() && item.key == name) return &item;
    return nullptr;
}

}  // namespace revertd
