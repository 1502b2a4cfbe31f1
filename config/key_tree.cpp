// SPDX-License-Identifier: Apache-2.0
#include "config/key_tree.h"

#include <memory>
#include <vector>

#include "config/values.h"

namespace revertd::config {

namespace {

class Tree {
  public:
    Tree() {
        for (const Key& key : all_keys())
            for (KeyBranch* branch : at(key.path)) branch->key = &key;
        for (const Key& key : all_keys())
            for (KeyBranch* branch : at(key.path))
                if (!key.like.empty()) branch->like = at(key.like).front();
    }

    [[nodiscard]] const KeyBranch& root() const { return root_; }

  private:
    KeyBranch* grown(KeyBranch*& slot, const KeyBranch& parent, std::string_view name) {
        if (slot != nullptr) return slot;
        slot = branches_.emplace_back(std::make_unique<KeyBranch>()).get();
        const bool separated = !parent.path.empty() && name != "[]";
        slot->path = parent.path + (separated ? "." : "") + std::string(name);
        return slot;
    }

    /// Every branch of a path: `P0|P1` leads to two of them.
    std::vector<KeyBranch*> at(std::string_view path) {
        std::vector<KeyBranch*> here{&root_};
        for (std::string_view segment : split(path, '.')) {
            const bool element = segment.ends_with("[]");
            if (element) segment.remove_suffix(2);
            std::vector<KeyBranch*> next;
            for (KeyBranch* branch : here)
                for (const std::string_view name : split(segment, '|'))
                    next.push_back(grown(name == "*" ? branch->any : branch->named[name], *branch, name));
            if (element)
                for (KeyBranch*& branch : next) branch = grown(branch->element, *branch, "[]");
            here = std::move(next);
        }
        return here;
    }

    KeyBranch root_;
    std::vector<std::unique_ptr<KeyBranch>> branches_;
};

}  // namespace

const KeyBranch& key_tree() {
    static const Tree instance;
    return instance.root();
}

}  // namespace revertd::config
