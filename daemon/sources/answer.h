// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "daemon/io/http.h"
#include "daemon/sources/limits.h"

namespace revertd {

/// An answer that is judged as a whole: a health check's or a version's. What is beyond `kMaxJsonBytes` is cut.
struct Answer {
    FetchError error = FetchError::None;
    int status = 0;         ///< 0: no answer
    std::string_view body;  ///< what has arrived of it
    bool cut = false;
};

/// Collects an answer; the buffer is reused and given back when an answer was large.
class AnswerSink : public Sink {
  public:
    /// Without `keep_body` the bytes are only counted off: most health checks look at the status alone.
    explicit AnswerSink(bool keep_body) : keep_body_(keep_body) {}

    void head(int status, std::string_view, std::optional<std::uint64_t>) final {
        reset();
        status_ = status;
    }

    bool body(std::span<const char> chunk) final {
        if (!keep_body_) return true;
        const std::size_t room = kMaxJsonBytes - body_.size();
        body_.append(chunk.data(), std::min(room, chunk.size()));
        cut_ = chunk.size() > room;
        return !cut_;
    }

    void done(FetchError error, Time at) final {
        const FetchError own = cut_ && error == FetchError::Aborted ? FetchError::None : error;
        answered({own, status_, body_, cut_}, at);
        reset();
    }

    /// The fetch was cancelled (Fetch::cancel): forgets what has arrived.
    void reset() {
        status_ = 0;
        cut_ = false;
        if (body_.capacity() > kKeptBodyBytes) std::string().swap(body_);
        body_.clear();
    }

  protected:
    /// What the answer points to is valid during the call.
    virtual void answered(const Answer& answer, Time at) = 0;

  private:
    bool keep_body_;
    int status_ = 0;
    bool cut_ = false;
    std::string body_;
};

}  // namespace revertd
