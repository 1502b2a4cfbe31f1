// SPDX-License-Identifier: Apache-2.0
#include "daemon/notify/notifier.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <deque>
#include <random>
#include <set>

#include "actions/answers.h"
#include "daemon/io/http_client.h"
#include "daemon/io/loop.h"
#include "daemon/journal/codec.h"
#include "daemon/journal/journal.h"
#include "daemon/notify/channel.h"
#include "daemon/notify/message.h"
#include "daemon/notify/outbox.h"

namespace revertd {

namespace {

constexpr Duration kLongestWait = 10min;   // a receiver that asks for more is asked again then
constexpr Duration kShortestWait = 500ms;  // one that says `Retry-After: 0` again and again is not stormed
constexpr std::size_t kQueued = 10'000;    // a channel that is down for so long loses its oldest pages, and counts them
/// Why a try fails, by the names of Alertmanager's metrics.
constexpr std::array kReasons{"clientError", "serverError", "rateLimited", "authError", "contextDeadlineExceeded",
                              "other"};
constexpr Duration kGivenUpAfter = 24h;  // of a page that is refused again and again: nobody needs it any more

std::string host_name() {
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

}  // namespace

struct Notifier::Impl : std::enable_shared_from_this<Notifier::Impl> {
    struct Queue {
        std::shared_ptr<Channel> channel;
        std::deque<Message> messages;
        bool sending = false;    // the first message, or waiting to send it again
        bool under_way = false;  // a try of it
        int tries = 0;           // of the first message
        Time first_try{};
        std::optional<Time> failing_since;  // nothing has been delivered since
        std::string trouble;                // in words
        std::set<std::uint64_t> handed_on;  // to the channel behind this one
        TimerId hand_on_timer = TimerId::None;
        Count count;
    };

    Impl(Parts parts_, std::unique_ptr<Outbox> outbox_)
        : parts(std::move(parts_)), outbox(std::move(outbox_)), source(host_name()) {}

    template <class F>
    auto guarded(F f) {
        return [weak = weak_from_this(), f = std::move(f)](const auto&... arguments) {
            if (const auto self = weak.lock()) f(arguments...);
        };
    }

    Queue& queue_of(const std::string& name) {
        Queue& queue = queues[name];
        if (!queue.channel)
            queue.channel = make_channel(
                name, {parts.loop, parts.http, parts.runner, *outbox, parts.settings, source, parts.send_limit});
        return queue;
    }

    void add(const std::string& name, Message message) {
        Queue& queue = queue_of(name);
        if (!queue.channel) return outbox->done(message.seq, name);  // a channel of another version
        const auto after = std::find_if(queue.messages.begin() + (queue.sending ? 1 : 0), queue.messages.end(),
                                        [&](const Message& m) { return m.seq > message.seq; });
        queue.messages.insert(after, std::move(message));
        if (queue.messages.size() > kQueued) drop(name, queue, queue.sending ? 1 : 0);
        if (!queue.sending) return send(name);
        if (queue.failing_since) hand_on(name);
    }

    void drop(const std::string& name, Queue& queue, std::size_t index) {
        outbox->done(queue.messages[index].seq, name);
        queue.messages.erase(queue.messages.begin() + static_cast<std::ptrdiff_t>(index));
        ++queue.count.failed;
    }

    void send(const std::string& name) {
        Queue& queue = queue_of(name);
        if (queue.messages.empty()) return;
        queue.sending = queue.under_way = true;
        queue.channel->deliver(queue.messages.front(),
                               guarded([this, name](const Delivery& delivery) { answered(name, delivery); }));
    }

    void answered(const std::string& name, const Delivery& delivery) {
        Queue& queue = queues[name];
        queue.under_way = false;
        if (delivery.delivered()) {
            queue.failing_since.reset();
            return finish(name, true);
        }
        ++queue.count.failed_tries[delivery.reason];
        if (queue.tries == 0) queue.first_try = parts.loop.now();
        // A key may just have been rotated: it is read anew, once.
        const bool once_more = delivery.reason == "authError" && queue.tries == 0;
        const bool given_up = (delivery.kind == Delivery::Kind::Refused && !once_more) ||
                              parts.loop.now() - queue.first_try > kGivenUpAfter;
        if (queue.tries == 0 || given_up) trouble(name, delivery.words, given_up);
        queue.trouble = delivery.words;
        if (given_up) {
            hand_on_one(name, queue, queue.messages.front());
            return finish(name, false);
        }
        if (!queue.failing_since) queue.failing_since = parts.loop.now();
        hand_on(name);
        again(name, delivery.wait);
    }

