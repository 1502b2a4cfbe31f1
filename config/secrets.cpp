// SPDX-License-Identifier: Apache-2.0
#include "config/secrets.h"

#include <unistd.h>

#include <algorithm>
#include <cctype>

namespace revertd::config {

bool is_secret_header(std::string name) {
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    for (const std::string_view part :
         {"authorization", "cookie", "token", "secret", "password", "api-key", "apikey", "signature"})
        if (name.find(part) != std::string::npos) return true;
    return false;
}

SecretPath read_secret(const Node& node, const LoadOptions& options, Diagnostics& diagnostics) {
    SecretPath out{node.text, {}};
    const bool is_path = node.text.starts_with('/');
    if (is_path)
        out.path = node.text;
    else if (!options.credentials_directory.empty())
        out.path = options.credentials_directory + "/" + node.text;
    const bool looked_up = options.require_credentials || (!is_path && !out.path.empty());
    if (!looked_up || !node.is_scalar()) return out;
    if (out.path.empty())
        diagnostics.error(
            node.at, "the systemd credential `" + node.text + "` cannot be found: $CREDENTIALS_DIRECTORY is not set",
            "start revertd as a systemd service with LoadCredential=, or write an absolute path");
    else if (::access(out.path.c_str(), F_OK) != 0)
        diagnostics.error(node.at, "`" + node.text + "`: no such " + (is_path ? "file" : "credential"),
                          is_path ? "" : "add LoadCredential=" + node.text + ":/path/of/the/file to the unit");
    return out;
}

}  // namespace revertd::config
