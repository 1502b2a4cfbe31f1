// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "config/sentence.h"
#include "core/detector.h"

namespace revertd::config {

/// The detector whose sentence begins with this word, or nothing.
[[nodiscard]] const DetectorKind* find_detector(std::string_view verb);

/// First words of all detectors' sentences, for hints.
[[nodiscard]] std::vector<std::string> detector_verbs();

/// Reads the rest of the sentence behind the verb into `rule.arguments`.
void read_detector(const DetectorKind& kind, const Word& verb, const Signal& signal, Words& words, Rule& rule);

}  // namespace revertd::config
