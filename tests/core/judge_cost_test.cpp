// SPDX-License-Identifier: Apache-2.0
// What a sample costs: no allocation after warm-up, and little memory, counted by a hooked operator new.
#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdlib>
#include <new>

#include "tests/core/judge_bed.h"

namespace {

thread_local std::size_t allocations = 0;
thread_local std::size_t live_bytes = 0;

}  // namespace

// Not inlined: GCC would see malloc on one side and delete on the other, and warn of a mismatch.
[[gnu::noinline]] void* operator new(std::size_t size) {
    void* block = std::malloc(size);
    if (block == nullptr) throw std::bad_alloc();
    ++allocations;
    live_bytes += malloc_usable_size(block);
    return block;
}

[[gnu::noinline]] void operator delete(void* pointer) noexcept {
    if (pointer != nullptr) live_bytes -= malloc_usable_size(pointer);
    std::free(pointer);
}

[[gnu::noinline]] void operator delete(void* pointer, std::size_t) noexcept {
    operator delete(pointer);
}

namespace revertd {
namespace {

/// One service as the default guard watches it: 168 series, errors and p95, 5 s.
struct Default {
    explicit Default(std::size_t series_count) {
        Rule p0 = above(0.1, 1min);
        p0.severity = Severity::P0;
        Rule slower = above(1.5, 3min, 1);
        slower.relative = Rule::Relative::TimesBaseline;
        ServiceSettings settings =
            service({health_rule(Rule::Kind::HealthDown, 30s), p0, above(0.05, 2min), slower, above(0.02, 5min)});
        settings.signals = {ratio_signal(), signal_of(Signal::Kind::Quantile, "p95", Unit::Seconds)};
        settings.baseline = 1h;
        judge = std::make_unique<Judge>(std::make_shared<const ServiceSettings>(std::move(settings)));
        for (std::size_t i = 0; i < series_count; ++i) {
            const SeriesRole role = i % 12 == 0 ? SeriesRole{.bad = i % 24 == 0}
                                                : SeriesRole{.signal = 1, .le = i % 12 == 11 ? kInf : double(i % 12)};
            values.push_back({judge->add_series(0, 1000 + i, role), 0});
        }
    }

    JudgeReport slot() {
        for (SeriesValue& value : values) value.value += 3;
        at += 5s;
        judge->health(0, {Health::Up, {}}, at);
        judge->scrape(0, {Verdict::Ok, values, {}}, at);
        return judge->close_slot(at);
    }

    std::unique_ptr<Judge> judge;
    std::vector<SeriesValue> values;
    Time at{};
};

TEST(JudgeCost, no_allocation_a_sample_after_warm_up) {
    Default service(168);
    for (int i = 0; i < 800; ++i) service.slot();
    const std::size_t before = allocations;
    std::size_t changes = 0;
    for (int i = 0; i < 1000; ++i) changes += service.slot().changes.size();
    EXPECT_EQ(changes, 0U);
    EXPECT_EQ(allocations, before);
}

TEST(JudgeCost, a_failing_target_allocates_nothing_either) {
    Default service(168);
    const auto fail = [&service] {
        service.at += 5s;
        service.judge->health(0, {Health::Up, {}}, service.at);
        service.judge->scrape(0, {Verdict::Error, {}, "connection refused by 10.0.0.1:80"}, service.at);
        (void)service.judge->close_slot(service.at);
    };
    for (int i = 0; i < 10; ++i) fail();
    const std::size_t before = allocations;
    for (int i = 0; i < 100; ++i) fail();
    EXPECT_EQ(allocations, before);
}

TEST(JudgeCost, a_service_of_168_series_takes_less_than_32_kB) {
    const std::size_t before = live_bytes;
    auto service = std::make_unique<Default>(168);
    service->values.shrink_to_fit();
    for (int i = 0; i < 10; ++i) service->slot();
    const std::size_t own = service->values.capacity() * sizeof(SeriesValue);
    const std::size_t taken = live_bytes - before - own;
    RecordProperty("bytes", static_cast<int>(taken));
    EXPECT_LT(taken, 32'000U);
}

}  // namespace
}  // namespace revertd
