// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/actions/spec_of.h"

namespace revertd {
namespace {

std::string errors_of(const std::string& yaml) {
    std::string out;
    for (const Problem& p : check_rollback(spec_of(yaml)))
        if (!p.is_warning)
            out += std::to_string(p.line) + ":" + std::to_string(p.column) + ": " + p.message + "; " + p.hint + "\n";
    return out;
}

std::string warnings_of(const std::string& yaml) {
    std::string out;
    for (const Problem& p : check_rollback(spec_of(yaml)))
        if (p.is_warning) out += p.message + "\n";
    return out;
}

void expect_error(const std::string& yaml, const std::string& part) {
    EXPECT_NE(errors_of(yaml).find(part), std::string::npos) << yaml << "\nsays: " << errors_of(yaml);
}

TEST(CheckRollback, accepts_the_recipes_as_the_contract_shows_them) {
    for (const char* yaml :
         {"{ systemd: api.service, releases: /srv/api/releases }",
          "{ systemd: [api.service, worker.service], releases: /srv/api/releases, current: /srv/api/live }",
          "{ exec: [/path/rollback, \"{to}\"], current: [/path/current] }",
          "{ exec: [/path/rollback, \"--to={to}\"], current: { http: http://127.0.0.1:1/v, json: /version } }",
          "{ webhook: { url: https://d.internal/r, body: { v: \"{to}\" }, headers: { X-A: b }, current: { http: "
          "https://d/v } } }",
          "[ { exec: [/a, \"{to}\"], current: [/c] }, { exec: [/b, \"{to}\", \"{key}\"], current: [/c, \"{service}\"] "
          "} ]"}) {
        EXPECT_EQ(errors_of(yaml), "");
        EXPECT_EQ(warnings_of(yaml), "");
    }
}

TEST(CheckRollback, names_the_place_and_the_recipe_that_was_meant) {
    EXPECT_EQ(errors_of("{ sytemd: api.service, releases: /srv/api/releases }"),
              "1:3: unknown recipe 'sytemd'; did you mean 'systemd'?\n");
    expect_error("{ kubernetes: { namespace: prod } }", "the recipe 'kubernetes' is not built yet");
    expect_error("{ frobnicate: 1 }", "one of its keys must be exec, systemd or webhook");
    expect_error("just text", "a mapping that names a recipe");
    expect_error("[]", "empty list");
    expect_error("{ exec: [/a, \"{to}\"], systemd: a.service }", "two recipes in one entry");
}

TEST(CheckRollback, tells_all_errors_at_once) {
    const std::string errors = errors_of("{ systemd: [], release: /srv/releases, current: live }");
    EXPECT_NE(errors.find("1:12: 'systemd' must be a text or a list"), std::string::npos) << errors;
    EXPECT_NE(errors.find("1:16: unknown parameter 'release'; did you mean 'releases'?"), std::string::npos) << errors;
    EXPECT_NE(errors.find("'releases' is missing"), std::string::npos) << errors;
    EXPECT_NE(errors.find("'current' must be an absolute path"), std::string::npos) << errors;
}

TEST(CheckRollback, refuses_a_program_that_is_searched_for_or_chosen_by_a_value) {
    expect_error("{ exec: [rollback, \"{to}\"] }", "'rollback' is not an absolute path; there is no shell");
    expect_error("{ exec: [./rollback, \"{to}\"] }", "not an absolute path");
    expect_error("{ exec: [revertd-runner, flip, \"{to}\"] }", "not an absolute path");
    expect_error("{ exec: [\"/opt/{to}/rollback\", x] }", "the program cannot be a placeholder");
    expect_error("{ exec: [/a, \"{to}\"], current: [current] }", "not an absolute path");
    expect_error("{ exec: /a }", "a list: the program and its arguments");
    expect_error("{ exec: [/a, [\"{to}\"]] }", "a list of texts");
}

TEST(CheckRollback, knows_six_placeholders) {
    for (const char* name : {"to", "from", "service", "deploy", "incident", "key"})
        EXPECT_EQ(errors_of("{ exec: [/a, \"{to}\", \"x{" + std::string(name) + "}y\"] }"), "") << name;
    expect_error("{ exec: [/a, \"{to}\", \"{target}\"] }", "{target} is not a placeholder");
    expect_error("{ exec: [/a, \"{to}\", \"{form}\"] }", "did you mean {from}?");
    expect_error("{ webhook: { url: http://a/b, body: { deep: [ { v: \"{tag}\" } ], to: \"{to}\" } } }",
                 "{tag} is not");
    EXPECT_EQ(errors_of("{ exec: [/a, \"{to}\", \"--format={{.Names}}\", '{\"a\": 1}', \"${HOME}\"] }"), "");
}

TEST(CheckRollback, takes_placeholders_in_arguments_bodies_and_headers_only) {
    expect_error("{ systemd: \"api-{to}.service\", releases: /r }", "'systemd' takes no placeholder");
    expect_error("{ systemd: a.service, releases: \"/r/{to}\" }", "'releases' takes no placeholder");
    expect_error("{ webhook: { url: \"http://a/{to}\", body: \"{to}\" } }", "'url' takes no placeholder");
    expect_error("{ webhook: { url: http://a/b, body: { \"{to}\": \"{to}\" } } }", "a placeholder cannot be a key");
    expect_error("{ exec: [/a, \"{to}\"], current: [/c, \"{to}\"] }", "{to} cannot be used in current");
}

TEST(CheckRollback, refuses_a_command_that_goes_to_no_version) {
    expect_error("{ exec: [/usr/local/bin/rollback] }", "uses {to} nowhere");
    expect_error("{ exec: [/usr/local/bin/rollback, \"${to}\"] }", "`$` before a placeholder");
    expect_error("{ exec: [/usr/local/bin/rollback, \"--to=${to}\"] }", "`$` before a placeholder");
    expect_error("{ exec: [/usr/local/bin/rollback, \"{from}\"] }", "uses {to} nowhere");
    EXPECT_NE(warnings_of("{ webhook: { url: http://a/b, body: { x: 1 } } }").find("does not say {to}"),
              std::string::npos);
    EXPECT_EQ(errors_of("{ webhook: { url: http://a/b, body: { x: 1 } } }"), "");
}

TEST(CheckRollback, warns_where_nothing_can_be_asked) {
    EXPECT_NE(warnings_of("{ exec: [/a, \"{to}\"] }").find("every action asks"), std::string::npos);
    EXPECT_NE(warnings_of("{ webhook: { url: http://a/b } }").find("every action asks"), std::string::npos);
}

TEST(CheckRollback, refuses_urls_methods_and_environments_that_would_hurt) {
    expect_error("{ webhook: { url: ftp://a/b } }", "http:// or https://");
    expect_error("{ webhook: { url: http://user:secret@a/b } }", "credentials in a URL");
    expect_error("{ webhook: { url: \"http:///b\" } }", "a URL with a host");
    expect_error("{ webhook: { url: http://a/b, method: GET } }", "POST, PUT, PATCH or DELETE");
    expect_error("{ webhook: { url: http://a/b, headers: { \"A\\r\\nB\": c } } }", "is not a name");
    expect_error("{ webhook: { url: http://a/b, headers: { A: \"x\\r\\nB: y\" } } }", "without control characters");
    expect_error("{ exec: [/a, \"{to}\"], env: { LD_PRELOAD: /x.so } }", "changes which code the program runs");
    expect_error("{ exec: [/a, \"{to}\"], env: { REVERTD_KEY: x } }", "revertd sets it");
    expect_error("{ exec: [/a, \"{to}\"], deadline: soon }", "a duration, like 30s");
    expect_error("{ exec: [/a, \"{to}\"], deadline: 0s }", "a duration");
    expect_error("{ exec: [/a, \"{to}\"], current: { http: http://a, json: version } }", "begins with '/'");
    expect_error("{ exec: [/a, \"{to}\"], current: { http: http://a, jsn: /v } }", "unknown key 'jsn'");
    expect_error("{ systemd: --all, releases: /r }", "begins with '-'");
}

}  // namespace
}  // namespace revertd
