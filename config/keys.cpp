// SPDX-License-Identifier: Apache-2.0
#include "config/keys.h"

#include "config/key_tree.h"
#include "config/scalars.h"
#include "config/values.h"
#include "config/yaml_traps.h"

namespace revertd::config {

namespace {

std::string in_words(unsigned form, const Key& key) {
    std::vector<std::string> ways;
    if (form & kScalar) ways.push_back(describe(key));
    if (form & kMap) ways.emplace_back("a mapping");
    if (form & kList) ways.emplace_back("a list");
    if (form & kOff) ways.emplace_back("`off`");
    std::string out;
    for (std::size_t i = 0; i < ways.size(); ++i) out += (i == 0 ? "" : i + 1 == ways.size() ? " or " : ", ") + ways[i];
    return out;
}

std::string found_words(const Node& node) {
    switch (node.kind) {
        case Node::Kind::Null:
            return "nothing";
        case Node::Kind::Scalar:
            return "`" + node.text.substr(0, 60) + "`";
        case Node::Kind::List:
            return "a list";
        case Node::Kind::Map:
            return "a mapping";
    }
    return "nothing";
}

class KeyCheck {
  public:
    explicit KeyCheck(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

    void map(const Node& node, const KeyBranch& branch) {
        if (is_rule(branch) && (node.find("expr") != nullptr || node.find("alert") != nullptr))
            return diagnostics_.error(
                node.at, "this is an alerting rule of Prometheus, and revertd has sentences",
                "name its query under `signals: { NAME: ... }`, without its bound, and write here: NAME > "
                "BOUND for " +
                    (node.find("for") != nullptr ? node.find("for")->text : "5m"));
        for (const Node::Entry& entry : node.entries) {
            const KeyBranch* child = branch.child(entry.key);
            if (child == nullptr || child->key == nullptr)
                unknown(entry, branch);
            else if (!child->key->feature.empty())
                not_built(entry, *child->key);
            else
                value(entry.value, *child, child->key->form, entry.key);
        }
    }

  private:
    void value(const Node& node, const KeyBranch& branch, unsigned form, const std::string& name) {
        const Key& key = *branch.key;
        if (node.is_null()) return blank(node, name);
        if (node.is_off() && (form & kOff)) return;
        const unsigned written = node.is_map() ? kMap : node.is_list() ? kList : kScalar;
        if (!(form & written)) return wrong_form(node, branch, form, name);
        if (form & kFree) return;
        if (node.is_map()) return map(node, branch.below());
        if (node.is_list()) return list(node, branch, form, name);
        scalar(node, key, form, name);
    }

    void scalar(const Node& node, const Key& key, unsigned form, const std::string& name) {
        const auto complaint = check_scalar(node, key);
        if (!complaint) return;
        const bool has_password = key.scalar == ScalarType::Url && node.text.find('@') != std::string::npos;
        if (has_password || key.scalar == ScalarType::Secret) diagnostics_.hide(node.at, node.text);
        const bool switched_off = (form & kOff) && node.plain && is_yaml_boolean(node.text);
        diagnostics_.error(node.at, "`" + name + "`: " + complaint->what,
                           switched_off ? "to switch it off write `off`" : complaint->hint);
    }

    void list(const Node& node, const KeyBranch& branch, unsigned form, const std::string& name) {
        if (node.items.empty()) diagnostics_.error(node.at, "`" + name + "` is an empty list", "remove it, or fill it");
        for (const Node& item : node.items) value(item, branch.item(), branch.item_form(form), name);
    }

    void blank(const Node& node, const std::string& name) {
        const std::string_view line = diagnostics_.source_line(node.at.line);
        const bool comment = line.find('#', node.at.column) != std::string_view::npos;
        diagnostics_.error(node.at, "`" + name + "` has no value",
                           comment ? "what follows # is a comment: put the value in quotes"
                                   : "fill it in, or remove the key to get its default");
    }

    static bool is_rule(const KeyBranch& branch) {
        return branch.named.contains("rule") && branch.named.contains("do");
    }

    /// `errors > 5% for: 2m`, `{ rule: errors > 5%, for: 2m }`: one text for people, a key with a value for YAML.
    static std::string rule_hint(const Node::Entry& entry) {
        if (!entry.value.is_scalar()) return {};
        const std::string tail = entry.key + " " + entry.value.text.substr(0, 40);
        if (entry.key.find_first_of("<>") != std::string::npos) return "a rule is one text, without a colon: " + tail;
        const bool word = entry.key == "for" || entry.key == "over" || entry.key == "clear";
        return word ? "it belongs into the sentence: rule: errors > 5% " + tail : "";
    }

    /// What is probably meant, where people write the right thing in another shape.
    static std::string form_hint(const Node& node, const KeyBranch& branch, unsigned form, const std::string& name) {
        if (branch.path == "services.*" && branch.named.contains(name))
            return "it is a key of a service: indent it below the service's name";
        if (name == "services" && node.is_list()) return "each service is a key: `services: { api: { ... } }`";
        if (name == "people" && !node.is_map()) return "members stand under their role: `people: { leads: [ana, bo] }`";
        if ((form & kList) && !(form & kScalar) && node.is_scalar())
            return "a list is written in brackets: [" + node.text.substr(0, 40) + "]";
        if (!(form & kMap) || !node.is_scalar()) return {};
        const auto known = built(branch.below());
        return known.empty() ? std::string{}
                             : "as in `" + name + ": { " + known.front() + ": ... }`; known: " + joined(known);
    }

    void wrong_form(const Node& node, const KeyBranch& branch, unsigned form, const std::string& name) {
        const Key& key = *branch.key;
        std::string hint;
        if (node.is_scalar() && is_yaml_boolean(node.text) && (form & kOff)) hint = "to switch it off write `off`";
        if (node.is_map() && key.scalar == ScalarType::Sentence && !(form & kMap))
            hint = "a text with `: `, { or } must be put in quotes";
        if (node.is_map() && key.scalar == ScalarType::Text && !(form & kMap))
            hint = "a text with {, } or a comma must be put in quotes";
        if (hint.empty()) hint = form_hint(node, branch, form, name);
        // Where a channel is a mapping, what stands there alone is often its secret.
        const bool secret = node.is_scalar() && key.path.starts_with("notify.");
        if (secret) diagnostics_.hide(node.at, node.text);
        diagnostics_.error(
            node.at,
            "`" + name + "` is " + (secret ? "a text" : found_words(node)) + ", expected " + in_words(form, key), hint);
    }

    void not_built(const Node::Entry& entry, const Key& key) {
        const std::string feature(key.feature);
        if (entry.value.is_off()) return;
        if (entry.value.is_null()) return blank(entry.value, entry.key);
        if (!key.fallback.empty() && entry.value.text == key.fallback) {
            diagnostics_.notice(entry.at, "`" + entry.key + "` has no effect yet", feature + ": not built yet");
            return;
        }
        diagnostics_.error(entry.at, "`" + entry.key + "` is not built yet (" + feature + ")",
                           "remove it, or write `" + entry.key + ": off`");
    }

    void unknown(const Node::Entry& entry, const KeyBranch& branch) {
        if (entry.key == "<<")
            return diagnostics_.error(entry.at, "merge keys (`<<`) are not used here",
                                      "put what is common under `defaults`");
        const std::string file_key = entry.key + "_file";
        if (branch.named.contains(file_key)) {
            diagnostics_.hide(entry.value.at, entry.value.text);
            return diagnostics_.error(entry.at, "a secret is never written in the configuration",
                                      "put it in a file and name it by `" + file_key + "`");
        }
        std::vector<std::string> known;
        for (const auto& [name, child] : branch.named) known.emplace_back(name);
        std::string hint = is_rule(branch) ? rule_hint(entry) : std::string{};
        if (hint.empty()) hint = did_you_mean(entry.key, known);
        const bool looks_like_a_service = entry.value.find("health") != nullptr ||
                                          entry.value.find("metrics") != nullptr ||
                                          entry.value.find("prometheus") != nullptr;
        if (&branch == &key_tree() && looks_like_a_service) hint = "a service stands below `services:`, indented";
        if (&branch == &key_tree() && entry.key == "groups")
            hint = "these are rules of a Prometheus; revertd begins with `services:`, and has sentences for rules";
        if (hint.empty()) hint = place_of(entry.key);
        if (hint.empty() && !known.empty()) hint = "known here: " + joined(built(branch));
        diagnostics_.error(entry.at, "unknown key `" + entry.key.substr(0, 60) + "`", hint);
    }

    /// A known key in the wrong place, e.g. `bake` beside `services`.
    static std::string place_of(std::string_view name) {
        const std::string of_a_service = "services.*." + std::string(name);
        for (const Key& key : all_keys()) {
            if (key.path == name) return "it belongs at the top level";
            if (key.path == of_a_service) return "it belongs to a service, or under `defaults`";
        }
        return {};
    }

    static std::vector<std::string> built(const KeyBranch& branch) {
        std::vector<std::string> out;
        for (const auto& [name, child] : branch.named)
            if (child->key != nullptr && child->key->feature.empty()) out.emplace_back(name);
        return out;
    }

    static std::string joined(const std::vector<std::string>& words) {
        std::string out;
        for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
        return out;
    }

    Diagnostics& diagnostics_;
};

}  // namespace

void check_keys(const Node& root, Diagnostics& diagnostics) {
    if (!root.is_map()) {
        diagnostics.error(root.at, "the file is " + found_words(root) + ", expected a mapping",
                          "it begins with `services:`");
        return;
    }
    KeyCheck(diagnostics).map(root, key_tree());
}

}  // namespace revertd::config
