// SPDX-License-Identifier: Apache-2.0
#include "detectors/deploy_test.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "detectors/error_test.h"
#include "detectors/growth.h"
#include "detectors/history.h"
#include "detectors/latency_test.h"
#include "detectors/recent.h"
#include "detectors/share_watch.h"
#include "detectors/statistics.h"
#include "detectors/surroundings.h"
#include "detectors/tuning.h"

namespace revertd::detect {
namespace {

// Of alpha. The rest is for what the models do not know: the share that is alarmed must stay below alpha, not near it.
constexpr double kErrorShare = 0.35, kBlockShare = 0.02, kPartShare = 0.08, kLatencyShare = 0.25;
constexpr double kStartErrors = 0.25;  // share of requests that may fail while instances start
constexpr double kQuiet = 3;           // evidence below which the noise is learned
constexpr double kHardTail = 2e-5;
constexpr double kHardRate = 0.4, kHardTimes = 8;  // of the requests; times as many as usual, which come in clumps
constexpr double kLookBack = 400;                  // seconds that the fast paths look back
constexpr double kSilentFrom = 60;                 // seconds
constexpr std::array kSilences = {30.0, 60.0, 120.0, 240.0};      // seconds
constexpr double kMissed = 25, kHardlyAny = 0.1, kSilent = 0.07;  // requests; of them; of them in the latter half
constexpr std::size_t kShareTicks = 3;   // of them, from which the new group's share of the traffic is known
constexpr double kManyRestart = 0.0999;  // share of the new group's instances
constexpr double kEnoughSeen = 0.3, kSeenTogether = 5;  // of the bake; intervals that one scrape may tell of
constexpr double kShareDoubt = 3;                       // standard deviations by which it may be smaller than it was

}  // namespace

const Tuning& tuning() {
    static Tuning values;
    return values;
}

std::string_view to_string(Finding::Kind kind) {
    constexpr std::array<std::string_view, 7> kNames = {"hard-failure", "traffic-lost", "errors",     "errors-block",
                                                        "endpoint",     "latency",      "memory-leak"};
    return kNames[static_cast<std::size_t>(kind)];
}

struct DeployTest::State {
    explicit State(const DeployShape& s)
        : shape(s), history(s.edges.empty() ? 0 : s.edges.size() + 1, s.parts), growth(s.bake, s.interval) {}

    /// The totals when the evidence last was nothing: what came since is what the words are about.
    struct Quiet {
        Events fresh, reference;
    };

    // What exists only after `begin`.
    struct Bake {
        Bake(const DeployShape& shape, const History& history)
            : before(history, shape.control, shape.interval),
              noise(before.extra),
              errors(shape, before, kErrorShare),
              blocks(shape, before, kBlockShare),
              parts(shape, before, kPartShare),
              latency(shape, LatencyModel(shape, history), kLatencyShare),
              surroundings(shape, before),
              recent(static_cast<std::size_t>(kLookBack / shape.interval) + 24, latency.model().cells().size()),
              part_fresh(shape.parts),
              part_reference(shape.parts) {}

        void add_parts(const GroupTick& new_group, const GroupTick* control) {
            for (std::size_t p = 0; p < std::min(part_fresh.size(), new_group.parts.size()); ++p)
                part_fresh[p] += new_group.parts[p];
            if (control == nullptr) return;
            for (std::size_t p = 0; p < std::min(part_reference.size(), control->parts.size()); ++p) {
                part_reference[p] += control->parts[p];
            }
        }

        ErrorHistory before;
        OwnNoise noise;
        ErrorTest errors;
        ErrorBlockTest blocks;
        PartTest parts;
        LatencyTest latency;
        Surroundings surroundings;
        Recent recent;
        ShareWatch share, share_beside;  ///< of the new group, of the control group
        LatencyTest::Cells fresh_cells{}, reference_cells{};
        Events fresh, reference;  // all of the bake
        Quiet quiet;
        std::vector<Events> part_fresh, part_reference;
        double restarted = 0;    ///< share of the new group's instances, since some were noticed last
        bool cold_anew = false;  ///< in this tick
        double seen = 0;         ///< seconds
        double counts_from = 0;  ///< what was seen before is only watched
        Doubt withheld;          ///< in this tick
    };

    DeployShape shape;
    History history;
    GrowthTest growth;
    std::optional<Bake> bake;

    [[nodiscard]] double reference_rate(const Recent::Sum& sum) const {
        return shape.control ? (sum.reference.errors + 0.5) / (sum.reference.requests + 1) : bake->before.rate;
    }

