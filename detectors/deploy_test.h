// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "detectors/counts.h"
#include "detectors/doubt.h"

namespace revertd::detect {

/// What was found, and the numbers that say so.
struct Finding {
    enum class Kind : std::uint8_t { HardFailure, TrafficLost, Errors, ErrorBlocks, Part, Latency, Memory };

    Kind kind = Kind::Errors;
    double at = 0;
    double evidence = 0;                        ///< as DeployTest::evidence; 0: found without statistics
    Events fresh{}, reference{};                ///< since the change seems to have begun, or of the last seconds
    double before = 0;                          ///< errors a request before the deploy
    std::size_t part = 0;                       ///< endpoint
    double value = 0, expected = 0, limit = 0;  ///< latency: shares slower than `limit`, now and usually; else by kind
    std::string_view unit = {};                 ///< of `limit`
    Doubt doubt{};
};

[[nodiscard]] std::string_view to_string(Finding::Kind kind);

/// Everything that statistics can say about one deploy. Ticks before the deploy teach it; then each tick of both groups
/// is judged at once. Allocates nothing after `begin`.
class DeployTest {
  public:
    explicit DeployTest(const DeployShape& shape);
    ~DeployTest();
    /// The same test in the same state: what it would find can be tried out.
    DeployTest(const DeployTest& other);
    DeployTest& operator=(const DeployTest&) = delete;
    DeployTest(DeployTest&&) noexcept;
    DeployTest& operator=(DeployTest&&) noexcept;

    /// A tick of the control group, or of the service, before the deploy.
    void before(const GroupTick& reference);
    /// The deploy happens: what was seen becomes the measure. Called once, by the first tick at the latest.
    void begin();
    /// A gauge of a group after the deploy.
    void memory(bool fresh, double at, double share_of_limit);
    /// Both groups up to the same instant; `reference` only with a control group.
    std::optional<Finding> tick(const GroupTick& fresh, const GroupTick* reference);
    /// A tick in which nothing may be found: how large the new group is, and how it warms up, is learnt from it.
    void watch(const GroupTick& fresh, const GroupTick* reference);

    /// The strongest evidence of any test, by its share of alpha: 1 : evidence are the odds against a healthy deploy
    /// that all tests together look at.
    [[nodiscard]] double evidence() const;

    /// What kept the last tick from a verdict that its evidence would have been enough for otherwise.
    [[nodiscard]] Doubt withheld() const;

    /// Enough was seen to say that nothing was found: 30 % of the bake, and so many requests, log2(1/alpha), that a
    /// version of which every second one fails would have been found.
    [[nodiscard]] bool saw_enough() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace revertd::detect
