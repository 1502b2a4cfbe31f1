// SPDX-License-Identifier: Apache-2.0
// docs/openapi.yaml names every route and method of the server, and no other.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "config/document.h"
#include "daemon/api/routes.h"

namespace revertd::api {
namespace {

using Operations = std::set<std::string>;  // "GET /api/v1/incidents/{}"

/// `{deployment}` -> `{}`
std::string without_names(const std::string& path) {
    std::string out;
    bool inside = false;
    for (const char c : path) {
        if (c == '}') inside = false;
        if (!inside) out += c;
        if (c == '{') inside = true;
    }
    return out;
}

Operations documented() {
    const auto text = config::read_config_file(REVERTD_SOURCE_DIR "/docs/openapi.yaml");
    EXPECT_TRUE(text.has_value());
    Diagnostics diagnostics("docs/openapi.yaml", *text);
    const auto root = config::parse_document(*text, diagnostics);
    EXPECT_TRUE(root.has_value());
    Operations out;
    for (const auto& path : root->find("paths")->entries) {
        for (const auto& entry : path.value.entries) {
            if (entry.key == "parameters") continue;
            std::string method = entry.key;
            std::transform(method.begin(), method.end(), method.begin(),
                           [](char c) { return static_cast<char>(c & ~0x20); });
            EXPECT_TRUE(out.insert(method + " " + without_names(path.key)).second) << path.key;
        }
    }
    return out;
}

Operations served() {
    Operations out;
    for (const Route& route : all_routes()) {
        const std::string path = route.pattern.empty() ? "/" : std::string(route.pattern);
        if (route.read != nullptr) out.insert("GET " + path);
        if (route.write != nullptr) out.insert("POST " + path);
        if (route.write != nullptr && path.starts_with("/-/")) out.insert("PUT " + path);
    }
    return out;
}

TEST(OpenApi, names_every_route_and_no_other) {
    const Operations expected = served(), found = documented();
    for (const auto& operation : expected) EXPECT_TRUE(found.contains(operation)) << operation << " is not documented";
    for (const auto& operation : found) EXPECT_TRUE(expected.contains(operation)) << operation << " does not exist";
    EXPECT_GT(found.size(), 40U);
}

}  // namespace
}  // namespace revertd::api
