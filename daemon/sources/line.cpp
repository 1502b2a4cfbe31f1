// SPDX-License-Identifier: Apache-2.0
#include "daemon/sources/line.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <cstring>
#include <limits>

#include "daemon/sources/byte_scan.h"
#include "daemon/sources/limits.h"
#include "daemon/sources/number.h"
#include "daemon/sources/utf8.h"

namespace revertd {
namespace {

std::string_view between(const char* first, const char* last) {
    return {first, static_cast<std::size_t>(last - first)};
}

constexpr std::array<std::string_view, 5> kTypes{"counter", "gauge", "histogram", "summary", "untyped"};
constexpr std::array<std::string_view, 8> kOpenTypes{"counter", "gauge", "histogram",      "summary",
                                                     "unknown", "info",  "gaugehistogram", "stateset"};
constexpr std::size_t kExemplarCharacters = 128;  // of the names and values of its labels, as the format says

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n';
}

}  // namespace

const Line& LineReader::next() {
    line_.quoted = false;
    line_.text = {};
    const char* const p = strict_ ? next_ : bytes::skip_blanks(next_);
    if (strict_ && is_blank(*p)) {
        fail("a line is blank, or begins with a blank");
    } else if (*p == '\n') {
        end_other(p);
    } else if (*p == '#') {
        strict_ ? read_descriptor(p) : read_comment(p);
    } else {
        read_sample(p);
        before_ = line_.kind == Line::Kind::Sample && !line_.quoted ? now_ : Progress{};
    }
    next_ += line_.text.size();
    return line_;
}

void LineReader::end_other(const char* newline) {
    line_.kind = Line::Kind::Other;
    line_.text = between(next_, newline + 1);
}

const char* LineReader::fail(const char* fault) {
    line_.kind = Line::Kind::Invalid;
    line_.fault = fault;
    return nullptr;
}

/// `# HELP` and `# TYPE` with a blank after them; every other comment is skipped unread.
void LineReader::read_comment(const char* hash) {
    const auto* newline = static_cast<const char*>(std::memchr(hash, '\n', static_cast<std::size_t>(end_ - hash)));
    const char* const word = bytes::skip_blanks(hash + 1);
    if (word == hash + 1 || newline - word < 5 || (word[4] != ' ' && word[4] != '\t')) return end_other(newline);
    const std::string_view keyword(word, 4);
    if (keyword != "HELP" && keyword != "TYPE") return end_other(newline);
    return read_help_or_type(bytes::skip_blanks(word + 5), newline, keyword);
}

/// OpenMetrics has no other comments than these four.
void LineReader::read_descriptor(const char* hash) {
    const auto* newline = static_cast<const char*>(std::memchr(hash, '\n', static_cast<std::size_t>(end_ - hash)));
    const std::string_view text = between(hash, newline);
    if (text == "# EOF") {
        end_other(newline);
        line_.kind = Line::Kind::End;
        return;
    }
    for (const std::string_view keyword : {"HELP", "TYPE", "UNIT"})
        if (text.size() > 7 && text.substr(0, 2) == "# " && text.substr(2, 4) == keyword && text[6] == ' ')
            return read_help_or_type(hash + 7, newline, keyword);
    fail("a comment is none of HELP, TYPE, UNIT and EOF");
}

void LineReader::read_help_or_type(const char* name, const char* newline, std::string_view keyword) {
    const char* after = *name == '"' ? read_quoted(name + 1) : bytes::skip_name<true>(name, end_);
    if (after == nullptr) return;
    if (after == name || bytes::is_digit(*name)) return void(fail("a metric name is expected after HELP or TYPE"));
    if (after > newline) return void(fail("a metric name has a newline"));
    // One byte separates the name from the text, whatever it is.
    const std::string_view text = between(std::min(after + 1, newline), newline);
    const bool known = strict_ ? std::find(kOpenTypes.begin(), kOpenTypes.end(), text) != kOpenTypes.end()
                               : std::find(kTypes.begin(), kTypes.end(), text) != kTypes.end();
    if (keyword == "TYPE" && !known)
        return void(fail(strict_ ? "the type is none that OpenMetrics knows"
                                 : "the type is none of counter, gauge, histogram, summary, untyped"));
    if (keyword == "HELP" && !is_utf8(text)) return void(fail("the help text is not UTF-8"));
    const std::string_view family = between(name, after);
    const bool suffix = text.empty() || (family.size() > text.size() && family.ends_with(text) &&
                                         family[family.size() - text.size() - 1] == '_');
    if (keyword == "UNIT" && !suffix) return void(fail("the unit is no suffix of the metric's name"));
    return end_other(newline);
}

// What follows is read for every line, in 40 ns a line; without `inline` a third of that would be calls.

