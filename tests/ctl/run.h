// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <atomic>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "daemon/ctl/options.h"
#include "tests/ctl/fake_daemon.h"

namespace revertd::ctl {

/// 2026-11-20 03:12:07 UTC.
inline constexpr WallTime kNow{std::chrono::sys_days{std::chrono::year{2026} / 11 / 20} + 3h + 12min + 7s};

/// Virtual time: it passes only while a watch pauses.
class FakeTime : public Clock, public Pace {
  public:
    [[nodiscard]] Now now() const override { return {Time(passed_), kNow + passed_}; }

    void hold_signals() override { holds_signals = true; }

    [[nodiscard]] bool interrupted_within(Duration duration) override {
        passed_ += duration;
        if (duration > Duration::zero()) ++pauses;
        if (duration > Duration::zero() && on_pause) on_pause(pauses);
        if (duration == Duration::zero()) passed_ += per_check;
        return pauses >= interrupt_at || interrupted;
    }

    void hold_keys() override { holds_keys = true; }

    void release_keys() override { holds_keys = false; }

    /// Time passes; then the next key that is to be typed.
    [[nodiscard]] std::optional<char> key_within(Duration duration) override {
        if (interrupted_within(duration)) return kInterrupt;
        if (keys.empty()) return std::nullopt;
        const char key = keys.front();
        keys.erase(keys.begin());
        return key == '.' ? std::nullopt : std::optional<char>(key);  // '.': nothing is typed in this time
    }

    std::string keys;
    bool holds_keys = false;
    std::function<void(int pause)> on_pause;
    Duration per_check{};  ///< what passes between two looks while a stream is idle
    std::atomic<bool> interrupted = false;
    int pauses = 0;
    int interrupt_at = 1'000'000;
    bool holds_signals = false;

  private:
    Duration passed_{};
};

struct Outcome {
    int code = 0;
    std::string out, err;
};

/// Runs revertctl in this process against `daemon`.
class Terminal {
  public:
    explicit Terminal(FakeDaemon& daemon) { environment["REVERTD_ADDRESS"] = daemon.address(); }

    Terminal() = default;

    Outcome run(const std::vector<std::string>& arguments);

    FakeTime time;
    std::string input;  ///< what stdin holds
    std::map<std::string, std::string> environment;
    bool is_terminal = false;
    std::size_t columns = 80, rows = 24;
};

/// A deployment of the API; `members` are added to (and replace) the usual ones, e.g. `"state":"healthy"`.
[[nodiscard]] std::string deployment(const std::string& state, const std::string& members = "");

}  // namespace revertd::ctl
