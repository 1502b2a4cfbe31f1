// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/startup_memory.h"

#include <malloc.h>
#include <sys/mman.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>

namespace revertd {

void release_startup_memory() {
    ::malloc_trim(0);
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        std::uintptr_t begin = 0, end = 0;
        std::array<char, 5> rights{};
        const bool read = std::sscanf(line.c_str(), "%lx-%lx %4s", &begin, &end, rights.data()) == 3;
        // Code of a file alone: it is never written to. Read-only data may be, by the dynamic linker.
        const bool code = read && std::string(rights.data()) == "r-xp" && line.find(" /") != std::string::npos;
        if (code) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
    }
}

}  // namespace revertd
