// SPDX-License-Identifier: Apache-2.0
// Each record carries the hash of the one before it: a change, a gap or another order anywhere is seen.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/result.h"
#include "core/sha256.h"
#include "daemon/journal/entry.h"

namespace revertd::journal {

/// Hashes are 64 hex digits everywhere, so that a person can compare them by eye.
using Hash = std::string;

/// Where a chain ends.
/// Records whose bodies are to be taken out, with the hashes that stay.
using Doomed = std::vector<std::pair<std::uint64_t, Hash>>;

struct Tail {
    std::uint64_t seq = 0;  // 0: no record yet, `hash` is that of the genesis
    Hash hash;
    Time at{};
    WallTime wall{};
};

/// Who this journal is: its hash stands before the first record, so that a tail cannot be moved under another journal.
struct Genesis {
    std::string instance;  // 32 hex digits
    WallTime created{};

    /// With a new random name.
    static Result<Genesis> make(WallTime created);

    [[nodiscard]] Hash hash() const;
};

/// SHA-256 over the previous hash and every field, each with its length before it.
[[nodiscard]] Hash chain_hash(const Hash& previous, const Entry& entry);

/// The hashes that were stored beside an entry.
struct Link {
    Hash previous;
    Hash own;
};

/// Over number and hash of every blank record, in order: what a record of kind kPrunedKind vouches for.
class BlankDigest {
  public:
    void add(std::uint64_t seq, const Hash& hash) {
        hasher_.field(std::to_string(seq)).field(hash);
        ++count_;
    }

    [[nodiscard]] std::uint64_t count() const { return count_; }

    /// Of what was added so far; it can go on.
    [[nodiscard]] Hash hex() const { return Sha256(hasher_).finish_hex(); }

  private:
    Sha256 hasher_;
    std::uint64_t count_ = 0;
};

/// What is wrong with this entry as the successor of `before`; nothing if it continues the chain.
[[nodiscard]] std::optional<std::string> break_in_chain(const Tail& before, const Entry& entry, const Link& link);

}  // namespace revertd::journal
