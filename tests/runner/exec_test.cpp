// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <random>

#include "tests/runner/harness.h"

namespace revertd {
namespace {

class Exec : public RunnerTest {
  protected:
    Exec() { start_runner({"--grace", "200ms"}); }
};

StepOrder with_deadline(StepOrder order, Duration deadline) {
    order.step.deadline = deadline;
    return order;
}

TEST_F(Exec, tells_exit_code_and_output) {
    const Receipt done = run(script("k0", "echo out; echo err >&2"));
    EXPECT_EQ(done.state, StepState::Done);
    EXPECT_EQ(done.exit, 0);
    EXPECT_EQ(done.output, "out\nerr\n");
    EXPECT_EQ(done.reason, "");
    EXPECT_FALSE(done.survivors);
    EXPECT_GT(done.started, WallTime{});
    EXPECT_GE(done.ended, done.started);
}

TEST_F(Exec, exit_10_means_already_there_and_others_failed) {
    EXPECT_EQ(run(script("k10", "exit 10")).state, StepState::Done);
    for (const int code : {1, 2, 64, 75, 77, 78, 127, 255}) {
        const Receipt failed = run(script("k" + std::to_string(code), "exit " + std::to_string(code)));
        EXPECT_EQ(failed.state, StepState::Failed);
        EXPECT_EQ(failed.exit, code);
    }
}

TEST_F(Exec, a_signal_leaves_the_outcome_unknown) {
    const Receipt receipt = run(script("k", "kill -SEGV $$"));
    EXPECT_EQ(receipt.state, StepState::Unknown);
    EXPECT_EQ(receipt.exit, std::nullopt);
    EXPECT_EQ(receipt.reason, "ended by signal 11");
}

TEST_F(Exec, a_sleeper_is_ended_at_its_deadline) {
    const Receipt receipt = run(with_deadline(script("k", "echo begun; exec sleep 1000"), 300ms));
    EXPECT_EQ(receipt.state, StepState::Unknown);
    EXPECT_EQ(receipt.output, "begun\n");
    EXPECT_EQ(receipt.reason, "its deadline passed; ended by SIGTERM");
}

TEST_F(Exec, who_ignores_sigterm_is_killed_with_its_whole_group) {
    const std::string text =
        "trap '' TERM; sh -c \"trap '' TERM; echo \\$\\$; while :; do sleep 1000; done\" & wait; wait";
    const Receipt receipt = run(with_deadline(script("k", text), 300ms));
    EXPECT_EQ(receipt.state, StepState::Unknown);
    EXPECT_EQ(receipt.reason, "its deadline passed; ended by SIGTERM, then SIGKILL");
    const pid_t grandchild = std::atoi(receipt.output.c_str());
    ASSERT_GT(grandchild, 1);
    // It was sent SIGKILL; init has yet to fetch it.
    run_until([&] {
        return read_text("/proc/" + std::to_string(grandchild) + "/stat").find(") Z") != std::string::npos ||
               ::kill(grandchild, 0) != 0;
    });
}

TEST_F(Exec, a_grandchild_that_ignores_sigterm_gets_the_grace_and_no_more) {
    const std::string text = "sh -c \"trap '' TERM; while :; do sleep 1000; done\" & exec sleep 1000";
    const Receipt receipt = run(with_deadline(script("k", text), 300ms));
    EXPECT_EQ(receipt.state, StepState::Unknown);
    EXPECT_EQ(receipt.reason, "its deadline passed; ended by SIGTERM, then SIGKILL");
}

/// Forks twice into a session of its own, as a daemon does, and tells its pid.
const char* const kDaemon = "setsid sh -c 'trap \"\" TERM; (while :; do sleep 1000; done) & echo $!' & ";

pid_t daemon_of(const Receipt& receipt) {
    return std::atoi(receipt.output.c_str());
}

/// With the rest of its session; false if it is gone.
bool end_daemon(const Receipt& receipt) {
    const pid_t group = ::getpgid(daemon_of(receipt));
    return group > 1 && ::kill(-group, SIGKILL) == 0;
}

/// The processes of a step are found by its key, on the whole host: tests that run beside this one have others.
std::string unique_key(const std::string& name) {
    return name + "-" + std::to_string(::getpid());
}

TEST_F(Exec, who_left_the_group_is_ended_at_the_deadline_too) {
    const std::string key = unique_key("left");
    StepOrder order = with_deadline(script(key, std::string(kDaemon) + "exec sleep 1000"), 500ms);
    std::get<ExecCall>(order.step.call).env = {{"REVERTD_KEY", key}};
    const Receipt receipt = run(order);
    EXPECT_EQ(receipt.state, StepState::Unknown);
    EXPECT_FALSE(receipt.survivors);
    ASSERT_GT(daemon_of(receipt), 1) << receipt.output;
    (void)query(key);  // it fetches what has ended at the beginning of each of its turns
    EXPECT_NE(::kill(daemon_of(receipt), 0), 0) << "nothing of the step is left, not even a zombie";
}

/// As kDaemon, with nothing left in its environment that would name the step.
const char* const kWipedDaemon =
    "setsid env -i /bin/sh -c 'trap \"\" TERM; (while :; do sleep 1000; done) & echo $!' & ";

TEST_F(Exec, who_left_the_group_and_wiped_its_environment_is_ended_at_the_deadline_too) {
    const std::string key = unique_key("wiped");
    StepOrder order = with_deadline(script(key, std::string(kWipedDaemon) + "exec sleep 1000"), 500ms);
    std::get<ExecCall>(order.step.call).env = {{"REVERTD_KEY", key}};
    const Receipt receipt = run(order);
    EXPECT_EQ(receipt.state, StepState::Unknown);
    EXPECT_FALSE(receipt.survivors);
    ASSERT_GT(daemon_of(receipt), 1) << receipt.output;
    (void)query(key);
    EXPECT_NE(::kill(daemon_of(receipt), 0), 0) << "nothing of the step is left, not even a zombie";
}

TEST_F(Exec, a_probe_is_not_taken_for_what_a_step_left_behind) {
    StepOrder order = with_deadline(script(unique_key("beside"), "exec sleep 1000"), 500ms);
    client_.start(order, [](const Receipt&) {});
    const ProbeResult seen = probe({"/bin/sh", "-c", "trap 'echo hurt; exit 1' TERM; sleep 1 & wait; echo fine"});
    EXPECT_EQ(seen.output, "fine\n");
    EXPECT_EQ(wait_for(order.key).state, StepState::Unknown);
}

/// It cannot be told whose it is: a service that an earlier step started may begin anew at any time.
TEST_F(Exec, what_an_earlier_step_left_behind_is_left_alone_and_so_is_what_comes_from_it) {
    const Receipt started = run(script(unique_key("service"), std::string(kWipedDaemon) + "sleep 0.2"));
    EXPECT_EQ(started.state, StepState::Done);
    ASSERT_GT(daemon_of(started), 1) << started.output;
    const Receipt later =
        run(with_deadline(script(unique_key("later"), std::string(kWipedDaemon) + "exec sleep 1000"), 500ms));
    EXPECT_EQ(later.state, StepState::Unknown);
    EXPECT_TRUE(end_daemon(started));
    ASSERT_GT(daemon_of(later), 1) << later.output;
    EXPECT_TRUE(end_daemon(later)) << "not known to be of this step";
}

TEST_F(Exec, a_daemon_of_another_step_is_left_alone) {
    const std::string theirs = unique_key("other"), ours = unique_key("own");
    StepOrder other = script(theirs, std::string(kDaemon) + "sleep 0.2");
    std::get<ExecCall>(other.step.call).env = {{"REVERTD_KEY", theirs}};
    const Receipt started = run(other);
    EXPECT_EQ(started.state, StepState::Done);
    StepOrder order = with_deadline(script(ours, "exec sleep 1000"), 300ms);
    std::get<ExecCall>(order.step.call).env = {{"REVERTD_KEY", ours}};
    EXPECT_EQ(run(order).state, StepState::Unknown);
    ASSERT_GT(daemon_of(started), 1) << started.output;
    EXPECT_TRUE(end_daemon(started));
}

TEST_F(Exec, a_grandchild_that_keeps_the_pipe_does_not_keep_the_step) {
    const Receipt receipt = run(script("k", "sleep 1000 & echo $!"));
    EXPECT_EQ(receipt.state, StepState::Done);
    EXPECT_TRUE(receipt.survivors);
    const pid_t grandchild = std::atoi(receipt.output.c_str());
    ASSERT_GT(grandchild, 1);
    EXPECT_EQ(::kill(grandchild, SIGTERM), 0) << "left alone: it may be the service itself";
}

TEST_F(Exec, a_program_left_behind_may_go_on_writing) {
    Fifo go(directory_ / "go"), told(directory_ / "told");
    const std::string text =
        "(trap 'echo hurt > $1; exit' PIPE; read x < $0; echo noise; echo noise; echo fine > $1) & exit 0";
    EXPECT_EQ(run(script("k", text, {go.path(), told.path()})).state, StepState::Done);
    go.write_line("now");
    EXPECT_EQ(told.read_line(), "fine");
}

TEST_F(Exec, keeps_the_end_of_a_long_output) {
    const Receipt receipt = run(script("k", "yes 0123456 | head -c 400000; echo the end"));
    EXPECT_EQ(receipt.state, StepState::Done);
    EXPECT_EQ(receipt.output.size(), 64U * 1024U);
    EXPECT_TRUE(receipt.output.ends_with("0123456\nthe end\n"));
}

TEST_F(Exec, a_flood_does_not_outlive_the_deadline) {
    const Receipt receipt = run(with_deadline(program("k", {"/usr/bin/yes"}), 300ms));
    EXPECT_EQ(receipt.state, StepState::Unknown);
    EXPECT_EQ(receipt.output.size(), 64U * 1024U);
}

TEST_F(Exec, makes_control_characters_visible_and_text_of_bytes) {
    const Receipt receipt = run(script("k", "printf 'a\\033[31mb\\000c\\377d\\303\\244\\n'"));
    EXPECT_EQ(receipt.output,
              "a\\x1b[31mb\\x00c\xEF\xBF\xBD"
              "d\xC3\xA4\n");
}

TEST_F(Exec, sees_the_given_environment_and_nothing_else) {
    StepOrder order = program("k", {"/usr/bin/env"});
    std::get<ExecCall>(order.step.call).env = {{"REVERTD_TO_VERSION", "v1"}, {"A", "b=c d"}};
    std::string output = run(order).output;
    const std::size_t deadline = output.find("REVERTD_DEADLINE_UNIX=");
    ASSERT_NE(deadline, std::string::npos) << output;
    EXPECT_GT(std::atol(output.c_str() + deadline + 22), 1'700'000'000);
    output.erase(deadline, output.find('\n', deadline) + 1 - deadline);
    EXPECT_EQ(output,
              "REVERTD_TO_VERSION=v1\nA=b=c d\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n");
}

TEST_F(Exec, has_three_descriptors_its_directory_and_the_context) {
    StepOrder order = script("k", "ls /proc/$$/fd; pwd; cat; umask");
    order.context = R"({"service":"api"})";
    std::get<ExecCall>(order.step.call).cwd = "/usr";
    EXPECT_EQ(run(order).output, "0\n1\n2\n/usr\n{\"service\":\"api\"}0022\n");
    EXPECT_EQ(run(script("k2", "cat; readlink /proc/$$/fd/0")).output, "/dev/null\n");
}

TEST_F(Exec, starts_with_no_signal_blocked_or_ignored) {
    const std::string output = run(program("k", {"/bin/grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"})).output;
    // 32 and 33 belong to glibc, which lets nobody change them.
    EXPECT_EQ(std::stoull(output.substr(output.find("SigBlk:") + 8, 16), nullptr, 16) & ~0x180000000ULL, 0U) << output;
    EXPECT_EQ(std::stoull(output.substr(output.find("SigIgn:") + 8, 16), nullptr, 16) & ~0x180000000ULL, 0U) << output;
}

TEST_F(Exec, leads_its_own_session) {
    const std::string output =
        run(script("k", "set -- $(cat /proc/$$/stat); [ $1 = $5 ] && [ $1 = $6 ] && echo leader")).output;
    EXPECT_EQ(output, "leader\n");
}

TEST_F(Exec, refuses_programs_that_others_could_have_written) {
    const std::string path = directory_ / "rollback";
    const auto reason = [&](const std::string& key) {
        const Receipt receipt = run(program(key, {path, "v1"}));
        EXPECT_EQ(receipt.state, StepState::None) << "nothing was started";
        EXPECT_EQ(query(key).state, StepState::None) << "and nothing stands in its way";
        return receipt.reason;
    };
    write_text(path, "#!/bin/sh\necho $1\n", 0775);
    EXPECT_NE(reason("group").find("its group or everybody may write it"), std::string::npos);
    write_text(path, "#!/bin/sh\necho $1\n", 0757);
    EXPECT_NE(reason("all").find("its group or everybody may write it"), std::string::npos);
    write_text(path, "#!/bin/sh\necho $1\n", 0644);
    EXPECT_NE(reason("not executable").find("Permission denied"), std::string::npos);
    ::chmod(path.c_str(), 0755);
    ::chmod(directory_.path().c_str(), 0777);
    EXPECT_NE(reason("directory").find("everybody may write this directory"), std::string::npos);
    ::chmod(directory_.path().c_str(), 0755);
    EXPECT_EQ(run(program("good", {path, "v1"})).output, "v1\n");
    EXPECT_EQ(run(program("directory", {path, "v1"})).state, StepState::Done) << "a refusal leaves no receipt";
}

TEST_F(Exec, refuses_what_is_no_program) {
    EXPECT_NE(run(program("a", {"sh", "-c", "true"})).reason.find("not an absolute path"), std::string::npos);
    EXPECT_NE(run(program("b", {"/no/such/program"})).reason.find("No such file"), std::string::npos);
    EXPECT_NE(run(program("c", {"/usr"})).reason.find("not a file"), std::string::npos);
    EXPECT_NE(run(program("d", {"/bin/echo", std::string("a\0b", 3)})).reason.find("NUL in argv"), std::string::npos);
    EXPECT_EQ(run(program("e", {"/bin/sh\xFF"})).state, StepState::None);
}

TEST_F(Exec, says_when_its_directory_is_not_there) {
    StepOrder order = script("k", "true");
    std::get<ExecCall>(order.step.call).cwd = "/no/such/directory";
    const Receipt receipt = run(order);
    EXPECT_EQ(receipt.state, StepState::Failed);
    EXPECT_EQ(receipt.reason, "could not be executed: No such file or directory");
}

TEST_F(Exec, says_why_the_kernel_would_not_execute_it) {
    write_text(directory_ / "empty", "#!/no/such/interpreter\n", 0755);
    const Receipt receipt = run(program("k", {directory_ / "empty"}));
    EXPECT_EQ(receipt.state, StepState::Failed);
    EXPECT_EQ(receipt.exit, 127);
    EXPECT_EQ(receipt.reason, "could not be executed: No such file or directory");
}

TEST_F(Exec, a_stop_ends_the_group_and_leaves_the_outcome_unknown) {
    Fifo told(directory_ / "told");
    std::optional<Receipt> answer;
    client_.start(script("k", "echo up > $0; exec sleep 1000", {told.path()}), [&](const Receipt& r) { answer = r; });
    run_until([&] { return client_.connected(); });
    EXPECT_EQ(told.read_line(), "up");
    client_.stop("k");
    run_until([&] { return answer.has_value(); });
    EXPECT_EQ(answer->state, StepState::Unknown);
    EXPECT_EQ(answer->reason, "stopped on request; ended by SIGTERM");
}

std::string random_argument(std::mt19937& random) {
    static const std::vector<std::string> kPieces{"'",        "\"",       "\\",
                                                  "\n",       "\r\n",     "$(touch /tmp/x)",
                                                  "`id`",     ";",        "&&",
                                                  "|",        "*",        "{to}",
                                                  " ",        "\t",       "-rf",
                                                  "../",      "\x7f",     "\x01",
                                                  "\xC3\xA4", "%s",       "\xF0\x9F\x98\x80",
                                                  "--",       "#",        "~",
                                                  "!",        "a",        "0",
                                                  "\\u0000",  "</script>"};
    std::string text;
    for (auto n = random() % 12; n > 0; --n) text += kPieces[random() % kPieces.size()];
    return text;
}

TEST_F(Exec, arguments_arrive_byte_for_byte) {
    std::mt19937 random(7);
    std::vector<std::string> arguments{std::string(64 * 1024, 'x'), "", " ", "-"};
    while (arguments.size() < 10'000) arguments.push_back(random_argument(random));
    std::vector<std::string> argv{directory_ / "dump"};
    write_text(argv[0], "#!/bin/sh\nprintf '%s\\0' \"$@\" > " + (directory_ / "dumped") + "\n", 0755);
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    ASSERT_EQ(run(program("k", argv)).state, StepState::Done);
    std::string expected;
    for (const std::string& argument : arguments) expected.append(argument).push_back('\0');
    EXPECT_EQ(read_text(directory_ / "dumped"), expected);
}

TEST_F(Exec, arguments_that_are_not_utf8_are_refused) {
    for (const char* argument : {"\xFF", "\xC3", "\xED\xA0\x80", "\xC0\xAF"}) {
        const Receipt receipt = run(program("k", {"/bin/echo", argument}));
        EXPECT_EQ(receipt.state, StepState::None);
        EXPECT_NE(receipt.reason.find("not UTF-8"), std::string::npos);
    }
}

}  // namespace
}  // namespace revertd
