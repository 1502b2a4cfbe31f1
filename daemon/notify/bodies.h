// SPDX-License-Identifier: Apache-2.0
// What a page looks like to each receiver. Pure: a message in, a body out; within the limits that each documents.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/notify_settings.h"
#include "daemon/notify/message.h"

namespace revertd {

/// PagerDuty Events API v2: trigger, or resolve for the kind `resolve`. At most 512 KB: details are cut.
[[nodiscard]] std::string pagerduty_body(const Message& message, const std::string& routing_key,
                                         const std::string& source);

/// The generic webhook, and what `exec` reads on stdin: all of the page as JSON.
[[nodiscard]] std::string webhook_body(const Message& message, const std::string& source);

/// Opsgenie: an alert to create; closing it and adding a note take a body of their own.
[[nodiscard]] std::string opsgenie_alert(const Message& message, const std::string& source, const std::string& team);
[[nodiscard]] std::string opsgenie_note(const Message& message, const std::string& source);

/// Slack: blocks with the text as fallback. `channel`, what it updates or answers (`ts`) and the key by which a message
/// is found again only for the bot. `mentions` are ids of users.
struct SlackPlace {
    std::string channel, ts, thread_ts;
    std::vector<std::string> mentions = {};
    std::string key = {};
};

constexpr std::string_view kSlackEvent = "revertd_page";  ///< event_type of a message's metadata

[[nodiscard]] std::string slack_body(const Message& message, const SlackPlace& place);

/// Alertmanager API v2: an array of one alert; `until` is its end, that of a resolved one its resolution.
[[nodiscard]] std::string alertmanager_body(const Message& message, WallTime until, const std::string& source);

/// GitHub: issue and comment in Markdown, each with a marker by which it is found again.
[[nodiscard]] std::string github_issue(const Message& message, const std::vector<std::string>& labels);
[[nodiscard]] std::string github_comment(const Message& message);
[[nodiscard]] std::string github_close();
[[nodiscard]] std::string issue_marker(const Message& message);
[[nodiscard]] std::string comment_marker(const Message& message);

/// Statuspage: public, so without internal names and numbers. Creates, or updates when it exists. Its metadata, which
/// only the API shows, says of which incident it is and which page came last.
[[nodiscard]] std::string statuspage_body(const Message& message, const StatuspageSettings& settings, bool create);

/// A whole mail by RFC 5322: text and HTML, quoted-printable, the same Message-ID for every try.
[[nodiscard]] std::string mail_text(const Message& message, const std::string& from, const std::string& to,
                                    const std::string& host);

}  // namespace revertd
