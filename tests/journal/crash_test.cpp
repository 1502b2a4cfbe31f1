// SPDX-License-Identifier: Apache-2.0
// kill -9 and power cuts at every point: what was reported durable is there, in order, and the journal opens by itself.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <map>
#include <random>

#include "tests/journal/faulty_disk.h"
#include "tests/journal/harness.h"
#include "tests/journal/temp_dir.h"

namespace revertd::journal {
namespace {

constexpr int kAppends = 8;

void expect_prefix(const std::string& dir, std::uint64_t reported, const std::string& context) {
    auto opened = open_journal(dir);
    ASSERT_TRUE(opened.journal) << context << opened.journal.error().message;
    const auto read = read_all(**opened.journal);
    ASSERT_GE(read.size(), reported) << context;
    ASSERT_EQ(opened->tail().seq, read.size()) << context;
    for (std::size_t i = 0; i < read.size(); ++i) {
        Entry expected = entry(static_cast<int>(i) + 1);
        expected.seq = i + 1;
        ASSERT_EQ(read[i], expected) << context;
    }
    ASSERT_TRUE(append_and_wait(opened, static_cast<int>(read.size()) + 1)) << context;
}

// --- kill -9: a process of its own, killed by itself before its nth operation on the disk ---

constexpr const char* kChildFilter = "--gtest_filter=KilledWriter.DISABLED_appends_and_tells_what_is_durable";

struct Killed {
    bool killed = false;
    std::uint64_t reported = 0;
};

Killed run_killed_writer(const std::string& dir, int nth) {
    ::setenv("REVERTD_TEST_DIR", dir.c_str(), 1);
    ::setenv("REVERTD_TEST_KILL", std::to_string(nth).c_str(), 1);
    std::array<int, 2> pipe{};
    if (::pipe(pipe.data()) != 0) std::abort();
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipe[1], 9);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    std::string self = "/proc/self/exe";
    std::string filter = kChildFilter;
    std::string disabled = "--gtest_also_run_disabled_tests";
    std::array<char*, 4> argv{self.data(), filter.data(), disabled.data(), nullptr};
    pid_t pid = 0;
    const int spawned = ::posix_spawn(&pid, "/proc/self/exe", &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(pipe[1]);
    Killed result;
    for (std::uint64_t seq = 0; ::read(pipe[0], &seq, sizeof seq) == sizeof seq;) result.reported = seq;
    ::close(pipe[0]);
    int status = 0;
    if (spawned != 0 || ::waitpid(pid, &status, 0) != pid) std::abort();
    result.killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    EXPECT_TRUE(result.killed || (WIFEXITED(status) && WEXITSTATUS(status) == 0)) << "status " << status;
    return result;
}

TEST(KilledWriter, DISABLED_appends_and_tells_what_is_durable) {
    const char* dir = std::getenv("REVERTD_TEST_DIR");
    const char* kill = std::getenv("REVERTD_TEST_KILL");
    ASSERT_TRUE(dir != nullptr && kill != nullptr);
    FaultyDisk disk(dir);
    disk.kill_before(std::atoi(kill));
    auto opened = open_journal(dir);
    ASSERT_TRUE(opened.journal) << opened.journal.error().message;
    const int next = static_cast<int>(opened->tail().seq) + 1;
    for (int number = next; number < next + kAppends; ++number) {
        ASSERT_TRUE(append_and_wait(opened, number));
        const auto seq = static_cast<std::uint64_t>(number);
        ASSERT_EQ(::write(9, &seq, sizeof seq), static_cast<ssize_t>(sizeof seq));
    }
    opened.close();
}

TEST(KilledWriter, loses_nothing_reported_wherever_it_is_killed) {
    bool killed = true;
    int points = 0;
    for (int nth = 1; killed; ++nth) {
        const TempDir temp;
        const Killed first = run_killed_writer(temp.state(), nth);
        expect_prefix(temp.state(), first.reported, "operation " + std::to_string(nth) + ": ");
        if (HasFatalFailure()) return;
        killed = first.killed;
        ++points;
    }
    EXPECT_GT(points, 3 * kAppends);
}

TEST(KilledWriter, recovers_also_when_the_recovery_is_killed) {
    const TempDir crashed;
    const std::uint64_t reported = run_killed_writer(crashed.state(), 130).reported;
    ASSERT_GT(reported, 0u);
    bool killed = true;
    for (int nth = 1; killed && nth < 40; ++nth) {
        const TempDir temp;
        copy_state(crashed.state(), temp.state());
        killed = run_killed_writer(temp.state(), nth).killed;
        expect_prefix(temp.state(), reported, "operation " + std::to_string(nth) + " of the recovery: ");
        if (HasFatalFailure()) return;
    }
}

// --- power cut: only what was synced is sure to be there, of the rest any part of any write ---

constexpr std::size_t kSector = 512;

class Platter {
  public:
    explicit Platter(const std::string& dir) {
        for (const auto& file : std::filesystem::directory_iterator(dir)) files_[file.path()] = read_bytes(file.path());
    }

