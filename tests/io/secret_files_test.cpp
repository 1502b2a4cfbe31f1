// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/secret_files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "daemon/io/http_client.h"
#include "daemon/io/http_options.h"
#include "daemon/io/limits.h"
#include "daemon/io/loop.h"
#include "daemon/io/system_clock.h"
#include "tests/support/loop_driver.h"

namespace revertd::test {
namespace {

class SecretFilesTest : public ::testing::Test {
  protected:
    SecretFilesTest() {
        std::string name = (std::filesystem::temp_directory_path() / "revertd-secrets-XXXXXX").string();
        folder = ::mkdtemp(name.data());
        file = {"token", folder + "/token"};
    }

    ~SecretFilesTest() override {
        release();
        std::filesystem::remove_all(folder);
    }

    void write(const std::string& text) const {
        std::ofstream(folder + "/new") << text;
        std::filesystem::rename(folder + "/new", file.path);
    }

    /// A file that hangs whoever reads it, until `release`.
    void hang() {
        ASSERT_EQ(::mkfifo((folder + "/new").c_str(), 0600), 0);
        hanging = folder + "/fifo";
        std::filesystem::create_hard_link(folder + "/new", hanging);
        std::filesystem::rename(folder + "/new", file.path);
    }

    void release(const std::string& text = {}) const {
        if (hanging.empty()) return;
        const int fd = ::open(hanging.c_str(), O_RDWR | O_NONBLOCK);
        if (fd < 0) return;
        [[maybe_unused]] const ssize_t written = ::write(fd, text.data(), text.size());
        // Its readers are woken by the open; they see the end when nobody can write any more.
        ::close(fd);
    }

    [[nodiscard]] std::string known(const SecretPath& of) {
        const auto line = secrets.first_line(of);
        return line ? *line : "(none)";
    }

    [[nodiscard]] std::string now_known() { return known(file); }

