// SPDX-License-Identifier: Apache-2.0
// Which series of a scrape are wanted, by which signal and as what: decided once for every new series.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/judge.h"
#include "core/result.h"
#include "core/settings.h"

namespace revertd {

struct SeriesName;

/// The few wanted names, asked for every line of a body: a mask by length and last letter, then a comparison.
class NameFilter {
  public:
    void add(std::string name);

    [[nodiscard]] bool contains(std::string_view name) const { return (mask_ >> bit_of(name) & 1U) != 0 && has(name); }

  private:
    [[nodiscard]] static unsigned bit_of(std::string_view name) {
        const auto last = static_cast<unsigned char>(name.back());
        return static_cast<unsigned>(name.size() * 5 + last) & 63U;
    }

    [[nodiscard]] bool has(std::string_view name) const;

    std::uint64_t mask_ = 0;
    std::vector<std::string> names_;
};

/// One signal's claim to one series.
struct Claim {
    std::uint32_t candidate = 0;  ///< what of the selector claims it
    std::uint64_t identity = 0;   ///< of (signal, series): the same over restarts and for every way to write the labels
    SeriesRole role;
    std::uint32_t name = 0;     ///< of the reading's names, if they are kept
    std::string endpoint = {};  ///< of the role, which does not keep it
};

/// For the signals of one service. A well-known signal has several candidates until the first scrape that holds one.
class SeriesSelector {
  public:
    /// An error if a regular expression does not compile.
    /// Signals that a Prometheus is asked for are left out, and those that `wanted` refuses.
    using Wanted = std::function<bool(const Signal&)>;
    [[nodiscard]] static Result<SeriesSelector> make(const std::vector<Signal>& signals, const Wanted& wanted = {});
    SeriesSelector(SeriesSelector&&) noexcept;
    SeriesSelector& operator=(SeriesSelector&&) noexcept;
    ~SeriesSelector();

    /// Whether any signal may want a series of this name.
    [[nodiscard]] bool wants(std::string_view metric) const { return names_.contains(metric); }

    /// Appends the claims to this series; none is usual (the name is wanted, the labels are not).
    void claim(const SeriesName& series, std::vector<Claim>& claims) const;

    /// After a good scrape: for each well-known signal still open the first candidate in order that `claims` holds is
    /// chosen, and `found` is told. The names of the others are wanted no longer.
    using Found = std::function<void(std::uint32_t signal, const Selector& found)>;
    void choose(const std::vector<Claim>& claims, const Found& found);

    /// False for candidates that were not chosen. What was not claimed or not chosen once never will be.
    [[nodiscard]] bool is_chosen(const Claim& claim) const;

  private:
    struct Candidates;

    SeriesSelector();
    void refilter();

    NameFilter names_;
    std::unique_ptr<Candidates> candidates_;
};

}  // namespace revertd
