// SPDX-License-Identifier: Apache-2.0
#include "detectors/worse_words.h"

#include <cmath>
#include <utility>

#include "core/words.h"

namespace revertd::detect {
namespace {

class WorsePower final : public PowerStudy {
  public:
    WorsePower(PowerTicks before, std::string what) : before_(std::move(before)), what_(std::move(what)) {}

    std::string run() override {
        constexpr std::uint64_t kSeed = 20'260'101;  // any: the same deploy is told the same
        return words(power_of(before_, kSeed), what_);
    }

  private:
    PowerTicks before_;
    std::string what_;
};

std::string failed(const Events& events) {
    return value_words(events.errors / events.requests, Unit::Ratio);
}

}  // namespace

std::string confidence_words(double alpha) {
    std::string out = std::to_string(std::floor((1 - alpha) * 1e4 + 1e-6) / 100);
    out.erase(out.find_last_not_of('0') + 1);
    if (out.back() == '.') out.pop_back();
    return out + " %";
}

std::string excluded_words(double most, const std::string& of_what, double alpha) {
    if (!std::isfinite(most)) return {};
    // Upwards: what is said is excluded.
    return "more than " + value_words(std::ceil(most * 100) / 100, Unit::None) + " times the " + of_what +
           ": excluded at " + confidence_words(alpha);
}

std::string fine_words(const Events& now, const Events& reference, bool beside, bool failures) {
    constexpr double kHigher = 1.1;  // times as many: who reads both numbers would not call them alike
    if (now.requests < 1 || reference.requests < 1)
        return std::string("not yet compared with the ") + (beside ? "control group" : "time before the deploy");
    const std::string than = beside ? " worse than the control group" : " worse than before the deploy";
    const bool higher = now.errors / now.requests > kHigher * reference.errors / reference.requests;
    const std::string out = (failures && higher ? "not surely" : "no") + than;
    const std::string requests = count_words(std::round(now.requests)) + " requests";
    if (!failures) return out + " in " + requests;
    return out + ": " + failed(now) + " of " + requests + " failed, " + failed(reference) +
           (beside ? " in the control group" : " before");
}

std::unique_ptr<PowerStudy> power_study(PowerTicks before, std::string what) {
    return std::make_unique<WorsePower>(std::move(before), std::move(what));
}

}  // namespace revertd::detect
