// SPDX-License-Identifier: Apache-2.0
// Compact binary records of this machine's own state. The reader never trusts: it fails for good at the first wrong
// byte.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/clock.h"

namespace revertd {

/// FNV-1a, 64 bits: any single changed byte changes it.
[[nodiscard]] std::uint64_t checksum(std::string_view bytes);

class ByteWriter {
  public:
    ByteWriter() = default;

    /// Notes in `form` what is put, a letter each and no value: two records of one form have the same letters.
    explicit ByteWriter(std::string& form) : form_(&form) {}

    /// Numbers and enumerators in the byte order of this machine: what is written here is read here.
    template <class T>
    void put(T value) {
        static_assert(std::is_arithmetic_v<T> || std::is_enum_v<T>);
        if (form_ != nullptr) form_->push_back(letter<T>());
        const std::size_t at = bytes_.size();
        bytes_.resize(at + sizeof value);
        std::memcpy(bytes_.data() + at, &value, sizeof value);
    }

    void put(Time time) { put(time.time_since_epoch().count()); }

    void put(std::string_view text);

    template <class T>
    void put(const std::vector<T>& values) {
        put(static_cast<std::uint32_t>(values.size()));
        for (const T value : values) put(value);
    }

    [[nodiscard]] std::string take() { return std::move(bytes_); }

  private:
    /// t: text, b: bool, f: floating, e: enumerator, u and i: 64 bits, v and j: 32, other letters: numbers of fewer.
    template <class T>
    static constexpr char letter() {
        if (std::is_same_v<T, bool>) return 'b';
        if (std::is_floating_point_v<T>) return 'f';
        if (std::is_enum_v<T>) return 'e';
        constexpr std::string_view kUnsigned = "xwvu", kSigned = "ykji";
        const std::size_t size = sizeof(T) == 8 ? 3 : sizeof(T) / 2;
        return (std::is_signed_v<T> ? kSigned : kUnsigned)[size];
    }

    std::string bytes_;
    std::string* form_ = nullptr;
};

class ByteReader {
  public:
    static constexpr Duration kFarthest = 24h * 365 * 70;

    explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}

    [[nodiscard]] bool ok() const { return ok_; }

    [[nodiscard]] bool at_end() const { return ok_ && at_ == bytes_.size(); }

    bool fail() { return ok_ = false; }

    /// Any number but NaN; a bool must be 0 or 1.
    template <class T>
    bool get(T& value) {
        if (!ok_ || bytes_.size() - at_ < sizeof value) return fail();
        if constexpr (std::is_same_v<T, bool>) {
            const char byte = bytes_[at_++];
            value = byte == 1;
            return byte == 0 || byte == 1 || fail();
        } else {
            std::memcpy(&value, bytes_.data() + at_, sizeof value);
            at_ += sizeof value;
            if constexpr (std::is_floating_point_v<T>) return !std::isnan(value) || fail();
            return true;
        }
    }

    /// A number that may be unknown.
    bool get_or_nan(double& value) {
        std::uint64_t bits = 0;
        if (!get(bits)) return false;
        std::memcpy(&value, &bits, sizeof value);
        return true;
    }

    /// An enumerator from the first to `last`.
    template <class E>
    bool get_enum(E& value, E last) {
        std::underlying_type_t<E> raw{};
        if (!get(raw) || raw > static_cast<std::underlying_type_t<E>>(last)) return fail();
        value = static_cast<E>(raw);
        return true;
    }

    /// A time within kFarthest of the timeline's origin, so that differences cannot overflow.
    bool get(Time& time);
    bool get(std::string& text, std::size_t most);

    /// Exactly as many values as `values` holds: their number follows from the settings.
    template <class T>
    bool get_same(std::vector<T>& values) {
        std::uint32_t size = 0;
        if (!get(size) || size != values.size()) return fail();
        for (T& value : values)
            if (!get(value)) return false;
        return true;
    }

  private:
    std::string_view bytes_;
    std::size_t at_ = 0;
    bool ok_ = true;
};

}  // namespace revertd
