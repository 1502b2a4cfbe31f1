// SPDX-License-Identifier: Apache-2.0
// One line of the text exposition format 0.0.4, or of OpenMetrics 1.0: where it ends, what it is, and whether all of it
// is valid. Every line of a body goes through here, so it only points into the text; names and labels are decoded for
// new series alone (series_name.h).
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "daemon/sources/limits.h"

namespace revertd {

enum class Format : std::uint8_t { Text, OpenMetrics };

struct Line {
    enum class Kind : std::uint8_t {
        Sample,
        Other,       ///< comment, HELP, TYPE, blank
        End,         ///< OpenMetrics: `# EOF`, after which nothing comes
        Incomplete,  ///< the text ends inside a label value
        Invalid      ///< `fault` says why
    };

    Kind kind = Kind::Invalid;
    std::string_view text;    ///< all of it, with its newline
    std::string_view metric;  ///< as written; escapes and all when it is quoted
    bool quoted = false;      ///< the name stands inside the braces: {"dotted.name"}
    std::string_view series;  ///< name and labels as written
    std::string_view value;   ///< the token
    bool plain = false;       ///< plain_value computes it; otherwise parse_number has the last word
    const char* fault = nullptr;
};

/// The lines of a text, one after another. Neighbours begin alike (a histogram's differ in their last label): what a
/// line shares with the one before it is compared, sixteen bytes at a time, and only the rest is read.
class LineReader {
  public:
    /// The text ends with a newline.
    explicit LineReader(std::string_view text, Format format = Format::Text)
        : next_(text.data()), end_(text.data() + text.size()), strict_(format == Format::OpenMetrics) {}

    [[nodiscard]] bool at_end() const { return next_ == end_; }

    /// Goes on at a line that the caller has come to by itself.
    void skip_to(const char* line) {
        next_ = line;
        before_ = {};
    }

    /// Valid until the next call; after Incomplete or Invalid there is none.
    [[nodiscard]] const Line& next();

  private:
    /// What is known after a label.
    struct Checkpoint {
        const char* name;
        std::size_t name_size;
        std::uint64_t bits;  ///< one for each name so far; a name whose bit is new did not come before
        const char* after;   ///< the byte after the label and its comma
    };

    /// How far a name with braces has been read.
    struct Progress {
        const char* start = nullptr;
        const char* name_end = nullptr;
        const char* labels = nullptr;  ///< after the brace; nothing: the line has none that another could share
        const char* end = nullptr;
        std::size_t count = 0;
    };

    void read_comment(const char* hash);
    void read_descriptor(const char* hash);
    void read_help_or_type(const char* name, const char* newline, std::string_view keyword);
    void read_sample(const char* start);
    void read_value(const char* p);
    const char* read_name(const char* start);
    const char* read_labels(const char* p);
    const char* read_label(const char* p);
    const char* read_label_value(const char* p, std::string_view name);
    const char* read_quoted_name(const char* p);
    const char* read_quoted(const char* p);
    const char* read_timestamp(const char* p);
    const char* read_seconds(const char* p);
    const char* read_exemplar(const char* p);
    const char* read_exemplar_label(const char* p, std::size_t& characters);
    [[nodiscard]] bool is_strict() const;
    const char* resume(const char* start);
    bool add_name(std::string_view name);
    void end_other(const char* newline);
    const char* fail(const char* fault);

    const char* next_;
    const char* end_;
    bool strict_;  ///< OpenMetrics: one blank between tokens, and no other
    Line line_;
    Progress now_, before_;                           // of this line, of the line before
    std::array<Checkpoint, kMaxLabels> checkpoints_;  // of either: as many as `count` says, the rest is uninitialised
};

}  // namespace revertd
