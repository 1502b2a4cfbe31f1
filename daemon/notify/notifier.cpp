// SPDX-License-Identifier: Apache-2.0
#include "daemon/notify/notifier.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <deque>
#include <fstream>
#include <map>
#include <random>

#include "actions/answers.h"
#include "daemon/io/http_client.h"
#include "daemon/io/loop.h"
#include "daemon/journal/codec.h"
#include "daemon/journal/journal.h"
#include "daemon/notify/message.h"
#include "daemon/notify/outbox.h"

namespace revertd {

namespace {

constexpr Duration kLongestWait = 10min;  // a receiver that asks for more is asked again then
constexpr Duration kSendLimit = 10s;
constexpr std::size_t kQueued = 10'000;  // a channel that is down for so long loses its oldest pages, and counts them

std::string host_name() {
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

/// Read at every delivery: a rotated key is used at once.
Result<std::string> read_secret(const SecretFile& file) {
    std::ifstream in(file.path);
    std::string secret;
    if (file.path.empty() || !std::getline(in, secret) || secret.empty())
        return Error(ErrorCode::Unavailable, "the secret " + file.name + " cannot be read");
    while (!secret.empty() && (secret.back() == '\r' || secret.back() == ' ')) secret.pop_back();
    return secret;
}

Result<HttpRequest> request_for(const std::string& channel, const NotifySettings& settings, const Message& message,
                                const std::string& source) {
    HttpRequest request;
    request.method = "POST";
    request.whole_limit = kSendLimit;
    request.may_repeat = true;  // the receiver knows duplicates by the key
    request.headers = {{"Content-Type", "application/json"}};
    if (channel == "pagerduty" && settings.pagerduty) {
        const auto key = read_secret(settings.pagerduty->routing_key);
        if (!key) return key.error();
        request.url = settings.pagerduty->url;
        request.body = pagerduty_body(message, *key, source);
        return request;
    }
    if (channel == "webhook" && settings.webhook) {
        request.url = settings.webhook->url;
        request.body = webhook_body(message, source);
        for (const auto& [name, value] : settings.webhook->headers) request.headers.emplace_back(name, value);
        request.headers.emplace_back("X-Revertd-Delivery", dedup_key(message) + "/" + std::to_string(message.seq));
        if (settings.webhook->secret) {
            const auto secret = read_secret(*settings.webhook->secret);
            if (!secret) return secret.error();
            request.headers.emplace_back("X-Revertd-Signature-256", signature(*secret, request.body));
        }
        return request;
    }
    return Error(ErrorCode::NotFound, "channel " + channel + " is not configured any more");
}

std::vector<std::string> channels_of(const NotifySettings& settings) {
    std::vector<std::string> out;
    if (settings.pagerduty) out.emplace_back("pagerduty");
    if (settings.webhook) out.emplace_back("webhook");
    return out;
}

}  // namespace

struct Notifier::Impl : std::enable_shared_from_this<Notifier::Impl> {
    struct Channel {
        std::deque<Message> queue;
        bool sending = false;
        int tries = 0;
        Count count;
    };

    Impl(Parts parts_, std::unique_ptr<Outbox> outbox_)
        : parts(std::move(parts_)), outbox(std::move(outbox_)), source(host_name()) {}

    void add(const std::string& name, Message message) {
        Channel& channel = channels[name];
        channel.queue.push_back(std::move(message));
        if (channel.queue.size() > kQueued) drop(name, channel, channel.sending ? 1 : 0);
        if (!channel.sending) send(name);
    }

    void drop(const std::string& name, Channel& channel, std::size_t index) {
        outbox->done(channel.queue[index].seq, name);
        channel.queue.erase(channel.queue.begin() + static_cast<std::ptrdiff_t>(index));
        ++channel.count.failed;
    }

    void send(const std::string& name) {
        Channel& channel = channels[name];
        if (channel.queue.empty()) return;
        channel.sending = true;
        auto request = request_for(name, parts.settings, channel.queue.front(), source);
        if (!request) {
            // A key that cannot be read may come back (a credential is being rotated); a channel that is gone does not.
            return request.error().code == ErrorCode::NotFound ? finish(name, false) : again(name, {});
        }
        const std::weak_ptr<Impl> weak = weak_from_this();
        const auto sent = parts.http.api().fetch(*request, [weak, name](const HttpResponse& response) {
            if (const auto self = weak.lock()) self->answered(name, response);
        });
        if (!sent) finish(name, false);
    }

