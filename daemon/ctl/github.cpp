// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/github.h"

#include <fstream>
#include <ostream>

#include "daemon/ctl/exit_code.h"
#include "daemon/ctl/text.h"

namespace revertd::ctl {
namespace {

std::string percent_encoded(const std::string& text, std::string_view what) {
    static constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        if (what.find(c) == std::string_view::npos) {
            out += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        out += {'%', kHex[byte >> 4U], kHex[byte & 15U]};
    }
    return out;
}

/// A cell of a Markdown table.
std::string cell(const std::string& text) {
    std::string out;
    for (const char c : printable(text)) {
        if (std::string_view("\\`*_[]<>|#").find(c) != std::string_view::npos) out += '\\';
        out += c;
    }
    return out.empty() ? "-" : out;
}

Result<void> append(const Outside& outside, const char* variable, const std::string& text) {
    const auto path = outside.environment(variable).value_or("");
    if (path.empty()) return {};
    std::ofstream file(path, std::ios::app);
    file << text << std::flush;
    if (!file) return Error(ErrorCode::Io, path + " cannot be written", std::string("it is named by $") + variable);
    return {};
}

int code_of(const Json& deployment) {
    return static_cast<int>(deployment["exit_code"].number().value_or(kFailed));
}

std::string headline(const Json& deployment) {
    const auto words = deployment["verdict_words"].text();
    return deployment["service"].text() + " " + deployment["version"].text() + ": " + deployment["state"].text() +
           (words.empty() ? "" : ", " + words);
}

std::string summary(const Json& deployment, const Json& report) {
    std::string out = "### revertd: " + cell(headline(deployment)) + "\n\n| Rule | Severity | Held | At the end |\n" +
                      "|---|---|---|---|\n";
    for (const auto& rule : report["rules"].items())
        out += "| " + cell(rule["text"].text()) + " | " + cell(rule["severity"].text()) + " | " +
               (rule["held"].truth() ? "**yes**" : "no") + " | " +
               cell(rule["words"].text().empty() ? rule["verdict"].text() : rule["words"].text()) + " |\n";
    const auto incident = deployment["incident"].text();
    out += "\nDeploy `" + printable(deployment["id"].text()) + "`, exit code " + std::to_string(code_of(deployment));
    if (!incident.empty())
        out += ", incident `" + printable(incident) + "`: `revertctl incident report " + printable(incident) + "`";
    return out + "\n\n";
}

}  // namespace

std::string workflow_command(const std::string& level,
                             const std::vector<std::pair<std::string, std::string>>& properties,
                             const std::string& message) {
    std::string out = "::" + level;
    std::string separator = " ";
    for (const auto& [name, value] : properties) {
        out += std::exchange(separator, ",") + name + "=" + percent_encoded(value, "%\r\n:,");
    }
    return out + "::" + percent_encoded(message, "%\r\n") + "\n";
}

Result<void> set_outputs(const Outside& outside, const std::vector<std::pair<std::string, std::string>>& outputs) {
    std::string lines;
    for (const auto& [name, value] : outputs) lines += name + "=" + printable(value) + "\n";  // one line each
    return append(outside, "GITHUB_OUTPUT", lines);
}

Result<void> tell_github(Session& session, const Json& deployment, const Json& report, bool inconclusive_passes) {
    const int code = code_of(deployment);
    const bool passes = code == kDone || (code == kInconclusive && inconclusive_passes);
    const std::string level = code == kDone ? "notice" : passes ? "warning" : "error";
    const auto incident = deployment["incident"].text();
    session.out() << workflow_command(
        level, {{"title", "revertd: " + deployment["service"].text() + " " + deployment["version"].text()}},
        headline(deployment) + (incident.empty() ? "" : "\nwhy: revertctl explain " + incident));
    const auto& address = session.options().address;
    const auto report_path = deployment["report"].text();
    const bool is_url = address.starts_with("http");
    const auto written = set_outputs(session.outside(), {{"outcome", deployment["state"].text()},
                                                         {"exit_code", std::to_string(code)},
                                                         {"deployment", deployment["id"].text()},
                                                         {"incident", incident},
                                                         {"report_url", (is_url ? address : "") + report_path}});
    if (!written) return written;
    return append(session.outside(), "GITHUB_STEP_SUMMARY", summary(deployment, report));
}

}  // namespace revertd::ctl
