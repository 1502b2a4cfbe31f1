// SPDX-License-Identifier: Apache-2.0
// The judge stream: one verdict a case, whatever the lines are.
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "tests/ctl/run.h"

namespace revertd::ctl {
namespace {

std::string header(const std::string& id, const std::string& more = "") {
    return R"({"type":"case","v":1,"id":")" + id +
           R"(","start":0,"deploy":1000,"bake_s":600,"interval_s":10,"control":false,"le_ms":[10,100,1000],"endpoints":0)" +
           more + "}\n";
}

std::string end(const std::string& id) {
    return R"({"type":"end","id":")" + id + R"(","t":1600})" + "\n";
}

/// Cumulative counters of a service with 100 requests a second; `bad` of 1,000 fail.
class Service {
  public:
    /// Its counters begin anew.
    void restart() { *this = Service(slow_); }

    explicit Service(bool slow = false) : slow_(slow) {}

    std::string scrape(double t, double bad) {
        requests_ += 1000;
        errors_ += bad;
        const auto number = [](double x) { return std::to_string(static_cast<long>(x)); };
        return R"({"t":)" + number(t) + R"(,"target":"service","requests":)" + number(requests_) + R"(,"errors":)" +
               number(errors_) + R"(,"hist":[)" + number(requests_ * (slow_ ? 0.15 : 0.3)) + "," +
               number(requests_ * (slow_ ? 0.75 : 0.9)) + "," + number(requests_ * (slow_ ? 0.97 : 0.99)) + "," +
               number(requests_) + R"(],"gauge":{"cpu":0.2,"mem":null}})" + "\n";
    }

    std::string from(double t, double to, double bad) {
        std::string lines;
        for (; t <= to; t += 10) lines += scrape(t, bad);
        return lines;
    }

  private:
    bool slow_;
    double requests_ = 5000, errors_ = 0;
};

std::string healthy(const std::string& id) {
    Service service;
    return header(id) + service.from(10, 1600, 2) + end(id);
}

std::string broken(const std::string& id) {
    Service service;
    return header(id) + service.from(10, 1200, 2) + service.from(1210, 1600, 30) + end(id);
}

Outcome judge(const std::string& stream) {
    Terminal terminal;
    terminal.input = stream;
    return terminal.run({"judge"});
}

std::size_t count(const std::string& text, const std::string& what) {
    std::size_t n = 0;
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
    return n;
}

TEST(Judge, passes_a_healthy_deploy_and_rolls_a_bad_one_back) {
    const auto outcome = judge(healthy("a") + broken("b") + healthy("c"));
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_NE(
        outcome.out.find(R"({"case":"a","t":1600.000,"verdict":"pass","severity":"none","detector":"end-of-bake")"),
        std::string::npos)
        << outcome.out;
    EXPECT_NE(outcome.out.find(R"({"case":"b","t":12)"), std::string::npos) << outcome.out;
    EXPECT_NE(outcome.out.find(R"("verdict":"rollback","severity":"critical","detector":"errors")"), std::string::npos)
        << outcome.out;
    EXPECT_NE(outcome.out.find(R"({"case":"c","t":1600.000,"verdict":"pass")"), std::string::npos) << outcome.out;
    EXPECT_EQ(count(outcome.out, "\n"), 3U);
}

TEST(Judge, decides_from_what_it_has_read_and_from_nothing_later) {
    const auto whole = judge(broken("b")).out;
    const auto at = std::stod(whole.substr(whole.find("\"t\":") + 4));
    Service service;
    const auto cut = header("b") + service.from(10, 1200, 2) + service.from(1210, at, 30) + end("b");
    EXPECT_EQ(judge(cut).out, whole);
}

TEST(Judge, says_what_the_time_before_let_one_announce) {
    Terminal terminal;
    terminal.input = healthy("a");
    const Outcome plain = judge(healthy("a"));
    EXPECT_EQ(plain.out.find("power"), std::string::npos);
    const Outcome told = terminal.run({"judge", "--power"});
    EXPECT_EQ(told.code, 0);
    EXPECT_NE(told.out.find(R"(,"power":[{"what":"errors","effect":)"), std::string::npos) << told.out;
    EXPECT_NE(told.out.find(R"({"what":"latency","effect":)"), std::string::npos) << told.out;
    EXPECT_NE(told.out.find(R"(,"within_s":)"), std::string::npos) << told.out;
    EXPECT_NE(told.out.find(R"(,"from_start_s":)"), std::string::npos) << told.out;
    EXPECT_NE(told.out.find(R"(,"later_s":)"), std::string::npos) << told.out;
}

