// SPDX-License-Identifier: Apache-2.0
#include "daemon/man/roff.h"

#include <algorithm>
#include <array>
#include <utility>

namespace revertd::man {
namespace {

/// Hyphens stay hyphens, so that options can be copied; a line never begins with a request.
std::string escaped(std::string_view text) {
    std::string out;
    bool at_begin = true;
    for (const char c : text) {
        if (at_begin && (c == '.' || c == '\'')) out += "\\&";
        if (c == '\\')
            out += "\\e";
        else if (c == '-')
            out += "\\-";
        else
            out += c;
        at_begin = c == '\n';
    }
    return out;
}

std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
    return text;
}

std::string quoted(std::string_view text) {
    std::string out;
    for (const char c : escaped(text)) out += c == '"' ? std::string("\\(dq") : std::string(1, c);
    return "\"" + out + "\"";
}

}  // namespace

Page::Page(const std::string& name, const std::string& section, const std::string& purpose) {
    text_ = ".\\\" SPDX-License-Identifier: Apache-2.0\n.TH " + quoted(upper(name)) + " " + section +
            " \"" REVERTD_DATE "\" \"revertd " REVERTD_VERSION "\" \"revertd\"\n.SH NAME\n" + escaped(name) + " \\- " +
            escaped(purpose) + "\n";
}

void Page::heading(std::string_view text) {
    text_ += ".SH " + quoted(text) + "\n";
}

void Page::subheading(std::string_view text) {
    text_ += ".SS " + quoted(text) + "\n";
}

void Page::paragraph(std::string_view text) {
    begin_paragraph();
    text_ += escaped(text) + "\n";
}

/// The first one of a section begins by itself.
void Page::begin_paragraph() {
    const auto line = text_.rfind('\n', text_.size() - 2);
    const auto last = std::string_view(text_).substr(line == std::string::npos ? 0 : line + 1);
    if (!last.starts_with(".SH") && !last.starts_with(".SS")) text_ += ".PP\n";
}

void Page::item(std::string_view term, std::string_view words) {
    text_ += ".TP\n.B " + quoted(term) + "\n" + (words.empty() ? "\\&" : escaped(words)) + "\n";
}

void Page::example(std::string_view lines) {
    begin_paragraph();
    text_ += ".nf\n.RS 4\n" + escaped(lines) + (lines.ends_with('\n') ? "" : "\n") + ".RE\n.fi\n";
}

void Page::see_also(std::string_view own) {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kPages{
        {{"revertctl", "1"}, {"revertd.yaml", "5"}, {"revertd", "8"}, {"revertd-runner", "8"}}};
    heading("SEE ALSO");
    std::string separator;
    std::string lines;
    for (const auto& [name, section] : kPages) {
        if (name == own) continue;
        lines += std::exchange(separator, ",\n") + ".BR " + escaped(name) + " (" + std::string(section) + ")";
    }
    text_ += lines + "\n";
}

}  // namespace revertd::man
