// SPDX-License-Identifier: Apache-2.0
// OpenMetrics: the lines of a metric family stand together. A page in which two are mixed is refused as a whole, as the
// standard has it: it was put together by something that does not know what it copies.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace revertd {

/// Of one body, line by line in its order.
class Families {
  public:
    explicit Families(std::uint64_t seed) : seed_(seed) {}

    void clear();

    /// All of a `# HELP`, `# TYPE` or `# UNIT` line that is valid. False: its family was there before, and another one
    /// has come since.
    bool add_descriptor(std::string_view line);
    bool add_sample(std::string_view metric);

    /// That of the last line.
    [[nodiscard]] const std::string& name() const { return name_; }

  private:
    bool enter(std::string_view family);
    [[nodiscard]] bool has(std::string_view metric) const;
    [[nodiscard]] std::uint64_t hash_of(std::string_view family) const;

    std::uint64_t seed_;
    bool any_ = false;
    std::string name_, type_;                                ///< of the family that the last line belongs to
    std::unordered_map<std::uint64_t, std::string> closed_;  ///< types, by the name's hash
};

}  // namespace revertd
