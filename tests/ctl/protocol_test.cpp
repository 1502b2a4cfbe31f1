// SPDX-License-Identifier: Apache-2.0
// What comes over the wire: JSON, server-sent events, errors of the API, a daemon that is not there.
#include <gtest/gtest.h>

#include "daemon/ctl/client.h"
#include "daemon/ctl/events.h"
#include "daemon/ctl/json.h"
#include "tests/ctl/fake_daemon.h"

namespace revertd::ctl {
namespace {

TEST(Json, reads_what_is_absent_as_nothing) {
    const auto json = *Json::parse(R"({"a":{"b":[1,"x"]},"n":null})");
    EXPECT_EQ(json["a"]["b"].items().at(1).text(), "x");
    EXPECT_EQ(json["a"]["c"]["d"].text(), "");
    EXPECT_EQ(json["n"].number(), std::nullopt);
    EXPECT_TRUE(json["a"].items().empty());
}

TEST(Json, outlives_the_text_it_came_from) {
    auto text = std::make_unique<std::string>(R"({"a":["long enough to live outside of the value itself"]})");
    const auto item = (*Json::parse(*text))["a"].items().front();
    text.reset();
    EXPECT_EQ(item.text(), "long enough to live outside of the value itself");
}

TEST(Json, refuses_garbage_and_towers_of_brackets) {
    EXPECT_FALSE(Json::parse(""));
    EXPECT_FALSE(Json::parse("{\"a\":"));
    EXPECT_FALSE(Json::parse("{} {}"));
    EXPECT_FALSE(Json::parse(std::string(1'000'000, '[')));
}

TEST(Json, adds_a_member_to_a_line) {
    EXPECT_EQ(Json::parse(R"({"a": 1, "exit_code": null})")->line_with("exit_code", 10), R"({"a":1,"exit_code":10})");
}

TEST(JsonObject, leaves_out_what_was_not_given_and_escapes_the_rest) {
    EXPECT_EQ(
        json_object(
            {{"a", "q\"\n"}, {"b", std::nullopt}, {"c", true}, {"d", std::map<std::string, std::string>{{"k", "v"}}}}),
        R"({"a":"q\"\n","c":true,"d":{"k":"v"}})");
}

class Events : public ::testing::Test {
  protected:
    bool feed(std::string_view bytes) {
        return reader.feed(bytes,
                           [this](const EventReader::Event& event) { seen.push_back(event.id + "=" + event.data); });
    }

    EventReader reader;
    std::vector<std::string> seen;
};

TEST_F(Events, are_read_whole_however_the_bytes_are_cut) {
    const std::string stream = ": hello\n\nid: 7\r\nevent: guard.phase\r\ndata: {\"a\":1}\r\n\r\ndata:x\ndata: y\n\n";
    for (const char c : stream) ASSERT_TRUE(feed({&c, 1}));
    EXPECT_EQ(seen, (std::vector<std::string>{"7={\"a\":1}", "7=x\ny"}));
    EXPECT_EQ(reader.last_id(), "7");
}

TEST_F(Events, that_are_half_received_are_forgotten_with_their_connection) {
    ASSERT_TRUE(feed("id: 8\ndata: hal"));
    reader.restart();
    ASSERT_TRUE(feed("data: whole\n\n"));
    EXPECT_EQ(seen, (std::vector<std::string>{"8=whole"}));
}

TEST_F(Events, without_an_end_are_given_up) {
    EXPECT_FALSE(feed(std::string(2U << 20U, 'x')));
}

TEST(Client, tells_the_classes_of_errors_apart) {
    FakeDaemon daemon;
    const std::string body = R"({"error":{"code":"x","message":"no such guard","hint":"revertctl deploy list"}})";
    Client client(daemon.address());
    const std::vector<std::pair<int, ErrorCode>> classes = {
        {400, ErrorCode::Invalid},  {401, ErrorCode::NotAllowed}, {403, ErrorCode::NotAllowed},
        {404, ErrorCode::NotFound}, {409, ErrorCode::Conflict},   {429, ErrorCode::Limit},
        {500, ErrorCode::Internal}, {503, ErrorCode::Unavailable}};
    for (const auto& [status, code] : classes) {
        daemon.answer("GET /x", {{status, body}});
        const auto answer = client.get("/x");
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().code, code) << status;
        EXPECT_EQ(answer.error().message, "no such guard");
        EXPECT_EQ(answer.error().hint, "revertctl deploy list");
    }
}

TEST(Client, names_the_status_when_something_else_answers) {
    FakeDaemon daemon;
    daemon.answer("GET /x", {{502, "<html>Bad Gateway</html>"}});
    Client client(daemon.address());
    EXPECT_EQ(client.get("/x").error().message, "the daemon answered HTTP 502");
}

TEST(Client, says_where_it_looked_for_a_daemon_that_is_not_there) {
    Client client("unix:/nonexistent/revertd.sock");
    const auto answer = client.get("/x");
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::Unavailable);
    EXPECT_EQ(answer.error().message,
              "cannot reach revertd at unix:/nonexistent/revertd.sock: No such file or directory");
}

TEST(Client, encodes_whatever_a_person_types) {
    EXPECT_EQ(encoded("a b/../c?d&ü"), "a%20b%2F..%2Fc%3Fd%26%C3%BC");
}

}  // namespace
}  // namespace revertd::ctl
