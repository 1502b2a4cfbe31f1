// SPDX-License-Identifier: Apache-2.0
#include "daemon/notify/notifier.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "daemon/io/http_client.h"
#include "daemon/io/loop.h"
#include "daemon/io/system_clock.h"
#include "daemon/journal/codec.h"
#include "daemon/journal/journal.h"
#include "tests/support/fake_http.h"
#include "tests/support/loop_driver.h"

namespace revertd {
namespace {

using test::FakeAnswer;
using test::FakeHttp;

class Notifying : public testing::Test {
  protected:
    Notifying() {
        char name[] = "/tmp/revertd-notify-XXXXXX";
        dir_ = ::mkdtemp(name);
        settings_.webhook = WebhookSettings{server_.url("/page"), {}, std::nullopt};
    }

    ~Notifying() override { std::filesystem::remove_all(dir_); }

    std::unique_ptr<Notifier> open() {
        auto opened = Notifier::open({loop_, http_, dir_, settings_});
        EXPECT_TRUE(opened.has_value()) << (opened ? "" : opened.error().message);
        return std::move(*opened);
    }

    static Record page(std::uint64_t seq, const std::string& level = "error") {
        return {seq, Time(1s), WallTime(1s),
                Paged{"api", "d-1", "i-1", level, "trigger", "page " + std::to_string(seq), {}}};
    }

    FakeAnswer answer(int status) {
        FakeAnswer out;
        out.status = status;
        return out;
    }

    std::string dir_;
    FakeHttp server_;
    NotifySettings settings_;
    SystemClock clock_;
    Loop loop_{clock_};
    HttpClient http_{loop_};
};

TEST_F(Notifying, delivers_in_order) {
    server_.on("/page", answer(202));
    const auto notifier = open();
    for (std::uint64_t seq = 1; seq <= 3; ++seq) notifier->enqueue(page(seq));
    ASSERT_TRUE(test::run_until(loop_, [&] { return notifier->count("webhook").delivered == 3; }));
    const auto requests = server_.requests();
    ASSERT_EQ(requests.size(), 3U);
    for (std::size_t i = 0; i < 3; ++i)
        EXPECT_NE(requests[i].body.find("page " + std::to_string(i + 1)), std::string::npos);
}

TEST_F(Notifying, tries_again_what_the_receiver_did_not_take_and_keeps_its_key) {
    server_.on("/page", std::vector<FakeAnswer>{answer(503), answer(429), FakeAnswer::resetting(), answer(202)});
    const auto notifier = open();
    notifier->enqueue(page(1));
    ASSERT_TRUE(test::run_until(loop_, [&] { return notifier->count("webhook").delivered == 1; }));
    const auto requests = server_.requests();
    ASSERT_GE(requests.size(), 4U);
    for (const auto& request : requests) EXPECT_EQ(request.headers.at("x-revertd-delivery"), "revertd/api/i-1/1");
}

TEST_F(Notifying, gives_up_what_is_refused_for_good_and_goes_on) {
    server_.on("/page", std::vector<FakeAnswer>{answer(400), answer(202)});
    const auto notifier = open();
    notifier->enqueue(page(1));
    notifier->enqueue(page(2));
    ASSERT_TRUE(test::run_until(loop_, [&] { return notifier->count("webhook").delivered == 1; }));
    EXPECT_EQ(notifier->count("webhook").failed, 1U);
    EXPECT_EQ(notifier->waiting(), 0U);
}

TEST_F(Notifying, says_nothing_at_the_level_none) {
    server_.on("/page", answer(202));
    const auto notifier = open();
    notifier->enqueue(page(1, "none"));
    notifier->enqueue(page(2));
    ASSERT_TRUE(test::run_until(loop_, [&] { return notifier->count("webhook").delivered == 1; }));
    EXPECT_EQ(server_.requests().size(), 1U);
}

TEST_F(Notifying, sends_after_a_restart_what_had_not_arrived_and_nothing_twice) {
    journal::Options options;
    options.dir = dir_ + "/journal";
    options.clock = &clock_;
    auto journal = journal::Journal::open(options);
    ASSERT_TRUE(journal.has_value());
    std::vector<journal::Entry> entries;
    for (std::uint64_t seq = 1; seq <= 3; ++seq) entries.push_back(journal::to_entry(page(seq)));
    ASSERT_TRUE((*journal)->append(std::move(entries)).has_value());
    server_.on("/page", std::vector<FakeAnswer>{answer(202), FakeAnswer::hanging()});
    {
        const auto notifier = open();
        notifier->enqueue(page(1));
        notifier->enqueue(page(2));
        ASSERT_TRUE(test::run_until(
            loop_, [&] { return notifier->count("webhook").delivered == 1 && server_.requests().size() == 2; }));
    }
    server_.on("/page", answer(202));
    journal->reset();  // waits until everything is on disk
    journal = journal::Journal::open(options);
    ASSERT_TRUE(journal.has_value());
    const auto notifier = open();
    ASSERT_TRUE(notifier->catch_up(**journal).has_value());
    ASSERT_TRUE(test::run_until(loop_, [&] { return notifier->count("webhook").delivered == 2; }));
    const auto requests = server_.requests();
    ASSERT_EQ(requests.size(), 4U);
    EXPECT_NE(requests[2].body.find("page 2"), std::string::npos);
    EXPECT_NE(requests[3].body.find("page 3"), std::string::npos);
}

TEST_F(Notifying, reads_the_routing_key_at_every_delivery_and_waits_for_one_that_is_missing) {
    server_.on("/enqueue", answer(202));
    settings_.webhook.reset();
    settings_.pagerduty = PagerDutySettings{{"key", dir_ + "/key"}, server_.url("/enqueue")};
    const auto notifier = open();
    notifier->enqueue(page(1));
    std::ofstream(dir_ + "/key") << "ROUTING\n";
    ASSERT_TRUE(test::run_until(loop_, [&] { return notifier->count("pagerduty").delivered == 1; }));
    EXPECT_NE(server_.requests().front().body.find("\"routing_key\":\"ROUTING\""), std::string::npos);
}

}  // namespace
}  // namespace revertd