TEST(Judge, beside_a_control_group_power_needs_the_share_of_the_traffic) {
    const auto told = [](const std::string& more) {
        Terminal terminal;
        std::string stream = healthy("a");
        for (std::size_t at = 0; (at = stream.find("\"service\"", at)) != std::string::npos;)
            stream.replace(at, 9, "\"baseline\"");
        const std::string without = R"("control":false)";
        stream.replace(stream.find(without), without.size(), R"("control":true)" + more);
        terminal.input = stream;
        return terminal.run({"judge", "--power"}).out;
    };
    EXPECT_EQ(told("").find("power"), std::string::npos);
    EXPECT_NE(told(R"(,"canary_weight":0.1)").find(R"(,"power":[{"what":"errors","effect":)"), std::string::npos);
    const auto effect = [](const std::string& out) { return std::stod(out.substr(out.find("\"effect\":") + 9)); };
    EXPECT_GT(effect(told(R"(,"canary_weight":0.01)")), effect(told(R"(,"canary_weight":0.5)")));
}

TEST(Judge, power_is_of_the_detectors_alone) {
    Terminal terminal;
    EXPECT_EQ(terminal.run({"judge", "--power", "--config", "any.yaml"}).code, 2);
}

TEST(Judge, too_little_data_is_no_pass) {
    EXPECT_NE(judge(header("a") + end("a")).out.find(R"("verdict":"inconclusive")"), std::string::npos);
}

TEST(Judge, a_bad_line_is_told_and_changes_nothing_else) {
    Service service;
    const std::string stream = header("b") + service.from(10, 1200, 2) + "{\"t\":1205,\n" + "[1,2]\n" +
                               R"({"t":1206,"target":"service","requests":-5,"errors":0,"hist":[1,2,3,4]})" + "\n" +
                               R"({"t":1207,"target":"nobody","requests":5,"errors":0,"hist":[1,2,3,4]})" + "\n" +
                               R"({"t":1208,"target":"service","requests":1e30,"errors":0,"hist":[4,3,2,1]})" + "\n" +
                               std::string(5000, '[') + "\n" + service.from(1210, 1600, 30) + end("b");
    const auto outcome = judge(stream);
    EXPECT_EQ(outcome.code, 1);
    EXPECT_EQ(outcome.out, judge(broken("b")).out);
    EXPECT_EQ(count(outcome.err, "revertctl: judge: line "), 6U) << outcome.err;
    EXPECT_NE(outcome.err.find("there is no target 'nobody' in this case"), std::string::npos) << outcome.err;
}

TEST(Judge, a_line_too_long_is_left_out_whole) {
    const auto outcome = judge(healthy("a") + "{\"t\":" + std::string(3 << 20, '1') + "}\n" + broken("b"));
    EXPECT_EQ(outcome.code, 1);
    EXPECT_EQ(count(outcome.err, "\n"), 1U) << outcome.err;
    EXPECT_EQ(outcome.out, judge(healthy("a") + broken("b")).out);
}

TEST(Judge, a_refused_header_still_gets_its_verdict) {
    const auto outcome = judge(R"({"type":"case","v":1,"id":"x","deploy":1000,"bake_s":-1,"interval_s":10,"le_ms":[]})"
                               "\n" +
                               end("x") + healthy("a"));
    EXPECT_EQ(outcome.code, 1);
    EXPECT_NE(outcome.out.find(R"({"case":"x","t":1600.000,"verdict":"inconclusive")"), std::string::npos)
        << outcome.out;
    EXPECT_NE(outcome.out.find(R"({"case":"a","t":1600.000,"verdict":"pass")"), std::string::npos) << outcome.out;
}

TEST(Judge, a_case_that_is_cut_off_is_inconclusive) {
    Service service;
    const auto outcome = judge(header("a") + service.from(10, 1300, 2));
    EXPECT_NE(outcome.out.find(R"("verdict":"inconclusive","severity":"none","detector":"cut-off")"), std::string::npos)
        << outcome.out;
}

TEST(Judge, resets_gaps_repeats_and_nulls_are_no_errors) {
    Service service;
    std::string stream = header("a") + service.from(10, 1100, 2);
    const auto again = service.scrape(1110, 2);
    stream += again + again + R"({"t":1120,"target":"service","requests":null,"errors":null,"hist":null})" + "\n";
    Service restarted;
    stream += restarted.from(1200, 1600, 2) + end("a");
    const auto outcome = judge(stream);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_NE(outcome.out.find(R"("verdict":"pass")"), std::string::npos) << outcome.out;
}

// What begins anew is cold, but not again and again, or what is slow would hide behind its restarts.
TEST(Judge, believes_an_instance_three_restarts_and_no_fourth) {
    std::string stream = header("a");
    stream.replace(stream.find(R"("bake_s":600)"), 12, R"("bake_s":1800)");
    Service service, slow(true);
    stream += service.from(10, 1000, 2);
    for (double t = 1010; t <= 2800; t += 10) {
        if (std::fmod(t, 60) == 0) slow.restart();
        stream += slow.scrape(t, 2);
    }
    const auto outcome = judge(stream + R"({"type":"end","id":"a","t":2800})" + "\n");
    EXPECT_NE(outcome.out.find(R"("verdict":"rollback","severity":"major","detector":"latency")"), std::string::npos)
        << outcome.out;
}

}  // namespace
}  // namespace revertd::ctl
