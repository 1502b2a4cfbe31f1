// SPDX-License-Identifier: Apache-2.0
// `judge --config`: a case of the stream as the deploy of a guarded service.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/ctl/run.h"

namespace revertd::ctl {
namespace {

/// What of the requests of a group fails, and how slow they are, in this scrape.
struct Course {
    double bad = 0.002, factor = 1, rate = 100;
};

/// One target: 100 requests a second by default, about 50 ms each.
class Group {
  public:
    explicit Group(std::string name) : name_(std::move(name)) {}

    std::string scrape(double t, const Course& now) {
        const double noise = 1 + 0.1 * std::sin(2.4 * ++count_);
        const double more = std::round(now.rate * 10 * noise);
        requests_ += more, errors_ += std::round(more * now.bad);
        std::string hist;
        for (std::size_t i = 0; i < kEdges.size(); ++i) {
            const double z = std::log(kEdges[i] / (50 * now.factor)) / 0.5;
            buckets_[i] += std::round(more * 0.5 * std::erfc(-z / std::sqrt(2)));
            hist += number(buckets_[i]) + ",";
        }
        return R"({"t":)" + number(t) + R"(,"target":")" + name_ + R"(","requests":)" + number(requests_) +
               R"(,"errors":)" + number(errors_) + R"(,"hist":[)" + hist + number(requests_) +
               R"(],"gauge":{"cpu":0.2,"mem":)" + (t > 1000 ? "0.9" : "0.4") + "}}\n";
    }

    static constexpr std::array kEdges{10.0, 25.0, 50.0, 75.0, 100.0, 150.0, 250.0, 500.0, 1000.0};

  private:
    static std::string number(double x) { return std::to_string(static_cast<long>(x)); }

    std::string name_;
    double requests_ = 0, errors_ = 0;
    std::array<double, kEdges.size()> buckets_{};
    int count_ = 0;
};

std::string header(bool control) {
    return R"({"type":"case","v":1,"id":"a","start":0,"deploy":1000,"bake_s":900,"interval_s":10,"control":)" +
           std::string(control ? "true" : "false") + R"(,"le_ms":[10,25,50,75,100,150,250,500,1000],"endpoints":0})" +
           "\n";
}

const std::string kEnd = R"({"type":"end","id":"a","t":1900})"
                         "\n";

/// A service that is as `before` until 100 s after its deploy, then as `after`.
std::string alone(const Course& before, const Course& after, double until = 1900) {
    Group old("service"), now("service");
    std::string lines = header(false);
    for (double t = 10; t <= until; t += 10) lines += (t <= 1000 ? old : now).scrape(t, t <= 1100 ? before : after);
    return lines + kEnd;
}

/// A canary, which is there from the deploy on, beside a control group.
std::string beside(const Course& canary, const Course& control) {
    Group fresh("canary"), old("baseline");
    std::string lines = header(true);
    for (double t = 10; t <= 1900; t += 10) {
        lines += old.scrape(t, t <= 1100 ? Course{} : control);
        if (t > 1000) lines += fresh.scrape(t, t <= 1100 ? Course{0.002, 1, 20} : canary);
    }
    return lines + kEnd;
}

class JudgeGuard : public ::testing::Test {
  protected:
    JudgeGuard() {
        std::string name = (std::filesystem::temp_directory_path() / "revertctl-XXXXXX").string();
        directory_ = ::mkdtemp(name.data());
    }

    ~JudgeGuard() override { std::filesystem::remove_all(directory_); }

    Outcome judge(const std::string& stream, const std::string& more = "") {
        std::ofstream(directory_ + "/revertd.yaml")
            << "services:\n  api:\n    health: http://127.0.0.1:1/h\n    metrics: http://127.0.0.1:1/m\n"
            << more << "notify: { exec: [/bin/true] }\n";
        terminal.input = stream;
        return terminal.run({"judge", "--config", directory_ + "/revertd.yaml"});
    }

    /// What was decided, and by what.
    std::string verdict(const std::string& stream, const std::string& more = "") {
        const auto out = judge(stream, more).out;
        const auto begin = out.find("\"verdict\"");
        return begin == std::string::npos ? out : out.substr(begin, out.find(",\"evidence\"") - begin);
    }

    Terminal terminal;

