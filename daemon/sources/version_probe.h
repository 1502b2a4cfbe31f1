// SPDX-License-Identifier: Apache-2.0
// What runs now, read from an http answer or a command's output. An error is "no answer": never a version.
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "actions/step.h"
#include "core/result.h"
#include "daemon/sources/answer.h"

namespace revertd {

/// `json` is a pointer into the body; empty: the first line, as a command prints it. Only 200-299 counts.
[[nodiscard]] Result<Observed> version_from_http(std::string_view json, const Answer& answer);

/// The first line of the output, `version` or `version settling`; exit 3: nothing runs.
/// `errors`: what it wrote to stderr; the last line says why it could not tell.
[[nodiscard]] Result<Observed> version_from_command(int exit, std::string_view output, std::string_view errors = {});

/// The receiving end of a version probe's Fetch.
class VersionSink final : public AnswerSink {
  public:
    using Receiver = std::function<void(const Result<Observed>& observed, Time at)>;

    VersionSink(std::string json, Receiver receiver)
        : AnswerSink(true), json_(std::move(json)), receiver_(std::move(receiver)) {}

  private:
    void answered(const Answer& answer, Time at) override { receiver_(version_from_http(json_, answer), at); }

    std::string json_;
    Receiver receiver_;
};

}  // namespace revertd
