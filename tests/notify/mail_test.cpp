// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "daemon/notify/bodies.h"

namespace revertd {
namespace {

Message page(const std::string& summary) {
    Message message{42, WallTime(1'795'144'327s), {"api", "d-1", "i-7", "error", "ask", summary, "errors 7.9 %"}};
    message.page.facts = {{"severity", "P1"}, {"runbook", "https://wiki.example.com/a?b=1&c=2"}};
    return message;
}

std::string head_of(const std::string& mail) {
    return mail.substr(0, mail.find("\r\n\r\n"));
}

TEST(Mail, has_lines_that_every_server_takes) {
    const std::string mail = mail_text(page(std::string(3000, 'x') + "\n.\nü"), "r@example.com", "a@example.com", "h");
    std::size_t begin = 0;
    for (std::size_t end = mail.find("\r\n"); end != std::string::npos;
         begin = end + 2, end = mail.find("\r\n", begin)) {
        EXPECT_LE(end - begin, 200U);
        EXPECT_EQ(mail.substr(begin, end - begin).find('\n'), std::string::npos);
    }
    EXPECT_EQ(begin, mail.size());
    for (const char c : mail) EXPECT_LT(static_cast<unsigned char>(c), 128U);
}

TEST(Mail, a_line_break_in_the_text_begins_no_header) {
    const std::string mail = mail_text(page("bad\r\nBcc: evil@example.com"), "r@example.com", "a@example.com", "h");
    EXPECT_EQ(head_of(mail).find("\r\nBcc"), std::string::npos) << head_of(mail);
}

TEST(Mail, has_the_same_id_for_every_try_and_one_thread_an_incident) {
    const std::string a = head_of(mail_text(page("x"), "r@e.com", "a@e.com", "h")),
                      b = head_of(mail_text(page("x"), "r@e.com", "a@e.com", "h"));
    EXPECT_EQ(a, b);
    EXPECT_NE(a.find("Message-ID: <revertd.api.i-7.42@h>"), std::string::npos) << a;
    EXPECT_NE(a.find("References: <revertd.api.i-7@h>"), std::string::npos);
    EXPECT_NE(a.find("Auto-Submitted: auto-generated"), std::string::npos);
}

TEST(Mail, encodes_a_subject_in_words_of_whole_characters) {
    std::string umlauts;
    while (umlauts.size() < 100) umlauts += "\xc3\xbc";
    const std::string head = head_of(mail_text(page(umlauts), "r@e.com", "a@e.com", "h"));
    EXPECT_NE(head.find("=?UTF-8?Q?"), std::string::npos);
    EXPECT_EQ(head.find("=C3?="), std::string::npos) << head;  // no word ends inside a character
}

TEST(Mail, says_how_to_answer_and_escapes_what_is_html) {
    const std::string mail = mail_text(page("<script>alert(1)</script>"), "r@e.com", "a@e.com", "h");
    EXPECT_NE(mail.find("revertctl approve i-7"), std::string::npos);
    EXPECT_NE(mail.find("&lt;script&gt;"), std::string::npos);
    const std::string html = mail.substr(mail.find("text/html"));
    EXPECT_EQ(html.find("<script>"), std::string::npos);
}

}  // namespace
}  // namespace revertd
