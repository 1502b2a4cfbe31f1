// SPDX-License-Identifier: Apache-2.0
// A server of mail that is in trouble for ten minutes, at every place of the conversation. The limit of a conversation
// is of real time, so it is short here; the pauses between tries are leapt over.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <numeric>
#include <set>

#include "tests/notify/bed.h"
#include "tests/support/fake_smtp.h"

namespace revertd {
namespace {

using test::SmtpTrouble;
using How = test::SmtpTrouble::How;

struct Trouble {
    const char* name;
    SmtpTrouble what;
    const char* reason;  ///< in the metrics
    bool taken = false;  ///< the server has the mail, and its answer is lost
};

void PrintTo(const Trouble& trouble, std::ostream* out) {
    *out << trouble.name;
}

const Trouble kTroubles[] = {
    {"hangs_when_connected", {"connect", How::Hangs}, "contextDeadlineExceeded"},
    {"is_shutting_down", {"connect", How::Replies, "421 not now"}, "serverError"},
    {"hangs_at_hello", {"EHLO", How::Hangs}, "contextDeadlineExceeded"},
    {"drops_the_sender", {"MAIL", How::Drops}, "other"},
    {"is_overloaded", {"MAIL", How::Replies, "452 too busy"}, "serverError"},
    {"greylists", {"RCPT", How::Replies, "451 4.7.1 come back later"}, "serverError"},
    {"has_no_room", {"DATA", How::Replies, "452 4.3.1 disk full"}, "serverError"},
    {"drops_within_the_text", {"text", How::Drops}, "other"},
    {"scans_in_vain", {".", How::Replies, "451 scanner is down"}, "serverError"},
    {"drops_after_the_text", {".", How::Drops}, "other", true},
    {"hangs_after_the_text", {".", How::Hangs}, "contextDeadlineExceeded", true},
};

class TenMinutesOfMail : public test::NotifyBed, public testing::WithParamInterface<Trouble> {
  protected:
    TenMinutesOfMail() {
        send_limit_ = GetParam().what.how == How::Hangs ? 40ms : 5s;
        settings_.email = EmailSettings{"smtp://127.0.0.1:" + std::to_string(smtp_.port()),
                                        "revertd@example.com",
                                        {"ops@example.com"},
                                        {},
                                        {},
                                        false,
                                        {}};
    }

    static std::uint64_t tries(const Notifier& notifier) {
        const auto failed = notifier.count("email").failed_tries;
        return std::accumulate(failed.begin(), failed.end(), std::uint64_t{0},
                               [](std::uint64_t sum, const auto& reason) { return sum + reason.second; });
    }

    static std::string id_of(const std::string& mail) {
        const std::size_t at = mail.find("Message-ID: ");
        return at == std::string::npos ? "" : mail.substr(at, mail.find('\n', at) - at);
    }

    test::FakeSmtp smtp_;
};

TEST_P(TenMinutesOfMail, are_followed_by_every_mail_in_order_and_under_one_id) {
    smtp_.set_trouble(GetParam().what);
    const auto notifier = open();
    for (std::uint64_t seq = 1; seq <= 3; ++seq) notifier->enqueue(page(seq, seq == 3 ? "resolve" : "update"));
    const Time began = clock_.now().at;
    std::uint64_t failed = 0;
    while (clock_.now().at - began < 10min) {
        ASSERT_TRUE(test::run_until(loop_, [&] { return tries(*notifier) > failed; })) << failed;
        failed = tries(*notifier);
        clock_.set_offset(clock_.offset() + 31s);
    }
    EXPECT_GE(failed, 600U / 45);
    EXPECT_EQ(notifier->count("email").failed_tries[GetParam().reason], failed) << troubles_;
    EXPECT_EQ(notifier->count("email").failed, 0U) << troubles_;
    EXPECT_EQ(smtp_.mails().empty(), !GetParam().taken);
    smtp_.set_trouble({});
    // Where the limit is short, a busy machine may miss it once more.
    while (notifier->count("email").delivered < 3 && clock_.now().at - began < 30min) {
        failed = tries(*notifier);
        clock_.set_offset(clock_.offset() + 31s);
        ASSERT_TRUE(test::run_until(
            loop_, [&] { return notifier->count("email").delivered == 3 || tries(*notifier) > failed; }));
    }
    ASSERT_EQ(notifier->count("email").delivered, 3U) << troubles_;
    std::vector<std::string> ids;
    for (const std::string& mail : smtp_.mails())
        if (ids.empty() || ids.back() != id_of(mail)) ids.push_back(id_of(mail));
    ASSERT_EQ(ids.size(), 3U) << "what comes again has the id of the first, so that readers show it once";
    EXPECT_EQ(std::set(ids.begin(), ids.end()).size(), 3U);
    EXPECT_GE(smtp_.mails().size(), GetParam().taken ? 4U : 3U);
    EXPECT_NE(smtp_.mails().back().find("page 3"), std::string::npos) << smtp_.mails().back();
    EXPECT_EQ(notifier->waiting(), 0U);
}

/// curl waits on the spot for the replies to the end of the text and to QUIT.
TEST_P(TenMinutesOfMail, hold_the_loop_at_no_place) {
    send_limit_ = 500ms;
    smtp_.set_trouble(GetParam().what);
    const auto notifier = open();
    notifier->enqueue(page(1));
    Duration longest{};
    Time last = loop_.now();
    std::function<void()> look = [&] {
        longest = std::max(longest, loop_.now() - last);
        last = loop_.now();
        if (tries(*notifier) == 0) (void)loop_.at(last + 5ms, look);
    };
    look();
    ASSERT_TRUE(test::run_until(loop_, [&] { return tries(*notifier) > 0; }));
    EXPECT_LT(longest, 5s) << "the loop has more to do than to wait for a server of mail";
}

/// Threads of this process that send a mail.
std::ptrdiff_t senders() {
    const std::filesystem::directory_iterator tasks("/proc/self/task");
    return std::count_if(begin(tasks), end(tasks), [](const auto& task) {
        std::string name;
        std::getline(std::ifstream(task.path() / "comm"), name);
        return name == "mail";
    });
}

class HangingMail : public test::NotifyBed {
  protected:
    test::FakeSmtp smtp_;
};

TEST_F(HangingMail, ends_with_its_client) {
    smtp_.set_trouble(SmtpTrouble{".", How::Hangs, {}});
    auto client = std::make_unique<HttpClient>(loop_);
    MailRequest mail;
    mail.server = "smtp://127.0.0.1:" + std::to_string(smtp_.port());
    mail.from = mail.to = "ops@example.com";
    mail.text = "Subject: x\r\n\r\nx\r\n";
    mail.starttls = false;
    mail.whole_limit = 1h;
    ASSERT_TRUE(client->api().send_mail(mail, [](const MailResult&) { ADD_FAILURE() << "nobody is called any more"; }));
    ASSERT_TRUE(test::run_until(loop_, [&] { return !smtp_.mails().empty(); }));
    EXPECT_EQ(senders(), 1);
    client.reset();
    EXPECT_TRUE(test::run_until(loop_, [] { return senders() == 0; })) << "it would wait for an hour";
}

INSTANTIATE_TEST_SUITE_P(Notify, TenMinutesOfMail, testing::ValuesIn(kTroubles),
                         [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace revertd
