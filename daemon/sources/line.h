// SPDX-License-Identifier: Apache-2.0
// One line of the text exposition format 0.0.4: where it ends, what it is, and whether all of it is valid. Every line
// of a body goes through here, so it only points into the text; names and labels are decoded for new series alone.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace revertd {

struct Line {
    enum class Kind : std::uint8_t {
        Sample,
        Other,       ///< comment, HELP, TYPE, blank
        Incomplete,  ///< the text ends inside a label value
        Invalid      ///< `fault` says why
    };

    Kind kind = Kind::Invalid;
    const char* next = nullptr;  ///< start of the next line
    std::string_view metric;     ///< as written; escapes and all when it is quoted
    bool quoted = false;         ///< the name stands inside the braces: {"dotted.name"}
    std::string_view series;     ///< name and labels as written
    std::string_view value;      ///< the token
    bool value_known = false;    ///< `number` is it; otherwise parse_number has the last word
    double number = 0;
    const char* fault = nullptr;
};

/// Reads the line at the start of `text`, which is not empty and ends with a newline. The value's token is checked only
/// where `value_known` says so.
[[nodiscard]] Line read_line(std::string_view text);

struct Label {
    std::string name, value;
};

struct SeriesName {
    std::string metric;
    std::vector<Label> labels;  ///< sorted by name, those with empty values left out (they are the same as absent)
};

/// Decodes Line::series of a valid sample.
[[nodiscard]] SeriesName decode_series(std::string_view series);

/// `\\`, `\"` and `\n` decoded; any other backslash stays.
[[nodiscard]] std::string decode_escapes(std::string_view text);

}  // namespace revertd
