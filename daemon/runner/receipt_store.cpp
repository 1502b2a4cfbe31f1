// SPDX-License-Identifier: Apache-2.0
#include "daemon/runner/receipt_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "core/sha256.h"
#include "daemon/runner/limits.h"
#include "daemon/runner/receipt_json.h"

namespace revertd::runner {
namespace {

constexpr const char* kSuffix = ".receipt";
constexpr std::size_t kMaxReceipt = 2 * kMaxLine;

std::string to_line(const StartRecord& record) {
    JsonBuffer buffer;
    JsonWriter out(buffer);
    out.StartObject();
    put(out, "key", record.key);
    put(out, "digest", record.digest);
    put(out, "name", record.name);
    put(out, "pid", std::int64_t{record.pid});
    put(out, "start_ticks", static_cast<std::int64_t>(record.start_ticks));
    put(out, "boot_id", record.boot_id);
    put(out, "deadline_boot_ns", std::int64_t{record.deadline.count()});
    put(out, "started_ms", to_milliseconds(record.started));
    out.EndObject();
    return std::string(buffer.GetString(), buffer.GetSize()) + "\n";
}

std::optional<StartRecord> read_start(const std::string& line) {
    rapidjson::Document object;
    if (!parse_object(line, object)) return std::nullopt;
    StartRecord record;
    record.key = text_of(object, "key").value_or("");
    record.digest = text_of(object, "digest").value_or("");
    record.name = text_of(object, "name").value_or("");
    record.pid = static_cast<pid_t>(integer_of(object, "pid").value_or(0));
    record.start_ticks = static_cast<std::uint64_t>(integer_of(object, "start_ticks").value_or(0));
    record.boot_id = text_of(object, "boot_id").value_or("");
    record.deadline = Duration(integer_of(object, "deadline_boot_ns").value_or(0));
    record.started = WallTime(std::chrono::milliseconds(integer_of(object, "started_ms").value_or(0)));
    if (record.key.empty()) return std::nullopt;
    return record;
}

/// A line counts only with its newline: without it the writer died in the middle.
StoredReceipt parse(const std::string& text) {
    StoredReceipt stored;
    const std::size_t first = text.find('\n');
    if (first == std::string::npos) return stored;
    stored.start = read_start(text.substr(0, first));
    const std::size_t second = text.find('\n', first + 1);
    if (second == std::string::npos) return stored;
    rapidjson::Document object;
    if (parse_object(text.substr(first + 1, second - first - 1), object)) stored.end = read_receipt(object);
    return stored;
}

}  // namespace

Result<Fd> ReceiptStore::claim(const std::string& key) const {
    Fd file(::open(path_of(key).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file) return system_error("create a receipt");
    return file;
}

Result<void> ReceiptStore::write_start(const Fd& file, const StartRecord& record) const {
    if (Result<void> written = write_all(file.get(), to_line(record)); !written) return written;
    if (::fsync(file.get()) != 0) return system_error("fsync of a receipt");
    return fsync_directory(directory_);
}

void ReceiptStore::withdraw(const std::string& key) const {
    ::unlink(path_of(key).c_str());
}

Result<void> ReceiptStore::write_end(const std::string& key, const Receipt& receipt) const {
    const Fd file(::open(path_of(key).c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
    if (!file) return system_error("open a receipt");
    JsonBuffer buffer;
    JsonWriter out(buffer);
    write_receipt(out, receipt);
    const std::string line = std::string(buffer.GetString(), buffer.GetSize()) + "\n";
    if (Result<void> written = write_all(file.get(), line); !written) return written;
    if (::fsync(file.get()) != 0) return system_error("fsync of a receipt");
    return {};
}

Result<StoredReceipt> ReceiptStore::read(const std::string& key) const {
    const Result<std::string> text = read_file(path_of(key), kMaxReceipt);
    if (!text) return text.error();
    return parse(*text);
}

std::vector<StartRecord> ReceiptStore::unfinished() const {
    std::vector<StartRecord> out;
    std::error_code ignored;
    for (const auto& file : std::filesystem::directory_iterator(directory_, ignored)) {
        if (file.path().extension() != kSuffix) continue;
        const Result<std::string> text = read_file(file.path().string(), kMaxReceipt);
        if (!text) continue;
        StoredReceipt stored = parse(*text);
        if (stored.start && !stored.end) out.push_back(*std::move(stored.start));
    }
    return out;
}

std::string ReceiptStore::path_of(const std::string& key) const {
    return directory_ + "/" + sha256_hex(key) + kSuffix;
}

}  // namespace revertd::runner
