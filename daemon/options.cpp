// SPDX-License-Identifier: Apache-2.0
#include "daemon/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>

namespace revertd {

namespace {

constexpr const char* kUnixSocket = "unix:/run/revertd/revertd.sock";
constexpr const char* kTcpAddress = "127.0.0.1:9477";

bool is_unix(const std::string& address) {
    return address.rfind("unix:", 0) == 0;
}

/// A unix socket is opened unless one is named; the default TCP address only when none is.
void complete(std::vector<std::string>& listen) {
    const bool named = !listen.empty();
    if (std::none_of(listen.begin(), listen.end(), is_unix)) listen.insert(listen.begin(), kUnixSocket);
    if (!named) listen.emplace_back(kTcpAddress);
}

std::string check_url(const std::string& text) {
    const bool good = text.starts_with("http://") || text.starts_with("https://");
    const bool blank = text.find_first_of(" \t\n\"<>") != std::string::npos;
    return good && !blank ? "" : "'" + text + "' is no URL that begins with http:// or https://";
}

}  // namespace

void add_options(CLI::App& app, Options& options) {
    app.add_option("--config.file", options.config_file, "Configuration")->capture_default_str();
    app.add_option("--storage.path", options.storage, "Journal, receipts and reports")->capture_default_str();
    app.add_option("--web.listen-address", options.listen, "unix:PATH or a loopback address; repeatable");
    app.add_option("--web.external-url", options.external_url,
                   "Where people reach this daemon: links in pages and reports")
        ->check(check_url);
    app.add_option("--log.level", options.log_level, "debug, info, warn or error")
        ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
        ->capture_default_str();
    app.add_option("--log.format", options.log_format, "logfmt, json or journal")
        ->check(CLI::IsMember({"logfmt", "json", "journal"}))
        ->capture_default_str();
    app.add_option("--runner", options.runner, "auto, child or unix:PATH")->capture_default_str();
    app.add_flag("--dry-run", options.dry_run, "Judge and report; never act");
    app.set_version_flag("--version", std::string("revertd ") + REVERTD_VERSION);
}

std::variant<Options, int> parse_options(int argc, char** argv) {
    Options options;
    CLI::App app{"Guards every deploy for its bake period and undoes a bad one", "revertd"};
    add_options(app, options);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        return app.exit(e, std::cout, std::cerr) == 0 ? 0 : 2;
    }
    complete(options.listen);
    // Others are told of it who stand elsewhere: the runner, which is not in this directory.
    options.storage = std::filesystem::absolute(options.storage).lexically_normal().string();
    return options;
}

}  // namespace revertd
