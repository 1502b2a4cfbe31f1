// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/startup_memory.h"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

namespace revertd {
namespace {

/// It has relocations in its code: then those pages are its own.
bool is_relocated_in_place(const dl_phdr_info& object) {
    for (int i = 0; i < object.dlpi_phnum; ++i) {
        if (object.dlpi_phdr[i].p_type != PT_DYNAMIC) continue;
        const auto* entry = reinterpret_cast<const ElfW(Dyn)*>(object.dlpi_addr + object.dlpi_phdr[i].p_vaddr);
        for (; entry->d_tag != DT_NULL; ++entry)
            if (entry->d_tag == DT_TEXTREL || (entry->d_tag == DT_FLAGS && (entry->d_un.d_val & DF_TEXTREL) != 0))
                return true;
    }
    return false;
}

/// What nobody ever writes to: code, and constants without relocations. Constants with relocations belong to a segment
/// that is writable, whatever the rights of their pages are once the dynamic linker has been there.
int release_constant_segments(dl_phdr_info* object, std::size_t, void*) {
    if (is_relocated_in_place(*object)) return 0;
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    for (int i = 0; i < object->dlpi_phnum; ++i) {
        const ElfW(Phdr)& segment = object->dlpi_phdr[i];
        if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
        const std::uintptr_t address = object->dlpi_addr + segment.p_vaddr;
        const std::uintptr_t begin = address / page * page, end = (address + segment.p_memsz + page - 1) / page * page;
        ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
    }
    return 0;
}

}  // namespace

void release_startup_memory() {
    ::malloc_trim(0);
    ::dl_iterate_phdr(release_constant_segments, nullptr);
}

}  // namespace revertd