    [[nodiscard]] std::optional<Finding> hard_failure(double at) const;
    [[nodiscard]] std::optional<Finding> silence(double at) const;
    void watch_load(const GroupTick& fresh);
    [[nodiscard]] bool proves(double evidence, double share, const Doubt& doubt);
    [[nodiscard]] bool still_bad(double at) const;
    [[nodiscard]] bool still_slow(double at);
    [[nodiscard]] Finding found(Finding::Kind kind, double at, double evidence, const Doubt& doubt) const;
    void describe_latency(Finding& finding) const;
    std::optional<Finding> errors(const GroupTick& fresh, const Events& reference);
    std::optional<Finding> parts(const GroupTick& fresh, const GroupTick* reference);
    std::optional<Finding> latency(const GroupTick& fresh);
    void watch_restarts(const GroupTick& fresh);
    void take(const GroupTick& fresh, const GroupTick* reference);
    [[nodiscard]] bool starting(const GroupTick& fresh) const;
};

std::optional<Finding> DeployTest::State::hard_failure(double at) const {
    const auto sum = bake->recent.over(std::max(bake->counts_from, at - std::max(20.0, 2 * shape.interval)), at);
    if (sum.ticks < 2 || sum.fresh.requests < 8) return std::nullopt;
    const double rate = sum.fresh.errors / sum.fresh.requests;
    const auto& before = bake->before.all;
    const double base = shape.control ? (sum.reference.errors + 1) / (sum.reference.requests + 2)
                                      : (before.errors + 1) / (before.requests + 2);
    if (rate < kHardRate || rate <= kHardTimes * base) return std::nullopt;
    if (binomial_tail(sum.fresh.errors, sum.fresh.requests, std::max(kStartErrors, 2 * base)) > kHardTail)
        return std::nullopt;
    return Finding{.kind = Finding::Kind::HardFailure,
                   .at = at,
                   .fresh = sum.fresh,
                   .reference = sum.reference,
                   .before = bake->before.rate};
}

/// Of a quiet canary it takes longer until enough requests are missing. A share of the traffic that has fallen to a
/// tenth is no silence.
std::optional<Finding> DeployTest::State::silence(double at) const {
    if (!shape.control || at < kSilentFrom) return std::nullopt;
    for (const double seconds : kSilences) {
        const double span = std::max(seconds, 2 * shape.interval);
        const auto now = bake->recent.over(at - span, at), earlier = bake->recent.over(at - kLookBack, at - span);
        if (now.ticks < 2 || earlier.ticks < kShareTicks || earlier.reference.requests <= 0) return std::nullopt;
        // A share that is known from a few requests may have been half as large.
        const double doubt = std::exp(-kShareDoubt / std::sqrt(std::max(1.0, earlier.fresh.requests)));
        const double share = doubt * earlier.fresh.requests / earlier.reference.requests;
        const double expected = share * now.reference.requests;
        if (expected < kMissed) continue;
        const auto half = bake->recent.over(at - span / 2, at);
        // Who came back is the control group, if the new one has as much as it had.
        const double own = earlier.fresh.requests * static_cast<double>(now.ticks) / static_cast<double>(earlier.ticks);
        if (now.fresh.requests >= kHardlyAny * std::min(expected, own) ||
            half.fresh.requests > kSilent * share * half.reference.requests)
            return std::nullopt;
        return Finding{.kind = Finding::Kind::TrafficLost,
                       .at = at,
                       .fresh = now.fresh,
                       .reference = now.reference,
                       .value = now.fresh.requests,
                       .expected = expected};
    }
    return std::nullopt;
}

/// Instances are started anew one after the other: the warm-up of a tenth of them is noticed.
void DeployTest::State::watch_restarts(const GroupTick& fresh) {
    bake->restarted += fresh.restarted;
    bake->cold_anew = bake->restarted >= kManyRestart;
    if (!bake->cold_anew) return;
    bake->restarted = 0;
    bake->latency.restarted(fresh.at);
}

/// What is cold or full meanwhile is not slow; without a control group nothing else tells of it.
void DeployTest::State::watch_load(const GroupTick& fresh) {
    const auto load = bake->surroundings.watch_load(bake->recent, fresh.at, fresh.dt);
    if (load.grows_since && !shape.control) bake->latency.restart(*load.grows_since);
    if (load.settled_since) bake->latency.forget(*load.settled_since);
}

/// The evidence of a test that has this share of alpha is enough.
bool DeployTest::State::proves(double evidence, double share, const Doubt& doubt) {
    const double usual = evidence * shape.alpha * share;
    if (usual >= 1 && usual < doubt.times) bake->withheld = doubt;
    return usual >= doubt.times;
}

bool DeployTest::State::still_bad(double at) const {
    const double span = std::max(40.0, 3 * shape.interval);
    auto sum = bake->recent.over(at - span, at);
    if (sum.fresh.requests * reference_rate(sum) < 4) sum = bake->recent.over(at - 3 * span, at);
    return sum.fresh.errors / std::max(sum.fresh.requests, 1.0) > tuning().still_errors * reference_rate(sum);
}

bool DeployTest::State::still_slow(double at) {
    const auto sum = bake->recent.over(at - std::max(40.0, 3 * shape.interval), at);
    LatencyTest::Cells fresh{}, reference{};
    for (std::size_t c = 0; c < bake->latency.model().cells().size(); ++c) {
        fresh[c] = bake->recent.fresh_cell(sum, c);
        reference[c] = bake->recent.reference_cell(sum, c);
    }
    return bake->latency.still(fresh, reference);
}

Finding DeployTest::State::found(Finding::Kind kind, double at, double evidence, const Doubt& doubt) const {
    Finding finding;
    finding.kind = kind;
    finding.at = at;
    finding.evidence = evidence;
    finding.before = bake->before.rate;
    finding.fresh = bake->fresh - bake->quiet.fresh;
    finding.reference = bake->reference - bake->quiet.reference;
    finding.doubt = doubt;
    return finding;
}

/// The bucket edge at which the last two minutes differ most from what is usual.
void DeployTest::State::describe_latency(Finding& finding) const {
    const auto cells = bake->latency.model().cells();
    const auto sum = bake->recent.over(finding.at - 120, finding.at);
    double now = 0, usual = 0, all_now = 0, all_usual = 0, most = -1;
    const auto usual_of = [&](std::size_t c) {
        return shape.control ? bake->recent.reference_cell(sum, c) : cells[c].share;
    };
    for (std::size_t c = 0; c < cells.size(); ++c) {
        all_now += bake->recent.fresh_cell(sum, c);
        all_usual += usual_of(c);
    }
    for (std::size_t c = cells.size() - 1; c > 0 && all_now > 0 && all_usual > 0; --c) {
        now += bake->recent.fresh_cell(sum, c);
        usual += usual_of(c);
        const double a = now / all_now, b = usual / all_usual;
        const double differs = (a - b) / std::sqrt(b + 1e-4);
        if (differs <= most) continue;
        most = differs;
        finding.value = a;
        finding.expected = b;
        finding.limit = shape.edges[cells[c - 1].last];
    }
    finding.fresh = {all_now, 0};
    finding.unit = shape.unit;
}

std::optional<Finding> DeployTest::State::errors(const GroupTick& fresh, const Events& reference) {
    auto& b = *bake;
    const double own = shape.control ? b.noise.value() : 0;
    const Doubt doubt = b.surroundings.of_errors(fresh.at);
    b.errors.step(fresh.all, reference, own, fresh.dt);
    if (shape.control && b.errors.evidence() < kQuiet) b.noise.add(fresh.all, reference);
    if (proves(b.errors.evidence(), kErrorShare, doubt) && still_bad(fresh.at)) {
        return found(Finding::Kind::Errors, fresh.at, b.errors.evidence() * kErrorShare, doubt);
    }
    if (b.blocks.step(fresh.all, reference, shape.control ? b.noise.value() : 0, fresh.dt) &&
        proves(b.blocks.evidence(), kBlockShare, doubt)) {
        return found(Finding::Kind::ErrorBlocks, fresh.at, b.blocks.evidence() * kBlockShare, doubt);
    }
    return std::nullopt;
}

std::optional<Finding> DeployTest::State::parts(const GroupTick& fresh, const GroupTick* reference) {
    if (shape.parts == 0 || fresh.parts.empty() || (shape.control && reference->parts.empty())) return std::nullopt;
    auto& b = *bake;
    b.parts.step(fresh.parts, reference != nullptr ? reference->parts : std::span<const Events>(),
                 shape.control ? b.noise.value() + 0.03 : 0, fresh.dt);
    const Doubt doubt = b.surroundings.of_errors(fresh.at);
    if (!proves(b.parts.evidence(), kPartShare, doubt)) return std::nullopt;
    auto finding = found(Finding::Kind::Part, fresh.at, b.parts.evidence() * kPartShare, doubt);
    finding.part = b.parts.strongest();
    finding.fresh = b.part_fresh[finding.part];
    finding.reference = b.part_reference[finding.part];
    finding.before = b.before.rate_of(finding.part);
    return finding;
}

std::optional<Finding> DeployTest::State::latency(const GroupTick& fresh) {
    auto& b = *bake;
    if (b.cold_anew) {
        b.latency.skip(fresh.at, fresh.dt);
        return std::nullopt;
    }
    b.latency.step(fresh.at, fresh.dt, b.fresh_cells, b.reference_cells);
    const Doubt doubt = b.surroundings.of_latency(fresh.at);
    if (!proves(b.latency.evidence(), kLatencyShare, doubt) || b.share.suspicious() || !still_slow(fresh.at))
        return std::nullopt;
    auto finding = found(Finding::Kind::Latency, fresh.at, b.latency.evidence() * kLatencyShare, doubt);
    describe_latency(finding);
    return finding;
}

DeployTest::DeployTest(const DeployShape& shape) : state_(std::make_unique<State>(shape)) {}

DeployTest::~DeployTest() = default;

DeployTest::DeployTest(const DeployTest& other) : state_(std::make_unique<State>(*other.state_)) {}

DeployTest::DeployTest(DeployTest&&) noexcept = default;
DeployTest& DeployTest::operator=(DeployTest&&) noexcept = default;

void DeployTest::before(const GroupTick& reference) {
    state_->history.add(reference);
}

void DeployTest::begin() {
    if (state_->bake) return;
    state_->bake.emplace(state_->shape, state_->history);
    state_->history = History(0, 0);  // it has been learnt from: an hour of ticks is not kept twice
}

void DeployTest::memory(bool fresh, double at, double share_of_limit) {
    state_->growth.add(fresh, at, share_of_limit);
}

void DeployTest::State::take(const GroupTick& fresh, const GroupTick* reference) {
    auto& b = *bake;
    const Events common = reference != nullptr ? reference->all : Events{};
    b.fresh_cells.fill(0);
    b.reference_cells.fill(0);
    b.latency.model().fill(fresh.buckets, b.fresh_cells);
    if (reference != nullptr) b.latency.model().fill(reference->buckets, b.reference_cells);
    b.recent.push(fresh.at, fresh.dt, fresh.all, common, b.fresh_cells, b.reference_cells);
    watch_restarts(fresh);
    watch_load(fresh);
    if (reference == nullptr) return;
    b.surroundings.watch_control(b.recent, b.latency.model(), fresh.at);
    if (const auto since = b.share.add(fresh.at, fresh.dt, fresh.all.requests, common.requests))
        b.latency.restart(*since);
    // Traffic that comes back to the control group may find it cold; while it is, the new one looks faster than it is.
    if (const auto since = b.share_beside.add(fresh.at, fresh.dt, common.requests, fresh.all.requests))
        b.latency.restart_beside(*since);
    b.latency.growing(b.share.grows());
}

/// A long tick may still hold the errors of starting up.
bool DeployTest::State::starting(const GroupTick& fresh) const {
    return fresh.at - fresh.dt < tuning().grace - 0.5 * shape.interval;
}

void DeployTest::watch(const GroupTick& fresh, const GroupTick* reference) {
    begin();
    state_->take(fresh, reference);
    auto& b = *state_->bake;
    b.counts_from = fresh.at;
    if (!state_->starting(fresh) && !b.cold_anew)
        b.latency.step(fresh.at, fresh.dt, b.fresh_cells, b.reference_cells, false);
}

std::optional<Finding> DeployTest::tick(const GroupTick& fresh, const GroupTick* reference) {
    begin();
    auto& s = *state_;
    auto& b = *s.bake;
    const Events common = reference != nullptr ? reference->all : Events{};
    s.take(fresh, reference);
    b.withheld = {};
    b.fresh += fresh.all;
    b.reference += common;
    b.seen += std::min(fresh.dt, kSeenTogether * s.shape.interval);
    b.add_parts(fresh, reference);
    if (auto found = s.hard_failure(fresh.at)) return found;
    if (auto found = s.silence(fresh.at)) return found;
    if (s.starting(fresh)) return std::nullopt;
    if (auto found = s.errors(fresh, common)) return found;
    if (auto found = s.parts(fresh, reference)) return found;
    if (auto found = s.latency(fresh)) return found;
    if (b.errors.evidence() < 1) b.quiet = {b.fresh, b.reference};
    if (const auto growth = s.growth.still_grows(fresh.at)) {
        return Finding{.kind = Finding::Kind::Memory, .at = fresh.at, .value = growth->now, .expected = growth->rise};
    }
    return std::nullopt;
}

double DeployTest::evidence() const {
    if (!state_->bake) return 0;
    const auto& b = *state_->bake;
    return std::max({b.errors.evidence() * kErrorShare, b.blocks.evidence() * kBlockShare,
                     b.parts.evidence() * kPartShare, b.latency.evidence() * kLatencyShare});
}

Doubt DeployTest::withheld() const {
    return state_->bake ? state_->bake->withheld : Doubt{};
}

bool DeployTest::saw_enough() const {
    const auto& bake = state_->bake;
    const auto& shape = state_->shape;
    return bake && bake->seen >= kEnoughSeen * shape.bake &&
           bake->fresh.requests >= std::ceil(std::log2(1 / shape.alpha));
}

}  // namespace revertd::detect
