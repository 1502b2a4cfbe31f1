// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <string>

#include "core/http_settings.h"
#include "core/result.h"

namespace revertd {

class Loop;

/// The first lines of secrets' files. They are rotated under a running daemon, so they are read again and again; a file
/// may lie on a network file system that hangs, so they are read by helper threads.
class SecretFiles {
  public:
    explicit SecretFiles(Loop& loop);
    SecretFiles(const SecretFiles&) = delete;
    SecretFiles& operator=(const SecretFiles&) = delete;
    ~SecretFiles();

    /// What was read last, and has it read again if that was a while ago (kSecretAge); a file that cannot be read then
    /// changes nothing. While there is none, a reading that begins is waited for, for at most kSecretPatience; one that
    /// hangs is not waited for again. Unavailable: it could never be read; the words name it, never what is in it.
    [[nodiscard]] Result<std::string> first_line(const SecretPath& file);

  private:
    struct Shared;

    static void work(const std::shared_ptr<Shared>& shared);
    void start_thread();

    Loop& loop_;
    std::shared_ptr<Shared> shared_;
};

}  // namespace revertd
