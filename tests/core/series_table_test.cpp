// SPDX-License-Identifier: Apache-2.0
#include "core/series_table.h"

#include <gtest/gtest.h>

namespace revertd {
namespace {

/// A program's page: three series of signal 0, one of signal 1.
SeriesTable table(IdentityPool* pool, TargetIndex target = 0) {
    SeriesTable out(pool);
    for (const std::uint64_t hash : {7U, 8U, 9U}) EXPECT_TRUE(out.add(hash, {target, 0, 0}));
    EXPECT_TRUE(out.add(10, {target, 1, 3}));
    out.release_index();
    return out;
}

TEST(SeriesTable, a_known_identity_keeps_its_id) {
    SeriesTable one = table(nullptr);
    EXPECT_EQ(one.add(8, {0, 0, 0}), 1U);
    EXPECT_EQ(one.add(8, {0, 1, 0}), 4U) << "the same series of another signal is another";
    EXPECT_EQ(one.add(8, {1, 0, 0}), 5U) << "and so is that of another target";
    EXPECT_EQ(one.target(4), 0U);
    EXPECT_EQ(one.target(5), 1U);
    EXPECT_EQ(one.row(3).signal, 1U);
    EXPECT_EQ(one.row(3).cell, 3U);
}

TEST(SeriesTable, equal_services_keep_their_identities_once) {
    IdentityPool pool;
    const SeriesTable one = table(&pool), two = table(&pool), other = table(&pool, 1);
    EXPECT_EQ(pool.size(), 2U);
    EXPECT_TRUE(one.shares_with(two));
    EXPECT_FALSE(one.shares_with(other));
}

TEST(SeriesTable, who_gets_a_series_more_leaves_the_others_alone) {
    IdentityPool pool;
    SeriesTable one = table(&pool), two = table(&pool);
    one.live(0).last = 5;
    EXPECT_EQ(two.live(0).last, 0) << "values are never shared";
    EXPECT_EQ(one.add(11, {0, 2, 1}), 4U);
    one.release_index();
    EXPECT_EQ(one.size(), 5U);
    EXPECT_EQ(two.size(), 4U);
    EXPECT_EQ(one.row(4).signal, 2U);
    EXPECT_EQ(two.add(12, {0, 1, 3}), 4U);
    EXPECT_EQ(two.row(4).signal, 1U);
    EXPECT_EQ(one.add(11, {0, 2, 1}), 4U) << "it is still its own";
}

TEST(SeriesTable, meet_again_when_they_are_equal_again) {
    IdentityPool pool;
    SeriesTable one = table(&pool), two = table(&pool);
    for (SeriesTable* each : {&one, &two}) {
        EXPECT_EQ(each->add(11, {0, 0, 0}), 4U);
        each->release_index();
    }
    EXPECT_TRUE(one.shares_with(two));
    EXPECT_EQ(pool.size(), 1U) << "what nobody has any more is not kept";
}

/// A label that never repeats: each slot has other identities than the one before.
TEST(SeriesTable, the_pool_keeps_nothing_alive) {
    IdentityPool pool;
    {
        SeriesTable one(&pool);
        for (std::uint64_t hash = 0; hash < 1000; ++hash) {
            EXPECT_TRUE(one.add(hash, {0, 0, 0}));
            one.release_index();
            EXPECT_EQ(pool.size(), 1U);
        }
    }
    EXPECT_EQ(pool.size(), 0U);
}

TEST(SeriesTable, comes_back_from_its_record_and_shares_again) {
    IdentityPool pool;
    SeriesTable one = table(&pool, 2);
    one.live(3).last = 42, one.live(3).seen = 6;
    ByteWriter out;
    one.save(out);
    const std::string bytes = out.take();
    SeriesTable two(&pool);
    ByteReader in(bytes);
    ASSERT_TRUE(two.load(in));
    EXPECT_TRUE(in.at_end());
    two.release_index();
    EXPECT_TRUE(two.shares_with(one));
    EXPECT_EQ(double(two.live(3).last), 42);
    EXPECT_EQ(std::uint32_t(two.live(3).seen), 6U);
    EXPECT_EQ(two.target(3), 2U);
}

}  // namespace
}  // namespace revertd
