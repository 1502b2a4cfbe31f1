// SPDX-License-Identifier: Apache-2.0
#include "daemon/sources/line.h"

#include <algorithm>
#include <array>
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

/// The names that a line has used: a bit each, and the names themselves for the lines where bits coincide.
class UniqueNames {
  public:
    // Leaves `names_` uninitialised: 1 KiB a line would cost more than reading the line.
    UniqueNames() {}

    /// False if it was there. Not when full.
    bool add(std::string_view name) {
        const auto first = static_cast<unsigned char>(name.front());
        const auto last = static_cast<unsigned char>(name.back());
        const std::uint64_t bit = 1ULL << ((first * 7U + last * 31U + name.size()) & 63U);
        const bool taken = (bits_ & bit) != 0 && has(name);
        bits_ |= bit;
        names_[count_++] = {name.data(), name.size()};
        return !taken;
    }

    [[nodiscard]] bool full() const { return count_ == kMaxLabels; }

  private:
    struct Name {
        const char* data;
        std::size_t size;
    };

    [[nodiscard]] bool has(std::string_view name) const {
        return std::any_of(names_.data(), names_.data() + count_,
                           [name](const Name& n) { return name == std::string_view(n.data, n.size); });
    }

    std::array<Name, kMaxLabels> names_;
    std::size_t count_ = 0;
    std::uint64_t bits_ = 0;
};

/// Reads one line. A step returns the byte after what it read, or nothing after it has said why in `line_`.
class Reader {
  public:
    Reader(std::string_view text, Line& line) : begin_(text.data()), end_(text.data() + text.size()), line_(line) {}

    void read() {
        const char* p = bytes::skip_blanks(begin_);
        if (*p == '\n') {
            end_other(p);
        } else if (*p == '#') {
            read_comment(p);
        } else {
            read_sample(p);
        }
    }

  private:
    void end_other(const char* newline) {
        line_.kind = Line::Kind::Other;
        line_.next = newline + 1;
    }

    const char* fail(const char* fault) {
        line_.kind = Line::Kind::Invalid;
        line_.fault = fault;
        return nullptr;
    }

    void read_comment(const char* hash);
    void read_help_or_type(const char* name, const char* newline, bool is_type);
    void read_sample(const char* p);
    const char* read_labels(const char* p);
    const char* read_label(const char* p);
    const char* read_label_value(const char* p, std::string_view name);
    const char* read_quoted_name(const char* p);
    const char* read_quoted(const char* p);
    const char* read_timestamp(const char* p);

    const char* begin_;
    const char* end_;
    Line& line_;
    UniqueNames names_;
};

constexpr std::array<std::string_view, 5> kTypes{"counter", "gauge", "histogram", "summary", "untyped"};

/// `# HELP` and `# TYPE` with a blank after them; every other comment is skipped unread.
void Reader::read_comment(const char* hash) {
    const auto* newline = static_cast<const char*>(std::memchr(hash, '\n', static_cast<std::size_t>(end_ - hash)));
    const char* const word = bytes::skip_blanks(hash + 1);
    if (word == hash + 1 || newline - word < 5 || (word[4] != ' ' && word[4] != '\t')) return end_other(newline);
    const std::string_view keyword(word, 4);
    if (keyword != "HELP" && keyword != "TYPE") return end_other(newline);
    return read_help_or_type(bytes::skip_blanks(word + 5), newline, keyword == "TYPE");
}

void Reader::read_help_or_type(const char* name, const char* newline, bool is_type) {
    const char* after = *name == '"' ? read_quoted(name + 1) : bytes::skip_name<true>(name, end_);
    if (after == nullptr) return;
    if (after == name || bytes::is_digit(*name)) return void(fail("a metric name is expected after HELP or TYPE"));
    if (after > newline) return void(fail("a metric name has a newline"));
    // One byte separates the name from the text, whatever it is.
    const std::string_view text = between(std::min(after + 1, newline), newline);
    if (is_type && std::find(kTypes.begin(), kTypes.end(), text) == kTypes.end()) {
        return void(fail("the type is none of counter, gauge, histogram, summary, untyped"));
    }
    if (!is_type && !is_utf8(text)) return void(fail("the help text is not UTF-8"));
    return end_other(newline);
}

