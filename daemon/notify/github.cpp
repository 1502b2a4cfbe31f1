// SPDX-License-Identifier: Apache-2.0
#include <rapidjson/document.h>

#include <charconv>

#include "daemon/io/loop.h"
#include "daemon/notify/bodies.h"
#include "daemon/notify/channels.h"

namespace revertd {

namespace {

constexpr Duration kLookBack = 5min;     // clocks of this host and GitHub's
constexpr std::size_t kPageItems = 100;  // the most that GitHub gives
constexpr int kPages = 20;

/// GitHub answers 403 and 429 to too many requests, with headers that say until when.
std::optional<Delivery> rate_limit(const HttpResponse& response, WallTime now) {
    if (response.status != 403 && response.status != 429) return std::nullopt;
    Delivery out = Delivery::again("rateLimited", "GitHub asks for a pause");
    if (response.headers.contains("retry-after")) {
        HttpResponse as_429 = response;
        as_429.status = 429;
        out.wait = classify(as_429, now).wait;
        return out;
    }
    const auto remaining = response.headers.find("x-ratelimit-remaining"),
               reset = response.headers.find("x-ratelimit-reset");
    if (remaining == response.headers.end() || remaining->second != "0" || reset == response.headers.end())
        return std::nullopt;
    long long at = 0;
    std::from_chars(reset->second.data(), reset->second.data() + reset->second.size(), at);
    out.wait = std::max<Duration>(1s, WallTime(std::chrono::seconds(at)) - now);
    return out;
}

struct Found {
    std::uint64_t number = 0;  ///< of the item whose text holds the marker; 0: none
    bool more = false;         ///< the list goes on
};

Found find_marker(const HttpResponse& response, const std::string& marker, const char* member) {
    rapidjson::Document json;
    json.Parse(response.body.data(), response.body.size());
    if (json.HasParseError() || !json.IsArray()) return {};
    for (const auto& item : json.GetArray()) {
        const bool whole = item.IsObject() && item.HasMember("body") && item["body"].IsString() &&
                           item.HasMember(member) && item[member].IsUint64();
        if (whole && std::string_view(item["body"].GetString()).find(marker) != std::string_view::npos)
            return {item[member].GetUint64(), false};
    }
    return {0, json.Size() >= kPageItems};
}

std::uint64_t number_of(const HttpResponse& response) {
    rapidjson::Document json;
    json.Parse(response.body.data(), response.body.size());
    const bool there =
        !json.HasParseError() && json.IsObject() && json.HasMember("number") && json["number"].IsUint64();
    return there ? json["number"].GetUint64() : 0;
}

}  // namespace

struct GithubChannel::Talk {
    GithubSettings settings;
    std::string token;
    Message message;
    std::string number;
};

void GithubChannel::begin(const Message& message) {
    if (!settings().github) return finish(Delivery::refused("other", "it is not configured any more"));
    auto talk = std::make_shared<Talk>(Talk{*settings().github, {}, message, remembered(dedup_key(message))});
    if (talk->number.empty() && (!message.page.issue || message.resolves()))
        return finish(Delivery::done("its severity opens no issue"));
    const auto token = secret_or_wait(talk->settings.token);
    if (!token) return;
    talk->token = *token;
    if (talk->number.empty()) return find(talk, 1);
    comment(talk, 1);
}

/// A try before this one may have made it without our seeing the answer. The list knows it at once, the search later;
/// in a busy repository, or after long, others stand before it.
void GithubChannel::find(const std::shared_ptr<Talk>& talk, int page) {
    request(talk, "GET", "/issues?state=all&sort=created&direction=desc&per_page=100&page=" + std::to_string(page), {},
            [this, talk, page](const HttpResponse& response) {
                const Found found = find_marker(response, issue_marker(talk->message), "number");
                if (found.more && page < kPages) return find(talk, page + 1);
                if (found.number == 0) return create(talk);
                talk->number = std::to_string(found.number);
                remember(dedup_key(talk->message), talk->number);
                comment(talk, 1);
            });
}

void GithubChannel::create(const std::shared_ptr<Talk>& talk) {
    request(talk, "POST", "/issues", github_issue(talk->message, talk->settings.labels),
            [this, talk](const HttpResponse& response) {
                const std::uint64_t number = number_of(response);
                if (number == 0) return finish(Delivery::again("other", "the answer is none of GitHub's"));
                talk->number = std::to_string(number);
                remember(dedup_key(talk->message), talk->number);
                if (talk->message.page.kind == "test") return close(talk);  // nobody is to look after it
                finish(Delivery::done("issue " + talk->number));
            });
}

void GithubChannel::comment(const std::shared_ptr<Talk>& talk, int page) {
    const std::string since = to_rfc3339(std::chrono::floor<std::chrono::seconds>(talk->message.wall - kLookBack));
    request(talk, "GET",
            "/issues/" + talk->number + "/comments?per_page=100&page=" + std::to_string(page) + "&since=" + since, {},
            [this, talk, page](const HttpResponse& response) {
                const Found found = find_marker(response, comment_marker(talk->message), "id");
                if (found.number != 0) return close(talk);
                if (found.more && page < kPages) return comment(talk, page + 1);
                post_comment(talk);
            });
}

void GithubChannel::post_comment(const std::shared_ptr<Talk>& talk) {
    request(talk, "POST", "/issues/" + talk->number + "/comments", github_comment(talk->message),
            [this, talk](const HttpResponse&) { close(talk); });
}

void GithubChannel::close(const std::shared_ptr<Talk>& talk) {
    if (!talk->message.resolves() && talk->message.page.kind != "test")
        return finish(Delivery::done("commented on issue " + talk->number));
    request(talk, "PATCH", "/issues/" + talk->number, github_close(),
            [this, talk](const HttpResponse&) { finish(Delivery::done("closed issue " + talk->number)); });
}

void GithubChannel::request(const std::shared_ptr<Talk>& talk, const std::string& method, const std::string& path,
                            std::string body, OnAnswer next) {
    HttpRequest out = post(talk->settings.api + "/repos/" + talk->settings.repo + path, std::move(body));
    out.method = method;
    out.may_repeat = method != "POST";  // two issues would be two
    out.headers.emplace_back("Accept", "application/vnd.github+json");
    out.headers.emplace_back("Authorization", "Bearer " + talk->token);
    out.headers.emplace_back("X-GitHub-Api-Version", "2022-11-28");
    if (method == "GET") out.headers.erase(out.headers.begin());
    ask(std::move(out), std::move(next),
        [this](const HttpResponse& response) { return rate_limit(response, parts().loop.clock().now().wall); });
}

}  // namespace revertd
