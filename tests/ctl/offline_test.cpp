// SPDX-License-Identifier: Apache-2.0
// What needs no daemon: `check`, `audit` and `state`.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "daemon/journal/audit.h"
#include "daemon/journal/journal.h"
#include "daemon/runner/receipt_store.h"
#include "tests/ctl/run.h"

namespace revertd::ctl {
namespace {

class Offline : public ::testing::Test {
  protected:
    Offline() {
        std::string name = (std::filesystem::temp_directory_path() / "revertctl-XXXXXX").string();
        directory = ::mkdtemp(name.data());
        terminal.environment["REVERTD_ADDRESS"] = "unix:/nonexistent/s";
    }

    ~Offline() override { std::filesystem::remove_all(directory); }

    std::string file(const std::string& text, const std::string& name = "revertd.yaml") const {
        std::ofstream(directory + "/" + name) << text;
        return directory + "/" + name;
    }

    Outcome run(const std::vector<std::string>& arguments) { return terminal.run(arguments); }

    /// A journal with so many records more.
    void write_journal(int records) {
        journal::Options options;
        options.dir = state();
        options.clock = &terminal.time;
        auto opened = journal::Journal::open(std::move(options));
        ASSERT_TRUE(opened) << opened.error().message;
        for (int i = 0; i < records; ++i) {
            journal::Entry entry;
            entry.kind = "test";
            entry.body = R"({"n":)" + std::to_string(i) + "}";
            ASSERT_TRUE((*opened)->append({entry}));
        }
    }

    std::string state() const { return directory + "/state"; }

