// SPDX-License-Identifier: Apache-2.0
#include "tests/journal/harness.h"

#include <gtest/gtest.h>

namespace revertd::journal {

namespace {

const FrozenClock kClock;

}  // namespace

void Told::durable(std::uint64_t seq) {
    const std::lock_guard lock(mutex_);
    EXPECT_FALSE(ended_) << "record " << seq << " reported durable by a journal that has failed";
    last_ = seq;
    ++commits_;
    changed_.notify_all();
}

void Told::failed(const std::string& reason) {
    const std::lock_guard lock(mutex_);
    failures_.push_back(reason);
    // The first word of a full disk comes while the reserve is still there.
    ended_ = !reason.starts_with("the disk is full: ");
    changed_.notify_all();
}

bool Told::wait_for(std::uint64_t seq) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return last_ >= seq || ended_; });
    return last_ >= seq;
}

std::vector<std::string> Told::wait_for_failures(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return failures_.size() >= count; });
    return failures_;
}

std::uint64_t Told::last() const {
    const std::lock_guard lock(mutex_);
    return last_;
}

std::size_t Told::commits() const {
    const std::lock_guard lock(mutex_);
    return commits_;
}

std::vector<std::string> Told::failures() const {
    const std::lock_guard lock(mutex_);
    return failures_;
}

Opened open_journal(const std::string& dir) {
    Opened opened;
    Options options{.dir = dir, .clock = &kClock, .durable = {}, .failed = {}, .reserve_bytes = 1 << 16};
    options.durable = [told = opened.told](const Commit& commit) { told->durable(commit.seq); };
    options.failed = [told = opened.told](const std::string& reason) { told->failed(reason); };
    opened.journal = Journal::open(std::move(options));
    return opened;
}

Entry entry(int number) {
    const std::string text = std::to_string(number);
    return {.seq = 0,
            .at = Time(1s * number),
            .wall = WallTime(1795144327s + 1s * number),
            .kind = number % 3 == 0 ? "intent" : "decided",
            .service = "service-" + std::to_string(number % 5),
            .incident = number % 2 == 0 ? "inc-" + text : "",
            .body = R"({"number":)" + text + R"(,"words":"error ratio 7.3 % over 5 % for 1m"})"};
}

std::vector<Entry> entries(int from, int to) {
    std::vector<Entry> made;
    for (int number = from; number <= to; ++number) made.push_back(entry(number));
    return made;
}

bool append_and_wait(Opened& opened, int number) {
    auto seq = opened->append({entry(number)});
    return seq && opened.told->wait_for(*seq);
}

std::vector<Entry> read_all(Journal& journal) {
    std::vector<Entry> read;
    auto done = journal.for_each(1, [&](const Entry& found) {
        read.push_back(found);
        return Result<void>();
    });
    if (!done) return {};
    return read;
}

}  // namespace revertd::journal
