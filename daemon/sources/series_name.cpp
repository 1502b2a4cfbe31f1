// SPDX-License-Identifier: Apache-2.0
#include "daemon/sources/series_name.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace revertd {
namespace {

/// The closing quote of a value that is known to be valid.
std::size_t closing_quote(std::string_view text, std::size_t from) {
    while (text[from] != '"') from += text[from] == '\\' ? 2 : 1;
    return from;
}

}  // namespace

std::string decode_escapes(std::string_view text) {
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char next = i + 1 < text.size() ? text[i + 1] : '\0';
        const bool escape = text[i] == '\\' && (next == '\\' || next == '"' || next == 'n');
        decoded += !escape ? text[i] : next == 'n' ? '\n' : next;
        if (escape) ++i;
    }
    return decoded;
}

SeriesName decode_series(std::string_view series) {
    SeriesName name;
    std::size_t i = std::min(series.find_first_of("{ \t"), series.size());
    name.metric = series.substr(0, i);
    const auto skip = [&](std::string_view what) { i = std::min(series.find_first_not_of(what, i), series.size()); };
    for (skip(" \t{,"); i < series.size() && series[i] != '}'; skip(" \t,")) {
        const bool quoted = series[i] == '"';
        const std::size_t start = quoted ? i + 1 : i;
        const std::size_t stop = quoted ? closing_quote(series, start) : series.find_first_of(" \t=", i);
        std::string word = decode_escapes(series.substr(start, stop - start));
        i = quoted ? stop + 1 : stop;
        skip(" \t");
        if (series[i] != '=') {
            name.metric = std::move(word);
            continue;
        }
        i = series.find('"', i) + 1;
        const std::size_t close = closing_quote(series, i);
        if (close > i) name.labels.push_back({std::move(word), decode_escapes(series.substr(i, close - i))});
        i = close + 1;
    }
    std::sort(name.labels.begin(), name.labels.end(), [](const Label& a, const Label& b) { return a.name < b.name; });
    return name;
}

}  // namespace revertd
