// SPDX-License-Identifier: Apache-2.0
// One detector in a Judge, over one signal of one target: one line of a test is one slot of 5 s.
#pragma once
#include <gtest/gtest.h>

#include <algorithm>

#include "detectors/registry.h"
#include "tests/core/judge_bed.h"

namespace revertd {

class DetectorBed : public JudgeBed {
  public:
    DetectorBed(std::string_view name, std::array<double, 3> arguments, const Signal& signal)
        : JudgeBed(settings_of(name, arguments, signal)) {
        bake();
    }

    /// One slot in which the gauge has this value.
    void slot(double value) {
        *series(0, 1, {}) = value;
        JudgeBed::slot();
    }

    void blind() { blind_slot(); }

    /// The daemon stops and starts again at once.
    void restart() {
        const std::string record = judge.save();
        judge = Judge(std::make_shared<const ServiceSettings>(settings()));
        const auto restored = judge.restore(record, at);
        ASSERT_TRUE(restored) << restored.error().message;
    }

  private:
    static ServiceSettings settings_of(std::string_view name, std::array<double, 3> arguments, const Signal& signal) {
        Rule rule;
        rule.kind = Rule::Kind::Detector;
        rule.arguments = arguments;
        rule.text = signal.name + " " + std::string(name);
        const auto kind = std::ranges::find(detectors::all(), name, &DetectorKind::name);
        rule.detector = kind == detectors::all().end() ? nullptr : *kind;
        ServiceSettings made = service({rule});
        made.signals = {signal};
        return made;
    }
};

}  // namespace revertd
