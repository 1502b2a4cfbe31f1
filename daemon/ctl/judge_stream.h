// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <functional>
#include <iosfwd>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "daemon/ctl/judge_line.h"
#include "daemon/ctl/stream_case.h"

namespace revertd::ctl {

/// The judge stream (many cases after one another): lines in, one verdict a case out, as soon as it is reached.
/// A line that is no part of the protocol is told and left out; it changes nothing else.
class JudgeStream {
  public:
    JudgeStream(CaseOpener opener, std::ostream& out, std::ostream& err)
        : opener_(std::move(opener)), out_(out), err_(err) {}

    /// Reads until `input` gives nothing more. False: some lines were left out.
    bool run(const std::function<std::size_t(std::span<char>)>& input);

  private:
    void line(std::span<char> text);
    void handle(const JudgeLine& line);
    void open(const JudgeLine& header);
    void close(const CaseVerdict& verdict);
    void complain(const std::string& what);

    CaseOpener opener_;
    std::ostream &out_, &err_;
    JudgeLineReader reader_;
    std::unique_ptr<StreamCase> case_;
    std::string id_;
    bool open_ = false;  ///< a case whose verdict is still to come
    std::size_t number_ = 0, complaints_ = 0;
};

}  // namespace revertd::ctl
