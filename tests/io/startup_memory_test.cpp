// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/startup_memory.h"

#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>

namespace revertd {
namespace {

/// KiB of files that are mapped and cannot be written to.
std::size_t resident_constants() {
    std::ifstream maps("/proc/self/smaps");
    std::size_t total = 0;
    bool counts = false;
    for (std::string line; std::getline(maps, line);) {
        std::istringstream words(line);
        std::string first, rights;
        words >> first >> rights;
        if (first.find('-') != std::string::npos && first.back() != ':')
            counts = rights.starts_with("r-") && line.find(" /") != std::string::npos;
        else if (first == "Rss:" && counts)
            total += std::stoul(rights);
    }
    return total;
}

struct Shape {
    Shape() = default;
    Shape(const Shape&) = delete;
    Shape& operator=(const Shape&) = delete;
    virtual ~Shape() = default;
    [[nodiscard]] virtual std::string name() const = 0;
};

struct Circle : Shape {
    [[nodiscard]] std::string name() const override { return "circle"; }
};

const char* const kRelocated[] = {"one", "two"};

TEST(StartupMemory, code_and_constants_are_given_back_and_come_back) {
    const std::size_t before = resident_constants();
    release_startup_memory();
    const std::size_t after = resident_constants();
    EXPECT_LT(after * 2, before) << before << " KiB, then " << after;

    // What needs relocations (tables of virtual functions, of handlers, of texts) is as it was.
    const std::unique_ptr<Shape> shape = std::make_unique<Circle>();
    EXPECT_EQ(shape->name(), "circle");
    EXPECT_STREQ(kRelocated[1], "two");
    EXPECT_THROW(static_cast<void>(std::stoi("none")), std::invalid_argument);
}

}  // namespace
}  // namespace revertd
