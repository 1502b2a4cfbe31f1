// SPDX-License-Identifier: Apache-2.0
// One /metrics target: takes the answer of a Fetch as it arrives and hands on one result, all or nothing.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/judge.h"
#include "core/series_table.h"
#include "daemon/io/http.h"
#include "daemon/sources/exposition.h"
#include "daemon/sources/selector.h"

namespace revertd {

/// What a scrape asks for: text 0.0.4 where there is a choice, because it is read faster.
inline constexpr std::string_view kScrapeAccept =
    "text/plain;version=0.0.4,application/openmetrics-text;version=1.0.0;q=0.5";

/// Where scrapes go: the Judge of the service, in the words of core/judge.h.
class ScrapeListener {
  public:
    ScrapeListener() = default;
    ScrapeListener(const ScrapeListener&) = delete;
    ScrapeListener& operator=(const ScrapeListener&) = delete;
    virtual ~ScrapeListener() = default;
    virtual void name_signal(std::uint32_t signal, const Selector& found) = 0;
    /// The same identity of the same target is the same series.
    virtual SeriesId add_series(TargetIndex target, std::uint64_t identity_hash, const SeriesRole& role) = 0;

    /// Whether the labels of series are wanted now, and those of one that was added, sorted by name.
    [[nodiscard]] virtual bool wants_labels() const { return false; }

    virtual void describe(SeriesId, const std::vector<std::pair<std::string_view, std::string_view>>&) {}

    /// What the result points to is valid during the call.
    virtual void scrape(TargetIndex target, const ScrapeResult& result, Time at) = 0;
};

/// Buffers of all targets of the loop, owned by a target only while its answer arrives.
/// Layouts of pages that are alike: a thousand instances of one program have one.
class Layouts {
  public:
    using Entries = std::vector<Layout::Entry>;

    /// The known one that is equal, or a copy, or nothing if there are too many different ones.
    [[nodiscard]] std::shared_ptr<const Entries> intern(const Entries& entries);

  private:
    static constexpr std::size_t kMost = 256;
    std::vector<std::shared_ptr<const Entries>> known_;
};

class ScrapePool {
  public:
    /// `seed` keeps targets from choosing labels that collide; tests give one.
    explicit ScrapePool(std::uint64_t seed) : seed_(seed) {}

    /// With a seed of the system's.
    ScrapePool();

    [[nodiscard]] std::uint64_t seed() const { return seed_; }

    [[nodiscard]] std::unique_ptr<Exposition> take();
    void give_back(std::unique_ptr<Exposition> reading);

    /// The values of a reading with every series once, its first value. Valid until the next call.
    [[nodiscard]] std::span<const SeriesValue> first_of_each(std::span<const Exposition::Value> values,
                                                             const std::vector<SeriesId>& claimed);
    /// Scratch for the ids of new series.
    std::vector<SeriesId> claimed;
    PageShapes shapes;
    Layouts layouts;
    IdentityPool identities;
    std::uint64_t bytes = 0;  ///< of all bodies, for the daemon's own metrics

  private:
    std::uint64_t seed_;
    std::vector<std::unique_ptr<Exposition>> free_;
    std::vector<SeriesValue> values_;
    std::vector<std::uint32_t> seen_;  // by SeriesId: the round in which it was last seen
    std::uint32_t round_ = 0;
};

/// What the targets of one service share; all of it outlives them.
struct ScrapeContext {
    ScrapePool& pool;
    SeriesSelector& selector;
    ScrapeListener& listener;
    bool fallback_text = false;  ///< a missing or unknown Content-Type is read as text
};

class ScrapeTarget final : public Sink {
  public:
    ScrapeTarget(TargetIndex index, const ScrapeContext& context) : index_(index), context_(context) {}

    ~ScrapeTarget() override;

    void head(int status, std::string_view content_type, std::optional<std::uint64_t> content_length) override;
    bool body(std::span<const char> chunk) override;
    void done(FetchError error, Time at) override;

    /// What is remembered of the page; nothing while it is learned.
    [[nodiscard]] const PageShape* shape() const { return layout_.shape.get(); }

    /// Nothing of the page is known any more: every series of the next one is added anew, under its old identity.
    void forget_page();

    /// The fetch was cancelled (Fetch::cancel): forgets what has arrived.
    void reset();

  private:
    void begin_reading(Format format);
    void finish_reading(Time at);
    void describe(const std::vector<Claim>& claims, const std::vector<SeriesId>& ids);
    void keep_layout();
    void keep_shape();
    void drop_shape();
    void report(Verdict verdict, std::string_view reason, Time at);

    TargetIndex index_;
    ScrapeContext context_;
    Layout layout_;
    std::uint16_t learn_in_ = 0, learn_pause_ = 1;  // pages until a shape is learned, and the pause after that
    std::unique_ptr<Exposition> reading_;
    std::string fault_;  // why the answer is not read
};

}  // namespace revertd