    void trouble(const std::string& name, const std::string& words, bool given_up) const {
        if (parts.troubled) parts.troubled(name, words, given_up);
    }

    void finish(const std::string& name, bool delivered) {
        Queue& queue = queues[name];
        outbox->done(queue.messages.front().seq, name);
        queue.handed_on.erase(queue.messages.front().seq);
        queue.messages.pop_front();
        ++(delivered ? queue.count.delivered : queue.count.failed);
        queue.tries = 0;
        queue.sending = false;
        parts.loop.post(guarded([this, name] {
            if (!queues[name].sending) send(name);
        }));
    }

    void again(const std::string& name, std::optional<Duration> asked) {
        Queue& queue = queues[name];
        std::uniform_real_distribution<double> jitter(0, 1);
        Duration wait = backoff(++queue.tries, jitter(random));
        if (asked) wait = std::clamp<Duration>(*asked, kShortestWait, kLongestWait);
        parts.loop.at(parts.loop.now() + wait, guarded([this, name] { send(name); }));
    }

    /// What waits in a channel that has failed for `fallback_after` goes to the one behind it, too.
    void hand_on(const std::string& name) {
        Queue& queue = queues[name];
        if (!queue.failing_since || !parts.settings.fallback.contains(name)) return;
        const Time due = *queue.failing_since + parts.settings.fallback_after;
        if (parts.loop.now() >= due) {
            for (const Message& message : queue.messages) hand_on_one(name, queue, message);
            return;
        }
        if (queue.hand_on_timer != TimerId::None) return;
        queue.hand_on_timer = parts.loop.at(due, guarded([this, name] {
                                                queues[name].hand_on_timer = TimerId::None;
                                                hand_on(name);
                                            }));
    }

    void hand_on_one(const std::string& name, Queue& queue, const Message& message) {
        const auto second = parts.settings.fallback.find(name);
        if (second == parts.settings.fallback.end() || !queue.handed_on.insert(message.seq).second) return;
        Message handed = message;
        handed.note = name + " could not be reached: " + queue.trouble;
        outbox->accept(handed.seq, {second->second});
        add(second->second, std::move(handed));
    }

    /// First channels only: one that stands behind another hears nothing while that one works.
    [[nodiscard]] std::vector<std::string> channels_for(const Paged& page) const {
        if (page.level == "none") return {};
        std::vector<std::string> out;
        const auto route = parts.settings.routes.find(page.service);
        for (const std::string& name : parts.settings.channels()) {
            const bool second = std::any_of(parts.settings.fallback.begin(), parts.settings.fallback.end(),
                                            [&](const auto& f) { return f.second == name; });
            const bool routed = route == parts.settings.routes.end() ||
                                std::find(route->second.begin(), route->second.end(), name) != route->second.end();
            if (!second && routed) out.push_back(name);
        }
        // A rung that is an address wants mail, wherever the rest of it goes.
        const bool mail = page.to.starts_with("mail ") && parts.settings.email;
        if (mail && std::find(out.begin(), out.end(), "email") == out.end()) out.emplace_back("email");
        return out;
    }

    /// With the link to its incident, where people can reach this daemon.
    [[nodiscard]] Message message_of(std::uint64_t seq, WallTime wall, const Paged& page) const {
        Message message{seq, wall, page};
        const std::string link = incident_link(parts.external_url, page.incident);
        if (!link.empty()) message.page.facts.emplace_back("link", link);
        return message;
    }

    void forget(const std::string& service, const std::string& incident) {
        Message message;
        message.page.service = service, message.page.incident = incident;
        for (auto& [name, queue] : queues)
            if (queue.channel) queue.channel->forget(message);
    }

    void restore(const Message& message) {
        for (const std::string& name : channels_for(message.page))
            if (Queue& queue = queue_of(name); queue.channel) queue.channel->restore(message);
    }

