// SPDX-License-Identifier: Apache-2.0
#include "daemon/runner/protocol.h"

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "daemon/runner/limits.h"

namespace revertd::runner {
namespace {

using JsonBuffer = rapidjson::StringBuffer;
using JsonWriter = rapidjson::Writer<JsonBuffer, rapidjson::UTF8<>, rapidjson::UTF8<>, rapidjson::CrtAllocator,
                                     rapidjson::kWriteValidateEncodingFlag>;

/// False if it is no JSON object.
bool parse_object(std::string_view text, rapidjson::Document& document) {
    document.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(text.data(), text.size());
    return !document.HasParseError() && document.IsObject();
}

const rapidjson::Value* member(const rapidjson::Value& object, const char* name) {
    if (!object.IsObject()) return nullptr;
    const auto found = object.FindMember(name);
    return found == object.MemberEnd() ? nullptr : &found->value;
}

std::optional<std::string> text_of(const rapidjson::Value& object, const char* name) {
    const rapidjson::Value* value = member(object, name);
    if (value == nullptr || !value->IsString()) return std::nullopt;
    return std::string(value->GetString(), value->GetStringLength());
}

std::optional<std::int64_t> integer_of(const rapidjson::Value& object, const char* name) {
    const rapidjson::Value* value = member(object, name);
    if (value == nullptr || !value->IsInt64()) return std::nullopt;
    return value->GetInt64();
}

bool true_of(const rapidjson::Value& object, const char* name) {
    const rapidjson::Value* value = member(object, name);
    return value != nullptr && value->IsTrue();
}

void put(JsonWriter& out, const char* name, const std::string& text) {
    out.Key(name);
    out.String(text);
}

void put(JsonWriter& out, const char* name, std::int64_t number) {
    out.Key(name);
    out.Int64(number);
}

std::int64_t to_milliseconds(WallTime wall) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(wall.time_since_epoch()).count();
}

void write_receipt(JsonWriter& out, const Receipt& receipt) {
    out.StartObject();
    put(out, "state", std::string(to_string(receipt.state)));
    if (receipt.exit) put(out, "exit", std::int64_t{*receipt.exit});
    if (!receipt.reason.empty()) put(out, "reason", receipt.reason);
    if (!receipt.output.empty()) put(out, "output", receipt.output);
    if (receipt.survivors) out.Key("survivors"), out.Bool(true);
    if (receipt.repeated) out.Key("repeated"), out.Bool(true);
    if (!receipt.newest.empty()) put(out, "newest", receipt.newest);
    if (receipt.started != WallTime{}) put(out, "started_ms", to_milliseconds(receipt.started));
    if (receipt.ended != WallTime{}) put(out, "ended_ms", to_milliseconds(receipt.ended));
    out.EndObject();
}

std::optional<Receipt> read_receipt(const rapidjson::Value& object) {
    Receipt receipt;
    const std::optional<StepState> state = step_state_from(text_of(object, "state").value_or(""));
    if (!state) return std::nullopt;
    receipt.state = *state;
    if (const auto exit = integer_of(object, "exit")) receipt.exit = static_cast<int>(*exit);
    receipt.reason = text_of(object, "reason").value_or("");
    receipt.output = text_of(object, "output").value_or("");
    receipt.survivors = true_of(object, "survivors");
    receipt.repeated = true_of(object, "repeated");
    receipt.newest = text_of(object, "newest").value_or("");
    receipt.started = WallTime(std::chrono::milliseconds(integer_of(object, "started_ms").value_or(0)));
    receipt.ended = WallTime(std::chrono::milliseconds(integer_of(object, "ended_ms").value_or(0)));
    return receipt;
}

std::int64_t to_ms(Duration duration) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

void write_pairs(JsonWriter& out, const char* name, const Pairs& pairs) {
    out.Key(name);
    out.StartArray();
    for (const auto& [key, value] : pairs) {
        out.StartArray();
        out.String(key);
        out.String(value);
        out.EndArray();
    }
    out.EndArray();
}

void write_call(JsonWriter& out, const ExecCall& call) {
    out.Key("exec");
    out.StartObject();
    out.Key("argv");
    out.StartArray();
    for (const std::string& element : call.argv) out.String(element);
    out.EndArray();
    put(out, "cwd", call.cwd);
    write_pairs(out, "env", call.env);
    out.EndObject();
}

void write_call(JsonWriter& out, const HttpCall& call) {
    out.Key("http");
    out.StartObject();
    put(out, "method", call.method);
    put(out, "url", call.url);
    write_pairs(out, "headers", call.headers);
    put(out, "body", call.body);
    out.EndObject();
}

void write_request(JsonWriter& out, const StartRequest& start) {
    put(out, "do", std::string("start"));
    put(out, "key", start.key);
    put(out, "digest", start.digest);
    put(out, "name", start.name);
    put(out, "deadline_ms", to_ms(start.deadline));
    if (!start.context.empty()) put(out, "context", start.context);
    std::visit([&](const auto& call) { write_call(out, call); }, start.call);
}

void write_request(JsonWriter& out, const QueryRequest& query) {
    put(out, "do", std::string("query"));
    put(out, "key", query.key);
    out.Key("wait");
    out.Bool(query.wait);
}

void write_request(JsonWriter& out, const StopRequest& stop) {
    put(out, "do", std::string("stop"));
    put(out, "key", stop.key);
}

void write_request(JsonWriter& out, const ProbeRequest& probe) {
    put(out, "do", std::string("probe"));
    put(out, "deadline_ms", to_ms(probe.deadline));
    write_call(out, probe.call);
}

void write_request(JsonWriter& out, const PrepareRequest&) {
    put(out, "do", std::string("prepare"));
}

void write_answer(JsonWriter& out, const Receipt& receipt) {
    out.Key("receipt");
    write_receipt(out, receipt);
}

void write_answer(JsonWriter& out, const ProbeResult& result) {
    out.Key("result");
    out.StartObject();
    put(out, "exit", std::int64_t{result.exit});
    put(out, "output", result.output);
    if (!result.error.empty()) put(out, "error", result.error);
    out.EndObject();
}

void write_answer(JsonWriter& out, const RequestError& error) {
    put(out, "error", error.words);
}

Error senseless(const std::string& words) {
    return {ErrorCode::NotFound, words};
}

/// NUL would end an argument for the kernel, but not for whoever checked it.
bool has_nul(const std::string& text) {
    return text.find('\0') != std::string::npos;
}

Result<Pairs> read_pairs(const rapidjson::Value& object, const char* name) {
    Pairs pairs;
    const rapidjson::Value* list = member(object, name);
    if (list == nullptr) return pairs;
    if (!list->IsArray()) return senseless(std::string(name) + " is no list");
    for (const auto& pair : list->GetArray()) {
        if (!pair.IsArray() || pair.Size() != 2 || !pair[0].IsString() || !pair[1].IsString())
            return senseless(std::string(name) + " has an item that is no pair of texts");
        pairs.emplace_back(std::string(pair[0].GetString(), pair[0].GetStringLength()),
                           std::string(pair[1].GetString(), pair[1].GetStringLength()));
        if (has_nul(pairs.back().first) || has_nul(pairs.back().second))
            return senseless(std::string("NUL in ") + name);
    }
    return pairs;
}

Result<ExecCall> read_exec(const rapidjson::Value& object) {
    ExecCall call;
    const rapidjson::Value* argv = member(object, "argv");
    if (argv == nullptr || !argv->IsArray() || argv->Empty()) return senseless("argv is missing or empty");
    for (const auto& element : argv->GetArray()) {
        if (!element.IsString()) return senseless("argv has an element that is no text");
        call.argv.emplace_back(element.GetString(), element.GetStringLength());
        if (has_nul(call.argv.back())) return senseless("NUL in argv");
    }
    call.cwd = text_of(object, "cwd").value_or("/");
    if (!call.cwd.starts_with('/') || has_nul(call.cwd)) return senseless("cwd is not an absolute path");
    Result<Pairs> env = read_pairs(object, "env");
    if (!env) return env.error();
    for (const auto& [name, value] : *env)
        if (name.empty() || name.find('=') != std::string::npos) return senseless("'" + name + "' names no variable");
    call.env = *std::move(env);
    return call;
}

Result<HttpCall> read_http(const rapidjson::Value& object) {
    HttpCall call;
    call.method = text_of(object, "method").value_or("");
    call.url = text_of(object, "url").value_or("");
    call.body = text_of(object, "body").value_or("");
    if (call.method.empty() || has_nul(call.method) || call.url.empty() || has_nul(call.url))
        return senseless("http needs a method and a url");
    Result<Pairs> headers = read_pairs(object, "headers");
    if (!headers) return headers.error();
    call.headers = *std::move(headers);
    return call;
}

Result<Duration> read_deadline(const rapidjson::Value& object) {
    const std::optional<std::int64_t> ms = integer_of(object, "deadline_ms");
    if (!ms || *ms <= 0 || std::chrono::milliseconds(*ms) > 24h * 7)
        return senseless("deadline_ms is missing or absurd");
    return Duration(std::chrono::milliseconds(*ms));
}

Result<StartRequest> read_start(const rapidjson::Value& object) {
    StartRequest start;
    start.key = text_of(object, "key").value_or("");
    if (start.key.empty()) return senseless("a start needs a key");
    start.digest = text_of(object, "digest").value_or("");
    start.name = text_of(object, "name").value_or("");
    start.context = text_of(object, "context").value_or("");
    const Result<Duration> deadline = read_deadline(object);
    if (!deadline) return deadline.error();
    start.deadline = *deadline;
    const rapidjson::Value* exec = member(object, "exec");
    const rapidjson::Value* http = member(object, "http");
    if ((exec == nullptr) == (http == nullptr)) return senseless("a start needs either exec or http");
    if (exec != nullptr) {
        Result<ExecCall> call = read_exec(*exec);
        if (!call) return call.error();
        start.call = *std::move(call);
    } else {
        Result<HttpCall> call = read_http(*http);
        if (!call) return call.error();
        start.call = *std::move(call);
    }
    return start;
}

Result<ProbeRequest> read_probe(const rapidjson::Value& object) {
    ProbeRequest probe;
    const Result<Duration> deadline = read_deadline(object);
    if (!deadline) return deadline.error();
    probe.deadline = *deadline;
    const rapidjson::Value* exec = member(object, "exec");
    if (exec == nullptr) return senseless("a probe needs exec");
    Result<ExecCall> call = read_exec(*exec);
    if (!call) return call.error();
    probe.call = *std::move(call);
    return probe;
}

std::string with_newline(const JsonBuffer& buffer) {
    std::string line(buffer.GetString(), buffer.GetSize());
    line += '\n';
    return line;
}

}  // namespace

