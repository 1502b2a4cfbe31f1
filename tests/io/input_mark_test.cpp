// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/input_mark.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

namespace revertd {
namespace {

class InputMarks : public testing::Test {
  protected:
    InputMarks() {
        std::string name = (std::filesystem::temp_directory_path() / "revertd-mark-XXXXXX").string();
        directory_ = ::mkdtemp(name.data());
    }

    ~InputMarks() override { std::filesystem::remove_all(directory_); }

    /// A process that ends in the middle of `work`, or after it.
    void run(const std::function<void(InputMark&)>& work) const {
        const pid_t child = ::fork();
        if (child == 0) {
            InputMark mark;
            if (!mark.open(path())) ::_exit(3);
            work(mark);
            ::_exit(0);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        EXPECT_FALSE(WIFEXITED(status) && WEXITSTATUS(status) == 3);
    }

    [[nodiscard]] std::string left() const {
        InputMark mark;
        const auto found = mark.open(path());
        return found ? *found : found.error().message;
    }

    [[nodiscard]] std::string path() const { return directory_ + "/in-progress"; }

    std::string directory_;
};

TEST_F(InputMarks, what_was_in_progress_outlives_the_process) {
    run([](InputMark& mark) {
        const InputMark::Busy busy(mark, "metrics of api, http://a/metrics");
        ::abort();
    });
    EXPECT_EQ(left(), "metrics of api, http://a/metrics");
    EXPECT_EQ(left(), "") << "said once";
}

TEST_F(InputMarks, what_is_to_be_told_stays_until_somebody_was) {
    {
        InputMark mark;
        ASSERT_TRUE(mark.open_and_leave(path()));
        mark.keep("told");
    }
    for (int start = 0; start < 2; ++start) EXPECT_EQ(*InputMark().open_and_leave(path()), "told") << start;
    {
        InputMark mark;
        EXPECT_EQ(*mark.open_and_leave(path()), "told");
        mark.clear();
    }
    EXPECT_EQ(*InputMark().open_and_leave(path()), "");
}

TEST_F(InputMarks, nothing_is_left_by_an_orderly_end_or_between_inputs) {
    run([](InputMark& mark) { const InputMark::Busy busy(mark, "metrics of api"); });
    EXPECT_EQ(left(), "");
    run([](InputMark& mark) {
        { const InputMark::Busy busy(mark, "metrics of api"); }
        ::abort();
    });
    EXPECT_EQ(left(), "");
}

TEST_F(InputMarks, the_innermost_is_the_one_and_a_decision_is_none) {
    run([](InputMark& mark) {
        const InputMark::Busy answer(mark, "metrics of api");
        const InputMark::Busy judging(mark, "judging of api");
        ::abort();
    });
    EXPECT_EQ(left(), "judging of api");
    run([](InputMark& mark) {
        const InputMark::Busy answer(mark, "metrics of api");
        { const InputMark::Busy judging(mark, "judging of api"); }
        ::abort();
    });
    EXPECT_EQ(left(), "metrics of api");
    run([](InputMark& mark) {
        const InputMark::Busy answer(mark, "metrics of api");
        const InputMark::Busy decision(mark, {});
        ::abort();
    });
    EXPECT_EQ(left(), "");
}

TEST_F(InputMarks, a_long_name_is_cut_and_deep_nesting_is_survived) {
    run([](InputMark& mark) {
        const std::string name(2000, 'x');
        const InputMark::Busy busy(mark, name);
        ::abort();
    });
    EXPECT_EQ(left(), std::string(511, 'x'));
    const std::function<void(InputMark&, int)> nest = [&nest](InputMark& mark, int depth) {
        const InputMark::Busy busy(mark, "level " + std::to_string(depth));
        if (depth < 20) nest(mark, depth + 1);
    };
    run([&](InputMark& mark) {
        const InputMark::Busy outer(mark, "outer");
        nest(mark, 1);
        ::abort();
    });
    EXPECT_EQ(left(), "outer");
}

TEST(InputMark, knows_what_is_quarantined) {
    InputMark mark;
    EXPECT_FALSE(mark.is_quarantined("metrics of api"));
    mark.set_quarantined({"metrics of api"});
    EXPECT_TRUE(mark.is_quarantined("metrics of api"));
    EXPECT_FALSE(mark.is_quarantined("metrics of web"));
}

}  // namespace
}  // namespace revertd
