// SPDX-License-Identifier: Apache-2.0
#include "config/keys.h"

#include <gtest/gtest.h>

#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "config/explain.h"
#include "config/load.h"
#include "config/scalars.h"

namespace revertd::config {
namespace {

TEST(Keys, every_row_is_complete_and_stands_once) {
    std::set<std::string_view> paths;
    for (const Key& key : all_keys()) {
        EXPECT_TRUE(paths.insert(key.path).second) << key.path;
        EXPECT_FALSE(key.words.empty()) << key.path;
        EXPECT_EQ((key.form & kScalar) != 0, key.scalar != ScalarType::None) << key.path;
        EXPECT_FALSE(describe(key).empty()) << key.path;
        const bool ranged = key.scalar == ScalarType::Choice || key.scalar == ScalarType::Url;
        if (ranged) {
            EXPECT_FALSE(key.range.empty()) << key.path;
        }
    }
    for (const Key& key : all_keys())
        if (!key.like.empty()) {
            EXPECT_EQ(paths.count(key.like), 1U) << key.path;
        }
}

/// `a.b|c.d` is two of them.
std::vector<std::string> each_of(const std::string& path) {
    const std::size_t bar = path.find('|');
    if (bar == std::string::npos) return {path};
    const std::size_t begin = path.rfind('.', bar) == std::string::npos ? 0 : path.rfind('.', bar) + 1;
    std::size_t end = path.find('.', bar);
    if (end == std::string::npos) end = path.size();
    std::string words = path.substr(begin, end - begin);
    const std::string element = words.ends_with("[]") ? "[]" : "";
    words.resize(words.size() - element.size());
    std::vector<std::string> out;
    std::istringstream in(words);
    for (std::string word; std::getline(in, word, '|');)
        for (std::string& one : each_of(path.substr(0, begin) + word + element + path.substr(end)))
            out.push_back(std::move(one));
    return out;
}

TEST(Keys, every_key_has_a_parent) {
    std::set<std::string> paths;
    for (const Key& key : all_keys())
        for (const std::string& one : each_of(std::string(key.path))) EXPECT_TRUE(paths.insert(one).second) << one;
    for (const Key& key : all_keys()) {
        std::string parent(key.path);
        parent.resize(parent.ends_with("[]")                   ? parent.size() - 2
                      : parent.rfind('.') == std::string::npos ? 0
                                                               : parent.rfind('.'));
        if (parent.empty()) continue;
        for (const std::string& one : each_of(parent)) EXPECT_EQ(paths.count(one), 1U) << key.path;
    }
}

TEST(Keys, every_default_is_a_value_that_may_be_written) {
    for (const Key& key : all_keys()) {
        if (key.fallback.empty() || key.fallback == "off") continue;
        Node node;
        node.kind = Node::Kind::Scalar;
        node.text = key.fallback;
        EXPECT_FALSE(check_scalar(node, key)) << key.path;
    }
}

std::string written(std::string_view prefix) {
    std::string out;
    for (const Key& key : all_keys()) {
        if (!key.path.starts_with(prefix) || key.fallback.empty() || !key.feature.empty()) continue;
        const std::string_view name = key.path.substr(prefix.size());
        if (name.find('.') == std::string_view::npos)
            out += (out.empty() ? "" : ", ") + std::string(name) + ": " + std::string(key.fallback);
    }
    return out;
}

TEST(Keys, a_default_that_is_written_changes_nothing) {
    const std::string service =
        "services: { s: { health: { url: 'http://127.0.0.1:1/h' WRITTEN }, metrics: 'http://127.0.0.1:1/m', rollback: "
        "off } }\n";
    const auto with = [&](const std::string& health) {
        return std::string(service).replace(service.find(" WRITTEN"), 8, health);
    };
    const LoadResult plain = load(with(""), "f");
    const std::string text = with(", " + written("services.*.health.")) + "defaults: { " + written("services.*.") +
                             ", verify: { " + written("services.*.verify.") + " } }\nlimits: { " + written("limits.") +
                             " }\nreport: { " + written("report.") + " }\nseverity: { P1: { " +
                             written("severity.P0|P1|P2|P3.") + " } }\n";
    const LoadResult all = load(text, "f");
    ASSERT_TRUE(plain.loaded);
    ASSERT_TRUE(all.loaded) << text << to_line(all.diagnostics.at(0));
    EXPECT_EQ(explain(*plain.loaded), explain(*all.loaded));
}

std::string complaints(const std::string& text) {
    Diagnostics diagnostics("f", text);
    if (const auto root = parse_document(text, diagnostics)) check_keys(*root, diagnostics);
    std::string out;
    for (const Diagnostic& diagnostic : diagnostics.take()) out += to_line(diagnostic) + "\n";
    return out;
}

TEST(Keys, a_key_of_a_service_is_the_same_under_defaults_and_in_a_service) {
    EXPECT_EQ(complaints("defaults: { bake: x }\n"),
              "f:1:19: `bake`: `x` is no duration; units are ms, s, m, h, d, w, as in 1h30m\n");
    EXPECT_EQ(complaints("services: { a: { severity: { P1: { wiat: 5m } } } }\n"),
              "f:1:36: unknown key `wiat`; did you mean \"wait\"?\n");
    EXPECT_EQ(complaints("defaults: { severity: { P1: { wiat: 5m } } }\n"),
              "f:1:31: unknown key `wiat`; did you mean \"wait\"?\n");
}

TEST(Keys, every_key_that_is_not_built_is_refused_in_words_and_accepts_off) {
    for (const Key& key : all_keys()) {
        if (key.feature.empty() || key.path.find_first_of("*[") != std::string_view::npos ||
            key.path.find('.') != std::string_view::npos)
            continue;
        const std::string name(key.path);
        EXPECT_NE(
            complaints(name + ": [x]\n").find("`" + name + "` is not built yet (" + std::string(key.feature) + ")"),
            std::string::npos)
            << name;
        EXPECT_EQ(complaints(name + ": off\n"), "") << name;
    }
}

TEST(Keys, lists_say_which_element_is_wrong) {
    EXPECT_EQ(complaints("agents: [ci, 'a b']\n"),
              "f:1:14: `agents`: `a b` is no name; letters, digits, `.`, `_` and `-`, at most 64\n");
    EXPECT_EQ(complaints("services: { a: { metrics: ['http://a/m', [x]] } }\n"),
              "f:1:42: `metrics` is a list, expected a URL\n");
}

}  // namespace
}  // namespace revertd::config
