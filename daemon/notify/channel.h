// SPDX-License-Identifier: Apache-2.0
// A way to tell people. One page at a time; how its receiver answers is classified here, what follows from that (again
// later, given up, another channel) is the notifier's business.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/notify_settings.h"
#include "core/result.h"
#include "daemon/io/curl_client.h"
#include "daemon/notify/message.h"

namespace revertd {

class HttpClient;
class Loop;
class Outbox;
class RunnerClient;

/// How one try ended. Reasons are those of Alertmanager's metrics.
struct Delivery {
    enum class Kind : std::uint8_t {
        Delivered,
        Again,   ///< not now: after `wait`, or with backoff
        Refused  ///< for good: the same again would be refused again
    };
    Kind kind = Kind::Delivered;
    std::string reason;  ///< clientError, serverError, rateLimited, authError, contextDeadlineExceeded, other
    std::string words;   ///< for people; holds no secret
    std::optional<Duration> wait = {};

    [[nodiscard]] bool delivered() const { return kind == Kind::Delivered; }

    static Delivery done(std::string words = {}) { return {Kind::Delivered, {}, std::move(words)}; }

    static Delivery refused(std::string reason, std::string words) {
        return {Kind::Refused, std::move(reason), std::move(words)};
    }

    static Delivery again(std::string reason, std::string words) {
        return {Kind::Again, std::move(reason), std::move(words)};
    }
};

struct ChannelParts {
    Loop& loop;
    HttpClient& http;
    RunnerClient* runner = nullptr;  ///< null: programs cannot be run
    Outbox& outbox;
    const NotifySettings& settings;  ///< as they are now: a reload changes them
    std::string source;              ///< this host
    Duration send_limit{};           ///< of one request, from the connection to the last byte of its answer
};

class Channel : public std::enable_shared_from_this<Channel> {
  public:
    using Done = std::function<void(const Delivery&)>;

    Channel(std::string name, ChannelParts parts) : name_(std::move(name)), parts_(std::move(parts)) {}

    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;
    virtual ~Channel() = default;

    /// `done` comes once, and not before this has returned. Not while another one is under way.
    void deliver(const Message& message, Done done);

    /// After a restart: the last page of an incident that is still open.
    virtual void restore(const Message& /*of the incident*/) {}

    /// It is closed: its alert is not renewed any more.
    virtual void forget(const Message& /*of the incident*/) {}

  protected:
    /// Begins; ends by `finish`.
    virtual void begin(const Message& message) = 0;

    using OnAnswer = std::function<void(const HttpResponse&)>;

    /// One request; an answer of 2xx goes on in `next`, any other is classified and ends the delivery.
    void ask(HttpRequest request, OnAnswer next);
    /// The same with a say on the other answers: nothing is what the common table says.
    using Judge = std::function<std::optional<Delivery>(const HttpResponse&)>;
    void ask(HttpRequest request, OnAnswer next, Judge judge);
    void finish(const Delivery& delivery);

    /// Read anew for every delivery, so that a rotated one is used at once; from then on in no words.
    [[nodiscard]] Result<std::string> secret(const SecretFile& file);
    /// Ends the delivery when it cannot be read: it may come back.
    [[nodiscard]] std::optional<std::string> secret_or_wait(const SecretFile& file);

    /// With what the configuration says of TLS, proxy, headers and credentials. Unavailable: a secret cannot be read.
    [[nodiscard]] Result<void> prepare(HttpRequest& request);

    [[nodiscard]] static HttpRequest post(std::string url, std::string body);
    [[nodiscard]] std::string without_secrets(std::string text) const;
    /// What is remembered of an incident (a message's id, an issue's number), over restarts.
    [[nodiscard]] std::string remembered(const std::string& key) const;
    void remember(const std::string& key, const std::string& value);

    [[nodiscard]] const ChannelParts& parts() const { return parts_; }

    [[nodiscard]] const NotifySettings& settings() const { return parts_.settings; }

    [[nodiscard]] const std::string& name() const { return name_; }

    /// In a callback of the outside: nothing of it happens when this is gone.
    template <class F>
    [[nodiscard]] auto guarded(F f) {
        return [weak = weak_from_this(), f = std::move(f)](const auto&... arguments) {
            if (const auto self = weak.lock()) f(arguments...);
        };
    }

  private:
    std::string name_;
    ChannelParts parts_;
    Done done_;
    std::vector<std::string> secrets_;
};

/// What an answer means, by the common table of answers.
[[nodiscard]] Delivery classify(const HttpResponse& response, WallTime now);

/// People of a page: the members of its role who can be reached now (all of them, if nobody can), or the one address.
[[nodiscard]] std::vector<Contact> people_of(const Message& message, const NotifySettings& settings);

/// Null for a name that is none.
[[nodiscard]] std::shared_ptr<Channel> make_channel(const std::string& name, const ChannelParts& parts);

}  // namespace revertd
