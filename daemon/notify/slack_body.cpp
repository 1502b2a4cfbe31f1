// SPDX-License-Identifier: Apache-2.0
// Slack's blocks: a header in plain text, what happened, the facts, and how to answer it.
#include "daemon/notify/bodies.h"
#include "daemon/notify/json_body.h"

namespace revertd {

namespace {

constexpr std::size_t kHeaderBytes = 150, kSectionBytes = 2900;  // Slack's limits: 150 and 3000 characters

/// Slack's control characters; what is left cannot mention or link anybody.
std::string escaped(const std::string& text) {
    std::string out;
    for (const char c : text) out += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : std::string(1, c);
    return out;
}

std::string mark(const Message& message) {
    if (message.resolves()) return ":large_green_circle: ";
    if (message.page.level == "critical") return ":red_circle: ";
    return message.page.level == "error" ? ":large_orange_circle: " : ":large_yellow_circle: ";
}

void section(JsonBody& out, const std::string& mrkdwn) {
    if (mrkdwn.empty()) return;
    out.open().text("type", "section").open("text").text("type", "mrkdwn").text("text", cut(mrkdwn, kSectionBytes));
    out.close().close();
}

}  // namespace

std::string slack_body(const Message& message, const SlackPlace& place) {
    const std::string level = message.resolves() ? "resolved" : message.page.level;
    const std::string severity = message.fact("severity").empty() ? level : message.fact("severity") + " " + level;
    std::string people;
    for (const std::string& id : place.mentions) people += "<@" + escaped(id) + "> ";
    JsonBody out;
    out.open().text("channel", place.channel).text("ts", place.ts).text("thread_ts", place.thread_ts);
    out.text("text", people + mark(message) + cut(escaped(message.page.summary), kSectionBytes));
    out.open_array("blocks");
    out.open().text("type", "header").open("text").text("type", "plain_text");
    out.text("text",
             cut(severity + ": " + (message.page.service.empty() ? "revertd" : message.page.service), kHeaderBytes));
    out.close().close();
    section(out, people + mark(message) + escaped(cut(message.page.summary, kSectionBytes / 2)));
    if (message.page.details != message.page.summary)
        section(out, escaped(cut(message.page.details, kSectionBytes / 2)));
    if (const std::string answer = how_to_answer(message); !answer.empty()) section(out, "```" + answer + "```");
    std::string context = escaped(fact_line(message));
    if (const std::string link = message.fact("link"); !link.empty()) context += " <" + escaped(link) + "|incident>";
    if (const std::string runbook = message.fact("runbook"); !runbook.empty())
        context += " <" + escaped(runbook) + "|runbook>";
    if (!message.note.empty()) context += (context.empty() ? "" : "\n") + escaped(message.note);
    if (!context.empty()) {
        out.open().text("type", "context").open_array("elements").open().text("type", "mrkdwn");
        out.text("text", cut(context, kSectionBytes)).close().close_array().close();
    }
    out.close_array();
    if (!place.key.empty()) {
        out.open("metadata").text("event_type", kSlackEvent);
        out.open("event_payload").text("key", place.key).close().close();
    }
    return out.close().take();
}

}  // namespace revertd
