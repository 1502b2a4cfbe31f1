// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <functional>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "daemon/ctl/judge_case.h"
#include "daemon/ctl/judge_line.h"

namespace revertd::ctl {

/// The judge stream (many cases after one another): lines in, one verdict a case out, as soon as it is reached.
/// A line that is no part of the protocol is told and left out; it changes nothing else.
class JudgeStream {
  public:
    JudgeStream(double alpha, std::ostream& out, std::ostream& err) : alpha_(alpha), out_(out), err_(err) {}

    /// Reads until `input` gives nothing more. False: some lines were left out.
    bool run(const std::function<std::size_t(std::span<char>)>& input);

  private:
    void line(std::span<char> text);
    void handle(const JudgeLine& line);
    void open(const JudgeLine& header);
    void close(const CaseVerdict& verdict);
    void complain(const std::string& what);

    double alpha_;
    std::ostream &out_, &err_;
    JudgeLineReader reader_;
    std::optional<JudgeCase> case_;
    std::string id_;
    bool open_ = false;  ///< a case whose verdict is still to come
    std::size_t number_ = 0, complaints_ = 0;
};

}  // namespace revertd::ctl
