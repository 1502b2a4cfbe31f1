// SPDX-License-Identifier: Apache-2.0
// Inside of curl_client.cpp: mails, each on a thread of its own. Where a server does not reply to the end of a text, or
// to QUIT, curl waits on the spot, up to minutes, and a loop must not.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "core/result.h"
#include "daemon/io/curl_client.h"
#include "daemon/io/http.h"

namespace revertd {

class Loop;

class MailSender {
  public:
    using Callback = std::function<void(MailResult)>;

    explicit MailSender(Loop& loop);
    MailSender(const MailSender&) = delete;
    MailSender& operator=(const MailSender&) = delete;
    /// Cuts every conversation, and waits for a moment for their threads; nobody is called any more.
    ~MailSender();

    /// Calls back once, on the loop, within `whole_limit` and a little. Limit: the system grants no thread.
    Result<void> send(const MailRequest& request, HttpTarget target, const std::string& user_agent, Callback callback);

  private:
    struct Shared;
    Loop& loop_;
    std::shared_ptr<Shared> shared_;
};

}  // namespace revertd