    std::string directory;
    Terminal terminal;
};

/// As the runner leaves it behind.
void leave_receipt(const std::string& state, const std::string& key) {
    std::filesystem::create_directories(state + "/runner");
    const runner::ReceiptStore store(state + "/runner");
    const auto claimed = store.claim(key);
    ASSERT_TRUE(claimed);
    ASSERT_TRUE(store.write_start(*claimed, {key, "digest", "flip", 0, 0, "boot", {}, {}}));
}

TEST_F(Offline, state_accept_believes_the_runners_receipts) {
    write_journal(5);
    EXPECT_EQ(run({"state", "accept", "--storage.path", state(), "--reason", "x"}).code, 1) << "nothing is wrong";
    leave_receipt(state(), "api/d-1/i-2/1.0.20");
    const Outcome accepted = run({"state", "accept", "--storage.path", state(), "--reason", "restored from a backup"});
    EXPECT_EQ(accepted.code, 0) << accepted.err;
    EXPECT_NE(accepted.out.find("accepted as record 21"), std::string::npos) << accepted.out;
    EXPECT_EQ(run({"state", "accept", "--storage.path", state(), "--reason", "x"}).code, 1) << "it is known now";
}

constexpr const char* kValid = R"(services:
  api:
    health: http://127.0.0.1:8080/health/ready
    metrics: http://127.0.0.1:8080/metrics
    rollback: { systemd: api.service, releases: /srv/api/releases }
notify:
  pagerduty: { routing_key_file: pagerduty }
)";

TEST_F(Offline, check_says_that_a_file_is_valid) {
    const auto name = file(kValid);
    const auto outcome = run({"check", name});
    EXPECT_EQ(outcome.code, 0) << outcome.out;
    EXPECT_EQ(outcome.out.rfind("Checking " + name + "\n SUCCESS: " + name + " is valid\n", 0), 0U) << outcome.out;
}

TEST_F(Offline, check_points_at_every_error_at_once) {
    const auto name = file("services:\n  api:\n    helth: http://x\n    health: http://x/\n    bake: 5 minutes\n");
    const auto outcome = run({"check", name});
    EXPECT_EQ(outcome.code, 1);
    EXPECT_EQ(outcome.out.rfind("Checking " + name + "\n FAILED:\n", 0), 0U) << outcome.out;
    EXPECT_NE(outcome.out.find("  " + name + ":3:5: "), std::string::npos) << outcome.out;
    EXPECT_NE(outcome.out.find("        helth: http://x\n        ^\n"), std::string::npos) << outcome.out;
    EXPECT_NE(outcome.out.find("  " + name + ":5:11: "), std::string::npos) << outcome.out;
    EXPECT_NE(outcome.out.find("        bake: 5 minutes\n              ^\n"), std::string::npos) << outcome.out;
}

TEST_F(Offline, check_goes_on_after_a_bad_file) {
    const auto outcome = run({"check", directory + "/none.yaml", file(kValid)});
    EXPECT_EQ(outcome.code, 1);
    EXPECT_NE(outcome.out.find("FAILED"), std::string::npos);
    EXPECT_NE(outcome.out.find("SUCCESS"), std::string::npos);
}

TEST_F(Offline, check_is_3_for_warnings_where_they_matter) {
    const auto name = file("services: { api: { health: 'http://127.0.0.1/', rollback: off } }\n");  // nobody is told
    EXPECT_EQ(run({"check", name}).code, 0);
    EXPECT_EQ(run({"check", name, "--strict"}).code, 3);
    EXPECT_EQ(run({"check", file(kValid, "ok.yaml"), "--strict"}).code, 0);  // notices are no warnings
}

TEST_F(Offline, check_as_json_lists_the_findings) {
    const auto outcome = run({"check", file("services: {}\n"), "-o", "json"});
    EXPECT_EQ(outcome.code, 1);
    const auto findings = Json::parse(outcome.out);
    ASSERT_TRUE(findings);
    EXPECT_EQ(findings->items().at(0)["severity"].text(), "error");
    EXPECT_EQ(findings->items().at(0)["line"].text(), "1");
}

TEST_F(Offline, explain_prints_every_default_in_effect) {
    const auto out = run({"check", "--explain", file(kValid)}).out;
    for (const auto* part : {"bake: 15m (default)", "health down for 30s", "waits 10m", "key in the credential"}) {
        EXPECT_NE(out.find(part), std::string::npos) << part << "\n" << out;
    }
}

TEST_F(Offline, explain_is_silent_about_a_file_that_is_not_valid) {
    EXPECT_EQ(run({"check", "--explain", file("services: {}\n")}).out.find("(default)"), std::string::npos);
}

TEST_F(Offline, audit_finds_a_whole_journal_intact) {
    write_journal(3);
    const auto outcome = run({"audit", "verify", "--storage.path", state()});
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_NE(outcome.out.find("\nintact\n"), std::string::npos) << outcome.out;
    const auto json = Json::parse(run({"audit", "verify", "--storage.path", state(), "-o", "json"}).out);
    ASSERT_TRUE(json);
    EXPECT_TRUE((*json)["intact"].truth());
    EXPECT_EQ((*json)["records"].text(), "3");
}

TEST_F(Offline, export_prints_a_line_for_each_record) {
    write_journal(3);
    const auto outcome = run({"audit", "export", "--storage.path", state()});
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_EQ(std::count(outcome.out.begin(), outcome.out.end(), '\n'), 3);
    EXPECT_NE(outcome.out.find(R"("body":{"n":2})"), std::string::npos);
}

TEST_F(Offline, audit_of_nothing_is_an_error) {
    const auto outcome = run({"audit", "verify", "--storage.path", state()});
    EXPECT_EQ(outcome.code, 1);
    EXPECT_EQ(outcome.err.rfind("error: verify the journal in " + state() + ": ", 0), 0U) << outcome.err;
    EXPECT_FALSE(std::filesystem::exists(state()));
}

TEST_F(Offline, a_person_accepts_what_is_left_of_a_journal_that_lost_its_tail) {
    write_journal(2);
    std::filesystem::copy_file(state() + "/journal.db", directory + "/old.db");
    write_journal(2);
    std::filesystem::copy_file(directory + "/old.db", state() + "/journal.db",
                               std::filesystem::copy_options::overwrite_existing);

    const auto found = run({"audit", "verify", "--storage.path", state()});
    EXPECT_EQ(found.code, 1);
    EXPECT_NE(found.out.find("NOT intact"), std::string::npos) << found.out;
    EXPECT_EQ(run({"audit", "export", "--storage.path", state()}).code, 1);

    EXPECT_EQ(run({"state", "accept", "--storage.path", state()}).code, 2);  // not without a reason
    const auto accepted = run({"state", "accept", "--storage.path", state(), "--reason", "disk replaced"});
    EXPECT_EQ(accepted.code, 0) << accepted.err;
    EXPECT_NE(accepted.out.find("2 records count on"), std::string::npos) << accepted.out;
    EXPECT_EQ(run({"audit", "verify", "--storage.path", state()}).code, 0);
    const auto exported = run({"audit", "export", "--storage.path", state()}).out;
    EXPECT_NE(exported.find("disk replaced"), std::string::npos) << exported;
}

TEST_F(Offline, an_intact_journal_needs_nobodys_acceptance) {
    write_journal(1);
    EXPECT_EQ(run({"state", "accept", "--storage.path", state(), "--reason", "why not"}).code, 1);
}

}  // namespace
}  // namespace revertd::ctl
