// SPDX-License-Identifier: Apache-2.0
// A journal as the daemon uses it, with callbacks that a test can wait for.
#pragma once
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "daemon/journal/journal.h"

namespace revertd::journal {

/// Stands still: what the journal measures with it is nothing.
class FrozenClock : public Clock {
  public:
    [[nodiscard]] Now now() const override { return {Time(1000s), WallTime(1795144327s)}; }
};

/// What the journal told, and a way to wait until it has.
class Told {
  public:
    void durable(std::uint64_t seq);
    void failed(const std::string& reason);

    /// False if the journal failed for good before `seq` was durable.
    bool wait_for(std::uint64_t seq);
    /// The reasons, once there are that many.
    std::vector<std::string> wait_for_failures(std::size_t count);

    [[nodiscard]] std::uint64_t last() const;
    [[nodiscard]] std::size_t commits() const;
    [[nodiscard]] std::vector<std::string> failures() const;

  private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t last_ = 0;
    std::size_t commits_ = 0;
    std::vector<std::string> failures_;
    bool ended_ = false;
};

struct Opened {
    std::shared_ptr<Told> told = std::make_shared<Told>();
    Result<std::unique_ptr<Journal>> journal = Error(ErrorCode::Internal, "not opened");

    Journal* operator->() { return journal->get(); }

    /// Ends the daemon in order.
    void close() { journal = Error(ErrorCode::Internal, "closed"); }
};

Opened open_journal(const std::string& dir);

Entry entry(int number);
std::vector<Entry> entries(int from, int to);
/// Appends one and waits for it.
bool append_and_wait(Opened& opened, int number);
std::vector<Entry> read_all(Journal& journal);

}  // namespace revertd::journal
