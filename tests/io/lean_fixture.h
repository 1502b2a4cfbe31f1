// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "daemon/io/lean_client.h"
#include "daemon/io/loop.h"
#include "daemon/io/resolver.h"
#include "daemon/io/system_clock.h"
#include "tests/support/fake_http.h"
#include "tests/support/loop_driver.h"

namespace revertd::test {

/// A lean client, a scripted server and one fetch at a time.
class LeanTest : public ::testing::Test {
  protected:
    [[nodiscard]] std::unique_ptr<Fetch> make(const std::string& url, const FetchOptions& options = {}) {
        auto fetch = client.make_fetch(*parse_url(url), options);
        EXPECT_TRUE(fetch);
        return std::move(*fetch);
    }

    /// Starts it and runs the loop until it is done.
    void run(Fetch& fetch, RecordingSink& sink, Duration limit = 10s) {
        const int before = sink.dones;
        fetch.start(loop.now() + limit, sink);
        EXPECT_EQ(sink.dones, before) << "done was called from inside start";
        EXPECT_TRUE(run_until(loop, [&] { return sink.dones > before; }));
        EXPECT_EQ(sink.dones, before + 1);
        EXPECT_FALSE(fetch.in_flight());
    }

    /// One fetch of the path on a connection of its own.
    [[nodiscard]] FetchError get(const std::string& path, RecordingSink& sink, Duration limit = 10s) {
        const auto fetch = make(server.url(path));
        run(*fetch, sink, limit);
        return sink.error.value_or(FetchError::None);
    }

    SystemClock clock;
    Loop loop{clock};
    Resolver resolver{loop};
    LeanClient client{loop, resolver, "revertd/test"};
    FakeHttp server;
};

}  // namespace revertd::test