inline void LineReader::read_sample(const char* start) {
    const char* p = read_name(start);
    if (p == nullptr) return;
    if (*p == '{' && now_.labels == nullptr) now_.labels = ++p;
    now_.end = now_.name_end;
    if (now_.labels != nullptr) {
        p = read_labels(p);
        if (p == nullptr) return;
        if (line_.quoted == (now_.name_end != start)) return void(fail("the metric has no name, or two"));
        now_.end = p;
        p = bytes::skip_blanks(p);
    }
    if (!line_.quoted) line_.metric = between(start, now_.name_end);
    line_.series = between(start, now_.end);
    read_value(p);
}

/// The name and the blanks after it; or, if the line before begins like this one, its name and labels as far as they
/// are the same.
inline const char* LineReader::read_name(const char* start) {
    if (before_.labels != nullptr) {
        if (const char* const p = resume(start)) return p;
    }
    now_ = {};
    now_.start = start;
    now_.name_end = bytes::skip_name<true>(start, end_);
    if (now_.name_end == start && *start != '{') return fail("a metric name is expected");
    if (bytes::is_digit(*start)) return fail("a metric name is expected");
    return bytes::skip_blanks(now_.name_end);
}

/// Goes on after the last label that both lines have. The byte after it must be the same, too: it was looked at.
inline const char* LineReader::resume(const char* start) {
    const std::size_t limit = static_cast<std::size_t>(before_.end - before_.start);
    const std::size_t common =
        bytes::common_prefix(before_.start, start, std::min(limit, static_cast<std::size_t>(end_ - start)));
    const char* const shared = before_.start + common;
    if (shared <= before_.labels) return nullptr;
    std::size_t count = before_.count;
    while (count > 0 && checkpoints_[count - 1].after >= shared) --count;
    const char* const after = count == 0 ? before_.labels : checkpoints_[count - 1].after;
    const auto moved = start - before_.start;
    now_ = {start, before_.name_end + moved, before_.labels + moved, nullptr, count};
    for (std::size_t i = 0; i < count; ++i) checkpoints_[i].after += moved;
    return after + moved;
}

inline void LineReader::read_value(const char* p) {
    const NumberToken number = scan_number(p, end_);
    if (number.end == p) return void(fail("a value is expected"));
    line_.value = between(p, number.end);
    line_.plain = number.plain;
    p = number.end;
    if (strict_) {
        if (p[0] == ' ' && p[1] != '#') p = read_seconds(p + 1);
        if (p != nullptr && p[0] == ' ') p = read_exemplar(p + 1);
        if (p != nullptr && *p != '\n') p = fail("the end of the line is expected");
        if (p != nullptr && !is_strict()) p = fail("one blank stands before the value, and none elsewhere");
    } else {
        p = bytes::skip_blanks(p);
        if (*p != '\n') p = read_timestamp(p);
    }
    if (p == nullptr) return;
    line_.kind = Line::Kind::Sample;
    line_.text = between(next_, p + 1);
}

/// Commas between labels may be missing, and one may follow the last: so do the servers that read this format.
inline const char* LineReader::read_labels(const char* p) {
    for (p = bytes::skip_blanks(p); *p != '}'; p = bytes::skip_blanks(p)) {
        p = *p == '"' ? read_quoted_name(p) : read_label(p);
        if (p == nullptr) return nullptr;
    }
    return p + 1;
}

inline const char* LineReader::read_label(const char* p) {
    const char* const after = bytes::skip_name<false>(p, end_);
    if (after == p || bytes::is_digit(*p)) return fail("a label name is expected");
    return read_label_value(bytes::skip_blanks(after), between(p, after));
}

/// From the equals sign to the comma, if there is one.
inline const char* LineReader::read_label_value(const char* p, std::string_view name) {
    if (*p != '=') return fail("'=' is expected after a label name");
    if (name.size() > kMaxLabelNameBytes) return fail("a label name is too long");
    if (now_.count == kMaxLabels) return fail("too many labels");
    if (!add_name(name) || name == "__name__") return fail("a label name is not unique");
    p = bytes::skip_blanks(p + 1);
    if (*p != '"') return fail("a label value is expected in quotes");
    const char* const value = p + 1;
    p = read_quoted(value);
    if (p == nullptr) return nullptr;
    if (static_cast<std::size_t>(p - value) > kMaxLabelValueBytes + 1) return fail("a label value is too long");
    p = bytes::skip_blanks(p);
    if (*p == ',') ++p;
    checkpoints_[now_.count++].after = p;
    return p;
}

/// Remembers the name of the label that is being read; false if the line has it already.
inline bool LineReader::add_name(std::string_view name) {
    const auto first = static_cast<unsigned char>(name.front());
    const auto last = static_cast<unsigned char>(name.back());
    const std::uint64_t bit = 1ULL << ((first * 7U + last * 31U + name.size()) & 63U);
    const std::uint64_t bits = now_.count == 0 ? 0 : checkpoints_[now_.count - 1].bits;
    const auto is_same = [name](const Checkpoint& c) { return std::string_view(c.name, c.name_size) == name; };
    if ((bits & bit) != 0 && std::any_of(checkpoints_.data(), checkpoints_.data() + now_.count, is_same)) return false;
    checkpoints_[now_.count] = {name.data(), name.size(), bits | bit, nullptr};
    return true;
}