    void answered(const std::string& name, const HttpResponse& response) {
        const bool whole = response.error == FetchError::None;
        const auto phase = response.request_sent ? TransportPhase::Waiting : TransportPhase::Connecting;
        const AnswerClass answer =
            whole ? classify_status(response.status, CallPurpose::Notification) : classify_failure(phase);
        if (answer == AnswerClass::Acked) return finish(name, true);
        const bool final = answer == AnswerClass::Final || answer == AnswerClass::Conflict;
        if (final) return finish(name, false);
        const auto asked = response.headers.find("retry-after");
        again(name, asked == response.headers.end() ? std::string{} : asked->second);
    }

    void finish(const std::string& name, bool delivered) {
        Channel& channel = channels[name];
        outbox->done(channel.queue.front().seq, name);
        channel.queue.pop_front();
        ++(delivered ? channel.count.delivered : channel.count.failed);
        channel.tries = 0;
        channel.sending = false;
        const std::weak_ptr<Impl> weak = weak_from_this();
        parts.loop.post([weak, name] {
            const auto self = weak.lock();
            if (self && !self->channels[name].sending) self->send(name);
        });
    }

    void again(const std::string& name, const std::string& retry_after) {
        Channel& channel = channels[name];
        std::uniform_real_distribution<double> jitter(0, 1);
        Duration wait = backoff(++channel.tries, jitter(random));
        if (const auto asked = revertd::retry_after(retry_after, parts.loop.clock().now().wall))
            wait = std::min<Duration>(*asked, kLongestWait);
        const std::weak_ptr<Impl> weak = weak_from_this();
        parts.loop.at(parts.loop.now() + wait, [weak, name] {
            if (const auto self = weak.lock()) self->send(name);
        });
    }

    Parts parts;
    std::unique_ptr<Outbox> outbox;
    std::string source;
    std::map<std::string, Channel> channels;
    std::minstd_rand random{std::random_device{}()};
};

Result<std::unique_ptr<Notifier>> Notifier::open(Parts parts) {
    auto outbox = Outbox::open(parts.dir);
    if (!outbox) return outbox.error();
    return std::unique_ptr<Notifier>(new Notifier(std::make_shared<Impl>(std::move(parts), std::move(*outbox))));
}

Notifier::Notifier(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Notifier::~Notifier() = default;

Result<void> Notifier::catch_up(const journal::Journal& journal) {
    std::map<std::uint64_t, std::vector<std::string>> pending;
    for (const Outbox::Pending& p : impl_->outbox->pending()) pending[p.seq].push_back(p.channel);
    const std::uint64_t last = impl_->outbox->last_seq();
    return journal.for_each(1, [&](const journal::Entry& entry) -> Result<void> {
        if (entry.kind != Paged::kName) return {};
        const auto waits = pending.find(entry.seq);
        if (entry.seq <= last && waits == pending.end()) return {};
        const auto record = journal::to_record(entry);
        if (!record) return record.error();
        if (entry.seq > last)
            enqueue(*record);
        else
            for (const std::string& channel : waits->second)
                impl_->add(channel, {entry.seq, entry.wall, std::get<Paged>(record->fact)});
        return {};
    });
}

void Notifier::configure(const NotifySettings& settings) {
    impl_->parts.settings = settings;
}

void Notifier::enqueue(const Record& record) {
    const auto* page = std::get_if<Paged>(&record.fact);
    if (page == nullptr) return;
    const auto channels = page->level == "none" ? std::vector<std::string>{} : channels_of(impl_->parts.settings);
    impl_->outbox->accept(record.seq, channels);
    for (const std::string& channel : channels) impl_->add(channel, {record.seq, record.wall, *page});
}

Notifier::Count Notifier::count(const std::string& channel) const {
    const auto it = impl_->channels.find(channel);
    return it == impl_->channels.end() ? Count{} : it->second.count;
}

std::size_t Notifier::waiting() const {
    std::size_t n = 0;
    for (const auto& [name, channel] : impl_->channels) n += channel.queue.size();
    return n;
}

}  // namespace revertd
