// SPDX-License-Identifier: Apache-2.0
#include "core/bytes.h"

namespace revertd {

std::uint64_t checksum(std::string_view bytes) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const char byte : bytes) {
        hash ^= static_cast<unsigned char>(byte);
        hash *= 0x100000001b3U;
    }
    return hash;
}

void ByteWriter::put(std::string_view text) {
    put(static_cast<std::uint32_t>(text.size()));
    if (form_ != nullptr) form_->push_back('t');
    bytes_.append(text);
}

bool ByteReader::get(Time& time) {
    Duration::rep count = 0;
    if (!get(count) || count > kFarthest.count() || count < -kFarthest.count()) return fail();
    time = Time(Duration(count));
    return true;
}

bool ByteReader::get(std::string& text, std::size_t most) {
    std::uint32_t size = 0;
    if (!get(size) || size > most || bytes_.size() - at_ < size) return fail();
    text.assign(bytes_.substr(at_, size));
    at_ += size;
    return true;
}

}  // namespace revertd
