// SPDX-License-Identifier: Apache-2.0
#include "actions/answers.h"

#include <gtest/gtest.h>

#include <set>

namespace revertd {
namespace {

AnswerClass action(int status) {
    return classify_status(status, CallPurpose::Action);
}

AnswerClass notification(int status) {
    return classify_status(status, CallPurpose::Notification);
}

TEST(Answers, success_is_acked) {
    for (const int status : {200, 201, 202, 204, 299}) EXPECT_EQ(action(status), AnswerClass::Acked) << status;
}

TEST(Answers, a_redirect_of_a_write_is_final) {
    for (const int status : {301, 302, 303, 307, 308}) {
        EXPECT_EQ(action(status), AnswerClass::Final) << status;
        EXPECT_EQ(notification(status), AnswerClass::Final) << status;
    }
}

TEST(Answers, client_errors_are_final_but_for_not_now_and_conflict) {
    for (const int status : {400, 401, 403, 404, 405, 410, 415, 422}) EXPECT_EQ(action(status), AnswerClass::Final);
    for (const int status : {408, 425, 429}) EXPECT_EQ(action(status), AnswerClass::NotDone);
    for (const int status : {409, 412}) EXPECT_EQ(action(status), AnswerClass::Conflict);
}

TEST(Answers, a_server_error_is_unknown_for_an_action_and_not_done_for_a_notification) {
    for (const int status : {500, 501, 503, 507}) {
        EXPECT_EQ(action(status), AnswerClass::Unknown) << status;
        EXPECT_EQ(notification(status), AnswerClass::NotDone) << status;
    }
    for (const int status : {502, 504}) {
        EXPECT_EQ(action(status), AnswerClass::Unknown) << status;
        EXPECT_EQ(notification(status), AnswerClass::Unknown) << status;
    }
}

TEST(Answers, what_is_no_status_at_all_is_unknown) {
    for (const int status : {0, -1, 100, 199, 600, 999}) EXPECT_EQ(action(status), AnswerClass::Unknown) << status;
}

TEST(Answers, only_a_failure_before_the_first_byte_was_not_sent) {
    EXPECT_EQ(classify_failure(TransportPhase::Connecting), AnswerClass::NotSent);
    EXPECT_EQ(classify_failure(TransportPhase::Sending), AnswerClass::Unknown);
    EXPECT_EQ(classify_failure(TransportPhase::Waiting), AnswerClass::Unknown);
}

TEST(RetryAfter, reads_seconds) {
    EXPECT_EQ(retry_after("120", WallTime{}), Duration(120s));
    EXPECT_EQ(retry_after(" 0 ", WallTime{}), Duration(0s));
    EXPECT_EQ(retry_after("99999999", WallTime{}), Duration(24h));
    EXPECT_EQ(retry_after("-5", WallTime{}), Duration(0s));
}

TEST(RetryAfter, reads_an_http_date) {
    const WallTime now = WallTime(784111777s);  // Sun, 06 Nov 1994 08:49:37 GMT
    EXPECT_EQ(retry_after("Sun, 06 Nov 1994 08:50:07 GMT", now), Duration(30s));
    EXPECT_EQ(retry_after("Sun, 06 Nov 1994 08:00:00 GMT", now), Duration(0s)) << "in the past";
}

TEST(RetryAfter, knows_nothing_of_other_texts) {
    for (const char* text :
         {"", "soon", "1.5", "12 s", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 31 Feb 1994 08:49:37 GMT",
          "Sun, 06 Nov 1994 28:49:37 GMT", "Sun, -6 Nov 1994 08:49:37 GMT", "99999999999999999999"})
        EXPECT_EQ(retry_after(text, WallTime{}), std::nullopt) << text;
}

TEST(Backoff, doubles_up_to_its_cap_with_full_jitter) {
    EXPECT_EQ(backoff(1, 0.0), Duration(0s));
    EXPECT_EQ(backoff(1, 0.5), Duration(250ms));
    EXPECT_EQ(backoff(2, 0.5), Duration(500ms));
    EXPECT_EQ(backoff(6, 0.5), Duration(8s));
    EXPECT_EQ(backoff(7, 0.5), Duration(15s));
    EXPECT_EQ(backoff(1000, 0.5), Duration(15s));
}

TEST(Answers, every_class_has_a_name_of_its_own) {
    std::set<std::string_view> names;
    for (int i = 0; i <= static_cast<int>(AnswerClass::Final); ++i)
        names.insert(to_string(static_cast<AnswerClass>(i)));
    EXPECT_EQ(names.size(), 6U);
}

}  // namespace
}  // namespace revertd