/// Inside the braces since Prometheus 3: the metric's name, or a label's.
const char* LineReader::read_quoted_name(const char* p) {
    const char* const after = read_quoted(p + 1);
    if (after == nullptr) return nullptr;
    const std::string_view name = between(p + 1, after - 1);
    if (name.empty()) return fail("a quoted name is empty");
    p = bytes::skip_blanks(after);
    if (*p != ',' && *p != '}') return read_label_value(p, name);
    if (line_.quoted) return fail("the metric has two names");
    line_.metric = name;
    line_.quoted = true;
    return *p == ',' ? p + 1 : p;
}

/// `p` is after the opening quote; returns what follows the closing one.
const char* LineReader::read_quoted(const char* p) {
    const char* const start = p;
    bool ascii = true;
    for (;;) {
        p = bytes::skip_plain_value(p, end_);
        if (p == end_) break;
        if (*p == '"') {
            if (!ascii && !is_utf8(between(start, p))) return fail("a label value is not UTF-8");
            return p + 1;
        }
        if (*p == '\\') {
            if (p[1] == '\n') return fail("a label value has a backslash before a newline");
            if (static_cast<signed char>(p[1]) < 0) ascii = false;
            p += 2;
        } else {
            ascii = false;
            ++p;
        }
    }
    line_.kind = Line::Kind::Incomplete;
    return nullptr;
}

/// Milliseconds as an integer of 64 bits; what it says is not used: a scrape is judged when it came.
const char* LineReader::read_timestamp(const char* p) {
    const bool negative = *p == '-';
    if (negative) ++p;
    const char* const digits = p;
    const std::uint64_t max = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) + (negative ? 1 : 0);
    std::uint64_t value = 0;
    for (; bytes::is_digit(*p); ++p) {
        const auto digit = static_cast<unsigned>(*p - '0');
        if (value > (max - digit) / 10) return fail("the timestamp is out of range");
        value = value * 10 + digit;
    }
    if (p == digits) return fail("the end of the line or an integer timestamp is expected after the value");
    p = bytes::skip_blanks(p);
    return *p == '\n' ? p : fail("the end of the line is expected after the timestamp");
}

/// OpenMetrics: seconds, with or without a fraction.
const char* LineReader::read_seconds(const char* p) {
    const NumberToken number = scan_number(p, end_);
    const bool good =
        number.end != p && is_number(between(p, number.end)) && !std::isalpha(static_cast<unsigned char>(*p));
    return good ? number.end : fail("a timestamp in seconds is expected after the value");
}

/// `# {trace_id="x"} 0.5 1795217456.5`: validated, not used.
const char* LineReader::read_exemplar(const char* p) {
    if (p[0] != '#' || p[1] != ' ' || p[2] != '{') return fail("an exemplar is expected: # {…} value");
    std::size_t characters = 0;
    for (p += 3; *p != '}';) {
        p = read_exemplar_label(p, characters);
        if (p == nullptr) return nullptr;
        if (*p == ',') ++p;
    }
    if (characters > kExemplarCharacters) return fail("the labels of an exemplar are longer than 128 characters");
    if (p[1] != ' ') return fail("a value is expected in an exemplar");
    const NumberToken number = scan_number(p + 2, end_);
    if (number.end == p + 2 || !is_number(between(p + 2, number.end)))
        return fail("a value is expected in an exemplar");
    return number.end[0] == ' ' ? read_seconds(number.end + 1) : number.end;
}

const char* LineReader::read_exemplar_label(const char* p, std::size_t& characters) {
    const char* const after = bytes::skip_name<false>(p, end_);
    if (after == p || bytes::is_digit(*p) || after[0] != '=' || after[1] != '"')
        return fail("a label is expected in an exemplar");
    const char* const close = read_quoted(after + 2);
    if (close == nullptr) return nullptr;
    const auto starts = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; };
    characters +=
        static_cast<std::size_t>(after - p) + static_cast<std::size_t>(std::count_if(after + 2, close - 1, starts));
    return *close == ',' || *close == '}' ? close : fail("a comma is expected between the labels of an exemplar");
}

/// Nothing but one blank between the series and its value, and outside of quotes none at all.
bool LineReader::is_strict() const {
    const char* const end = line_.series.data() + line_.series.size();
    if (line_.value.data() != end + 1 || *end != ' ') return false;
    bool quoted = false;
    for (const char* p = line_.series.data(); p != end; ++p) {
        if (*p == '\n' || (!quoted && is_blank(*p))) return false;
        if (quoted && *p == '\\')
            ++p;
        else if (*p == '"')
            quoted = !quoted;
    }
    return true;
}

}  // namespace revertd
