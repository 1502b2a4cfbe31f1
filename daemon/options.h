// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <variant>
#include <vector>

namespace CLI {
class App;
}

namespace revertd {

struct Options {
    std::string config_file = "/etc/revertd/revertd.yaml";
    std::string storage = "/var/lib/revertd";
    std::vector<std::string> listen;  ///< `unix:PATH` and loopback TCP addresses
    std::string external_url;
    std::string log_level = "info", log_format = "logfmt";
    std::string runner = "auto";
    bool dry_run = false;
};

/// Every option, with its words: for the program and for the manual.
void add_options(CLI::App& app, Options& options);

/// The options, or the exit code when there is nothing to run (--help, --version, bad usage: 2).
[[nodiscard]] std::variant<Options, int> parse_options(int argc, char** argv);

}  // namespace revertd
