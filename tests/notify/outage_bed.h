// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <mutex>
#include <numeric>

#include "daemon/journal/codec.h"
#include "daemon/journal/journal.h"
#include "tests/notify/bed.h"

namespace revertd::test {

/// Receivers in trouble. Time is put forward, not waited for.
class Outage : public NotifyBed {
  protected:
    /// Time goes on by so much; what is due by then is done, and what it asked for is answered: a request never sees
    /// the clock leap.
    void pass(const Notifier& notifier, Duration time) {
        clock_.set_offset(clock_.offset() + time);
        bool done = false;
        const TimerId soon = loop_.at(loop_.now() + 20ms, [&done] { done = true; });
        EXPECT_NE(soon, TimerId::None);
        EXPECT_TRUE(run_until(loop_, [&] { return done && notifier.in_flight() == 0; }));
    }

    static std::uint64_t failed_tries(const Notifier& notifier, const std::string& channel) {
        const auto count = notifier.count(channel);
        return std::accumulate(count.failed_tries.begin(), count.failed_tries.end(), std::uint64_t{0},
                               [](std::uint64_t sum, const auto& reason) { return sum + reason.second; });
    }

    std::unique_ptr<journal::Journal> journal() {
        journal::Options options;
        options.dir = dir_ + "/journal";
        options.clock = &clock_;
        auto opened = journal::Journal::open(options);
        EXPECT_TRUE(opened.has_value());
        return std::move(*opened);
    }

    void use(const std::string& base) {
        settings_.webhook = WebhookSettings{base + "/page", {}, std::nullopt};
        settings_.pagerduty = PagerDutySettings{secret("key", "canary-routing-key"), base + "/enqueue"};
    }

    std::vector<std::string> taken(const std::string& path) {
        const std::lock_guard lock(mutex_);
        return taken_[path];
    }

    /// Answers that a receiver in trouble gives, one after the other, until it is well.
    FakeAnswer receive(const FakeRequest& r) {
        const std::lock_guard lock(mutex_);
        if (well_) {
            taken_[r.path].push_back(r.body);
            return answer(202);
        }
        switch (asked_++ % 4) {
            case 0:
                return answer(503, "overloaded", "60");
            case 1:
                return answer(500, "oops");
            case 2:
                return answer(429, "slow down", "45");
            default:
                return FakeAnswer::resetting();
        }
    }

    std::mutex mutex_;
    bool well_ = false;
    int asked_ = 0;
    std::map<std::string, std::vector<std::string>> taken_;
};

}  // namespace revertd::test
