// SPDX-License-Identifier: Apache-2.0
// What the configuration says about HTTP, as the clients take it.
#pragma once
#include <vector>

#include "core/http_settings.h"
#include "daemon/io/http.h"

namespace revertd {

class SecretFiles;

/// Its headers and credentials, as SecretFiles knows their files. Unavailable: a file cannot be read; the words name
/// it, never what is in it.
[[nodiscard]] Result<std::vector<HttpHeader>> headers_of(const HttpSettings& settings, SecretFiles& secrets);

[[nodiscard]] TlsOptions tls_of(const HttpSettings& settings);

}  // namespace revertd
