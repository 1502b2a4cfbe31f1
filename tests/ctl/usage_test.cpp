// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/ctl/run.h"

namespace revertd::ctl {
namespace {

Outcome run(const std::vector<std::string>& arguments) {
    return Terminal().run(arguments);
}

TEST(Usage, names_the_nearest_command) {
    const auto outcome = run({"deploy", "wathc", "d-81"});
    EXPECT_EQ(outcome.code, 2);
    EXPECT_EQ(outcome.err,
              "error: revertctl deploy: unexpected argument 'wathc'\nhint: did you mean `revertctl deploy watch`?\n");
    EXPECT_NE(run({"aprove", "i-42"}).err.find("did you mean `revertctl approve`?"), std::string::npos);
}

TEST(Usage, names_the_nearest_option) {
    const auto outcome = run({"deploy", "watch", "d-81", "--tiemout=5m"});
    EXPECT_EQ(outcome.code, 2);
    EXPECT_NE(outcome.err.find("did you mean `--timeout`?"), std::string::npos) << outcome.err;
    EXPECT_NE(run({"status", "--outptu", "json"}).err.find("did you mean `--output`?"), std::string::npos);
}

TEST(Usage, guesses_nothing_from_far_away) {
    EXPECT_NE(run({"xyzzyplugh"}).err.find("hint: revertctl --help shows the usage"), std::string::npos);
}

TEST(Usage, is_2_for_whatever_is_missing_or_wrong) {
    const std::vector<std::vector<std::string>> wrong = {
        {},
        {"deploy"},
        {"deploy", "start", "api"},
        {"deploy", "start", "--version", "v2"},
        {"deploy", "start", "api", "--version", "v2", "--migration", "maybe"},
        {"deploy", "start", "api", "--version", "v2", "--meta", "novalue"},
        {"deploy", "watch", "d-81", "--timeout", "soon"},
        {"deploy", "watch", "d-81", "--inconclusive", "maybe"},
        {"deploy", "finish"},
        {"hold", "i-42"},
        {"hold", "i-42", "--for", "ever"},
        {"trigger", "api", "--severity", "P9", "--reason", "x"},
        {"trigger", "api", "--severity", "P0"},
        {"rollback", "start", "api"},
        {"incident", "label", "i-42", "whatever"},
        {"gate", "api"},
        {"good", "mark", "api"},
        {"status", "-o", "xml"},
        {"status", "-o", "md"},
        {"status", "extra"},
    };
    for (const auto& arguments : wrong) {
        const auto outcome = run(arguments);
        EXPECT_EQ(outcome.code, 2) << (arguments.empty() ? "nothing" : arguments.back());
        EXPECT_EQ(outcome.err.rfind("error: ", 0), 0U) << outcome.err;
        EXPECT_EQ(outcome.out, "");
    }
}

TEST(Usage, says_what_is_not_built_yet) {
    for (const auto& arguments :
         std::vector<std::vector<std::string>>{{"drill", "api"}, {"backtest", "--config", "f"}}) {
        const auto outcome = run(arguments);
        EXPECT_EQ(outcome.code, 2) << arguments.front();
        EXPECT_NE(outcome.err.find("not built yet"), std::string::npos) << outcome.err;
    }
}

TEST(Usage, a_format_is_refused_where_it_makes_no_sense) {
    for (const auto& arguments :
         std::vector<std::vector<std::string>>{{"status", "-o", "junit"},
                                               {"status", "-o", "github"},
                                               {"gate", "api", "v2", "-o", "junit"},
                                               {"incident", "show", "i-42", "-o", "html"},
                                               {"deploy", "start", "api", "--version", "v2", "-o", "junit"}}) {
        const auto outcome = run(arguments);
        EXPECT_EQ(outcome.code, 2) << arguments.front();
        EXPECT_NE(outcome.err.find("hint: "), std::string::npos) << outcome.err;
        EXPECT_EQ(outcome.out, "");
    }
}

TEST(Usage, help_is_data_and_no_error) {
    const auto outcome = run({"deploy", "--help"});
    EXPECT_EQ(outcome.code, 0);
    EXPECT_NE(outcome.out.find("watch"), std::string::npos);
    EXPECT_EQ(outcome.err, "");
    EXPECT_EQ(run({"--help"}).out.find("backtest"), std::string::npos);  // what is not built is not offered
}

}  // namespace
}  // namespace revertd::ctl
