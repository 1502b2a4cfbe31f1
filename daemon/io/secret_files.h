// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "core/clock.h"
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
    /// changes nothing. The first reading of a file is waited for, so that a start finds its secrets; all such waiting
    /// together takes at most kSecretPatience. Unavailable: it could never be read; the words name it, never what is in
    /// it.
    [[nodiscard]] Result<std::string> first_line(const SecretPath& file);

    /// Has them read and calls back when they have been, at once if nothing is to be read, or when one of them has hung
    /// for kSecretPatience. Holds nobody.
    void read(const std::vector<SecretPath>& files, std::function<void()> done);

  private:
    struct Shared;

    struct Waiting {
        std::vector<SecretPath> files;
        Time until{};
        std::function<void()> done;
    };

    static void work(const std::shared_ptr<Shared>& shared);
    bool refresh(const SecretPath& file, Duration age);
    void start_thread();
    void look();
    [[nodiscard]] bool being_read(const std::vector<SecretPath>& files) const;

    Loop& loop_;
    Duration patience_;  ///< that is left
    std::list<Waiting> waiting_;
    std::shared_ptr<Shared> shared_;
};

}  // namespace revertd
