// SPDX-License-Identifier: Apache-2.0
// Inside of curl_client.cpp: curl's multi socket interface on the loop. `void*` is CURL*, as curl itself defines it.
#pragma once
#include <memory>

namespace revertd {

class Loop;

/// Told that a transfer ended; found through CURLOPT_PRIVATE.
class CurlTransfer {
  public:
    virtual ~CurlTransfer() = default;
    /// The handle is out of the multi again; `code` is a CURLcode. May start and end other transfers.
    virtual void on_end(int code) = 0;
};

class CurlMulti {
  public:
    explicit CurlMulti(Loop& loop);
    CurlMulti(const CurlMulti&) = delete;
    CurlMulti& operator=(const CurlMulti&) = delete;
    /// After all transfers.
    ~CurlMulti();

    /// False if curl refuses it: out of memory, or called from inside a curl callback.
    [[nodiscard]] bool add(void* easy, CurlTransfer& transfer);
    void remove(void* easy);

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace revertd