    std::string folder, hanging;
    SecretPath file;
    SystemClock clock;
    Loop loop{clock};
    SecretFiles secrets{loop};
};

TEST_F(SecretFilesTest, the_first_line_without_its_end) {
    write("s3cret \r\nmore\n");
    EXPECT_EQ(now_known(), "s3cret");
}

TEST_F(SecretFilesTest, says_what_cannot_be_read_by_its_name) {
    for (const char* text : {"", "\n"}) {
        write(text);
        const auto read = SecretFiles(loop).first_line(file);
        ASSERT_FALSE(read);
        EXPECT_EQ(read.error().message, "the secret token cannot be read");
    }
    EXPECT_FALSE(SecretFiles(loop).first_line({"none", folder + "/none"}));
    EXPECT_FALSE(SecretFiles(loop).first_line({"no path", {}}));
}

TEST_F(SecretFilesTest, a_rotated_file_is_noticed) {
    write("one");
    EXPECT_EQ(now_known(), "one");
    write("two");
    EXPECT_TRUE(run_until(loop, [&] { return now_known() == "two"; }));
}

TEST_F(SecretFilesTest, a_file_that_is_gone_changes_nothing) {
    write("one");
    EXPECT_EQ(now_known(), "one");
    std::filesystem::remove(file.path);
    const Time begin = loop.now();
    EXPECT_TRUE(run_until(loop, [&] { return loop.now() > begin + 2 * kSecretAge; }));
    EXPECT_EQ(now_known(), "one");  // has it read
    write("two");
    EXPECT_TRUE(run_until(loop, [&] { return now_known() == "two"; }));
}

TEST_F(SecretFilesTest, one_that_was_missing_is_read_where_that_is_awaited) {
    EXPECT_EQ(now_known(), "(none)");
    write("one");
    EXPECT_EQ(now_known(), "(none)") << "not again so soon";
    bool over = false;
    secrets.read({file}, [&] { over = true; });
    EXPECT_TRUE(run_until(loop, [&] { return over; }));
    EXPECT_EQ(now_known(), "one");
}

TEST_F(SecretFilesTest, one_that_was_missing_is_noticed_and_never_waited_for_again) {
    EXPECT_EQ(now_known(), "(none)");
    hang();
    const Time begin = loop.now();
    EXPECT_TRUE(run_until(loop, [&] { return loop.now() > begin + 2 * kSecretAge; }));
    const Time asked = loop.now();
    for (int i = 0; i < 1000; ++i) EXPECT_EQ(now_known(), "(none)");
    EXPECT_LT(loop.now() - asked, kSecretPatience / 2) << "what is missing and slow to say so holds nobody";
    const auto is_there = [&] {
        release("one\n");  // as often as it takes until the reader has come
        return now_known() == "one";
    };
    EXPECT_TRUE(run_until(loop, is_there));
}

TEST_F(SecretFilesTest, is_told_of_a_hanging_file_in_time_and_goes_on) {
    write("one");
    EXPECT_EQ(now_known(), "one");
    hang();
    bool over = false;
    const Time begin = loop.now();
    secrets.read({file}, [&] { over = true; });
    EXPECT_LT(loop.now() - begin, kSecretPatience / 2);
    EXPECT_FALSE(over);
    EXPECT_TRUE(run_until(loop, [&] { return over; }));
    EXPECT_GE(loop.now() - begin, kSecretPatience);
    EXPECT_EQ(now_known(), "one");
}

TEST_F(SecretFilesTest, of_nothing_to_read_it_is_told_at_once) {
    bool over = false;
    secrets.read({}, [&] { over = true; });
    EXPECT_TRUE(over);
    secrets.read({{"no path", {}}}, [&] { over = false; });
    EXPECT_FALSE(over);
}

TEST_F(SecretFilesTest, ends_while_a_reading_is_awaited) {
    hang();
    {
        SecretFiles other(loop);
        other.read({file}, [] { FAIL() << "its owner is gone"; });
    }
    release("late\n");
    const Time begin = loop.now();
    EXPECT_TRUE(run_until(loop, [&] { return loop.now() > begin + 2 * kSecretPatience; }));
}

TEST_F(SecretFilesTest, a_file_that_hangs_holds_nobody_and_the_old_secret_stays) {
    write("one");
    EXPECT_EQ(now_known(), "one");
    hang();
    const Time begin = loop.now();
    EXPECT_TRUE(run_until(loop, [&] { return loop.now() > begin + 2 * kSecretAge; }));
    const Time asked = loop.now();
    for (int i = 0; i < 1000; ++i) EXPECT_EQ(now_known(), "one");
    EXPECT_LT(loop.now() - asked, kSecretPatience);

    // Another file is read all the same.
    std::ofstream(folder + "/other") << "other";
    EXPECT_EQ(known({"other", folder + "/other"}), "other");
    write("two");
    release("late\n");
    EXPECT_TRUE(run_until(loop, [&] { return now_known() == "two"; })) << "the next read is of the new file";
}

TEST_F(SecretFilesTest, files_that_hang_from_the_start_are_waited_for_once_all_together) {
    hang();
    const Time begin = loop.now();
    EXPECT_EQ(secrets.first_line(file).error().message, "the secret token cannot be read in time");
    EXPECT_GE(loop.now() - begin, kSecretPatience);
    const Time again = loop.now();
    EXPECT_FALSE(secrets.first_line(file));
    std::filesystem::create_hard_link(hanging, folder + "/another");
    EXPECT_FALSE(secrets.first_line({"another", folder + "/another"}));
    EXPECT_LT(loop.now() - again, kSecretPatience / 2);
}

/// What a slot asks for: the loop must get through it, whatever the file does.
TEST_F(SecretFilesTest, headers_of_a_hanging_file_are_those_of_before) {
    HttpClient http(loop);
    HttpSettings settings;
    settings.credentials = file;
    write("one");
    const auto before = headers_of(settings, http.secrets());
    ASSERT_TRUE(before);
    hang();
    const Time begin = loop.now();
    bool over = false;
    loop.at(begin + 2 * kSecretAge, [&] {
        for (int slot = 0; slot < 2; ++slot) {  // the first asks the hanging file
            const auto headers = headers_of(settings, http.secrets());
            EXPECT_TRUE(headers && *headers == *before);
        }
        over = true;
    });
    EXPECT_TRUE(run_until(loop, [&] { return over; }));
    EXPECT_LT(loop.now() - begin, 2 * kSecretAge + kSecretPatience);
}

}  // namespace
}  // namespace revertd::test
