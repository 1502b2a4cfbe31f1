// SPDX-License-Identifier: Apache-2.0
#include "config/http_reader.h"

#include <algorithm>
#include <cctype>

#include "config/secrets.h"

namespace revertd::config {

namespace {

class HttpReader {
  public:
    HttpReader(const LoadOptions& options, HttpSettings& out, Diagnostics& diagnostics)
        : options_(options), out_(out), diagnostics_(diagnostics) {}

    void read(const Node& node) {
        for (const char* key : {"tls", "tls_config"})
            if (const Node* tls = node.find(key)) read_tls(*tls);
        for (const char* key : {"proxy", "proxy_url"}) read_text(node, key, out_.proxy);
        if (const Node* headers = node.find("headers")) read_headers(*headers);
        const Node* basic = node.find("basic_auth");
        const Node* authorization = node.find("authorization");
        if (basic != nullptr && authorization != nullptr)
            diagnostics_.error(authorization->at, "either `basic_auth` or `authorization`, not both", {});
        if (basic != nullptr) read_basic(*basic);
        if (authorization != nullptr) read_authorization(*authorization);
    }

  private:
    void read_tls(const Node& node) {
        file(node, "ca_file", out_.ca_file);
        file(node, "cert_file", out_.cert_file);
        file(node, "key_file", out_.key_file);
        read_choice(node, "insecure_skip_verify", out_.insecure_skip_verify, {{"true", true}, {"false", false}});
        if (out_.cert_file.empty() != out_.key_file.empty())
            diagnostics_.error(node.at, "`cert_file` and `key_file` belong together", {});
        if (const Node* skip = node.find("insecure_skip_verify"); skip != nullptr && out_.insecure_skip_verify)
            diagnostics_.warning(skip->at, "the server is not verified: anybody between can answer for it",
                                 "name its authority by `ca_file`");
    }

    void read_headers(const Node& node) {
        if (!node.is_map()) return;
        for (const Node::Entry& entry : node.entries) {
            if (!entry.value.is_scalar()) continue;
            if (is_secret_header(entry.key)) {
                diagnostics_.hide(entry.value.at, entry.value.text);
                diagnostics_.error(entry.value.at, "the header `" + entry.key.substr(0, 60) + "` carries a secret",
                                   "use `authorization: { credentials_file: ... }` or `basic_auth`");
                continue;
            }
            const bool good = !entry.key.empty() &&
                              std::all_of(entry.key.begin(), entry.key.end(),
                                          [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_'; });
            if (!good) diagnostics_.error(entry.at, "`" + entry.key.substr(0, 60) + "` is no name of a header", {});
            std::erase_if(out_.headers, [&](const auto& header) { return header.first == entry.key; });
            out_.headers.emplace_back(entry.key, entry.value.text);
        }
    }

    void read_basic(const Node& node) {
        out_.credentials.reset();
        read_text(node, "username", out_.user);
        const Node* password = node.find("password_file");
        if (password != nullptr) out_.password = secret(*password);
        if (out_.user.empty() || password == nullptr)
            diagnostics_.error(node.at, "`basic_auth` needs `username` and `password_file`", {});
    }

    void read_authorization(const Node& node) {
        out_.user.clear();
        out_.password.reset();
        read_text(node, "type", out_.scheme);
        const Node* credentials = node.find("credentials_file");
        if (credentials == nullptr)
            return diagnostics_.error(node.at, "`authorization` needs `credentials_file`",
                                      "a file whose first line is the token");
        out_.credentials = secret(*credentials);
    }

    /// Not a secret: read by the TLS library itself, by its path.
    void file(const Node& node, const char* key, std::string& out) {
        const Node* value = node.find(key);
        if (value == nullptr || !value->is_scalar()) return;
        const SecretPath path = secret(*value);
        out = path.path;
    }

    SecretPath secret(const Node& node) { return read_secret(node, options_, diagnostics_); }

    const LoadOptions& options_;
    HttpSettings& out_;
    Diagnostics& diagnostics_;
};

}  // namespace

void read_http(const Node& node, const LoadOptions& options, HttpSettings& out, Diagnostics& diagnostics) {
    if (node.is_off()) out = {};
    if (node.is_map()) HttpReader(options, out, diagnostics).read(node);
}

}  // namespace revertd::config
