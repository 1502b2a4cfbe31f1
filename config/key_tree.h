// SPDX-License-Identifier: Apache-2.0
// The table of keys as a tree, so that a key is found without comparing it with every row. Validation and the JSON
// schema walk it alike.
#pragma once
#include <map>
#include <string>
#include <string_view>

#include "config/keys.h"

namespace revertd::config {

/// One place where a key may stand.
struct KeyBranch {
    const Key* key = nullptr;  ///< its row; none: such a key is unknown
    const KeyBranch* like = nullptr;
    std::string path;  ///< `services.*.guard.P0[]`, every choice of the row made
    std::map<std::string_view, KeyBranch*> named;
    KeyBranch* any = nullptr;
    KeyBranch* element = nullptr;

    /// Where the keys below a row are described: at the row itself, or at the one that it is like.
    [[nodiscard]] const KeyBranch& below() const { return like == nullptr ? *this : like->below(); }

    /// The place of a key in a mapping that stands here; null when there is none.
    [[nodiscard]] const KeyBranch* child(std::string_view name) const {
        const auto it = named.find(name);
        return it != named.end() ? it->second : any;
    }

    /// What an element of a list that stands here is, and the forms that it may have.
    [[nodiscard]] const KeyBranch& item() const { return element == nullptr ? *this : *element; }

    [[nodiscard]] unsigned item_form(unsigned form) const {
        return element == nullptr ? form & (kScalar | kMap | kFree) : element->key->form;
    }
};

/// The whole file.
[[nodiscard]] const KeyBranch& key_tree();

}  // namespace revertd::config
