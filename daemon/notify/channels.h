// SPDX-License-Identifier: Apache-2.0
// All channels. What is shared is in channel.h, what is sent in bodies.h.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "daemon/io/timers.h"
#include "daemon/notify/channel.h"

namespace revertd {

/// Events API v2. The dedup key makes a repetition harmless.
class PagerDutyChannel final : public Channel {
  public:
    using Channel::Channel;

  private:
    void begin(const Message& message) override;
};

class WebhookChannel final : public Channel {
  public:
    using Channel::Channel;

  private:
    void begin(const Message& message) override;
};

class OpsgenieChannel final : public Channel {
  public:
    using Channel::Channel;

  private:
    void begin(const Message& message) override;
};

/// An incoming webhook posts each page. A bot keeps one living message an incident, and its story in the thread.
class SlackChannel final : public Channel {
  public:
    using Channel::Channel;

  private:
    void begin(const Message& message) override;
    void by_webhook(const SlackSettings& settings, const Message& message);
    void by_bot(const SlackSettings& settings, const Message& message);

    struct Talk;
    using Posted = std::function<void(const std::string& channel, const std::string& stamp)>;
    /// A message, or one of its thread: `next` hears where it stands. One whose answer was lost is looked for first.
    void post_once(const std::shared_ptr<Talk>& talk, const Posted& next);
    void look(const std::shared_ptr<Talk>& talk, const std::string& cursor, int pages, const Posted& next);
    void update(const std::shared_ptr<Talk>& talk);
    void call(const Talk& talk, const std::string& method, std::string body, OnAnswer next, Judge judge);
};

/// An issue for severities that want one; found again by a marker in its text, so it is made once.
class GithubChannel final : public Channel {
  public:
    using Channel::Channel;

  private:
    struct Talk;
    void begin(const Message& message) override;
    void find(const std::shared_ptr<Talk>& talk, int page);
    void create(const std::shared_ptr<Talk>& talk);
    void comment(const std::shared_ptr<Talk>& talk, int page);
    void post_comment(const std::shared_ptr<Talk>& talk);
    void close(const std::shared_ptr<Talk>& talk);
    void request(const std::shared_ptr<Talk>& talk, const std::string& method, const std::string& path,
                 std::string body, OnAnswer next);
};

/// SMTP; each recipient is a delivery of its own, so that one who is refused costs no other.
class EmailChannel final : public Channel {
  public:
    using Channel::Channel;

  private:
    void begin(const Message& message) override;
    void next(const Message& message, std::vector<std::string> rest, const std::string& refused);
};

/// A program of the operator, run by the runner: the page is JSON on its stdin.
class ExecChannel final : public Channel {
  public:
    using Channel::Channel;

  private:
    void begin(const Message& message) override;
    void start(const Message& message, int number);
    void ended(const Message& message, int number, int state, int exit, const std::string& words);
};

/// Every member of a cluster; an open alert is sent again before it would resolve by itself.
class AlertmanagerChannel final : public Channel {
  public:
    using Channel::Channel;
    void restore(const Message& incident) override;
    void forget(const Message& incident) override;

  private:
    void begin(const Message& message) override;
    void send(const Message& message, std::vector<std::string> urls, std::size_t accepted, const Delivery& worst);
    void arrived(const Message& message);
    void renew_later();
    void renew();

    std::map<std::string, Message> open_;  // by dedup key
    TimerId timer_ = TimerId::None;
};

/// Public words only; one incident, found again by its key.
class StatuspageChannel final : public Channel {
  public:
    using Channel::Channel;

  private:
    void begin(const Message& message) override;
    void update(const StatuspageSettings& settings, const std::string& token, const Message& message,
                const std::string& id);
    void change(const StatuspageSettings& settings, const std::string& token, const Message& message,
                const std::string& url);
    void create(const StatuspageSettings& settings, const std::string& token, const Message& message);
};

}  // namespace revertd
