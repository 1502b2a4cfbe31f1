// SPDX-License-Identifier: Apache-2.0
// GitHub's Markdown. What a metric or a version says is put where it cannot mention, link or close anything.
#include <algorithm>

#include "daemon/notify/bodies.h"
#include "daemon/notify/json_body.h"

namespace revertd {

namespace {

constexpr std::size_t kTitleBytes = 250, kTextBytes = 60'000;  // GitHub's limits: 256 and 65,536 characters

/// A code block whose fence is longer than any in the text.
std::string verbatim(const std::string& text) {
    std::size_t longest = 0, run = 0;
    for (const char c : text) longest = std::max(longest, run = c == '`' ? run + 1 : 0);
    const std::string fence(std::max<std::size_t>(3, longest + 1), '`');
    return fence + "\n" + text + "\n" + fence + "\n";
}

std::string text_of(const Message& message) {
    std::string out = verbatim(
        cut(message.page.summary + (message.page.details.empty() ? "" : "\n" + message.page.details), kTextBytes));
    if (const std::string facts = fact_line(message); !facts.empty()) out += "\n" + verbatim(facts);
    if (const std::string link = message.fact("link"); !link.empty()) out += "\nIncident: <" + link + ">\n";
    if (const std::string runbook = message.fact("runbook"); !runbook.empty()) out += "\nRunbook: <" + runbook + ">\n";
    if (const std::string answer = how_to_answer(message); !answer.empty()) out += "\n" + verbatim(answer);
    return out;
}

}  // namespace

std::string issue_marker(const Message& message) {
    return "<!-- " + dedup_key(message) + " -->";
}

std::string comment_marker(const Message& message) {
    return "<!-- " + delivery_key(message) + " -->";
}

std::string github_issue(const Message& message, const std::vector<std::string>& labels) {
    JsonBody out;
    std::string title = cut(message.page.summary, kTitleBytes);
    std::replace(title.begin(), title.end(), '\n', ' ');
    std::replace(title.begin(), title.end(), '@', '.');  // a title mentions, too
    out.open().text("title", title);
    out.text("body", text_of(message) + "\n" + issue_marker(message) + "\n" + comment_marker(message) + "\n");
    out.open_array("labels");
    for (const std::string& label : labels) out.item(label);
    return out.close_array().close().take();
}

std::string github_comment(const Message& message) {
    JsonBody out;
    return out.open().text("body", text_of(message) + "\n" + comment_marker(message) + "\n").close().take();
}

std::string github_close() {
    JsonBody out;
    return out.open().text("state", "closed").text("state_reason", "completed").close().take();
}

}  // namespace revertd
