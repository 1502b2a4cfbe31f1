// SPDX-License-Identifier: Apache-2.0
#include "tests/support/wire.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <stdexcept>

namespace revertd::test {
namespace {

class PlainWire final : public Wire {
  public:
    explicit PlainWire(int fd) : fd_(fd) {}

    std::size_t read(char* buffer, std::size_t size) override {
        const ssize_t count = recv(fd_, buffer, size, 0);
        return count > 0 ? static_cast<std::size_t>(count) : 0;
    }

    bool write(std::string_view bytes) override {
        while (!bytes.empty()) {
            const ssize_t count = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (count <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(count));
        }
        return true;
    }

  private:
    int fd_;
};

struct Free {
    void operator()(SSL* p) const { SSL_free(p); }

    void operator()(SSL_CTX* p) const { SSL_CTX_free(p); }

    void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }

    void operator()(X509* p) const { X509_free(p); }

    void operator()(X509_EXTENSION* p) const { X509_EXTENSION_free(p); }

    void operator()(BIO* p) const { BIO_free(p); }
};

template <class T>
using Owned = std::unique_ptr<T, Free>;

class TlsWire final : public Wire {
  public:
    explicit TlsWire(Owned<SSL> ssl) : ssl_(std::move(ssl)) {}

    std::size_t read(char* buffer, std::size_t size) override {
        const int count = SSL_read(ssl_.get(), buffer, static_cast<int>(size));
        return count > 0 ? static_cast<std::size_t>(count) : 0;
    }

    bool write(std::string_view bytes) override {
        return bytes.empty() || SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) > 0;
    }

  private:
    Owned<SSL> ssl_;
};

void add_subject_alternative_name(X509* certificate, const std::string& name) {
    unsigned char address[16];
    const bool is_address = inet_pton(AF_INET, name.c_str(), address) == 1;
    const std::string value = (is_address ? "IP:" : "DNS:") + name;
    const Owned<X509_EXTENSION> extension(X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, value.c_str()));
    X509_add_ext(certificate, extension.get(), -1);
}

Owned<X509> sign_own(EVP_PKEY* key, const std::string& name, bool expired) {
    Owned<X509> certificate(X509_new());
    constexpr long kDay = 24 * 3600;
    X509_set_version(certificate.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -30 * kDay);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), expired ? -kDay : 30 * kDay);
    X509_NAME* subject = X509_get_subject_name(certificate.get());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("fake"), -1, -1, 0);
    X509_set_issuer_name(certificate.get(), subject);
    X509_set_pubkey(certificate.get(), key);
    add_subject_alternative_name(certificate.get(), name);
    X509_sign(certificate.get(), key, EVP_sha256());
    return certificate;
}

std::string to_pem(X509* certificate) {
    const Owned<BIO> memory(BIO_new(BIO_s_mem()));
    PEM_write_bio_X509(memory.get(), certificate);
    char* data = nullptr;
    const long size = BIO_get_mem_data(memory.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

}  // namespace

std::unique_ptr<Wire> plain_wire(int fd) {
    return std::make_unique<PlainWire>(fd);
}

class TlsServer::Impl {
  public:
    Owned<SSL_CTX> context{SSL_CTX_new(TLS_server_method())};
};

TlsServer::TlsServer(const std::string& name, bool expired) : impl_(std::make_unique<Impl>()) {
    const Owned<EVP_PKEY> key(EVP_EC_gen("P-256"));
    const Owned<X509> certificate = sign_own(key.get(), name, expired);
    certificate_ = to_pem(certificate.get());
    if (SSL_CTX_use_certificate(impl_->context.get(), certificate.get()) != 1 ||
        SSL_CTX_use_PrivateKey(impl_->context.get(), key.get()) != 1) {
        throw std::runtime_error("fake TLS server: certificate refused");
    }
}

TlsServer::~TlsServer() = default;

std::unique_ptr<Wire> TlsServer::accept(int fd) {
    Owned<SSL> ssl(SSL_new(impl_->context.get()));
    SSL_set_fd(ssl.get(), fd);
    if (SSL_accept(ssl.get()) != 1) return nullptr;
    return std::make_unique<TlsWire>(std::move(ssl));
}

}  // namespace revertd::test
