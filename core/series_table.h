// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/endpoints.h"
#include "core/judge.h"

namespace revertd {

/// What each series of one service is, flat, by SeriesId. It changes only when a series is registered; a thousand
/// instances of one program have one and the same.
struct SeriesIdentities {
    struct Row {
        std::uint16_t signal = 0;
        std::uint16_t cell = 0;  ///< of the signal's row

        bool operator==(const Row&) const = default;
    };

    std::vector<std::uint64_t> hashes;
    std::vector<std::uint16_t> rows;          ///< index of `kinds`
    std::vector<Row> kinds;                   ///< few: one a cell of a signal
    std::vector<TargetIndex> targets;         ///< empty while all are of target 0: most services have only that one
    std::vector<EndpointIndex> endpoints;     ///< empty while no series names one
    std::vector<std::string> endpoint_names;  ///< in the order of their first sight
    bool endpoints_are_ids = false;           ///< there are more than are kept

    void shrink_to_fit();

    bool operator==(const SeriesIdentities&) const = default;
};

/// Knows the identities of many services, so that those that are equal are kept once. It keeps none itself.
class IdentityPool {
  public:
    static constexpr std::size_t kMost = 256;  ///< different programs; the tables of others keep their own

    /// One of another service that is equal, else this one, which is known from now on if there is room.
    [[nodiscard]] std::shared_ptr<SeriesIdentities> intern(std::shared_ptr<SeriesIdentities> own);

    /// Different ones that some table has.
    [[nodiscard]] std::size_t size() const;

  private:
    std::vector<std::weak_ptr<SeriesIdentities>> known_;
};

/// Every known series of one service, flat: 12 bytes that each scrape touches and that are its own, 10 to 14 of
/// identity that services with the same series share.
class SeriesTable {
  public:
    struct Place {
        TargetIndex target = 0;
        std::uint16_t signal = 0;
        std::uint16_t cell = 0;  ///< of the signal's row
        std::string_view endpoint = {};
    };

    using Row = SeriesIdentities::Row;

    /// Packed: of these there are hundreds of thousands.
    struct [[gnu::packed]] Live {
        double last = 0;         ///< last good value
        std::uint32_t seen = 0;  ///< the target's scrape that had it last; 0: none yet
    };

    static constexpr std::size_t kMost = 100'000;  ///< 26 bytes each; a label that never repeats must not eat the host

    /// `pool` outlives it; null: nothing is shared.
    explicit SeriesTable(IdentityPool* pool) : pool_(pool) {}

    /// The id of a known identity, or a new one; nothing when there are too many.
    std::optional<SeriesId> add(std::uint64_t hash, const Place& place);

    [[nodiscard]] std::size_t size() const { return live_.size(); }

    [[nodiscard]] IdentityPool* pool() const { return pool_; }

    [[nodiscard]] bool shares_with(const SeriesTable& other) const { return is_ == other.is_; }

    [[nodiscard]] TargetIndex target(SeriesId id) const { return is_->targets.empty() ? 0 : is_->targets[id]; }

    [[nodiscard]] Live& live(SeriesId id) { return live_[id]; }

    [[nodiscard]] const Live& live(SeriesId id) const { return live_[id]; }

    [[nodiscard]] const Row& row(SeriesId id) const { return is_->kinds[is_->rows[id]]; }

    [[nodiscard]] EndpointIndex endpoint(SeriesId id) const {
        return id < is_->endpoints.size() ? is_->endpoints[id] : EndpointIndex{0};
    }

    /// None where there are too many to be endpoints.
    [[nodiscard]] std::span<const std::string> endpoint_names() const {
        return is_->endpoints_are_ids ? std::span<const std::string>() : std::span(is_->endpoint_names);
    }

    /// Gives back what only registration needs; called when a slot ends.
    void release_index();

    void save(ByteWriter& out) const;
    /// The caller checks the places.
    bool load(ByteReader& in);

  private:
    [[nodiscard]] std::uint32_t* find(std::uint64_t hash, const Place& place);
    void index_all();

    [[nodiscard]] std::optional<std::uint16_t> row_of(const Place& place) const;
    SeriesIdentities& own();
    bool load_endpoints(ByteReader& in, std::vector<EndpointIndex> endpoints);
    static void name_endpoint(SeriesIdentities& identities, std::string_view name);

    IdentityPool* pool_;
    std::vector<Live> live_;
    std::shared_ptr<SeriesIdentities> is_ = std::make_shared<SeriesIdentities>();  ///< written to only through own()
    std::vector<std::uint32_t> index_;  ///< open addressing, id + 1; empty while nothing is being registered
};

}  // namespace revertd