void Reader::read_sample(const char* p) {
    const char* const start = p;
    p = bytes::skip_name<true>(p, end_);
    if ((p == start && *p != '{') || bytes::is_digit(*start)) return void(fail("a metric name is expected"));
    line_.metric = between(start, p);
    line_.series = line_.metric;
    p = bytes::skip_blanks(p);
    if (*p == '{') {
        p = read_labels(p + 1);
        if (p == nullptr) return;
        if (line_.metric.empty()) return void(fail("the metric has no name"));
        line_.series = between(start, p);
        p = bytes::skip_blanks(p);
    }
    const NumberToken number = read_number(p);
    if (number.end == p) return void(fail("a value is expected"));
    line_.value = between(p, number.end);
    line_.value_known = number.known;
    line_.number = number.value;
    p = bytes::skip_blanks(number.end);
    if (*p != '\n') p = read_timestamp(p);
    if (p == nullptr) return;
    line_.kind = Line::Kind::Sample;
    line_.next = p + 1;
}

/// Commas between labels may be missing, and one may follow the last: so do the servers that read this format.
const char* Reader::read_labels(const char* p) {
    for (p = bytes::skip_blanks(p); *p != '}'; p = bytes::skip_blanks(p)) {
        p = *p == '"' ? read_quoted_name(p) : read_label(p);
        if (p == nullptr) return nullptr;
    }
    return p + 1;
}

const char* Reader::read_label(const char* p) {
    const char* const after = bytes::skip_name<false>(p, end_);
    if (after == p || bytes::is_digit(*p)) return fail("a label name is expected");
    return read_label_value(bytes::skip_blanks(after), between(p, after));
}

/// From the equals sign to the comma, if there is one.
const char* Reader::read_label_value(const char* p, std::string_view name) {
    if (*p != '=') return fail("'=' is expected after a label name");
    if (name.size() > kMaxLabelNameBytes) return fail("a label name is too long");
    if (names_.full()) return fail("too many labels");
    if (!names_.add(name) || name == "__name__") return fail("a label name is not unique");
    p = bytes::skip_blanks(p + 1);
    if (*p != '"') return fail("a label value is expected in quotes");
    const char* const value = p + 1;
    p = read_quoted(value);
    if (p == nullptr) return nullptr;
    if (static_cast<std::size_t>(p - value) > kMaxLabelValueBytes + 1) return fail("a label value is too long");
    p = bytes::skip_blanks(p);
    return *p == ',' ? p + 1 : p;
}

/// Inside the braces since Prometheus 3: the metric's name, or a label's.
const char* Reader::read_quoted_name(const char* p) {
    const char* const after = read_quoted(p + 1);
    if (after == nullptr) return nullptr;
    const std::string_view name = between(p + 1, after - 1);
    if (name.empty()) return fail("a quoted name is empty");
    p = bytes::skip_blanks(after);
    if (*p != ',' && *p != '}') return read_label_value(p, name);
    if (!line_.metric.empty()) return fail("the metric has two names");
    line_.metric = name;
    line_.quoted = true;
    return *p == ',' ? p + 1 : p;
}

/// `p` is after the opening quote; returns what follows the closing one.
const char* Reader::read_quoted(const char* p) {
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
const char* Reader::read_timestamp(const char* p) {
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

/// The closing quote of a value that is known to be valid.
std::size_t closing_quote(std::string_view text, std::size_t from) {
    while (text[from] != '"') from += text[from] == '\\' ? 2 : 1;
    return from;
}

}  // namespace

Line read_line(std::string_view text) {
    Line line;
    Reader(text, line).read();
    return line;
}

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
