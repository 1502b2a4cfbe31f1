// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "daemon/io/http_client.h"
#include "daemon/notify/bodies.h"
#include "daemon/notify/channels.h"

namespace revertd {

namespace {

constexpr int kMailLimits = 3;  // a server of mail may take its time: it looks up and scans before it answers

/// RFC 5321: 4yz passes, 5yz does not. Without a code something else went wrong, which may pass.
Delivery judge(const MailResult& result) {
    if (result.accepted) return Delivery::done("accepted");
    const std::string words = (result.code == 0 ? "" : "status " + std::to_string(result.code) + ": ") + result.detail;
    if (result.no_starttls) return Delivery::refused("clientError", "the server offers no STARTTLS");
    if (result.code == 530 || result.code == 534 || result.code == 535 || result.code == 538)
        return Delivery::refused("authError", words);
    if (result.code >= 500) return Delivery::refused("clientError", words);
    if (result.code >= 400) return Delivery::again("serverError", words);
    return Delivery::again(result.timed_out ? "contextDeadlineExceeded" : "other", words);
}

}  // namespace

void EmailChannel::begin(const Message& message) {
    const auto s = settings().email;
    if (!s) return finish(Delivery::refused("other", "it is not configured any more"));
    std::vector<std::string> to = s->to;
    for (const Contact& person : people_of(message, settings()))
        if (!person.mail.empty() && std::find(to.begin(), to.end(), person.mail) == to.end()) to.push_back(person.mail);
    next(message, std::move(to), {});
}

/// One after the other; who has it already is passed over when the page is tried again.
void EmailChannel::next(const Message& message, std::vector<std::string> rest, const std::string& refused) {
    const auto s = settings().email;
    if (rest.empty() || !s)
        return finish(refused.empty() ? Delivery::done("accepted") : Delivery::refused("clientError", refused));
    const std::string to = rest.front(), mark = delivery_key(message) + "/" + to;
    rest.erase(rest.begin());
    if (!remembered(mark).empty()) return next(message, std::move(rest), refused);
    MailRequest mail{s->server,
                     s->from,
                     to,
                     mail_text(message, s->from, to, parts().source),
                     s->user,
                     {},
                     s->starttls,
                     s->ca_file,
                     kMailLimits * parts().send_limit};
    if (s->password) {
        const auto password = secret_or_wait(*s->password);
        if (!password) return;
        mail.password = *password;
    }
    const auto sent = parts().http.api().send_mail(
        mail, guarded([this, message, rest, refused, to, mark](const MailResult& result) {
            const Delivery delivery = judge(result);
            if (delivery.kind == Delivery::Kind::Again || delivery.reason == "authError") return finish(delivery);
            remember(mark, "done");
            const bool lost = !delivery.delivered();
            next(message, rest, lost ? refused + (refused.empty() ? "" : "; ") + to + ": " + delivery.words : refused);
        }));
    if (sent) return;
    const bool passes = sent.error().code == ErrorCode::Limit;  // this machine's own trouble
    finish(passes ? Delivery::again("other", sent.error().message)
                  : Delivery::refused("clientError", sent.error().message));
}

}  // namespace revertd
