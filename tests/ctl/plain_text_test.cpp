// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/plain_text.h"

#include <gtest/gtest.h>

#include <map>
#include <ostream>
#include <sstream>

namespace revertd::ctl {
namespace {

std::string plain(const std::string& text) {
    std::stringbuf behind;
    PlainText buffer(behind);
    std::ostream(&buffer) << text << std::flush;
    return behind.str();
}

TEST(PlainText, draws_bars_and_curves_of_the_same_width) {
    EXPECT_EQ(plain("  ███░░  8m / 15m  ▁▂▃▄▅▆▇█ cut…\n"), "  ###..  8m / 15m  _.-=+*%# cut~\n");
    EXPECT_EQ(plain("M\u00fcller \U0001F600 \x1b[1m!\n"), "M?ller ? \x1b[1m!\n");
    EXPECT_EQ(plain("a\xe2\x96"), "a") << "half of a character is nothing";
    EXPECT_EQ(plain("a\xff"
                    "b\xe2"
                    "c"),
              "a?bc");
}

TEST(PlainText, is_for_locales_that_say_so) {
    const auto wants = [](std::map<std::string, std::string> set) {
        return wants_plain_text([set = std::move(set)](const char* name) {
            const auto it = set.find(name);
            return it == set.end() ? std::nullopt : std::optional(it->second);
        });
    };
    EXPECT_FALSE(wants({}));
    EXPECT_FALSE(wants({{"LANG", "de_DE.UTF-8"}}));
    EXPECT_FALSE(wants({{"LANG", "C.utf8"}}));
    EXPECT_TRUE(wants({{"LANG", "C"}}));
    EXPECT_TRUE(wants({{"LANG", "de_DE@euro"}}));
    EXPECT_TRUE(wants({{"LANG", "de_DE.UTF-8"}, {"LC_ALL", "POSIX"}}));
    EXPECT_FALSE(wants({{"LANG", "C"}, {"LC_ALL", ""}, {"LC_CTYPE", "en_GB.UTF-8"}}));
}

}  // namespace
}  // namespace revertd::ctl