    /// What programs see until the machine stops: everything.
    [[nodiscard]] Platter cache() const {
        Platter seen = *this;
        for (const auto& [file, operations] : waiting_) {
            for (const DiskOperation& operation : operations) seen.change(operation);
        }
        seen.waiting_.clear();
        return seen;
    }

    void apply(const DiskOperation& operation) {
        if (operation.kind == DiskOperation::Kind::Rename) {
            files_[operation.file] = files_[operation.bytes];
            waiting_[operation.file] = waiting_[operation.bytes];
            files_.erase(operation.bytes);
            waiting_.erase(operation.bytes);
        } else if (operation.kind == DiskOperation::Kind::Sync) {
            for (const DiskOperation& done : waiting_[operation.file]) change(done);
            waiting_[operation.file].clear();
        } else if (operation.kind != DiskOperation::Kind::Told) {
            waiting_[operation.file].push_back(operation);
        }
    }

    /// What a cut leaves: each sector of what was not synced is there with this probability.
    void cut(double kept, std::mt19937& random) {
        std::bernoulli_distribution stays(kept);
        for (auto& [file, operations] : waiting_) {
            for (const DiskOperation& operation : operations) {
                if (operation.kind == DiskOperation::Kind::Truncate && stays(random)) change(operation);
                for (std::size_t at = 0; at < operation.bytes.size(); at += kSector) {
                    if (stays(random))
                        change({operation.kind, file, operation.offset + at, operation.bytes.substr(at, kSector)});
                }
            }
        }
    }

    // The shared memory file is not on the disk: SQLite makes it anew.
    void restore_to(const std::string& dir) const {
        namespace fs = std::filesystem;
        fs::remove_all(dir);
        fs::create_directory(dir);
        fs::permissions(dir, fs::perms::owner_all);
        for (const auto& [file, bytes] : files_) {
            const std::string name = fs::path(file).filename();
            if (name != "reserve" && !name.ends_with("-shm")) write_bytes(dir + "/" + name, bytes);
        }
    }

  private:
    void change(const DiskOperation& operation) {
        std::string& bytes = files_[operation.file];
        if (operation.kind == DiskOperation::Kind::Truncate) {
            bytes.resize(operation.offset);
        } else {
            bytes.resize(std::max<std::size_t>(bytes.size(), operation.offset + operation.bytes.size()));
            bytes.replace(operation.offset, operation.bytes.size(), operation.bytes);
        }
    }

