// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/client.h"

#include <curl/curl.h>

#include <algorithm>
#include <cerrno>
#include <optional>

namespace revertd::ctl {
namespace {

constexpr std::size_t kMaxAnswerBytes = 64U << 20U;  // a year of incidents; beyond it something is wrong
constexpr long kConnectSeconds = 5;
constexpr long kRequestSeconds = 30;  // `start` waits for the journal, nothing of the API waits for a step
constexpr std::string_view kUnixPrefix = "unix:";
constexpr std::string_view kRunningHint =
    "is revertd running (systemctl status revertd)? Another address: --address or REVERTD_ADDRESS";

ErrorCode code_of_status(long status) {
    switch (status) {
        case 400:
        case 422:
            return ErrorCode::Invalid;
        case 401:
        case 403:
            return ErrorCode::NotAllowed;
        case 404:
            return ErrorCode::NotFound;
        case 409:
            return ErrorCode::Conflict;
        case 413:
        case 429:
            return ErrorCode::Limit;
        case 502:
        case 503:
        case 504:
            return ErrorCode::Unavailable;
        default:
            return ErrorCode::Internal;
    }
}

/// The API says what is wrong in its error object; whatever else answered is named by its status.
Error error_of(long status, const std::string& body) {
    const auto answer = Json::parse(body);
    const Json error = answer ? (*answer)["error"] : Json();
    const auto message = error["message"].text();
    if (message.empty()) return {code_of_status(status), "the daemon answered HTTP " + std::to_string(status)};
    return {code_of_status(status), message, error["hint"].text()};
}

struct Sink {
    std::string body;
    const Client::Stream* stream = nullptr;
    const std::function<bool()>* cancelled = nullptr;
    CURL* handle = nullptr;
    bool ended = false;    // by a callback of the stream
    bool gave_up = false;  // by `cancelled`
    bool too_large = false;
};

bool is_error_answer(CURL* handle) {
    long status = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    return status >= 300;
}

std::size_t on_write(char* data, std::size_t, std::size_t count, void* user) {
    auto& sink = *static_cast<Sink*>(user);
    const std::string_view bytes(data, count);
    if (sink.stream != nullptr && !is_error_answer(sink.handle)) {
        sink.ended = !sink.stream->on_bytes(bytes);
        return sink.ended ? 0 : count;
    }
    sink.too_large = sink.body.size() + count > kMaxAnswerBytes;
    if (sink.too_large) return 0;
    sink.body += bytes;
    return count;
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    auto& sink = *static_cast<Sink*>(user);
    if (sink.stream != nullptr) sink.ended = !sink.stream->on_idle();
    if (*sink.cancelled) sink.gave_up = (*sink.cancelled)();
    return sink.ended || sink.gave_up ? 1 : 0;
}

Error transport_error(const std::string& address, CURL* handle, CURLcode code) {
    long os_error = 0;
    curl_easy_getinfo(handle, CURLINFO_OS_ERRNO, &os_error);
    const auto what = "cannot reach revertd at " + address + ": ";
    if (code == CURLE_COULDNT_CONNECT && (os_error == EACCES || os_error == EPERM)) {
        return {ErrorCode::NotAllowed, what + "permission denied", "members of the group revertd may ask"};
    }
    const bool known = code == CURLE_COULDNT_CONNECT && os_error != 0;
    const std::string why =
        known ? std::generic_category().message(static_cast<int>(os_error)) : curl_easy_strerror(code);
    return {ErrorCode::Unavailable, what + why, std::string(kRunningHint)};
}

}  // namespace

std::string encoded(std::string_view text) {
    static constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    static constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        if (kPlain.find(c) != std::string_view::npos) {
            out += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        out += {'%', kHex[byte >> 4U], kHex[byte & 15U]};
    }
    return out;
}

/// One kept-alive connection; options are set anew for each request.
struct Client::Transfer {
    struct Request {
        std::string path;
        std::optional<std::string> body;
        const Stream* stream = nullptr;
    };

    Transfer() : handle(curl_easy_init()) {}

    ~Transfer() {
        curl_slist_free_all(headers);
        curl_easy_cleanup(handle);
    }

