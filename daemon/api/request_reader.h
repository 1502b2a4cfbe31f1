// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <string>

#include "daemon/api/limits.h"
#include "daemon/api/message.h"

namespace revertd::api {

/// Reads one HTTP/1.x request as its bytes arrive, strictly: what is ambiguous is refused, not guessed.
class RequestReader {
  public:
    enum class Outcome { NeedMore, Done, Failed };

    explicit RequestReader(const ApiLimits& limits);
    RequestReader(const RequestReader&) = delete;
    RequestReader& operator=(const RequestReader&) = delete;
    ~RequestReader();

    /// Before each request.
    void reset();

    /// Takes from the front of `input` what belongs to the request; the rest is the next one's.
    Outcome feed(std::string& input);

    [[nodiscard]] bool head_done() const;

    /// After Done.
    [[nodiscard]] Request take();

    /// After Failed: what to answer before the connection is closed.
    [[nodiscard]] const Response& refusal() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace revertd::api
