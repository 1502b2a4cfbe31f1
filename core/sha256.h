// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace revertd {

/// SHA-256 (FIPS 180-4), for chains, digests and names: evidence that text is unchanged, no secret is involved.
class Sha256 {
  public:
    using Digest = std::array<std::uint8_t, 32>;

    Sha256& update(std::string_view bytes);

    /// Length first, so that ("ab", "c") and ("a", "bc") differ.
    Sha256& field(std::string_view bytes);

    /// The object is used up afterwards.
    [[nodiscard]] Digest finish();
    [[nodiscard]] std::string finish_hex();

  private:
    void compress(const std::uint8_t* block);

    std::array<std::uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    std::array<std::uint8_t, 64> block_{};
    std::size_t used_ = 0;      ///< bytes waiting in `block_`
    std::uint64_t length_ = 0;  ///< bytes so far
};

/// 64 lower-case hex digits.
[[nodiscard]] std::string sha256_hex(std::string_view bytes);

}  // namespace revertd