    Transfer(const Transfer&) = delete;
    Transfer& operator=(const Transfer&) = delete;

    void set_address(const std::string& address, const std::string& path) {
        const bool is_unix = address.starts_with(kUnixPrefix);
        std::string base = is_unix ? "http://localhost" : address;
        while (base.ends_with('/')) base.pop_back();
        if (base.find("://") == std::string::npos) base.insert(0, "http://");
        curl_easy_setopt(handle, CURLOPT_URL, (base + path).c_str());
        if (is_unix) curl_easy_setopt(handle, CURLOPT_UNIX_SOCKET_PATH, address.c_str() + kUnixPrefix.size());
    }

    void set_request(const Request& request) {
        curl_slist_free_all(headers);
        headers = nullptr;
        if (request.body) {
            headers = curl_slist_append(headers, "Content-Type: application/json");
            curl_easy_setopt(handle, CURLOPT_POST, 1L);
            curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE, static_cast<long>(request.body->size()));
            curl_easy_setopt(handle, CURLOPT_COPYPOSTFIELDS, request.body->c_str());
        }
        if (request.stream != nullptr) {
            headers = curl_slist_append(headers, "Accept: text/event-stream");
            const auto last = "Last-Event-ID: " + request.stream->last_event_id;
            if (!request.stream->last_event_id.empty()) headers = curl_slist_append(headers, last.c_str());
        } else {
            curl_easy_setopt(handle, CURLOPT_TIMEOUT, kRequestSeconds);
        }
        curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
    }

    void set_common(Sink& sink) {
        curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
        curl_easy_setopt(handle, CURLOPT_NOPROXY, "*");
        curl_easy_setopt(handle, CURLOPT_USERAGENT, "revertctl/" REVERTD_VERSION);
        curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
        curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_write);
        curl_easy_setopt(handle, CURLOPT_WRITEDATA, &sink);
        curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, on_progress);
        curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &sink);
        curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
    }

    Result<std::string> perform(const std::string& address, const Request& request, Sink& sink) {
        curl_easy_reset(handle);
        set_address(address, request.path);
        set_common(sink);
        set_request(request);
        const CURLcode code = curl_easy_perform(handle);
        if (sink.gave_up) return Error(ErrorCode::Timeout, "given up");
        if (sink.ended) return std::string();
        if (sink.too_large) return Error(ErrorCode::Limit, "the answer is larger than 64 MiB");
        if (code != CURLE_OK) return transport_error(address, handle, code);
        long status = 0;
        curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
        if (status < 200 || status >= 300) return error_of(status, sink.body);
        return std::move(sink.body);
    }

    CURL* handle;
    curl_slist* headers = nullptr;
};

Client::Client(std::string address) : address_(std::move(address)), transfer_(std::make_unique<Transfer>()) {}

Client::~Client() = default;

void Client::give_up_when(std::function<bool()> cancelled) {
    cancelled_ = std::move(cancelled);
}

Result<std::string> Client::get_text(const std::string& path) {
    Sink sink{.body = {}, .cancelled = &cancelled_, .handle = transfer_->handle};
    return transfer_->perform(address_, {.path = path, .body = std::nullopt}, sink);
}

Result<Json> Client::get(const std::string& path) {
    auto text = get_text(path);
    if (!text) return text.error();
    return Json::parse(*text);
}

Result<Json> Client::post(const std::string& path, const std::string& body) {
    Sink sink{.body = {}, .cancelled = &cancelled_, .handle = transfer_->handle};
    auto text = transfer_->perform(address_, {.path = path, .body = body}, sink);
    if (!text) return text.error();
    return text->empty() ? Json() : Json::parse(*text);
}

Result<void> Client::read(const Stream& stream) {
    Sink sink{.body = {}, .stream = &stream, .cancelled = &cancelled_, .handle = transfer_->handle};
    const auto ended =
        transfer_->perform(address_, {.path = stream.path, .body = std::nullopt, .stream = &stream}, sink);
    if (!ended) return ended.error();
    return {};
}

}  // namespace revertd::ctl
