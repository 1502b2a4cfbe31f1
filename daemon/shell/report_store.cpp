// SPDX-License-Identifier: Apache-2.0
#include "daemon/shell/report_store.h"

#include <filesystem>
#include <fstream>

namespace revertd {

namespace {

/// An id is a file name: whatever else stands in it is made plain.
std::string file_name(const std::string& id) {
    std::string out;
    for (const char c : id) out += (c == '/' || c == '.') ? '_' : c;
    return out;
}

}  // namespace

ReportStore::ReportStore(const Backend& backend, const ReportSettings& settings, const std::string& storage)
    : backend_(backend),
      dir_(settings.dir.starts_with('/') ? settings.dir : storage + "/" + settings.dir),
      keep_(settings.keep) {}

void ReportStore::on_record(const Record& record, const State& state) {
    if (const auto* closed = std::get_if<GuardClosed>(&record.fact)) {
        const Deployment* d = state.deployment(closed->deploy);
        write(d != nullptr && !d->incident.empty() ? d->incident : closed->deploy);
    } else if (const auto* incident = std::get_if<IncidentClosed>(&record.fact)) {
        write(incident->incident);
        remove_old();
    }
}

void ReportStore::write(const std::string& id) const {
    const std::filesystem::path dir = std::filesystem::path(dir_) / file_name(id);
    std::error_code error;
    std::filesystem::create_directories(dir, error);
    for (const std::string format : {"md", "json"}) {
        const auto text = backend_.report(id, format);
        if (!text) continue;  // asked for again by `incident report`, which says why
        const std::filesystem::path temporary = dir / (".report." + format);
        std::ofstream(temporary) << *text;
        std::filesystem::rename(temporary, dir / ("report." + format), error);
    }
}

void ReportStore::remove_old() const {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(dir_, error)) {
        const auto age = std::filesystem::file_time_type::clock::to_sys(entry.last_write_time(error));
        if (!error && WallTime(backend_.now().wall) - age > keep_) std::filesystem::remove_all(entry.path(), error);
    }
}

}  // namespace revertd
