// SPDX-License-Identifier: Apache-2.0
#include "daemon/sources/families.h"

#include <algorithm>
#include <array>
#include <utility>

#include "daemon/sources/byte_scan.h"
#include "daemon/sources/series_name.h"

namespace revertd {
namespace {

constexpr std::size_t kKeywordEnd = 7;  // "# TYPE "

/// What a family's samples are called behind its name; all types but these have samples of the very name only.
constexpr std::array<std::pair<std::string_view, std::string_view>, 13> kSuffixes{{{"counter", "_total"},
                                                                                   {"counter", "_created"},
                                                                                   {"histogram", "_bucket"},
                                                                                   {"histogram", "_sum"},
                                                                                   {"histogram", "_count"},
                                                                                   {"histogram", "_created"},
                                                                                   {"gaugehistogram", "_bucket"},
                                                                                   {"gaugehistogram", "_gsum"},
                                                                                   {"gaugehistogram", "_gcount"},
                                                                                   {"summary", "_sum"},
                                                                                   {"summary", "_count"},
                                                                                   {"summary", "_created"},
                                                                                   {"info", "_info"}}};

/// The name and what follows it.
std::pair<std::string, std::string_view> split(std::string_view text) {
    if (!text.starts_with('"')) {
        const std::size_t end = std::min(text.find(' '), text.size());
        return {std::string(text.substr(0, end)), text.substr(std::min(end + 1, text.size()))};
    }
    std::size_t end = 1;
    while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
    end = std::min(end, text.size());
    return {decode_escapes(text.substr(1, end - 1)), text.substr(std::min(end + 2, text.size()))};
}

}  // namespace

void Families::clear() {
    any_ = false;
    name_.clear(), type_.clear();
    closed_.clear();
}

bool Families::add_descriptor(std::string_view line) {
    if (line.ends_with('\n')) line.remove_suffix(1);
    if (line.size() <= kKeywordEnd) return true;
    const auto [family, text] = split(line.substr(kKeywordEnd));
    if (!enter(family)) return false;
    if (line.substr(0, kKeywordEnd) == "# TYPE ") type_ = text;
    return true;
}

bool Families::add_sample(std::string_view metric) {
    if (has(metric)) return true;
    for (const auto& [type, suffix] : kSuffixes) {
        if (!metric.ends_with(suffix)) continue;
        const std::string_view family = metric.substr(0, metric.size() - suffix.size());
        const auto known = closed_.find(hash_of(family));
        if (known != closed_.end() && known->second == type) return enter(family);
    }
    return enter(metric);
}

bool Families::has(std::string_view metric) const {
    if (!any_ || !metric.starts_with(name_)) return false;
    const std::string_view suffix = metric.substr(name_.size());
    return suffix.empty() || std::any_of(kSuffixes.begin(), kSuffixes.end(), [&](const auto& known) {
               return known.first == type_ && known.second == suffix;
           });
}

std::uint64_t Families::hash_of(std::string_view family) const {
    return bytes::hash(family.data(), family.size(), seed_);
}

bool Families::enter(std::string_view family) {
    if (any_ && family == name_) return true;
    if (any_) closed_[hash_of(name_)] = type_;
    any_ = true;
    name_ = family;
    type_.clear();
    return !closed_.contains(hash_of(family));
}

}  // namespace revertd
