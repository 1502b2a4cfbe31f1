// SPDX-License-Identifier: Apache-2.0
// A cgroup (version 2) for each step, where systemd has delegated the runner's own: then a step's processes are known
// whatever they do to their session, their parents and their environment, and beside whatever else runs. Elsewhere
// there is none, and daemon/runner/descendants.h looks for them.
#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

namespace revertd::runner {

class StepCgroup {
  public:
    StepCgroup() = default;  ///< none: nobody is in it

    explicit StepCgroup(std::string directory) : directory_(std::move(directory)) {}

    explicit operator bool() const { return !directory_.empty(); }

    /// In it or a group below, which a step may have made.
    [[nodiscard]] bool populated() const;

    /// SIGKILL reaches everybody in one act of the kernel, whoever forks meanwhile; other signals those who are there.
    void signal(int number) const;

  private:
    std::string directory_;
};

class StepCgroups {
  public:
    StepCgroups() = default;  ///< there are none

    explicit StepCgroups(std::string parent) : parent_(std::move(parent)) {}

    /// Below the cgroup of this process, if it was delegated (`Delegate=` of its unit) and the kernel can end a group
    /// at once (5.14). No controller is enabled, so the runner may stay in the parent.
    [[nodiscard]] static StepCgroups of_this_process();

    explicit operator bool() const { return !parent_.empty(); }

    [[nodiscard]] const std::string& parent() const { return parent_; }

    /// Puts a process into the group of its step. None if that fails: then it is where the runner is.
    [[nodiscard]] StepCgroup make(const std::string& key, pid_t pid) const;

    /// The group that was made for the step, in this life of the runner or a former one.
    [[nodiscard]] StepCgroup find(const std::string& key) const;

    /// Removes the groups of steps in which nobody is any more.
    void sweep() const;

  private:
    [[nodiscard]] std::string path_of(const std::string& key) const;

    std::string parent_;
};

/// Where the version 2 tree shows the group of a process: from the texts of /proc/PID/mountinfo and /proc/PID/cgroup.
/// Empty: nowhere.
[[nodiscard]] std::string cgroup_directory(const std::string& mountinfo, const std::string& membership);

}  // namespace revertd::runner
