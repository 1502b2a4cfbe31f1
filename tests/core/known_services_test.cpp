// SPDX-License-Identifier: Apache-2.0
#include "core/known_services.h"

#include <gtest/gtest.h>

namespace revertd {
namespace {

Settings with(const std::vector<std::string>& names) {
    Settings settings;
    for (const std::string& name : names) settings.services[name] = std::make_shared<const ServiceSettings>();
    return settings;
}

TEST(KnownServices, the_one_that_was_meant_comes_first) {
    const Settings settings = with({"api", "billing", "shop"});
    EXPECT_EQ(known_services(&settings, "shp"), "configured are shop, api and billing");
    EXPECT_EQ(known_services(&settings, "biling"), "configured are billing, api and shop");
}

TEST(KnownServices, one_and_none_have_words_of_their_own) {
    const Settings one = with({"api"}), none;
    EXPECT_EQ(known_services(&one, "x"), "the only one configured is api");
    EXPECT_EQ(known_services(&none, "x"), "no services are configured");
    EXPECT_EQ(known_services(nullptr, "x"), "no services are configured");
}

TEST(KnownServices, a_long_list_is_cut_behind_the_nearest) {
    std::vector<std::string> names{"payments"};
    for (char c = 'a'; c <= 'k'; ++c) names.push_back(std::string(1, c));
    const Settings settings = with(names);
    EXPECT_EQ(known_services(&settings, "paymnets"), "configured are payments, a, e, b, c, d, f, g and 4 more");
}

}  // namespace
}  // namespace revertd