Result<std::string> encode(const Request& request) {
    JsonBuffer buffer;
    JsonWriter out(buffer);
    out.StartObject();
    out.Key("id");
    out.Uint64(request.id);
    std::visit([&](const auto& what) { write_request(out, what); }, request.what);
    out.EndObject();
    rapidjson::Document readable;  // the writer stops at text that is not UTF-8 without a word
    const std::string line = with_newline(buffer);
    if (!parse_object(line, readable)) return Error(ErrorCode::Invalid, "the order has text that is not UTF-8");
    if (line.size() > kMaxLine) return Error(ErrorCode::Limit, "the order is longer than a line of the protocol");
    return line;
}

std::string encode(const Answer& answer) {
    JsonBuffer buffer;
    JsonWriter out(buffer);
    out.StartObject();
    out.Key("id");
    out.Uint64(answer.id);
    std::visit([&](const auto& what) { write_answer(out, what); }, answer.what);
    out.EndObject();
    return with_newline(buffer);
}

Result<Request> decode_request(std::string_view line, std::uint64_t& id) {
    rapidjson::Document document;
    if (!parse_object(line, document)) return Error(ErrorCode::Invalid, "no JSON object");
    const rapidjson::Value* number = member(document, "id");
    if (number == nullptr || !number->IsUint64()) return Error(ErrorCode::Invalid, "no id");
    Request request;
    request.id = id = number->GetUint64();
    const std::string verb = text_of(document, "do").value_or("");
    const std::string key = text_of(document, "key").value_or("");
    if (verb == "start") {
        Result<StartRequest> start = read_start(document);
        if (!start) return start.error();
        request.what = *std::move(start);
    } else if (verb == "probe") {
        Result<ProbeRequest> probe = read_probe(document);
        if (!probe) return probe.error();
        request.what = *std::move(probe);
    } else if (verb == "query") {
        request.what = QueryRequest{key, true_of(document, "wait")};
    } else if (verb == "stop") {
        request.what = StopRequest{key};
    } else if (verb == "prepare") {
        request.what = PrepareRequest{};
    } else {
        return senseless("unknown request '" + verb + "'");
    }
    return request;
}

