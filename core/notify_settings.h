// SPDX-License-Identifier: Apache-2.0
// Who is told and how, as the configuration states it. Secrets are named by their file, never held here.
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace revertd {

/// A bare name is a systemd credential, an absolute path a file.
struct SecretFile {
    std::string name;  ///< as written
    std::string path;  ///< empty: a credential, and $CREDENTIALS_DIRECTORY is not set
};

struct PagerDutySettings {
    SecretFile routing_key;
    std::string url = "https://events.pagerduty.com/v2/enqueue";
};

struct WebhookSettings {
    std::string url;
    std::vector<std::pair<std::string, std::string>> headers;  ///< no secrets among them
    std::optional<SecretFile> secret;                          ///< signs the body
};

struct NotifySettings {
    std::optional<PagerDutySettings> pagerduty;
    std::optional<WebhookSettings> webhook;

    [[nodiscard]] bool empty() const { return !pagerduty && !webhook; }
};

}  // namespace revertd
