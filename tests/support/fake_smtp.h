// SPDX-License-Identifier: Apache-2.0
// A server of mail on loopback with a thread a connection; without STARTTLS or a login. It takes every mail, or has
// trouble at one place of the conversation.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace revertd::test {

struct SmtpTrouble {
    /// Instead of the reply to: `connect`, `EHLO`, `MAIL`, `RCPT`, `DATA`, `.` (the end of the text), or within it:
    /// `text`.
    std::string at;
    enum class How { Hangs, Drops, Replies } how = How::Hangs;
    std::string reply = {};  ///< as in "451 later"
};

class FakeSmtp {
  public:
    FakeSmtp();
    FakeSmtp(const FakeSmtp&) = delete;
    FakeSmtp& operator=(const FakeSmtp&) = delete;
    ~FakeSmtp();

    /// From now on, in conversations under way, too.
    void set_trouble(std::optional<SmtpTrouble> trouble);

    [[nodiscard]] std::uint16_t port() const;
    /// Texts that came to their end, also those whose end it did not answer; not those that it replied to with trouble.
    [[nodiscard]] std::vector<std::string> mails() const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace revertd::test