Result<Answer> decode_answer(std::string_view line) {
    rapidjson::Document document;
    if (!parse_object(line, document)) return Error(ErrorCode::Invalid, "the answer is no JSON object");
    const rapidjson::Value* number = member(document, "id");
    if (number == nullptr || !number->IsUint64()) return Error(ErrorCode::Invalid, "the answer has no id");
    Answer answer{number->GetUint64(), RequestError{text_of(document, "error").value_or("no words")}};
    if (const rapidjson::Value* receipt = member(document, "receipt")) {
        const std::optional<Receipt> read = read_receipt(*receipt);
        if (!read) return Error(ErrorCode::Invalid, "the answer has a receipt without a state");
        answer.what = *read;
    } else if (const rapidjson::Value* result = member(document, "result")) {
        answer.what = ProbeResult{static_cast<int>(integer_of(*result, "exit").value_or(-1)),
                                  text_of(*result, "output").value_or(""), text_of(*result, "error").value_or("")};
    }
    return answer;
}

std::string encode(const StartRecord& record) {
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
    return with_newline(buffer);
}

std::string encode(const Receipt& receipt) {
    JsonBuffer buffer;
    JsonWriter out(buffer);
    write_receipt(out, receipt);
    return with_newline(buffer);
}

std::optional<StartRecord> decode_start_record(std::string_view line) {
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

std::optional<Receipt> decode_receipt(std::string_view line) {
    rapidjson::Document object;
    if (!parse_object(line, object)) return std::nullopt;
    return read_receipt(object);
}

}  // namespace revertd::runner
