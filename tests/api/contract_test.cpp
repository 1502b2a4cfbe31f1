// SPDX-License-Identifier: Apache-2.0
// The objects of the contract (section 8), field by field: each has every field, whatever is open or closed, and what
// is known is never null.
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "tests/api/bed.h"

namespace revertd::test {
namespace {

/// Names of the contract; `!` before one that is never null in the case at hand.
using Fields = const char*;

constexpr Fields kDeployment =
    "!id !service !version !from !by migration !meta !state exit_code !started !first_seen !bake_ends finished "
    "incident "
    "!signals";
constexpr Fields kSignal = "!name !value !baseline !verdict !rules";
constexpr Fields kIncident =
    "!id !service !deployment !severity !state !held_by !opened closed !from !to !reason !findings approval !attempts "
    "verification !timeline";
constexpr Fields kFinding = "!rule !value !limit limit_why baseline !since !words !query";
constexpr Fields kApproval = "role !quorum !given !until";
constexpr Fields kGiven = "!by !at !reason";
constexpr Fields kAttempt = "!n !key !step !intent_at !outcome exit output_tail";
constexpr Fields kVerification = "!since !clear_for outcome";
constexpr Fields kTimeline = "!at !what !words";
constexpr Fields kStatus = "!halted !frozen !services";
constexpr Fields kService = "!name !mode !live good adopting !ready_to_rollback why_not guard last_incident !signals";

void expect_fields(const ctl::Json& object, Fields fields, const std::string& what) {
    std::istringstream words(fields);
    const auto members = object.members();
    EXPECT_FALSE(members.empty()) << what << " is empty";
    for (std::string name; words >> name;) {
        const bool known = name[0] == '!';
        if (known) name.erase(0, 1);
        const auto is = [&](const auto& member) { return member.first == name; };
        const auto at = std::find_if(members.begin(), members.end(), is);
        EXPECT_NE(at, members.end()) << what << " has no " << name;
        if (known && at != members.end()) {
            EXPECT_FALSE(at->second.is_null()) << what << "." << name << " is null";
        }
    }
}

void expect_each(const ctl::Json& list, Fields fields, const std::string& what) {
    EXPECT_FALSE(list.items().empty()) << what << " is empty";
    for (const auto& item : list.items()) expect_fields(item, fields, what);
}

class Contract : public testing::Test {
  protected:
    ctl::Json incident() const { return bed_.get("/api/v1/incidents/" + id_).json(); }

    void check_incident(const std::string& when) const {
        const auto i = incident();
        expect_fields(i, kIncident, when + " incident");
        expect_each(i["findings"], kFinding, when + " finding");
        expect_each(i["timeline"], kTimeline, when + " timeline");
    }

    /// Approved, done, and the platform shows what it was taken back to.
    void roll_back() {
        EXPECT_EQ(bed_.post("/api/v1/incidents/" + id_ + "/approve", R"({"reason":"seen it"})").status, 200);
        while (incident()["attempts"].items().empty()) std::this_thread::yield();
        bed_.on_loop([&] {
            const std::string key = bed_.backend().engine().state().incident(id_)->attempts.back().intent.key;
            bed_.backend().feed(event::StepEnded{key, StepOutcome::Done, 0, {}, "done"});
            bed_.backend().runs("v1");
        });
        while (incident()["verification"].is_null()) std::this_thread::yield();
    }

    Bed bed_;
    const std::string id_ = bed_.ask_for_approval();
};

TEST_F(Contract, deployments_have_their_fields) {
    const auto d = bed_.get("/api/v1/deployments/d-1").json();
    expect_fields(d, kDeployment, "deployment");
    expect_each(d["signals"], kSignal, "signal");
}

TEST_F(Contract, an_open_incident_has_its_fields) {
    check_incident("open");
    expect_fields(incident()["approval"], kApproval, "approval");
}

TEST_F(Contract, what_was_found_keeps_its_numbers_when_another_version_runs) {
    roll_back();
    check_incident("verifying");
    const auto i = incident();
    expect_each(i["attempts"], kAttempt, "attempt");
    expect_each(i["approval"]["given"], kGiven, "given");
    EXPECT_EQ(i["approval"]["given"].items().front()["reason"].text(), "seen it");
    expect_fields(i["verification"], kVerification, "verification");
    EXPECT_EQ(i["findings"].items().front()["value"].number(), 0.079);
    EXPECT_EQ(i["findings"].items().front()["query"].text(), "ratio(requests)");
}

TEST_F(Contract, a_closed_incident_has_its_fields) {
    EXPECT_EQ(bed_.post("/api/v1/deployments/d-1/abort", R"({"reason":"enough"})").status, 200);
    check_incident("closed");
    const auto i = incident();
    EXPECT_EQ(i["state"].text(), "closed");
    EXPECT_FALSE(i["closed"].is_null());
    EXPECT_EQ(i["findings"].items().front()["limit"].number(), 0.05);
}

TEST_F(Contract, status_has_its_fields) {
    EXPECT_EQ(bed_.post("/api/v1/halt", R"({"reason":"moving house"})").status, 200);
    const auto status = bed_.get("/api/v1/status").json();
    expect_fields(status, kStatus, "status");
    expect_each(status["services"], kService, "service");
    EXPECT_EQ(status["halted_by"].text(), "root");
    EXPECT_EQ(status["halted_why"].text(), "moving house");
}

TEST_F(Contract, answers_of_people_keep_their_reasons) {
    bed_.post("/api/v1/incidents/" + id_ + "/ack", R"({"reason":"looking"})");
    bed_.post("/api/v1/incidents/" + id_ + "/take", R"({"reason":"I know it"})");
    const auto i = incident();
    ASSERT_EQ(i["answers"].items().size(), 2U);
    EXPECT_EQ(i["answers"].items()[0]["answer"].text(), "ack");
    EXPECT_EQ(i["answers"].items()[0]["reason"].text(), "looking");
    EXPECT_EQ(i["answers"].items()[1]["reason"].text(), "I know it");
    EXPECT_EQ(i["held_by"].items().front()["reason"].text(), "root has taken it: I know it");
}

}  // namespace
}  // namespace revertd::test
