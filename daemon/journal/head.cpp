// SPDX-License-Identifier: Apache-2.0
#include "daemon/journal/head.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <sstream>
#include <system_error>

#include "core/sha256.h"

namespace revertd::journal {

namespace {

constexpr std::size_t kSlotBytes = 4096;
constexpr std::string_view kMagic = "revertd-head-1";

struct Slot {
    std::uint64_t generation = 0;
    Head head;
};

// One line that a person can read: magic, generation, seq, hash, checksum of what stands before it.
std::string encode(const Slot& slot) {
    std::string line(kMagic);
    line += ' ' + std::to_string(slot.generation) + ' ' + std::to_string(slot.head.seq) + ' ' + slot.head.hash;
    line += ' ' + sha256_hex(line) + '\n';
    line.resize(kSlotBytes, '\n');
    return line;
}

std::optional<Slot> decode(std::string_view bytes) {
    Slot slot;
    std::string magic;
    std::istringstream words{std::string(bytes)};
    words >> magic >> slot.generation >> slot.head.seq >> slot.head.hash;
    // Whatever was read, only the exact bytes that it would be written as are believed.
    if (!words || bytes != encode(slot)) return std::nullopt;
    return slot;
}

}  // namespace

Result<std::vector<Head>> HeadFile::read(const StateDir& dir) {
    auto there = dir.has(kName);
    if (!there) return there.error();
    if (!*there) return Error(ErrorCode::NotFound, "there is no " + dir.file(kName));
    auto content = dir.read_file(kName);
    if (!content) return content.error();
    std::vector<Slot> slots;
    for (const std::size_t offset : {std::size_t{0}, kSlotBytes}) {
        if (offset > content->size()) continue;
        if (auto slot = decode(std::string_view(*content).substr(offset, kSlotBytes))) slots.push_back(*slot);
    }
    if (slots.empty()) return Error(ErrorCode::Corrupt, dir.file(kName) + ": neither of its two slots is readable");
    if (slots.size() == 2 && slots[0].generation < slots[1].generation) std::swap(slots[0], slots[1]);
    if (slots.size() == 2 && slots[0].head.seq < slots[1].head.seq) {
        return Error(ErrorCode::Corrupt, dir.file(kName) + ": the newer slot is behind the older one");
    }
    std::vector<Head> heads;
    for (Slot& slot : slots) heads.push_back(std::move(slot.head));
    return heads;
}

Result<HeadFile> HeadFile::create(const StateDir& dir, const Head& head) {
    auto replaced = dir.replace_file(kName, encode({0, head}) + encode({1, head}));
    if (!replaced) return replaced.error();
    auto file = dir.open_file(kName, O_WRONLY);
    if (!file) return file.error();
    return HeadFile(std::move(*file), dir.file(kName));
}

Result<void> HeadFile::write(const Head& head) {
    ++generation_;
    const std::string slot = encode({generation_, head});
    const off_t offset = generation_ % 2 == 0 ? 0 : static_cast<off_t>(kSlotBytes);
    const ssize_t written = ::pwrite(file_.fd(), slot.data(), slot.size(), offset);
    const bool whole = written == static_cast<ssize_t>(slot.size());
    ++unsynced_;
    if (whole) return {};
    // Even a full disk is an error for good here: the record is committed, and writing it once more is not the way out.
    const std::string why = written >= 0 && !whole ? "cut short" : std::generic_category().message(errno);
    return Error(ErrorCode::Io, "write " + path_ + ": " + why);
}

Result<void> HeadFile::sync() {
    if (::fdatasync(file_.fd()) != 0)
        return Error(ErrorCode::Io, "sync " + path_ + ": " + std::generic_category().message(errno));
    unsynced_ = 0;
    return {};
}

}  // namespace revertd::journal
