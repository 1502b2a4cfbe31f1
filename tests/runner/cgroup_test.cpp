// SPDX-License-Identifier: Apache-2.0
// Where a cgroup is found; what it does to processes is seen under a real systemd (tests/e2e/systemd_test.py).
#include <gtest/gtest.h>

#include "daemon/runner/step_cgroup.h"

namespace revertd::runner {
namespace {

constexpr const char* kUnified = "24 30 0:22 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
constexpr const char* kHybrid =
    "31 30 0:26 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n"
    "32 30 0:27 / /sys/fs/cgroup/unified rw,nosuid shared:5 - cgroup2 cgroup2 rw\n";

TEST(CgroupDirectory, is_below_the_mounted_tree) {
    EXPECT_EQ(cgroup_directory(kUnified, "0::/system.slice/revertd-runner.service\n"),
              "/sys/fs/cgroup/system.slice/revertd-runner.service");
    EXPECT_EQ(cgroup_directory(kHybrid, "9:name=systemd:/a.service\n0::/b.service\n"),
              "/sys/fs/cgroup/unified/b.service");
    EXPECT_EQ(cgroup_directory(kUnified, "0::/\n"), "/sys/fs/cgroup");
}

TEST(CgroupDirectory, may_be_a_part_of_the_tree) {
    const std::string mounted = "24 30 0:22 /machine/box /sys/fs/cgroup\\040here rw - cgroup2 cgroup2 rw\n";
    EXPECT_EQ(cgroup_directory(mounted, "0::/machine/box/a.service\n"), "/sys/fs/cgroup here/a.service");
    EXPECT_EQ(cgroup_directory(mounted, "0::/machine/boxes/a.service\n"), "") << "another one that begins the same";
    EXPECT_EQ(cgroup_directory(mounted, "0::/machine\n"), "");
}

TEST(CgroupDirectory, is_nowhere_without_the_second_version_or_outside_the_namespace) {
    EXPECT_EQ(cgroup_directory("31 30 0:26 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n", "0::/a.service\n"), "");
    EXPECT_EQ(cgroup_directory(kUnified, "8:pids:/a.service\n"), "");
    EXPECT_EQ(cgroup_directory(kUnified, "0::/../../b.service\n"), "");
    EXPECT_EQ(cgroup_directory("", ""), "");
}

TEST(StepCgroup, none_is_empty_and_takes_every_signal) {
    const StepCgroups none;
    EXPECT_FALSE(none);
    EXPECT_FALSE(none.make("key", 1));
    EXPECT_FALSE(none.find("key").populated());
    none.find("key").signal(9);
    none.sweep();
}

}  // namespace
}  // namespace revertd::runner