    Parts parts;
    std::unique_ptr<Outbox> outbox;
    std::string source;
    std::map<std::string, Queue> queues;
    std::map<std::string, std::string> service_of;  // by incident, of those that were paged
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
    std::map<std::string, Message> open;  // incidents, with their last page
    const auto read = journal.for_each(1, [&](const journal::Entry& entry) -> Result<void> {
        if (entry.kind == IncidentClosed::kName) open.erase(entry.incident);
        if (entry.kind != Paged::kName) return {};
        const auto record = journal::to_record(entry);
        if (!record) return record.error();
        const Message message = impl_->message_of(entry.seq, entry.wall, std::get<Paged>(record->fact));
        if (!message.page.incident.empty()) {
            impl_->service_of[message.page.incident] = message.page.service;
            if (message.resolves())
                open.erase(message.page.incident);
            else
                open.try_emplace(message.page.incident, message);
        }
        if (entry.seq > last) {
            enqueue(*record);
            return {};
        }
        const auto waits = pending.find(entry.seq);
        if (waits == pending.end()) return {};
        for (const std::string& channel : waits->second) impl_->add(channel, message);
        return {};
    });
    for (const auto& [incident, message] : open) impl_->restore(message);
    return read;
}

void Notifier::configure(const NotifySettings& settings) {
    impl_->parts.settings = settings;
}

void Notifier::enqueue(const Record& record) {
    if (const auto* closed = std::get_if<IncidentClosed>(&record.fact)) {
        const auto service = impl_->service_of.find(closed->incident);
        if (service == impl_->service_of.end()) return;
        impl_->forget(service->second, closed->incident);
        impl_->service_of.erase(service);
    }
    const auto* page = std::get_if<Paged>(&record.fact);
    if (page == nullptr) return;
    if (!page->incident.empty()) impl_->service_of[page->incident] = page->service;
    const auto channels = impl_->channels_for(*page);
    impl_->outbox->accept(record.seq, channels);
    for (const std::string& channel : channels) impl_->add(channel, impl_->message_of(record.seq, record.wall, *page));
}

void Notifier::tell(const Record& record) {
    const auto* page = std::get_if<Paged>(&record.fact);
    if (page == nullptr) return;
    for (const std::string& channel : impl_->channels_for(*page))
        impl_->add(channel, impl_->message_of(record.seq, record.wall, *page));
}

void Notifier::test(std::function<void(const std::vector<Tested>&)> answered) {
    const WallTime now = impl_->parts.loop.clock().now().wall;
    Message message;
    message.seq = static_cast<std::uint64_t>(now.time_since_epoch() / 1ms);
    message.wall = now;
    message.page = {{}, {}, {}, "info", "test", "revertd: a test page, nothing has happened", "sent by `notify test`"};
    message.page.issue = true;

    struct Round {
        std::vector<Tested> results;
        std::vector<std::shared_ptr<Channel>> channels;
        std::size_t left = 0;
    };

    auto round = std::make_shared<Round>();
    const auto names = impl_->parts.settings.channels();
    round->left = names.size();
    if (names.empty()) return impl_->parts.loop.post([answered] { answered({}); });
    for (const std::string& name : names) round->results.push_back({name, {}, false});
    for (std::size_t i = 0; i < names.size(); ++i) {
        // Of its own, so that it neither waits for the queue nor disturbs what is under way.
        const ChannelParts parts{impl_->parts.loop,     impl_->parts.http, impl_->parts.runner,    *impl_->outbox,
                                 impl_->parts.settings, impl_->source,     impl_->parts.send_limit};
        round->channels.push_back(make_channel(names[i], parts));
        round->channels.back()->deliver(message, impl_->guarded([round, i, answered](const Delivery& delivery) {
            round->results[i].delivered = delivery.delivered();
            round->results[i].words = delivery.words;
            if (--round->left == 0) answered(round->results);
        }));
    }
}

Notifier::Count Notifier::count(const std::string& channel) const {
    const auto it = impl_->queues.find(channel);
    return it == impl_->queues.end() ? Count{} : it->second.count;
}

std::map<std::string, Notifier::Count> Notifier::counts() const {
    std::map<std::string, Count> out;
    for (const std::string& name : impl_->parts.settings.channels()) out[name] = {};
    for (const auto& [name, queue] : impl_->queues) out[name] = queue.count;
    for (auto& [name, count] : out)
        for (const char* reason : kReasons) count.failed_tries.try_emplace(reason, 0);  // a rate needs its beginning
    return out;
}

std::size_t Notifier::in_flight() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(impl_->queues, [](const auto& queue) { return queue.second.under_way; }));
}

std::size_t Notifier::waiting() const {
    std::size_t n = 0;
    for (const auto& [name, queue] : impl_->queues) n += queue.messages.size();
    return n;
}

}  // namespace revertd
