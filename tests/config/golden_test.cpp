// SPDX-License-Identifier: Apache-2.0
// Faulty configurations: each `bad/NAME.yaml` gives exactly the lines of `bad/NAME.expected`. With
// REVERTD_UPDATE_GOLDEN set the expectations are written anew, for a person to read.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "config/load.h"

namespace revertd {
namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

std::vector<fs::path> faulty_files() {
    std::vector<fs::path> out;
    for (const auto& entry : fs::directory_iterator(REVERTD_SOURCE_DIR "/tests/config/bad"))
        if (entry.path().extension() == ".yaml") out.push_back(entry.path());
    std::sort(out.begin(), out.end());
    return out;
}

std::string diagnose(const fs::path& path) {
    std::string out;
    for (const Diagnostic& diagnostic : load(read(path), path.filename().string()).diagnostics)
        out += to_line(diagnostic) + "\n";
    return out;
}

TEST(FaultyConfigurations, are_named_with_position_and_hint) {
    const auto files = faulty_files();
    EXPECT_GE(files.size(), 60U);
    for (fs::path path : files) {
        const std::string found = diagnose(path);
        path.replace_extension(".expected");
        if (std::getenv("REVERTD_UPDATE_GOLDEN") != nullptr) std::ofstream(path) << found;
        EXPECT_EQ(found, read(path)) << path;
    }
}

TEST(FaultyConfigurations, are_refused) {
    for (const fs::path& path : faulty_files()) EXPECT_FALSE(load(read(path), "f").loaded) << path;
}

TEST(FaultyConfigurations, never_show_a_secret) {
    for (const char* name : {"secret_inline.yaml", "secret_in_the_file_key.yaml", "night_shapes.yaml",
                             "night_values.yaml", "night_webhook.yaml"})
        for (const Diagnostic& diagnostic :
             load(read(fs::path(REVERTD_SOURCE_DIR "/tests/config/bad") / name), "f").diagnostics)
            for (const char* secret : {"0123456789ABCDEF", "0123456789abcdef", "hunter2", "sesame", "XXXXXXXXXXXX"})
                EXPECT_EQ((to_line(diagnostic) + diagnostic.source_line).find(secret), std::string::npos)
                    << to_line(diagnostic);
}

/// Changes a text as a slip of the hand, or a bad disk, would.
std::string mutated(std::string text, std::mt19937& random) {
    static const std::vector<std::string> kPieces{
        " ",   "\n",  ":",     ": ", "#", "[",  "]",   "{", "}",   "'",   "\"", "%",  ">",    "|",
        "&a ", "*a",  "!x ",   "\t", "-", "- ", ",",   "0", "off", "yes", "~",  "\\", "\xc3", "\xf0\x9f\x98\x80",
        "P0",  "for", "---\n", "? ", "@", "`",  "<<: "};
    const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % std::max<std::size_t>(n, 1)); };
    for (std::size_t i = 0, count = 1 + below(4); i < count; ++i) {
        const std::size_t at = below(text.size());
        const std::size_t length = below(12);
        switch (below(4)) {
            case 0:
                text.insert(at, kPieces[below(kPieces.size())]);
                break;
            case 1:
                text.erase(at, length);
                break;
            case 2:
                text.insert(at, text.substr(below(text.size()), length * 3));
                break;
            default:
                text.resize(at);
                break;
        }
    }
    return text;
}

TEST(MutatedConfigurations, are_loaded_or_refused_with_a_place_inside_the_file) {
    std::mt19937 random(20261120);  // NOLINT: the same sequence every time
    std::vector<std::string> seeds;
    for (const char* name : {"minimal.yaml", "full.yaml"})
        seeds.push_back(read(fs::path(REVERTD_SOURCE_DIR "/config/examples") / name));
    for (const fs::path& path : faulty_files()) seeds.push_back(read(path));
    int refused = 0, accepted = 0;
    for (int round = 0; round < 4000; ++round) {
        const std::string text = mutated(seeds[random() % (round % 2 == 0 ? 2 : seeds.size())], random);
        const LoadResult result = load(text, "f.yaml");
        const auto lines = static_cast<std::uint32_t>(std::count(text.begin(), text.end(), '\n') + 1);
        bool error = false;
        for (const Diagnostic& diagnostic : result.diagnostics) {
            ASSERT_GE(diagnostic.line, 1U) << text;
            ASSERT_LE(diagnostic.line, lines) << text;
            ASSERT_GE(diagnostic.column, 1U) << text;
            ASSERT_LE(diagnostic.column, 1000U) << text;
            ASSERT_FALSE(diagnostic.what.empty()) << text;
            error = error || diagnostic.severity == Diagnostic::Severity::Error;
        }
        ASSERT_NE(result.loaded.has_value(), error) << text;
        ++(result.loaded ? accepted : refused);
    }
    EXPECT_GT(refused, 1000);
    EXPECT_GT(accepted, 100);
}

}  // namespace
}  // namespace revertd
