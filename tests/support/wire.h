// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace revertd::test {

/// One accepted connection of a fake server, blocking, plain or TLS. Owns its descriptor's end but not its number.
class Wire {
  public:
    virtual ~Wire() = default;
    /// Bytes read; 0 when the peer closed or the connection broke.
    virtual std::size_t read(char* buffer, std::size_t size) = 0;
    virtual bool write(std::string_view bytes) = 0;
};

[[nodiscard]] std::unique_ptr<Wire> plain_wire(int fd);

/// A self-signed certificate and the TLS server that shows it.
class TlsServer {
  public:
    TlsServer(const std::string& name, bool expired);
    ~TlsServer();
    /// Null if the handshake failed.
    [[nodiscard]] std::unique_ptr<Wire> accept(int fd);

    [[nodiscard]] const std::string& certificate() const { return certificate_; }

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
    std::string certificate_;
};

}  // namespace revertd::test
