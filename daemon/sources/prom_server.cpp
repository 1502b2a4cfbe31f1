// SPDX-License-Identifier: Apache-2.0
#include "daemon/sources/prom_server.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "actions/answers.h"
#include "daemon/io/http_client.h"
#include "daemon/io/http_options.h"
#include "daemon/io/loop.h"
#include "daemon/sources/limits.h"

namespace revertd {
namespace {

constexpr double kShare = 0.9;     // of the interval: slots jitter
constexpr Duration kKept = 2min;   // answers that nobody asks for again
constexpr Duration kLeast = 50ms;  // less is no time for a query

/// Form encoding: everything but letters and digits.
std::string encoded(std::string_view text) {
    static constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                           c == '.' || c == '-';
        const auto byte = static_cast<unsigned char>(c);
        if (plain)
            out += c;
        else
            out.append({'%', kHex[byte >> 4], kHex[byte & 15]});
    }
    return out;
}

std::string seconds_text(double seconds) {
    std::array<char, 40> text{};
    const int length = std::snprintf(text.data(), text.size(), "%.3f", seconds);
    return {text.data(), static_cast<std::size_t>(std::max(length, 0))};
}

std::string duration_text(Duration duration) {
    return std::to_string(std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::milliseconds>(duration).count())) +
           "ms";
}

}  // namespace

struct PromServer::Question {
    std::string text, place, parameters;
    Time asked{}, deadline{};
    double evaluated = 0;
    bool is_latest = false;  ///< of its text
    std::vector<std::pair<std::uint64_t, Told>> waiting;
    std::shared_ptr<const PromRound> round;  ///< null while it is not answered
    CurlClient::RequestId request = CurlClient::RequestId::None;
    TimerId limit = TimerId::None;  ///< while it is queued
};

PromServer::PromServer(Loop& loop, HttpClient& http, PrometheusSettings settings)
    : loop_(loop), http_(http), settings_(settings), configured_(std::move(settings)) {
    while (settings_.url.ends_with('/')) settings_.url.pop_back();
    input_ = "answers of " + settings_.url;
}

PromServer::~PromServer() {
    for (const auto& question : flying_) http_.api().cancel(question->request);
    for (const auto& question : queue_) loop_.cancel(question->limit);
}

std::shared_ptr<PromServer::Question> PromServer::latest(const std::string& text, const Memory* memory) const {
    if (memory != nullptr && memory->question_ && memory->question_->is_latest) return memory->question_;
    const auto it = latest_.find(text);
    return it == latest_.end() ? nullptr : it->second;
}

PromServer::Ticket PromServer::ask(const std::string& text, Duration every, Time seen, Time deadline, Told told,
                                   Memory* memory) {
    const Time now = loop_.now();
    const Ticket ticket{++last_ticket_};
    if (const auto known = latest(text, memory)) {
        if (memory != nullptr) memory->question_ = known;
        const auto young = std::chrono::duration_cast<Duration>(every * kShare);
        if (now - known->asked < young && known->asked > seen) {
            if (known->round)
                told(known->round);
            else
                known->waiting.emplace_back(ticket.id, std::move(told));
            return ticket;
        }
    }
    drop_old(now);
    auto question = std::make_shared<Question>();
    question->text = text;
    question->place = "/api/v1/query";
    question->asked = now;
    question->deadline = deadline;
    question->evaluated = seconds(loop_.clock().now().wall.time_since_epoch() - settings_.delay);
    question->parameters = "&time=" + seconds_text(question->evaluated);
    question->waiting.emplace_back(ticket.id, std::move(told));
    question->is_latest = true;
    if (memory != nullptr) memory->question_ = question;
    if (const auto before = std::exchange(latest_[text], question)) before->is_latest = false;
    submit(question);
    return ticket;
}

PromServer::Ticket PromServer::ask_range(const std::string& text, const Range& range, Time deadline, Told told) {
    auto question = std::make_shared<Question>();
    const Ticket ticket{++last_ticket_};
    question->text = text;
    question->place = "/api/v1/query_range";
    question->asked = loop_.now();
    question->deadline = deadline;
    question->evaluated = range.end;
    question->parameters = "&start=" + seconds_text(range.start) + "&end=" + seconds_text(range.end) +
                           "&step=" + seconds_text(seconds(range.step));
    question->waiting.emplace_back(ticket.id, std::move(told));
    submit(question);
    return ticket;
}