  private:
    std::string directory_;
};

constexpr const char* kPass = R"("verdict":"pass","severity":"none","detector":"end-of-bake")";

std::string decided(const std::string& verdict, const std::string& severity, const std::string& rule) {
    return R"("verdict":")" + verdict + R"(","severity":")" + severity + R"(","detector":")" + rule + '"';
}

TEST_F(JudgeGuard, the_default_guard_passes_what_is_healthy_and_asks_about_what_is_worse) {
    EXPECT_EQ(verdict(alone({}, {})), kPass);
    EXPECT_EQ(verdict(alone({}, {.bad = 0.02})), decided("ask", "major", "errors worse than baseline"));
    EXPECT_EQ(verdict(alone({}, {.factor = 1.6})), decided("ask", "major", "p95 worse than baseline"));
}

TEST_F(JudgeGuard, a_limit_that_somebody_wrote_is_judged_as_it_is_written) {
    const Course always{.bad = 0.12};
    const std::string written = "    guard: { P0: [errors > 10% for 1m], P1: [p95 > 1.3x baseline for 1m] }\n";
    EXPECT_EQ(verdict(alone(always, always), written), decided("rollback", "critical", "errors > 10% for 1m"));
    EXPECT_EQ(verdict(alone({}, {.factor = 1.6}), written), decided("ask", "major", "p95 > 1.3x baseline for 1m"));
    EXPECT_EQ(verdict(alone({}, {}), written), kPass);
}

TEST_F(JudgeGuard, a_limit_of_the_default_guard_does_not_act_on_what_was_always_so) {
    const Course always{.bad = 0.12};
    EXPECT_EQ(verdict(alone(always, always)), kPass);
    EXPECT_EQ(verdict(alone(always, {.bad = 0.6})), decided("rollback", "critical", "errors > 10% for 1m"));
}

TEST_F(JudgeGuard, a_limit_of_the_default_guard_decides_alone_where_there_is_nothing_to_compare_with) {
    Group now("service");
    std::string lines = header(false);
    for (double t = 1010; t <= 1900; t += 10) lines += now.scrape(t, {.bad = 0.6});
    EXPECT_EQ(verdict(lines + kEnd), decided("rollback", "critical", "errors > 10% for 1m"));
}

TEST_F(JudgeGuard, little_traffic_that_is_no_worse_passes) {
    EXPECT_EQ(verdict(alone({0.01, 1, 1.66}, {0.01, 1, 1.66})), kPass);
    const std::string written = "    guard: { P0: [errors > 10% for 1m] }\n";
    EXPECT_EQ(verdict(alone({0.01, 1, 1.66}, {0.01, 1, 1.66}), written),
              decided("inconclusive", "none", "errors > 10% for 1m"))
        << "some windows have the 100 requests, some have not";
}

TEST_F(JudgeGuard, a_canary_that_was_not_there_before_is_compared_with_the_control_group) {
    EXPECT_EQ(verdict(beside({0.002, 1, 20}, {})), kPass);
    EXPECT_EQ(verdict(beside({0.03, 1, 20}, {})), decided("ask", "major", "errors worse than baseline"));
    EXPECT_EQ(verdict(beside({0.002, 1.6, 20}, {})), decided("ask", "major", "p95 worse than baseline"));
    const Course incident{.bad = 0.04, .factor = 1.6};
    EXPECT_EQ(verdict(beside({0.04, 1.6, 20}, incident)).find("ask"), std::string::npos) << "both have it";
}

TEST_F(JudgeGuard, decides_from_what_it_has_read_and_from_nothing_later) {
    const auto whole = judge(alone({}, {.bad = 0.02})).out;
    const double at = std::stod(whole.substr(whole.find("\"t\":") + 4));
    EXPECT_GT(at, 1110);
    EXPECT_EQ(judge(alone({}, {.bad = 0.02}, at)).out, whole);
}

TEST_F(JudgeGuard, gauges_are_those_of_the_stream_and_what_it_lacks_is_left_out) {
    const std::string config =
        "    signals: { memory: 'process_memory', orders: 'rate(orders_total[1m])' }\n"
        "    guard: { P1: [memory > 0.8 for 1m, orders < 5 for 1m] }\n";
    const auto outcome = judge(alone({}, {}), config);
    EXPECT_NE(outcome.out.find(decided("ask", "major", "memory > 0.8 for 1m")), std::string::npos) << outcome.out;
    EXPECT_EQ(outcome.err, "revertctl: judge: a stream has no `orders`: its rules are left out\n");
}

TEST_F(JudgeGuard, what_neither_acts_nor_asks_makes_no_pass) {
    const std::string config = "    guard: { P0: [errors > 50% for 1m], P2: [errors > 1% for 1m] }\n";
    EXPECT_EQ(verdict(alone({}, {.bad = 0.02}), config), decided("inconclusive", "minor", "errors > 1% for 1m"));
}

TEST_F(JudgeGuard, data_ends_a_bake_earlier) {
    const auto out = judge(alone({}, {}), "    bake: { at least: 2m, until excluded: 9x, at most: 60m }\n").out;
    EXPECT_NE(out.find(R"("verdict":"pass")"), std::string::npos) << out;
    EXPECT_LT(std::stod(out.substr(out.find("\"t\":") + 4)), 1900) << out;
}

TEST_F(JudgeGuard, a_configuration_that_is_none_is_refused) {
    const auto outcome = judge(alone({}, {}), "    guard: { P0: [errors > ] }\n");
    EXPECT_EQ(outcome.code, 2);
    EXPECT_EQ(outcome.out, "");
    EXPECT_NE(outcome.err.find("revertd.yaml:5:"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace revertd::ctl
