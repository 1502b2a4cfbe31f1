// SPDX-License-Identifier: Apache-2.0
#include "daemon/journal/audit.h"

#include <rapidjson/reader.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "daemon/journal/utf8.h"

namespace revertd::journal {

namespace {

using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

void text(Writer& out, const char* name, const std::string& value) {
    out.Key(name);
    out.String(valid_utf8(value));
}

bool is_object(const std::string& body) {
    rapidjson::Reader reader;
    rapidjson::BaseReaderHandler<> ignore;
    rapidjson::StringStream stream(body.c_str());
    constexpr auto kFlags = rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag;
    const bool one_line = body.find('\n') == std::string::npos && body.find('\0') == std::string::npos;
    return body.starts_with('{') && one_line && !reader.Parse<kFlags>(stream, ignore).IsError();
}

std::string to_line(const Entry& entry, const Link& link) {
    rapidjson::StringBuffer buffer;
    Writer out(buffer);
    out.StartObject();
    out.Key("seq");
    out.Uint64(entry.seq);
    text(out, "at", to_rfc3339(entry.wall));
    out.Key("wall_ns");
    out.Int64(entry.wall.time_since_epoch().count());
    out.Key("at_ns");
    out.Int64(entry.at.time_since_epoch().count());
    text(out, "kind", entry.kind);
    text(out, "service", entry.service);
    text(out, "incident", entry.incident);
    out.Key("body");
    if (is_object(entry.body)) {
        out.RawValue(entry.body.data(), entry.body.size(), rapidjson::kObjectType);
    } else {
        out.String(valid_utf8(entry.body));
    }
    text(out, "prev", link.previous);
    text(out, "hash", link.own);
    out.EndObject();
    return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace

Result<AuditReport> verify(const std::string& dir) {
    auto state = StateDir::open(dir, StateDir::Missing::Refuse);
    if (!state) return state.error();
    auto found = inspect(*state, [](const Entry&, const Link&) { return Result<void>(); });
    if (!found) return found.error();
    if (found->fresh()) return Error(ErrorCode::NotFound, "there is no journal in " + dir);
    AuditReport report;
    if (found->genesis) report.instance = found->genesis->instance;
    report.records = found->chain.records;
    report.tail = found->chain.tail;
    if (!found->heads.empty()) report.head = found->heads.front();
    report.fault = found->fault;
    if (found->heads.size() == 1) report.notes.emplace_back("one of the two slots of the head file is unreadable");
    if (found->ahead_of_head())
        report.notes.emplace_back("the newest records are not witnessed yet; a running daemon does that next");
    return report;
}

std::string to_words(const AuditReport& report) {
    std::string words = "journal " + (report.instance.empty() ? "(name unreadable)" : report.instance) + "\n";
    words += std::to_string(report.records) + " records form one chain, the last is " + std::to_string(report.tail.seq);
    words += report.records > 0 ? " of " + to_rfc3339(report.tail.wall) + ", hash " + report.tail.hash + "\n" : "\n";
    if (report.head)
        words +=
            "the head file witnesses record " + std::to_string(report.head->seq) + ", hash " + report.head->hash + "\n";
    for (const std::string& note : report.notes) words += note + "\n";
    return words + (report.fault ? "NOT intact: " + report.fault->why : "intact") + "\n";
}

Result<void> export_jsonl(const std::string& dir, const std::function<void(std::string_view)>& line) {
    auto state = StateDir::open(dir, StateDir::Missing::Refuse);
    if (!state) return state.error();
    auto found = inspect(*state, [&](const Entry& entry, const Link& link) {
        line(to_line(entry, link));
        return Result<void>();
    });
    if (!found) return found.error();
    if (found->fault) return Error(ErrorCode::Corrupt, found->fault->why);
    return {};
}

}  // namespace revertd::journal
