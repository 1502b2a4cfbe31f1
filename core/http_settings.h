// SPDX-License-Identifier: Apache-2.0
// `http_config` of the Prometheus family: how a server is spoken to. Secrets are named by their file, never held here.
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace revertd {

/// A file whose first line is a secret; read anew for each use, so that it may be rotated.
struct SecretPath {
    std::string name;  ///< as written: a bare name is a systemd credential
    std::string path;  ///< empty: a credential, and $CREDENTIALS_DIRECTORY is not set

    [[nodiscard]] bool operator==(const SecretPath&) const = default;
};

struct HttpSettings {
    std::string ca_file, cert_file, key_file;  ///< absolute paths; empty: the system's bundle, no client certificate
    bool insecure_skip_verify = false;
    std::string proxy;                                         ///< a URL; the environment's are ignored
    std::vector<std::pair<std::string, std::string>> headers;  ///< no secrets among them
    std::string user;                                          ///< basic authentication
    std::optional<SecretPath> password;
    std::string scheme = "Bearer";  ///< of `credentials`
    std::optional<SecretPath> credentials;

    [[nodiscard]] bool operator==(const HttpSettings&) const = default;
};

}  // namespace revertd
