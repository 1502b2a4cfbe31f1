// SPDX-License-Identifier: Apache-2.0
// The channel `exec`: a program of the user that is told of every page, and has trouble for a quarter of an hour.
// Programs run in real time; the pauses between tries are leapt over.
#include <filesystem>
#include <fstream>
#include <numeric>

#include "daemon/io/http_client.h"
#include "daemon/notify/notifier.h"
#include "tests/runner/harness.h"

namespace revertd {
namespace {

class PageProgram : public RunnerTest, public testing::WithParamInterface<const char*> {
  protected:
    PageProgram() {
        const std::string well = directory_ / "well", pages = directory_ / "pages", tell = directory_ / "tell";
        write_text(
            tell,
            "#!/bin/sh\n[ -e " + well + " ] || { " + GetParam() + "; }\ncat >> " + pages + "\necho >> " + pages + "\n",
            0755);
        settings_.exec = ExecSettings{{tell}, 300ms};
    }

    std::unique_ptr<Notifier> open() {
        auto opened = Notifier::open({loop_, http_, directory_ / "outbox", settings_, &client_});
        EXPECT_TRUE(opened.has_value());
        return std::move(*opened);
    }

    static Record page(std::uint64_t seq) {
        return {seq, Time(1s), WallTime(1'800'000'000s),
                Paged{"api", "d-1", "i-1", "error", "update", "page " + std::to_string(seq), "errors 7.9 %"}};
    }

    static std::uint64_t tries(const Notifier& notifier) {
        const auto failed = notifier.count("exec").failed_tries;
        return std::accumulate(failed.begin(), failed.end(), std::uint64_t{0},
                               [](std::uint64_t sum, const auto& reason) { return sum + reason.second; });
    }

    /// Pauses are leapt over where they turn out to be some.
    void leap_until(const std::function<bool()>& is_true) {
        for (int leaps = 0; leaps < 60; ++leaps) {
            bool late = false;
            const TimerId timer = loop_.at(loop_.now() + 500ms, [&] { late = true; });
            while (!is_true() && !late) loop_.run_one();
            loop_.cancel(timer);
            if (!late) return;
            clock_.set_offset(clock_.offset() + 61s);
        }
        FAIL() << "it did not happen";
    }

    NotifySettings settings_;
    HttpClient http_{loop_};
};

TEST_P(PageProgram, that_fails_again_and_again_is_told_everything_once_and_in_order_afterwards) {
    constexpr std::uint64_t kTries = 24;  // more than those that come quickly
    start_runner();
    std::filesystem::create_directory(directory_ / "outbox");
    const auto notifier = open();
    for (std::uint64_t seq = 1; seq <= 3; ++seq) notifier->enqueue(page(seq));
    const Time began = clock_.now().at;
    leap_until([&] { return notifier->count("exec").failed > 0 || tries(*notifier) >= kTries; });
    ASSERT_EQ(notifier->count("exec").failed, 0U) << "given up after " << tries(*notifier) << " tries";
    EXPECT_GT(clock_.now().at - began, 4min) << "the later ones are a minute apart";
    EXPECT_FALSE(std::filesystem::exists(directory_ / "pages"));
    write_text(directory_ / "well", "");
    leap_until([&] { return notifier->count("exec").delivered == 3; });
    const std::string told = read_text(directory_ / "pages");
    std::size_t last = 0;
    for (int seq = 1; seq <= 3; ++seq) {
        const std::size_t at = told.find("page " + std::to_string(seq));
        ASSERT_NE(at, std::string::npos) << told;
        EXPECT_GE(at, last);
        EXPECT_EQ(told.find("page " + std::to_string(seq), at + 1000), std::string::npos) << told;
        last = at;
    }
    EXPECT_EQ(std::count(told.begin(), told.end(), '\n'), 3) << told;
}

INSTANTIATE_TEST_SUITE_P(Runner, PageProgram, testing::Values("exit 1", "kill -9 $$"), [](const auto& tested) {
    const std::string text = tested.param;
    return text.substr(0, text.find(' '));
});

}  // namespace
}  // namespace revertd
