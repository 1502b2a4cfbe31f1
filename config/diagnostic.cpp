// SPDX-License-Identifier: Apache-2.0
#include "config/diagnostic.h"

#include <algorithm>

namespace revertd {

namespace {

constexpr int kMaxDiagnostics = 1000;  // errors, and as many remarks: a hostile file is not to fill the memory
constexpr std::size_t kMaxSourceLine = 400;
constexpr std::string_view kMask = "<secret>";

std::uint32_t characters_before(std::string_view line, std::uint32_t column) {
    const std::string_view before = line.substr(0, std::min<std::size_t>(line.size(), column - 1));
    const auto continuation = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; };
    return static_cast<std::uint32_t>(before.size()) -
           static_cast<std::uint32_t>(std::count_if(before.begin(), before.end(), continuation));
}

/// Shorter ones would be found everywhere, in the mask itself, too.
constexpr std::size_t kMinSecret = 4;

void mask(std::string& text, const std::string& secret) {
    if (secret.size() < kMinSecret) return;
    for (auto at = text.find(secret); at != std::string::npos; at = text.find(secret, at + kMask.size()))
        text.replace(at, secret.size(), kMask);
}

}  // namespace

std::string_view to_string(Diagnostic::Severity severity) {
    switch (severity) {
        case Diagnostic::Severity::Error:
            return "error";
        case Diagnostic::Severity::Warning:
            return "warning";
        case Diagnostic::Severity::Notice:
            return "notice";
    }
    return "error";
}

std::string to_line(const Diagnostic& diagnostic) {
    std::string out =
        diagnostic.file + ":" + std::to_string(diagnostic.line) + ":" + std::to_string(diagnostic.column) + ": ";
    if (diagnostic.severity != Diagnostic::Severity::Error) out += std::string(to_string(diagnostic.severity)) + ": ";
    out += diagnostic.what;
    if (!diagnostic.hint.empty()) out += "; " + diagnostic.hint;
    return out;
}

Diagnostics::Diagnostics(std::string file, std::string_view text) : file_(std::move(file)) {
    for (std::size_t begin = 0; begin <= text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        std::string_view line = text.substr(begin, end - begin);
        if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
        lines_.push_back(line);
        begin = end + 1;
    }
}

std::string_view Diagnostics::source_line(std::uint32_t line) const {
    return line == 0 || line > lines_.size() ? std::string_view{} : lines_[line - 1];
}

void Diagnostics::begin_file(std::uint32_t line, const std::string& file) {
    files_.emplace_back(line, file);
}

void Diagnostics::error(Position at, std::string what, std::string hint) {
    add(at, Diagnostic::Severity::Error, std::move(what), std::move(hint));
}

void Diagnostics::warning(Position at, std::string what, std::string hint) {
    add(at, Diagnostic::Severity::Warning, std::move(what), std::move(hint));
}

void Diagnostics::notice(Position at, std::string what, std::string hint) {
    add(at, Diagnostic::Severity::Notice, std::move(what), std::move(hint));
}

void Diagnostics::add(Position at, Diagnostic::Severity severity, std::string what, std::string hint) {
    at.line =
        std::clamp<std::uint32_t>(at.line, 1, static_cast<std::uint32_t>(std::max<std::size_t>(lines_.size(), 1)));
    at.column = std::max<std::uint32_t>(at.column, 1);
    int& count = severity == Diagnostic::Severity::Error ? errors_ : remarks_;
    if (count >= kMaxDiagnostics || !seen_.emplace(at.line, at.column, what).second) return;
    ++count;
    const std::string_view line = source_line(at.line);
    found_.push_back(
        {file_, at.line, characters_before(line, at.column) + 1, severity, std::move(what), std::move(hint), {}});
}

void Diagnostics::hide(Position at, const std::string& secret) {
    if (!secret.empty()) secrets_.emplace_back(at, secret);
}

std::string Diagnostics::shown_line(std::uint32_t line) const {
    std::string out(source_line(line));
    for (const auto& [at, secret] : secrets_) {
        if (at.line == line && at.column <= out.size()) out = out.substr(0, at.column - 1) + std::string(kMask);
        mask(out, secret);
    }
    return out.substr(0, kMaxSourceLine);
}

std::vector<Diagnostic> Diagnostics::take() {
    std::stable_sort(found_.begin(), found_.end(), [](const Diagnostic& a, const Diagnostic& b) {
        return std::tie(a.line, a.column) < std::tie(b.line, b.column);
    });
    for (Diagnostic& diagnostic : found_) {
        diagnostic.source_line = shown_line(diagnostic.line);
        for (const auto& [at, secret] : secrets_) mask(diagnostic.what, secret);
        const auto after = std::find_if(files_.rbegin(), files_.rend(),
                                        [&](const auto& file) { return file.first <= diagnostic.line; });
        if (after == files_.rend()) continue;
        diagnostic.file = after->second;
        diagnostic.line -= after->first - 1;
    }
    return std::move(found_);
}

}  // namespace revertd