void PromServer::forget(Ticket ticket) {
    const auto drop = [&](const std::shared_ptr<Question>& question) {
        std::erase_if(question->waiting, [&](const auto& one) { return one.first == ticket.id; });
    };
    std::for_each(queue_.begin(), queue_.end(), drop);
    std::for_each(flying_.begin(), flying_.end(), drop);
    std::for_each(telling_.begin(), telling_.end(), drop);
}

void PromServer::drop_old(Time now) {
    std::erase_if(latest_, [&](const auto& one) {
        const bool is_old = one.second->round && now - one.second->asked > kKept;
        if (is_old) one.second->is_latest = false;
        return is_old;
    });
}

void PromServer::submit(const std::shared_ptr<Question>& question) {
    queue_.push_back(question);
    question->limit = loop_.at(question->deadline, [this, question] {
        std::erase(queue_, question);
        PromAnswer late;
        late.verdict = Verdict::Error;
        late.reason = "the server is busy with earlier queries";
        answered(question, std::move(late));
    });
    start_next();
}

void PromServer::start_next() {
    while (!queue_.empty() && flying_.size() < kPromInFlight) {
        const auto question = queue_.front();
        queue_.pop_front();
        loop_.cancel(question->limit);
        start(question);
    }
}

Result<HttpRequest> PromServer::request_for(const Question& question) const {
    HttpRequest request;
    request.method = "POST";
    request.url = settings_.url + question.place;
    auto headers = headers_of(settings_.http, http_.secrets());  // anew each time: secrets are rotated
    if (!headers) return headers.error();
    request.headers = std::move(*headers);
    request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
    request.headers.emplace_back("Accept", "application/json");
    request.tls = tls_of(settings_.http);
    request.proxy = settings_.http.proxy;
    request.body = "query=" + encoded(question.text) + question.parameters;
    request.whole_limit = std::max<Duration>(question.deadline - loop_.now(), kLeast);
    request.connect_limit = request.whole_limit;
    const Duration timeout = std::min(settings_.timeout.value_or(request.whole_limit), request.whole_limit);
    request.body += "&timeout=" + duration_text(timeout);
    if (settings_.lookback_delta) request.body += "&lookback_delta=" + duration_text(*settings_.lookback_delta);
    request.max_body_bytes = kMaxPromBytes;
    request.may_repeat = true;  // a question changes nothing
    return request;
}

void PromServer::start(const std::shared_ptr<Question>& question) {
    const auto fail = [&](const std::string& why) {
        PromAnswer failed;
        failed.verdict = Verdict::Error;
        failed.reason = why;
        loop_.at(loop_.now(), [this, question, failed] { answered(question, failed); });
    };
    if (loop_.mark().is_quarantined(input_)) return fail("quarantined: its answers have crashed revertd");
    auto request = request_for(*question);
    if (!request) return fail(request.error().message);
    flying_.push_back(question);
    ++requests_;
    auto sent = http_.api().fetch(*request, [this, question](const HttpResponse& response) {
        const InputMark::Busy busy(loop_.mark(), input_);
        PromAnswer answer;
        if (response.error != FetchError::None) {
            answer.verdict = Verdict::Error;
            answer.reason = to_string(response.error);
        } else {
            answer = read_prom_answer(response.status, response.body);
        }
        std::erase(flying_, question);
        answered(question, std::move(answer), ahead_by(response));
    });
    if (sent) {
        question->request = *sent;
        return;
    }
    std::erase(flying_, question);
    fail(sent.error().message);
}

/// The head of an answer says when it was made. A cache's may be old: then it is behind, which samples' ages show.
Duration PromServer::ahead_by(const HttpResponse& response) const {
    const auto header = response.headers.find("date");
    const auto date = header != response.headers.end() ? http_date(header->second) : std::nullopt;
    return date ? std::max<Duration>(*date - loop_.clock().now().wall, Duration{}) : Duration{};
}

void PromServer::answered(const std::shared_ptr<Question>& question, PromAnswer answer, Duration ahead) {
    if (answer.verdict != Verdict::Ok) answer.reason = settings_.url + ": " + answer.reason;
    question->round =
        std::make_shared<const PromRound>(PromRound{question->asked, question->evaluated, std::move(answer), ahead});
    start_next();
    telling_.push_back(question);
    while (!question->waiting.empty()) {  // each may ask or forget
        const Told told = std::move(question->waiting.front().second);
        question->waiting.erase(question->waiting.begin());
        told(question->round);
    }
    std::erase(telling_, question);
}

}  // namespace revertd
