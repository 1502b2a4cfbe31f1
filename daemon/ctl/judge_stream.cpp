// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/judge_stream.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <ostream>

#include "daemon/ctl/text.h"

namespace revertd::ctl {
namespace {

constexpr std::size_t kChunk = 1 << 18;
constexpr std::size_t kMostComplaints = 100;  // then only the total: a hostile stream must not fill a disk

std::string quoted(std::string_view text) {
    constexpr std::string_view kHex = "0123456789abcdef";
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20) {
            out += "\\u00";
            out += kHex[byte >> 4];
            out += kHex[byte & 15];
        } else {
            out += c;
        }
    }
    return out + '"';
}

std::string milliseconds(double t) {
    std::array<char, 64> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), t, std::chars_format::fixed, 3).ptr;
    return {buffer.data(), end};
}

}  // namespace

bool JudgeStream::run(const std::function<std::size_t(std::span<char>)>& input) {
    std::vector<char> buffer(JudgeLineReader::kMostBytes + kChunk + 1);
    std::size_t begin = 0, end = 0;
    bool skipping = false;  // inside a line that is too long
    for (;;) {
        if (begin == end) begin = end = 0;
        if (buffer.size() - 1 - end < kChunk) {
            std::memmove(buffer.data(), buffer.data() + begin, end - begin);
            end -= begin;
            begin = 0;
        }
        const std::size_t got = input(std::span(buffer).subspan(end, kChunk));
        std::size_t seen = end;
        end += got;
        for (;;) {
            auto* const newline = static_cast<char*>(std::memchr(buffer.data() + seen, '\n', end - seen));
            if (newline == nullptr) break;
            const auto at = static_cast<std::size_t>(newline - buffer.data());
            if (!skipping) line(std::span(buffer).subspan(begin, at + 1 - begin));
            skipping = false;
            begin = seen = at + 1;
        }
        if (got == 0) break;
        if (end - begin > JudgeLineReader::kMostBytes || skipping) {
            if (!skipping) {
                ++number_;
                complain("longer than 1 MiB");
            }
            skipping = true;
            begin = end = 0;
        }
    }
    if (!skipping && end > begin) line(std::span(buffer).subspan(begin, end + 1 - begin));
    if (open_) close({0, "inconclusive", "none", "cut-off", "the stream ended within the case"});
    if (complaints_ > kMostComplaints) err_ << "revertctl: judge: " << complaints_ << " lines were left out in all\n";
    return complaints_ == 0;
}

/// `text` ends with one byte that may be overwritten.
void JudgeStream::line(std::span<char> text) {
    ++number_;
    text.back() = '\0';
    if (std::all_of(text.begin(), text.end() - 1, [](char c) { return c == ' ' || c == '\t' || c == '\r'; })) return;
    // The rest of a decided case needs no reading: its samples begin with their time.
    constexpr std::string_view kSample = "{\"t\":";
    if (!open_ && std::string_view(text.data(), text.size()).starts_with(kSample) && case_) return;
    const auto read = reader_.read(text.data());
    if (!read) return complain(read.error().message);
    handle(**read);
}

void JudgeStream::handle(const JudgeLine& line) {
    if (line.kind == JudgeLine::Kind::Case) return open(line);
    if (line.kind == JudgeLine::Kind::End) {
        if (!case_ && !open_) return complain("the end of a case that was not begun");
        if (open_)
            close(case_ ? case_->end(line.t)
                        : CaseVerdict{line.t, "inconclusive", "none", "bad-header", "the header was refused"});
        return;
    }
    if (!open_) return;
    if (!case_) return;
    const auto result = case_->sample(line);
    if (!result) return complain(result.error().message);
    if (*result) close(**result);
}

void JudgeStream::open(const JudgeLine& header) {
    if (open_) close({0, "inconclusive", "none", "cut-off", "the next case began before this one ended"});
    id_ = header.id;
    open_ = true;
    case_.reset();
    auto opened = opener_(header);
    if (!opened) return complain(opened.error().message);
    case_ = std::move(*opened);
}

void JudgeStream::close(const CaseVerdict& verdict) {
    open_ = false;
    out_ << "{\"case\":" << quoted(id_) << ",\"t\":" << milliseconds(verdict.t) << ",\"verdict\":\"" << verdict.verdict
         << "\",\"severity\":\"" << verdict.severity << "\",\"detector\":\"" << verdict.detector
         << "\",\"evidence\":" << quoted(verdict.evidence);
    if (!verdict.where.empty()) out_ << ",\"where\":" << quoted(verdict.where);
    for (std::size_t i = 0; i < verdict.announced.size(); ++i) {
        const Announced& power = verdict.announced[i];
        out_ << (i == 0 ? ",\"power\":[" : ",") << "{\"what\":" << quoted(power.what)
             << ",\"effect\":" << milliseconds(power.effect) << ",\"within_s\":" << milliseconds(power.within)
             << ",\"from_start_s\":" << milliseconds(power.from_start) << ",\"later_s\":" << milliseconds(power.later)
             << ",\"share\":" << milliseconds(power.share) << '}';
    }
    if (!verdict.announced.empty()) out_ << ']';
    out_ << "}\n";
    out_.flush();
}

void JudgeStream::complain(const std::string& what) {
    if (++complaints_ > kMostComplaints) return;
    err_ << "revertctl: judge: line " << number_ << ": " << printable(what) << '\n';
}

}  // namespace revertd::ctl
