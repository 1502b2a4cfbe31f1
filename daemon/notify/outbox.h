// SPDX-License-Identifier: Apache-2.0
// What has still to be delivered, kept over restarts. The journal holds the pages themselves; this remembers, channel
// by channel, which of them have arrived. A mark that is lost costs a second delivery under the same key, never a page.
#pragma once
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/result.h"

namespace revertd {

class Outbox {
  public:
    struct Pending {
        std::uint64_t seq = 0;
        std::string channel;
    };

    /// `dir`/outbox.db; an unreadable one is set aside, and what is in the journal after its last start is sent again.
    static Result<std::unique_ptr<Outbox>> open(const std::string& dir);
    Outbox(const Outbox&) = delete;
    Outbox& operator=(const Outbox&) = delete;
    ~Outbox();

    /// As it was when opened.
    [[nodiscard]] std::uint64_t last_seq() const;
    [[nodiscard]] const std::vector<Pending>& pending() const;

    /// Written on a thread of its own; both return at once.
    void accept(std::uint64_t seq, const std::vector<std::string>& channels);
    void done(std::uint64_t seq, const std::string& channel);

    /// What a channel remembers of a page or an incident: a message's id, an issue's number. An empty value forgets.
    void keep(const std::string& channel, const std::string& key, const std::string& value);
    [[nodiscard]] std::string kept(const std::string& channel, const std::string& key) const;

  private:
    struct Impl;
    explicit Outbox(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace revertd
