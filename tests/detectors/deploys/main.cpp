// SPDX-License-Identifier: Apache-2.0
// How good are the statistics? Simulated deploys through what `revertctl judge` runs; families.cpp says of what kinds.
//   deploys [--each N] [--seed S] [--alpha A] [--family NAME]   a table: false rollbacks and power of each family
//           [--config FILE]                                     through the guard of its first service, not the
//                                                               statistics alone; what asks counts as rolled back
//           [--power]                                           is what is announced found in time? See calibrate.cpp
//           [--cases]                                           names each healthy deploy that was rolled back, and why
//           [--most-false SHARE] [--least-power SHARE]          ends with 1 outside of these, over all families
//           [--by-kind]                                         and when a family is found less than usual, or rolled
//                                                               back: more than chance explains
//   deploys --stream ...                                        the same deploys as a judge stream; ids name the family
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "config/load.h"
#include "daemon/ctl/guard_case.h"
#include "daemon/ctl/judge_case.h"
#include "tests/detectors/deploys/calibrate.h"
#include "tests/detectors/deploys/deploy.h"

namespace revertd::deploys {
namespace {

struct Arguments {
    int each = 100;
    std::uint64_t seed = 1;
    double alpha = 0.001, most_false = 1, least_power = 0;
    std::string family, config;
    bool stream = false, power = false, cases = false, by_kind = false;
};

struct Tally {
    int deploys = 0, rolled_back = 0, early = 0, inconclusive = 0;
    std::vector<double> ticks;
    std::map<std::string, int> detectors;
    std::vector<std::string> wrong;  ///< the deploy, and what was found
};

void print_list(const std::vector<double>& values) {
    for (std::size_t i = 0; i < values.size(); ++i) std::printf("%s%.0f", i == 0 ? "[" : ",", values[i]);
    std::printf("]");
}

void print(const ctl::JudgeLine& line) {
    using Kind = ctl::JudgeLine::Kind;
    if (line.kind == Kind::Case) {
        std::printf(
            R"({"type":"case","v":1,"id":"%s","start":%.2f,"deploy":%.2f,"bake_s":%.0f,"interval_s":%.0f,"control":%s,)",
            line.id.c_str(), line.start, line.deploy, line.bake, line.interval, line.control ? "true" : "false");
        std::printf(R"("control_kind":"%s","endpoints":%.0f,"le_ms":)", line.control_kind.c_str(), line.endpoint_count);
        print_list(line.edges);
        std::printf("}\n");
    } else if (line.kind == Kind::End) {
        std::printf(R"({"type":"end","id":"%s","t":%.2f})"
                    "\n",
                    line.id.c_str(), line.t);
    } else {
        std::printf(R"({"t":%.2f,"target":"%s","requests":%.0f,"errors":%.0f,"hist":)", line.t, line.target.c_str(),
                    line.requests, line.errors);
        print_list(line.buckets);
        std::printf(R"(,"gauge":{"mem":%.4f})", line.memory);
        for (std::size_t p = 0; p < line.endpoints.size(); ++p)
            std::printf("%s[%.0f,%.0f]", p == 0 ? ",\"endpoints\":[" : ",", line.endpoints[p].requests,
                        line.endpoints[p].errors);
        std::printf(line.endpoints.empty() ? "}\n" : "]}\n");
    }
}

/// One deploy through the judge.
void judge(Deploy& deploy, const std::string& name, bool bad, const ctl::CaseOpener& open, Tally& tally) {
    std::unique_ptr<ctl::StreamCase> judged;
    std::optional<ctl::CaseVerdict> verdict;
    double start = 0;
    deploy.play("deploy", [&](const ctl::JudgeLine& line) {
        if (verdict) return;
        if (line.kind == ctl::JudgeLine::Kind::Case) {
            auto opened = open(line);
            if (!opened) std::abort();
            judged = std::move(*opened);
            start = line.deploy;
        } else if (line.kind == ctl::JudgeLine::Kind::End) {
            verdict = judged->end(line.t);
        } else if (auto decided = judged->sample(line)) {
            verdict = std::move(*decided);
        }
    });
    ++tally.deploys;
    tally.inconclusive += verdict->verdict == "inconclusive" ? 1 : 0;
    if (verdict->verdict != "rollback" && verdict->verdict != "ask") return;
    const double delay = verdict->t - start - deploy.spec().onset;
    if (!bad || delay < 0)
        tally.wrong.push_back(name + " after " + std::to_string(std::lround(verdict->t - start)) +
                              " s: " + verdict->detector + ": " + verdict->evidence);
    if (delay < 0) {
        ++tally.early;
        return;
    }
    ++tally.rolled_back;
    tally.ticks.push_back(delay / deploy.spec().interval);
    ++tally.detectors[verdict->detector];
}

void print(const Family& family, Tally& tally) {
    std::sort(tally.ticks.begin(), tally.ticks.end());
    const int found = family.bad ? tally.rolled_back : tally.rolled_back + tally.early;
    std::printf("| %-22s | %-7s | %6d | %6d | %6.2f %% | %5.1f %% |", std::string(family.name).c_str(),
                family.bad ? "bad" : "healthy", tally.deploys, found, 100.0 * found / tally.deploys,
                100.0 * tally.inconclusive / tally.deploys);
    if (family.bad && !tally.ticks.empty()) std::printf(" %5.1f |", tally.ticks[tally.ticks.size() / 2]);
    if (!family.bad || tally.ticks.empty()) std::printf("       |");
    if (tally.early > 0 && family.bad) std::printf(" %d too early", tally.early);
    for (const auto& [detector, times] : tally.detectors) std::printf(" %s %d", detector.c_str(), times);
    std::printf("\n");
    std::fflush(stdout);
}

/// By three standard deviations of what is usual; of a healthy family two, or one in fifty, are chance.
bool is_usual(const Family& family, const Tally& tally) {
    if (!family.bad) return tally.rolled_back + tally.early <= std::max(2.0, 0.02 * tally.deploys);
    const double usual = family.found * tally.deploys;
    return tally.rolled_back >= usual - 3 * std::sqrt(usual * (1 - family.found)) - 1;
}

int run(const Arguments& arguments, const ctl::CaseOpener& open) {
    Tally healthy, bad;
    bool usual = true;
    if (!arguments.stream)
        std::printf("| family | is | deploys | rolled back | share | inconclusive | median ticks | found by\n");
    for (std::size_t f = 0; f < families().size(); ++f) {
        const auto& family = families()[f];
        if (!arguments.family.empty() && family.name.find(arguments.family) == std::string_view::npos) continue;
        Tally tally;
        for (int i = 0; i < arguments.each; ++i) {
            Random random(arguments.seed * 1000003 + f * 7919 + static_cast<std::uint64_t>(i) * 15485863);
            Deploy deploy(draw(family, random), random);
            const std::string name = std::string(family.name) + "-" + std::to_string(i);
            if (arguments.stream)
                deploy.play(name, [](const auto& line) { print(line); });
            else
                judge(deploy, name, family.bad, open, tally);
        }
        if (arguments.stream) continue;
        auto& sum = family.bad ? bad : healthy;
        sum.deploys += tally.deploys;
        sum.rolled_back += tally.rolled_back;
        // A rollback before a bad deploy's onset is a false one of a deploy that is healthy as yet.
        healthy.early += tally.early;
        print(family, tally);
        if (arguments.by_kind && !is_usual(family, tally)) {
            std::printf("  unusual: %.0f %% are found in the long run\n", 100 * family.found);
            usual = false;
        }
        for (const std::string& wrong : tally.wrong)
            if (arguments.cases) std::printf("  %s\n", wrong.c_str());
    }
    if (arguments.stream) return 0;
    const double false_share = (healthy.rolled_back + healthy.early) / std::max(1.0, double(healthy.deploys));
    const double power = bad.rolled_back / std::max(1.0, double(bad.deploys));
    std::printf(
        "healthy: %d of %d rolled back, and %d of the bad before they were: %.3f %%; bad: %d of %d found, %.1f %%\n",
        healthy.rolled_back, healthy.deploys, healthy.early, 100 * false_share, bad.rolled_back, bad.deploys,
        100 * power);
    return usual && false_share <= arguments.most_false && power >= arguments.least_power ? 0 : 1;
}

bool read(int argc, char** argv, Arguments& arguments) {
    for (int i = 1; i < argc; ++i) {
        const std::string_view name = argv[i];
        const std::map<std::string_view, bool*> flags = {{"--stream", &arguments.stream},
                                                         {"--power", &arguments.power},
                                                         {"--cases", &arguments.cases},
                                                         {"--by-kind", &arguments.by_kind}};
        if (const auto flag = flags.find(name); flag != flags.end()) {
            *flag->second = true;
            continue;
        }
        if (i + 1 == argc) return false;
        const char* value = argv[++i];
        if (name == "--each")
            arguments.each = std::atoi(value);
        else if (name == "--seed")
            arguments.seed = std::strtoull(value, nullptr, 10);
        else if (name == "--alpha")
            arguments.alpha = std::atof(value);
        else if (name == "--most-false")
            arguments.most_false = std::atof(value);
        else if (name == "--least-power")
            arguments.least_power = std::atof(value);
        else if (name == "--family")
            arguments.family = value;
        else if (name == "--config")
            arguments.config = value;
        else
            return false;
    }
    return arguments.each > 0;
}

}  // namespace
}  // namespace revertd::deploys

int main(int argc, char** argv) {
    revertd::deploys::Arguments arguments;
    if (!revertd::deploys::read(argc, argv, arguments)) {
        std::fprintf(stderr,
                     "usage: deploys [--each N] [--seed S] [--alpha A] [--family NAME] [--most-false SHARE] "
                     "[--least-power SHARE] [--by-kind] [--config FILE] [--cases] [--power] [--stream]\n");
        return 2;
    }
    using namespace revertd;
    if (arguments.power) return deploys::calibrate(arguments.each, arguments.seed, arguments.alpha);
    if (arguments.config.empty())
        return deploys::run(arguments,
                            [&](const auto& header) { return ctl::JudgeCase::open(header, arguments.alpha); });
    const auto result = load_file(arguments.config);
    for (const auto& diagnostic : result.diagnostics) std::fprintf(stderr, "%s\n", to_line(diagnostic).c_str());
    if (!result.loaded || result.loaded->settings.services.empty()) return 2;
    const ctl::GuardedService service(*result.loaded->settings.services.begin()->second);
    return deploys::run(arguments, [&](const auto& header) { return ctl::GuardCase::open(header, service); });
}
