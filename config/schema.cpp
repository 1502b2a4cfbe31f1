// SPDX-License-Identifier: Apache-2.0
#include "config/schema.h"

#include <rapidjson/prettywriter.h>
#include <rapidjson/reader.h>
#include <rapidjson/stringbuffer.h>

#include <map>

#include "actions/recipe.h"
#include "config/key_tree.h"
#include "config/schema_scalar.h"

namespace revertd::config {

namespace {

using Members = std::vector<std::pair<std::string, std::string>>;

class Schema {
  public:
    std::string text() {
        Members root{{"$schema", json_string("http://json-schema.org/draft-07/schema#")},
                     {"title", json_string("revertd.yaml")},
                     {"description", json_string("Configuration of revertd; made from its table of keys")}};
        for (auto& member : mapping(key_tree())) root.push_back(std::move(member));
        root.emplace_back("required", json_list({json_string("services")}));
        Members definitions;
        for (std::size_t i = 0; i < waiting_.size(); ++i)  // describing one may bring more
            definitions.emplace_back(names_.at(waiting_[i]), json_object(mapping(*waiting_[i])));
        root.emplace_back("definitions", json_object(definitions));
        return json_object(root);
    }

  private:
    /// A mapping that stands at this place.
    Members mapping(const KeyBranch& branch) {
        Members properties;
        for (const auto& [name, child] : branch.named)
            if (child->key != nullptr) properties.emplace_back(std::string(name), property(*child));
        const bool any = branch.any != nullptr && branch.any->key != nullptr;
        return {{"type", json_string("object")},
                {"properties", json_object(properties)},
                {"additionalProperties", any ? property(*branch.any) : "false"}};
    }

    std::string property(const KeyBranch& branch) {
        const Key& key = *branch.key;
        std::string words(key.words);
        if (!key.feature.empty()) words += " (not built yet: " + std::string(key.feature) + ")";
        Members out{{"description", json_string(words)}};
        if (!key.fallback.empty()) out.emplace_back("default", json_literal(key.fallback));
        for (auto& member : key.feature.empty() ? value(branch, key.form) : switched_off(key))
            out.push_back(std::move(member));
        return json_object(out);
    }

    /// What is not built yet may be written as its own absence.
    static Members switched_off(const Key& key) {
        std::vector<std::string> words{json_string("off")};
        if (!key.fallback.empty() && key.fallback != "off") {
            words.push_back(json_string(key.fallback));
            if (json_literal(key.fallback) != words.back()) words.push_back(json_literal(key.fallback));
        }
        return {{"enum", json_list(words)}};
    }

    /// Everything that may stand here, in one of the forms.
    Members value(const KeyBranch& branch, unsigned form) {
        std::vector<Members> ways;
        if (form & kFree) {
            free_ways(branch, form, ways);
        } else {
            if (form & kScalar) ways.push_back(scalar_schema(*branch.key, branch.path));
            if (form & kMap) ways.push_back({{"$ref", json_string("#/definitions/" + reference(branch.below()))}});
            if (form & kList)
                ways.push_back({{"type", json_string("array")},
                                {"minItems", "1"},
                                {"items", json_object(value(branch.item(), branch.item_form(form)))}});
        }
        if (form & kOff) ways.push_back({{"enum", json_list({json_string("off")})}});
        // draft-07 ignores whatever stands beside a $ref: a description must not, so it becomes the one alternative.
        if (ways.size() == 1 && ways[0][0].first != "$ref") return ways[0];
        std::vector<std::string> texts;
        for (const Members& way : ways) texts.push_back(json_object(way));
        return {{"anyOf", json_list(texts)}};
    }

    /// What is below is checked elsewhere; recipes are offered by name.
    static void free_ways(const KeyBranch& branch, unsigned form, std::vector<Members>& ways) {
        if (form & kScalar) ways.push_back({{"type", R"(["string","number","boolean"])"}});
        if (form & kMap) ways.push_back(free_mapping(branch));
        if (form & kList) {
            const std::string item = json_object({{"anyOf", json_list({json_object(free_mapping(branch)), "true"})}});
            ways.push_back({{"type", json_string("array")}, {"items", item}});
        }
    }

    static Members free_mapping(const KeyBranch& branch) {
        Members out{{"type", json_string("object")}};
        if (branch.path != "services.*.rollback") return out;
        Members offered;
        for (const Recipe& recipe : recipes())
            offered.emplace_back(recipe.name, json_object({{"description", json_string(recipe.words)},
                                                           {"examples", json_list({json_string(recipe.example)})}}));
        out.emplace_back("properties", json_object(offered));
        return out;
    }

    std::string reference(const KeyBranch& branch) {
        const auto [at, is_new] = names_.try_emplace(&branch);
        if (!is_new) return at->second;
        for (const char c : branch.path)  // without what a JSON pointer or a URI would have to escape
            at->second += c == '*' ? "each" : c == ']' ? "item" : c == '.' || c == '[' ? "-" : std::string(1, c);
        waiting_.push_back(&branch);
        return at->second;
    }

    std::map<const KeyBranch*, std::string> names_;
    std::vector<const KeyBranch*> waiting_;
};

}  // namespace

std::string json_schema() {
    const std::string compact = Schema().text();
    rapidjson::StringStream in(compact.c_str());
    rapidjson::StringBuffer out;
    rapidjson::PrettyWriter<rapidjson::StringBuffer> writer(out);
    writer.SetIndent(' ', 1);
    rapidjson::Reader reader;
    reader.Parse(in, writer);
    return std::string(out.GetString(), out.GetSize()) + "\n";
}

}  // namespace revertd::config
