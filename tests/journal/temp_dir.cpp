// SPDX-License-Identifier: Apache-2.0
#include "tests/journal/temp_dir.h"

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace revertd::journal {

TempDir::TempDir() {
    // In memory where possible: these tests sync thousands of times, and what a sync means they check by themselves.
    const std::filesystem::path memory = "/dev/shm";
    const auto parent = std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path();
    std::string name = (parent / "revertd-journal-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    root_ = name;
}

TempDir::~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
}

std::string read_bytes(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

void write_bytes(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

void copy_state(const std::string& from, const std::string& to) {
    namespace fs = std::filesystem;
    fs::remove_all(to);
    fs::create_directory(to);
    fs::permissions(to, fs::perms::owner_all);
    for (const auto& file : fs::directory_iterator(from)) {
        if (file.is_regular_file() && file.path().filename() != "reserve")
            fs::copy(file.path(), fs::path(to) / file.path().filename());
    }
}

}  // namespace revertd::journal
