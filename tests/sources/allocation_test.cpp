// SPDX-License-Identifier: Apache-2.0
// After warm-up a scrape allocates nothing: counted, not believed.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "tests/io/counting_new.h"
#include "tests/sources/body.h"

namespace {

thread_local std::size_t allocations = 0;  // the servers of other tests have threads of their own

}  // namespace

// Not inlined: GCC would see malloc on one side and delete on the other, and warn of a mismatch.
[[gnu::noinline]] void* operator new(std::size_t size) {
    ++allocations;
    if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
    throw std::bad_alloc();
}

[[gnu::noinline]] void operator delete(void* memory) noexcept {
    std::free(memory);
}

[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}

std::size_t revertd::test::allocations() {
    return ::allocations;
}

namespace revertd {
namespace {

std::string body_of(int round, bool backwards) {
    std::string body = "# TYPE a counter\n";
    for (int i = 0; i < 1000; ++i) {
        const int at = backwards ? 999 - i : i;
        body += (at % 5 == 0 ? "a" : "other") + ("{handler=\"/" + std::to_string(at)) + "\"} " +
                std::to_string(round + at) + "\n";
    }
    return body;
}

std::size_t allocations_of(Scraper& scraper, const std::string& body, std::size_t chunk) {
    const std::size_t before = allocations;
    ScrapeTarget& target = *scraper.targets[0];
    target.head(200, "text/plain; version=0.0.4", body.size());
    for (std::size_t at = 0; at < body.size(); at += chunk) scraper.feed(std::string_view(body).substr(at, chunk));
    target.done(FetchError::None, Time{});
    return allocations - before;
}

TEST(Allocations, a_scrape_makes_none_once_it_is_warm) {
    Scraper scraper({gauge_of("a", "a"), gauge_of("again", "a")});
    scraper.listener.stop_recording();
    EXPECT_GT(allocations_of(scraper, body_of(0, false), 1000), 0U);
    for (int round = 1; round < 12; ++round) {  // two pages in turn: both are to be learned
        allocations_of(scraper, body_of(round, round % 2 == 0), 1000);
        allocations_of(scraper, body_of(round, round % 3 == 0), 1000);
    }
    for (int round = 12; round < 36; ++round) {
        EXPECT_EQ(allocations_of(scraper, body_of(round, false), 1000), 0U);
        EXPECT_EQ(allocations_of(scraper, body_of(round, round % 2 == 0), 1 << 17), 0U);
    }
}

}  // namespace
}  // namespace revertd
