// SPDX-License-Identifier: Apache-2.0
#include "daemon/sources/page_shape.h"

#include <algorithm>

#include "daemon/sources/limits.h"

namespace revertd {

void PageShape::clear() {
    text_.clear();
    ends_.clear();
}

void PageShape::add(std::string_view start, bool is_sample) {
    text_.append(start);
    ends_.push_back(static_cast<std::uint32_t>(text_.size() << 1U) | (is_sample ? 1U : 0U));
}

std::shared_ptr<const PageShape> PageShapes::intern(const PageShape& shape) {
    const auto equal = std::find_if(known_.begin(), known_.end(), [&](const auto& known) { return *known == shape; });
    if (equal != known_.end()) return *equal;
    if (bytes_ + shape.bytes() > kMaxShapeBytes) {
        std::erase_if(known_, [](const auto& known) { return known.use_count() == 1; });
        bytes_ = 0;
        for (const auto& known : known_) bytes_ += known->bytes();
    }
    if (bytes_ + shape.bytes() > kMaxShapeBytes) return nullptr;
    bytes_ += shape.bytes();
    known_.push_back(std::make_shared<const PageShape>(shape));
    return known_.back();
}

}  // namespace revertd