    std::map<std::string, std::string> files_;
    std::map<std::string, std::vector<DiskOperation>> waiting_;
};

struct Recording {
    std::vector<DiskOperation> operations;
    std::string base;  // copy of the directory as it was before them
};

// Two daemons one after the other: the log is moved into the database between them, and begun again from its start.
Recording record_run(const TempDir& temp) {
    Recording run{.operations = {}, .base = (temp.root() / "base").string()};
    open_journal(temp.state()).close();
    copy_state(temp.state(), run.base);
    FaultyDisk disk(temp.state());
    disk.record();
    for (const int from : {1, 7}) {
        auto opened = open_journal(temp.state());
        for (int number = from; number < from + 6; ++number) {
            EXPECT_TRUE(append_and_wait(opened, number));
            disk.told(static_cast<std::uint64_t>(number));
        }
    }
    run.operations = disk.recording();
    return run;
}

// The same operations on a copy of the directory.
std::vector<DiskOperation> moved_to(const std::string& dir, std::vector<DiskOperation> operations) {
    const auto moved = [&](const std::string& file) {
        return dir + "/" + std::filesystem::path(file).filename().string();
    };
    for (DiskOperation& operation : operations) {
        operation.file = moved(operation.file);
        if (operation.kind == DiskOperation::Kind::Rename) operation.bytes = moved(operation.bytes);
    }
    return operations;
}

TEST(PowerCut, leaves_what_was_reported_whatever_of_the_rest_reached_the_disk) {
    const TempDir temp;
    const Recording run = record_run(temp);
    const auto operations = moved_to(run.base, run.operations);
    std::mt19937 random(7);
    const std::string image = (temp.root() / "image").string();
    for (std::size_t cut = 0; cut <= operations.size(); ++cut) {
        for (const double kept : {0.0, 0.6}) {
            Platter platter(run.base);
            std::uint64_t reported = 0;
            for (std::size_t i = 0; i < cut; ++i) {
                platter.apply(operations[i]);
                if (operations[i].kind == DiskOperation::Kind::Told) reported = operations[i].offset;
            }
            platter.cut(kept, random);
            platter.restore_to(image);
            const FaultyDisk no_real_syncs(image);
            expect_prefix(image, reported,
                          "cut after operation " + std::to_string(cut) + ", " + std::to_string(kept) + " kept: ");
            if (HasFatalFailure()) return;
        }
    }
    EXPECT_GT(operations.size(), 60u);
}

// The second daemon reads what the killed one wrote and did not sync; from then on it must survive the power cut as
// well.
void cut_after_a_kill(const TempDir& temp, const Platter& killed, std::uint64_t reported) {
    const std::string alive = (temp.root() / "base").string();
    killed.cache().restore_to(alive);
    std::vector<DiskOperation> operations;
    {
        FaultyDisk disk(alive);
        disk.record();
        auto opened = open_journal(alive);
        ASSERT_TRUE(opened.journal) << opened.journal.error().message;
        disk.told(opened->tail().seq);
        opened.close();
        operations = disk.recording();
    }
    std::mt19937 random(1);
    const std::string image = (temp.root() / "image").string();
    for (std::size_t cut = 0; cut <= operations.size(); ++cut) {
        Platter platter = killed;
        for (std::size_t i = 0; i < cut; ++i) {
            platter.apply(operations[i]);
            if (operations[i].kind == DiskOperation::Kind::Told) reported = operations[i].offset;
        }
        platter.cut(0.0, random);
        platter.restore_to(image);
        const FaultyDisk no_real_syncs(image);
        expect_prefix(image, reported, "cut after operation " + std::to_string(cut) + " of the second daemon: ");
        if (testing::Test::HasFatalFailure()) return;
    }
}

TEST(PowerCut, after_a_kill_leaves_what_the_next_daemon_took_for_written) {
    const TempDir temp;
    const Recording run = record_run(temp);
    const auto operations = moved_to(run.base, run.operations);
    Platter platter(run.base);
    std::uint64_t reported = 0;
    int kills = 0;
    for (const DiskOperation& operation : operations) {
        // Killed when the record is in the log, before the log is synced.
        if (operation.kind == DiskOperation::Kind::Sync && operation.file.ends_with("-wal") && reported > 0 &&
            kills < 4) {
            cut_after_a_kill(temp, platter, reported);
            if (HasFatalFailure()) return;
            ++kills;
        }
        platter.apply(operation);
        if (operation.kind == DiskOperation::Kind::Told) reported = operation.offset;
    }
    EXPECT_EQ(kills, 4);
}

}  // namespace
}  // namespace revertd::journal
