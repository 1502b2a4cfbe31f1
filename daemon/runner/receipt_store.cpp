// SPDX-License-Identifier: Apache-2.0
#include "daemon/runner/receipt_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "core/sha256.h"
#include "daemon/runner/limits.h"

namespace revertd::runner {
namespace {

constexpr const char* kSuffix = ".receipt";
constexpr std::size_t kMaxReceipt = 2 * kMaxLine;

/// A line counts only with its newline: without it the writer died in the middle.
StoredReceipt parse(const std::string& text) {
    StoredReceipt stored;
    const std::size_t first = text.find('\n');
    if (first == std::string::npos) return stored;
    stored.start = decode_start_record(text.substr(0, first));
    const std::size_t second = text.find('\n', first + 1);
    if (second == std::string::npos) return stored;
    stored.end = decode_receipt(text.substr(first + 1, second - first - 1));
    return stored;
}

}  // namespace

Result<Fd> ReceiptStore::claim(const std::string& key) const {
    Fd file(::open(path_of(key).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file) return system_error("create a receipt");
    return file;
}

Result<void> ReceiptStore::write_start(const Fd& file, const StartRecord& record) const {
    if (Result<void> written = write_all(file.get(), encode(record)); !written) return written;
    if (::fsync(file.get()) != 0) return system_error("fsync of a receipt");
    return fsync_directory(directory_);
}

void ReceiptStore::withdraw(const std::string& key) const {
    ::unlink(path_of(key).c_str());
}

Result<void> ReceiptStore::write_end(const std::string& key, const Receipt& receipt) const {
    const Fd file(::open(path_of(key).c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
    if (!file) return system_error("open a receipt");
    if (Result<void> written = write_all(file.get(), encode(receipt)); !written) return written;
    if (::fsync(file.get()) != 0) return system_error("fsync of a receipt");
    return {};
}

Result<StoredReceipt> ReceiptStore::read(const std::string& key) const {
    const Result<std::string> text = read_file(path_of(key), kMaxReceipt);
    if (!text) return text.error();
    return parse(*text);
}

void ReceiptStore::for_each(const std::function<void(StoredReceipt)>& visit) const {
    std::error_code ignored;
    for (const auto& file : std::filesystem::directory_iterator(directory_, ignored)) {
        if (file.path().extension() != kSuffix) continue;
        if (const Result<std::string> text = read_file(file.path().string(), kMaxReceipt)) visit(parse(*text));
    }
}

std::string ReceiptStore::newest() const {
    std::string newest;
    for_each([&](const StoredReceipt& stored) {
        if (stored.start && number_of(stored.start->key) > number_of(newest)) newest = stored.start->key;
    });
    return newest;
}

std::vector<StartRecord> ReceiptStore::unfinished() const {
    std::vector<StartRecord> out;
    for_each([&](StoredReceipt stored) {
        if (stored.start && !stored.end) out.push_back(*std::move(stored.start));
    });
    return out;
}

std::string ReceiptStore::path_of(const std::string& key) const {
    return directory_ + "/" + sha256_hex(key) + kSuffix;
}

}  // namespace revertd::runner
