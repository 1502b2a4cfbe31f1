// SPDX-License-Identifier: Apache-2.0
// Every file of tests/scenarios is a test; `scenarios_test FILE…` runs single ones.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "tests/sim/scenario.h"

namespace revertd::sim {
namespace {

std::vector<std::string> files() {
    std::vector<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(REVERTD_SOURCE_DIR "/tests/scenarios"))
        if (entry.path().extension() == ".yaml") out.push_back(entry.path().string());
    std::sort(out.begin(), out.end());
    return out;
}

std::string name_of(const testing::TestParamInfo<std::string>& info) {
    std::string name = std::filesystem::path(info.param).stem().string();
    std::replace_if(
        name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
    return name;
}

class Scenarios : public testing::TestWithParam<std::string> {};

TEST_P(Scenarios, holds) {
    const auto scenario = read_scenario(GetParam());
    ASSERT_TRUE(scenario.has_value()) << scenario.error().message;
    const auto run = run_scenario(*scenario);
    EXPECT_TRUE(run.has_value()) << scenario->says << "\n" << (run ? "" : run.error().message);
}

INSTANTIATE_TEST_SUITE_P(Semantics, Scenarios, testing::ValuesIn(files()), name_of);

}  // namespace
}  // namespace revertd::sim
