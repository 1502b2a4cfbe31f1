// SPDX-License-Identifier: Apache-2.0
#include "config/document.h"

#include <gtest/gtest.h>

#include <fstream>

namespace revertd::config {
namespace {

struct Parsed {
    std::optional<Node> root;
    std::vector<Diagnostic> diagnostics;
};

Parsed parse(const std::string& text) {
    Diagnostics diagnostics("f.yaml", text);
    Parsed out;
    out.root = parse_document(text, diagnostics);
    out.diagnostics = diagnostics.take();
    return out;
}

TEST(Document, knows_the_place_of_every_key_and_value) {
    const Parsed parsed = parse("a: 1\nb:\n  - x\n  - { c: 'two' }\n");
    ASSERT_TRUE(parsed.root);
    EXPECT_TRUE(parsed.diagnostics.empty());
    const Node* b = parsed.root->find("b");
    ASSERT_NE(b, nullptr);
    EXPECT_EQ(parsed.root->entries[1].at.line, 2U);
    EXPECT_EQ(parsed.root->entries[1].at.column, 1U);
    EXPECT_EQ(b->items[0].at.line, 3U);
    EXPECT_EQ(b->items[0].at.column, 5U);
    const Node* c = b->items[1].find("c");
    ASSERT_NE(c, nullptr);
    EXPECT_EQ(c->text, "two");
    EXPECT_FALSE(c->plain);
    EXPECT_TRUE(parsed.root->find("a")->plain);
    EXPECT_EQ(parsed.root->find("z"), nullptr);
}

TEST(Document, leaves_words_and_numbers_as_they_are_written) {
    const Parsed parsed = parse("a: off\nb: 010\nc: 1:30\nd: yes\ne: 0x10\n");
    ASSERT_TRUE(parsed.root);
    EXPECT_TRUE(parsed.root->find("a")->is_off());
    EXPECT_EQ(parsed.root->find("b")->text, "010");
    EXPECT_EQ(parsed.root->find("c")->text, "1:30");
    EXPECT_EQ(parsed.root->find("d")->text, "yes");
    EXPECT_EQ(parsed.root->find("e")->text, "0x10");
}

TEST(Document, reads_json) {
    const Parsed parsed = parse("{\"a\": {\"b\": [1, \"x\\u00e9\", true, null]}}");
    ASSERT_TRUE(parsed.root);
    const Node* list = parsed.root->find("a")->find("b");
    ASSERT_EQ(list->items.size(), 4U);
    EXPECT_EQ(list->items[1].text, "x\xc3\xa9");
    EXPECT_TRUE(list->items[3].is_null());
}

TEST(Document, keeps_the_first_of_duplicate_keys_and_says_so) {
    const Parsed parsed = parse("a: 1\nb: 2\na: 3\n");
    ASSERT_TRUE(parsed.root);
    ASSERT_EQ(parsed.diagnostics.size(), 1U);
    EXPECT_EQ(to_line(parsed.diagnostics[0]), "f.yaml:3:1: duplicate key `a`; it stands in line 1 already");
    EXPECT_EQ(parsed.root->find("a")->text, "1");
    EXPECT_EQ(parsed.root->entries.size(), 2U);
}

TEST(Document, expands_an_alias) {
    const Parsed parsed = parse("a: &x { b: [1, 2] }\nc: *x\n");
    ASSERT_TRUE(parsed.root);
    ASSERT_NE(parsed.root->find("c"), nullptr);
    EXPECT_EQ(parsed.root->find("c")->find("b")->items.size(), 2U);
    EXPECT_EQ(parsed.root->find("c")->at.line, 2U);
}

TEST(Document, refuses_a_billion_laughs) {
    std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 12; ++i) {
        const std::string last = "*a" + std::to_string(i - 1);
        text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
        for (int j = 0; j < 9; ++j) text += ", " + last;
        text += "]\n";
    }
    const Parsed parsed = parse(text);
    EXPECT_FALSE(parsed.root);
    ASSERT_EQ(parsed.diagnostics.size(), 1U);
    EXPECT_NE(parsed.diagnostics[0].what.find("aliases expanded"), std::string::npos);
}

TEST(Document, refuses_what_is_nested_too_deep) {
    for (const int depth : {30, 100'000}) {
        const Parsed parsed = parse("a: " + std::string(static_cast<std::size_t>(depth), '['));
        EXPECT_FALSE(parsed.root);
        EXPECT_EQ(parsed.diagnostics.size(), 1U);
    }
    std::string text;
    for (std::size_t i = 0; i < 30; ++i) text += std::string(i, ' ') + "a:\n";
    EXPECT_FALSE(parse(text).root);
}

TEST(Document, refuses_an_alias_inside_its_own_anchor) {
    const Parsed parsed = parse("a: &a [*a]\n");
    EXPECT_FALSE(parsed.root);
    EXPECT_EQ(parsed.diagnostics.size(), 1U);
}

TEST(Document, refuses_bytes_that_are_no_text) {
    EXPECT_EQ(to_line(parse("a: 1\nb: \xff\n").diagnostics.at(0)),
              "f.yaml:2:4: not valid UTF-8; save the file as UTF-8");
    EXPECT_EQ(parse(std::string("a: \0\n", 5)).diagnostics.at(0).column, 4U);
    for (const char* bad : {"\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe2\x82", "\x80"})
        EXPECT_FALSE(parse(std::string("a: ") + bad).root) << bad;
    EXPECT_FALSE(parse(std::string(kMaxConfigBytes + 1, 'a')).root);
}

TEST(Document, counts_columns_in_characters) {
    const Parsed parsed = parse("{ \xc3\xa9: 1, \xc3\xa9: 2 }\n");
    ASSERT_EQ(parsed.diagnostics.size(), 1U);
    EXPECT_EQ(parsed.diagnostics[0].column, 9U);
}

TEST(Document, reads_windows_line_ends) {
    const Parsed parsed = parse("a: 1\r\nb: 2\r\n");
    ASSERT_TRUE(parsed.root);
    EXPECT_EQ(parsed.root->find("a")->text, "1");
    EXPECT_EQ(parsed.root->find("b")->text, "2");
}

TEST(Diagnostics, never_show_a_hidden_secret) {
    const std::string text = "key: sesame and more\nother: sesame\n";
    Diagnostics diagnostics("f.yaml", text);
    diagnostics.error({1, 1}, "bad key");
    diagnostics.error({2, 1}, "the value sesame");
    diagnostics.hide({1, 6}, "sesame");
    const auto found = diagnostics.take();
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].source_line, "key: <secret>");
    EXPECT_EQ(found[1].source_line, "other: <secret>");
    EXPECT_EQ(found[1].what, "the value <secret>");
}

TEST(Diagnostics, keep_errors_when_there_are_very_many_warnings) {
    const std::string text(5000, '\n');
    Diagnostics diagnostics("f.yaml", text);
    for (std::uint32_t line = 1; line < 4000; ++line) diagnostics.warning({line, 1}, "hm");
    diagnostics.error({4000, 1}, "no");
    const auto found = diagnostics.take();
    EXPECT_LE(found.size(), 1001U);
    EXPECT_EQ(found.back().what, "no");
}

TEST(ReadConfigFile, says_what_is_wrong_with_the_file) {
    EXPECT_FALSE(read_config_file("/nonexistent/revertd.yaml"));
    EXPECT_FALSE(read_config_file("/tmp"));
    EXPECT_NE(read_config_file("/nonexistent/x").error().message.find("/nonexistent/x"), std::string::npos);
}

TEST(ReadConfigFile, stops_reading_behind_the_limit) {
    const auto text = read_config_file("/dev/zero");
    ASSERT_TRUE(text);
    EXPECT_GT(text->size(), kMaxConfigBytes);
    EXPECT_LT(text->size(), 2 * kMaxConfigBytes);
}

}  // namespace
}  // namespace revertd::config
