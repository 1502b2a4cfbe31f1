// SPDX-License-Identifier: Apache-2.0
#include "tests/ctl/run.h"

#include <algorithm>
#include <ctime>
#include <sstream>

namespace revertd::ctl {

Outcome Terminal::run(const std::vector<std::string>& arguments) {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
    std::ostringstream out, err;
    const auto variable = [this](const char* name) {
        const auto found = environment.find(name);
        return found == environment.end() ? std::nullopt : std::optional<std::string>(found->second);
    };
    Outside outside{.out = out,
                    .err = err,
                    .environment = variable,
                    .columns = [this] { return columns; },
                    .rows = [this] { return rows; },
                    .err_is_terminal = is_terminal,
                    .out_is_terminal = is_terminal,
                    .clock = time,
                    .pace = time,
                    .input =
                        [this](std::span<char> into) {
                            const auto n = std::min(into.size(), input.size());
                            std::copy_n(input.begin(), n, into.begin());
                            input.erase(0, n);
                            return n;
                        }};
    const int code = ctl::run(arguments, outside);
    return {code, out.str(), err.str()};
}

std::string deployment(const std::string& state, const std::string& members) {
    return R"({"id":"d-81","service":"api","version":"v2","from":"v1","bake":900,"state":")" + state + "\"" +
           (members.empty() ? "" : ",") + members + "}";
}

}  // namespace revertd::ctl
