// SPDX-License-Identifier: Apache-2.0
#include "detectors/packed_rows.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace revertd::detect {
namespace {

TickRow row_of(std::uint64_t end, std::vector<double> cells, bool counts = true) {
    return {.end = end, .slots = 1, .counts = counts, .cells = std::move(cells)};
}

std::vector<TickRow> all(const PackedRows& rows) {
    std::vector<TickRow> out;
    rows.each([&](const TickRow& row) { out.push_back(row); });
    return out;
}

TEST(PackedRows, whole_numbers_are_kept_exactly) {
    PackedRows rows;
    rows.push(row_of(1, {0, 1, 127, 128, 9007199254740991.0}));
    rows.push(row_of(70'000, {5, 0, 0, 300, 2}, false));
    const auto back = all(rows);
    ASSERT_EQ(back.size(), 2U);
    EXPECT_EQ(back[0].cells, (std::vector<double>{0, 1, 127, 128, 9007199254740991.0}));
    EXPECT_EQ(back[1].end, 70'000U);
    EXPECT_EQ(back[1].slots, 1U);
    EXPECT_TRUE(back[0].counts);
    EXPECT_FALSE(back[1].counts);
}

TEST(PackedRows, how_many_instances_were_started_anew_is_kept) {
    PackedRows rows;
    TickRow row = row_of(1, {1, 2});
    for (const std::uint64_t percent : {0U, 100U, 1U}) row.restarted = percent, rows.push(row);
    rows.drop_oldest();
    rows.widen(3);
    const auto back = all(rows);
    ASSERT_EQ(back.size(), 2U);
    EXPECT_EQ(back[0].restarted, 100U);
    EXPECT_EQ(back[1].restarted, 1U);
    rows.drop_oldest();
    EXPECT_EQ(all(rows).at(0).cells, (std::vector<double>{1, 2, 0}));
}

TEST(PackedRows, other_numbers_are_kept_as_floats) {
    PackedRows rows;
    rows.push(row_of(1, {0.1, 1e30, 17, 9007199254740994.0}));
    const auto back = all(rows);
    ASSERT_EQ(back.size(), 1U);
    EXPECT_NEAR(back[0].cells[0], 0.1, 1e-8);
    EXPECT_NEAR(back[0].cells[1] / 1e30, 1, 1e-6);
    EXPECT_EQ(back[0].cells[2], 17);
    EXPECT_NEAR(back[0].cells[3] / 9007199254740994.0, 1, 1e-6);
}

TEST(PackedRows, the_oldest_go_and_the_memory_stays) {
    constexpr std::size_t kKept = 720;
    PackedRows rows;
    std::size_t after_two = 0;
    for (std::uint64_t i = 0; i < 10 * kKept; ++i) {
        if (rows.size() >= kKept) rows.drop_oldest();
        std::vector<double> cells(16);
        for (std::size_t c = 4; c < 10; ++c) cells[c] = static_cast<double>((i * (c + 1)) % 200);
        rows.push(row_of(i, i % 50 == 0 ? std::vector<double>(16, 0.5) : cells));
        if (i == 2 * kKept) after_two = rows.bytes();
    }
    const auto back = all(rows);
    ASSERT_EQ(back.size(), kKept);
    for (std::size_t i = 0; i < kKept; ++i) EXPECT_EQ(back[i].end, 9 * kKept + i);
    EXPECT_EQ(rows.bytes(), after_two);
    // A fifth of the 200 bytes that a row of 16 numbers and its place are.
    EXPECT_LT(rows.bytes(), kKept * 40);
}

TEST(PackedRows, none_is_left_when_all_have_gone) {
    PackedRows rows;
    rows.drop_oldest();
    rows.push(row_of(1, {}));
    rows.drop_oldest();
    EXPECT_EQ(rows.size(), 0U);
    rows.push(row_of(2, {3}));
    EXPECT_EQ(all(rows).front().cells, std::vector<double>{3});
}

}  // namespace
}  // namespace revertd::detect
