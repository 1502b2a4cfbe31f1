// SPDX-License-Identifier: Apache-2.0
// What a flight record looks like is told by its version: if anything that is saved becomes more, fewer or of another
// kind, records of before mean something else, and the version must say so. record_form.txt has the form of each
// detector's record after a fixed course; REVERTD_RECORD_FORM=write writes it anew, once the version is another.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>

#include "detectors/registry.h"
#include "tests/core/judge_bed.h"

namespace revertd {
namespace {

struct Case {
    std::string_view detector;
    std::array<double, 3> arguments;
    Signal::Kind kind;
    bool control = false, endpoints = false;

    [[nodiscard]] std::string name() const {
        const std::array kinds = {"ratio", "quantile", "gauge", "rate"};
        std::string text = std::string(detector) + " " + kinds.at(static_cast<std::size_t>(kind));
        if (control) text += " beside";
        if (endpoints) text += " by endpoint";
        return text;
    }
};

const std::vector<Case> kCases = {
    {"fills", {}, Signal::Kind::Gauge},
    {"grows", {0.2, 60}, Signal::Kind::Gauge},
    {"repeat", {0.001}, Signal::Kind::Gauge},
    {"repeat", {0.001}, Signal::Kind::Rate, true},
    {"stalls", {60}, Signal::Kind::Gauge},
    {"worse", {0.001}, Signal::Kind::Gauge},
    {"worse", {0.001}, Signal::Kind::Rate, true},
    {"worse", {0.001}, Signal::Kind::Ratio},
    {"worse", {0.001}, Signal::Kind::Ratio, true, true},
    {"worse", {0.001}, Signal::Kind::Quantile, true},
};

const std::vector<std::string_view> kEndpoints = {"/orders", "/users", "/search"}, kNoEndpoint = {""};

Signal signal_in(const Case& one, bool is_control) {
    Signal signal = signal_of(one.kind, is_control ? "signal (control group)" : "signal");
    signal.is_control = is_control;
    return signal;
}

ServiceSettings settings_of(const Case& one) {
    Rule rule;
    rule.kind = Rule::Kind::Detector;
    rule.arguments = one.arguments;
    rule.text = one.name();
    rule.detector = *std::ranges::find(detectors::all(), one.detector, &DetectorKind::name);
    ServiceSettings made = service({rule}, one.control ? 2 : 1);
    made.baseline = 60s;
    made.signals = {signal_in(one, false)};
    if (!one.control) return made;
    made.control_from = 1;
    made.signals.push_back(signal_in(one, true));
    made.signals[0].control = 1;
    return made;
}

/// A slot of one group.
void serve(JudgeBed& bed, const Case& one, std::uint32_t group, int slot) {
    switch (one.kind) {
        case Signal::Kind::Ratio:
            for (const std::string_view endpoint : one.endpoints ? kEndpoints : kNoEndpoint) {
                const std::uint64_t hash = 10 * std::hash<std::string_view>{}(endpoint);
                *bed.series(group, hash, {.signal = group, .endpoint = endpoint}) += 97;
                *bed.series(group, hash + 1, {.signal = group, .endpoint = endpoint}) += 3;
                *bed.series(group, hash + 1, {.signal = group, .bad = true, .endpoint = endpoint}) += 3;
            }
            return;
        case Signal::Kind::Quantile:
            for (const double le : {0.1, 0.5, kInf}) bed.histogram(group, le, 40 + 10 * le / (1 + le), group);
            return;
        case Signal::Kind::Rate:
            *bed.series(group, 7, {.signal = group}) += 5;
            return;
        case Signal::Kind::Gauge:
            bed.series(group, 7, {.signal = group}) = 0.2 + 0.01 * (slot % 7);
    }
}

/// Letters that repeat are counted.
std::string counted(const std::string& letters) {
    std::string text;
    for (std::size_t i = 0; i < letters.size();) {
        const std::size_t next = std::min(letters.find_first_not_of(letters[i], i), letters.size());
        text += letters[i];
        if (next - i > 1) text += std::to_string(next - i);
        i = next;
    }
    return text;
}

/// The version, and the letters. Some slots are learnt from, the others judged.
std::string form_of(const Case& one) {
    JudgeBed bed(settings_of(one));
    bed.judge.set_phase({JudgePhase::Kind::Good, bed.at, bed.at});
    for (int slot = 0; slot < 40; ++slot) {
        if (slot == 30) bed.judge.freeze_baseline(bed.at), bed.bake();
        for (std::uint32_t group = 0; group < bed.targets.size(); ++group) serve(bed, one, group, slot);
        bed.slot();
    }
    const std::string form = bed.judge.form();
    const std::size_t digits = form.find_first_not_of("0123456789");
    return form.substr(0, digits) + " " + counted(form.substr(digits));
}

using Forms = std::map<std::string, std::string>;

/// Lines of name, version, letters.
Forms read(const char* path) {
    Forms forms;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        const std::size_t colon = line.find(": ");
        if (colon != std::string::npos) forms[line.substr(0, colon)] = line.substr(colon + 2);
    }
    return forms;
}

void write(const char* path, const Forms& forms) {
    std::ofstream file(path);
    for (const auto& [name, form] : forms) file << name << ": " << form << "\n";
}

std::string version_of(const std::string& form) {
    return form.substr(0, form.find(' '));
}

constexpr const char* kPath = REVERTD_RECORD_FORM_FILE;

TEST(RecordForm, another_form_has_another_version) {
    const Forms known = read(kPath);
    Forms now;
    for (const Case& one : kCases) {
        const std::string form = now[one.name()] = form_of(one);
        const auto before = known.find(one.name());
        if (before == known.end() || version_of(before->second) != version_of(form)) continue;
        ASSERT_EQ(before->second, form)
            << one.name() << ": records of before cannot be read any more. Raise kVersion in core/judge_record.cpp.";
    }
    if (std::getenv("REVERTD_RECORD_FORM") != nullptr) write(kPath, now);
    EXPECT_EQ(read(kPath), now) << "The version is another: write the forms anew with REVERTD_RECORD_FORM=write "
                                   "detectors_test --gtest_filter='RecordForm.*'";
}

/// The course reaches what is saved: no detector is missing.
TEST(RecordForm, every_detector_is_there) {
    for (const DetectorKind* kind : detectors::all())
        EXPECT_TRUE(std::ranges::any_of(kCases, [&](const Case& one) { return one.detector == kind->name; }))
            << kind->name;
}

}  // namespace
}  // namespace revertd
