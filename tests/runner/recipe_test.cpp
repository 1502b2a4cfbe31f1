// SPDX-License-Identifier: Apache-2.0
// The whole way of the systemd recipe: from what a user writes to a restored release, by the runner's own helpers.
#include <signal.h>

#include <cstdlib>
#include <filesystem>

#include "actions/rollback.h"
#include "actions/yaml.h"
#include "tests/runner/harness.h"

namespace revertd {
namespace {

namespace fs = std::filesystem;

/// Knows `show`, `reset-failed` and `restart` of units that are a sleeping process in the current release. A unit whose
/// start limit is used up refuses to restart, as systemd does.
constexpr const char* kSystemctl = R"sh(#!/bin/sh
cd "$(dirname "$0")"
verb=$1
for unit; do :; done
case $verb in
show)
    shift 3
    for unit; do
        pid=$(cat $unit.pid 2>/dev/null || echo 0)
        [ $pid != 0 ] && active=active || active=failed
        printf 'MainPID=%s\nLoadState=loaded\nActiveState=%s\n\n' $pid $active
    done ;;
reset-failed) rm -f $unit.limit ;;
restart)
    [ -e $unit.limit ] && exit 1
    [ -e $unit.pid ] && kill $(cat $unit.pid)
    cd -P current
    setsid sleep 1000 >/dev/null 2>&1 &
    cd ..; cd ..
    echo $! > $unit.pid
    echo restart $unit >> log ;;
esac
)sh";

class SystemdRecipe : public RunnerTest {
  protected:
    SystemdRecipe() {
        start_runner();
        for (const char* id : {"v1", "v2"}) fs::create_directories(directory_ / ("releases/" + std::string(id)));
        fs::create_directory_symlink("releases/v2", directory_ / "current");
        write_text(directory_ / "systemctl", kSystemctl, 0755);
        values_.to = "v1";
        values_.from = "v2";
        values_.service = "api";
        values_.deploy = "d";
        values_.incident = "i";
        values_.key = "api/d/i";
    }

    ~SystemdRecipe() override {
        for (const char* unit : {"api.service", "worker.service"})
            if (const int pid = std::atoi(read_text(directory_ / (std::string(unit) + ".pid")).c_str()); pid > 1)
                ::kill(pid, SIGKILL);
    }

    [[nodiscard]] RollbackSpec spec() const {
        return to_rollback_spec(
            *parse_yaml("{ systemd: [api.service, worker.service], releases: " + (directory_ / "releases") +
                        ", systemctl: " + (directory_ / "systemctl") + " }"));
    }

    Result<Observed> observe() {
        const auto entries = observe_of(spec(), "api");
        EXPECT_TRUE(entries.has_value());
        const ProbeResult result = probe(std::get<ExecCall>(*entries->at(0).observe).argv);
        if (result.exit < 0) return Error(ErrorCode::Unavailable, result.error);
        return parse_observed(result.exit, result.output);
    }

    std::vector<StepState> roll_back(const std::string& attempt) {
        std::vector<StepState> states;
        const Result<Plan> plan = expand(spec(), values_);
        EXPECT_TRUE(plan.has_value());
        for (const Step& step : plan->steps) {
            const Receipt receipt = run({attempt + std::to_string(states.size()), step, "{}"});
            states.push_back(receipt.state);
            EXPECT_EQ(receipt.reason, "");
        }
        return states;
    }

    Placeholders values_;
};

TEST_F(SystemdRecipe, restores_a_release_that_crashed_at_start) {
    EXPECT_EQ(observe()->version, "") << "v2 is dead: nothing runs";
    write_text(directory_ / "api.service.limit", "");
    EXPECT_EQ(roll_back("1/"), std::vector<StepState>(3, StepState::Done));
    EXPECT_EQ(fs::read_symlink(directory_ / "current"), "releases/v1");
    EXPECT_EQ(read_text(directory_ / "log"), "restart api.service\nrestart worker.service\n");
    EXPECT_EQ(*observe(), (Observed{"v1", true}));
}

TEST_F(SystemdRecipe, may_be_run_twice_and_still_ends_at_the_target) {
    EXPECT_EQ(roll_back("1/"), std::vector<StepState>(3, StepState::Done));
    EXPECT_EQ(roll_back("2/"), std::vector<StepState>(3, StepState::Done)) << "the flip says that it is there already";
    EXPECT_EQ(*observe(), (Observed{"v1", true}));
}

TEST_F(SystemdRecipe, a_flipped_link_with_the_old_processes_is_no_rollback) {
    EXPECT_EQ(roll_back("1/"), std::vector<StepState>(3, StepState::Done));
    values_.to = "v2";
    const Result<Plan> plan = expand(spec(), values_);
    EXPECT_EQ(run({"flip", plan->steps.at(0), ""}).state, StepState::Done);
    EXPECT_EQ(*observe(), (Observed{"v1", true}));
    EXPECT_EQ(run({"api", plan->steps.at(1), ""}).state, StepState::Done);
    EXPECT_EQ(*observe(), (Observed{"v2", false})) << "the worker is still at v1";
    EXPECT_EQ(run({"worker", plan->steps.at(2), ""}).state, StepState::Done);
    EXPECT_EQ(*observe(), (Observed{"v2", true}));
}

}  // namespace
}  // namespace revertd
