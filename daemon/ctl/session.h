// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "core/clock.h"
#include "core/result.h"
#include "daemon/ctl/client.h"
#include "daemon/ctl/output.h"

namespace revertd::ctl {

/// How a watch waits, and how it learns of Ctrl-C: signals in the program, virtual time in the tests.
class Pace {
  public:
    Pace() = default;
    Pace(const Pace&) = delete;
    Pace& operator=(const Pace&) = delete;
    virtual ~Pace() = default;

    /// From here on SIGINT and SIGTERM are words of the watch, not the end of the program.
    virtual void hold_signals() = 0;
    /// True as soon as the person or the system wants the program to end, at the latest after `duration`.
    [[nodiscard]] virtual bool interrupted_within(Duration duration) = 0;

    /// From here on until `release_keys` what is typed arrives key by key, unseen on the screen.
    virtual void hold_keys() = 0;
    virtual void release_keys() = 0;
    /// The next key, at the latest after `duration`; kInterrupt for a signal and for a terminal that is gone.
    [[nodiscard]] virtual std::optional<char> key_within(Duration duration) = 0;

    static constexpr char kInterrupt = 3;  ///< Ctrl-C
};

/// Everything a run of revertctl has from outside.
struct Outside {
    std::ostream& out;
    std::ostream& err;
    std::function<std::optional<std::string>(const char* name)> environment;
    std::function<std::size_t()> columns;  ///< of the terminal behind `err`
    std::function<std::size_t()> rows;     ///< of the same one
    bool err_is_terminal = false, out_is_terminal = false;
    const Clock& clock;
    Pace& pace;
    /// The next bytes of stdin, as many as there are; none at its end.
    std::function<std::size_t(std::span<char>)> input = {};
};

struct GlobalOptions {
    std::string address;
    Format format = Format::Table;
    bool progress = true;
    bool live = false;    ///< a block may be redrawn in place
    bool colour = false;  ///< on `err` only: data carries no escape sequences
};

/// One command on its way: the client, and how answers and errors are told.
class Session {
  public:
    Session(Outside& outside, GlobalOptions options);

    [[nodiscard]] Client& client() { return client_; }

    [[nodiscard]] Outside& outside() { return outside_; }

    [[nodiscard]] std::ostream& out() { return outside_.out; }

    [[nodiscard]] std::ostream& err() { return outside_.err; }

    [[nodiscard]] const GlobalOptions& options() const { return options_; }

    [[nodiscard]] bool for_people() const { return options_.format == Format::Table; }

    [[nodiscard]] Now now() const { return outside_.clock.now(); }

    /// Prints an answer, for people by `words`; returns the exit code. `doing` names what was asked, for the error.
    [[nodiscard]] int show(const std::string& doing, const Result<Json>& answer,
                           const std::function<void(const Json&)>& words);

    /// Says what failed; returns the exit code of that error.
    [[nodiscard]] int fail(const std::string& doing, const Error& error);

    /// As `fail`, for a command that the grammar accepts and the meaning does not.
    [[nodiscard]] int refuse(const std::string& why, const std::string& hint);

  private:
    Outside& outside_;
    GlobalOptions options_;
    Client client_;
};

}  // namespace revertd::ctl
