// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/http_options.h"

#include "daemon/io/secret_files.h"

namespace revertd {
namespace {

std::string base64(std::string_view bytes) {
    static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t group = 0;
        for (std::size_t k = 0; k < 3; ++k)
            group = group << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
        for (std::size_t k = 0; k < 4; ++k) out += i + k > bytes.size() ? '=' : kDigits[group >> (18 - 6 * k) & 63U];
    }
    return out;
}

}  // namespace

Result<std::vector<HttpHeader>> headers_of(const HttpSettings& settings, SecretFiles& secrets) {
    std::vector<HttpHeader> out = settings.headers;
    if (settings.credentials) {
        const auto token = secrets.first_line(*settings.credentials);
        if (!token) return token.error();
        out.emplace_back("Authorization", settings.scheme + " " + *token);
    } else if (settings.password) {
        const auto password = secrets.first_line(*settings.password);
        if (!password) return password.error();
        out.emplace_back("Authorization", "Basic " + base64(settings.user + ":" + *password));
    }
    return out;
}

TlsOptions tls_of(const HttpSettings& settings) {
    return {settings.ca_file, settings.cert_file, settings.key_file, settings.insecure_skip_verify};
}

}  // namespace revertd
