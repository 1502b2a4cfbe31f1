// SPDX-License-Identifier: Apache-2.0
// What the daemon says about configurations: structure FILE... prints a line for each: `valid`; `semantic` when the
// table of keys accepts it and something else does not; `structural MESSAGE` when the table does not. `--schema` prints
// the JSON schema.
#include <iostream>
#include <string_view>

#include "config/document.h"
#include "config/keys.h"
#include "config/load.h"
#include "config/schema.h"

namespace {

std::string verdict(const std::string& path) {
    const auto text = revertd::config::read_config_file(path);
    if (!text) return "unreadable";
    revertd::Diagnostics diagnostics(path, *text);
    const auto root = revertd::config::parse_document(*text, diagnostics);
    if (!root || diagnostics.has_errors()) return "no yaml";
    revertd::config::check_keys(*root, diagnostics);
    if (diagnostics.has_errors())
        for (const revertd::Diagnostic& found : diagnostics.take())
            if (found.severity == revertd::Diagnostic::Severity::Error) return "structural " + to_line(found);
    return revertd::load(*text, path).loaded ? "valid" : "semantic";
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 2 && std::string_view(argv[1]) == "--schema") {
        std::cout << revertd::config::json_schema();
        return 0;
    }
    for (int i = 1; i < argc; ++i) std::cout << verdict(argv[i]) << '\n';
}
