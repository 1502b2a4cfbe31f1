// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/judge_line.h"

#include <rapidjson/error/en.h>
#include <rapidjson/reader.h>

#include <limits>
#include <optional>
#include <utility>

namespace revertd::ctl {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

enum class Member {
    None,
    Type,
    T,
    Target,
    Requests,
    Errors,
    Hist,
    Gauge,
    Endpoints,
    Id,
    Version,
    Start,
    Deploy,
    Bake,
    Weight,
    Interval,
    Control,
    ControlKind,
    Edges
};

Member member_from(std::string_view name) {
    constexpr std::pair<std::string_view, Member> kKeys[] = {{"t", Member::T},
                                                             {"target", Member::Target},
                                                             {"requests", Member::Requests},
                                                             {"errors", Member::Errors},
                                                             {"hist", Member::Hist},
                                                             {"gauge", Member::Gauge},
                                                             {"endpoints", Member::Endpoints},
                                                             {"type", Member::Type},
                                                             {"id", Member::Id},
                                                             {"v", Member::Version},
                                                             {"start", Member::Start},
                                                             {"deploy", Member::Deploy},
                                                             {"bake_s", Member::Bake},
                                                             {"canary_weight", Member::Weight},
                                                             {"control", Member::Control},
                                                             {"control_kind", Member::ControlKind},
                                                             {"interval_s", Member::Interval},
                                                             {"le_ms", Member::Edges}};
    for (const auto& [text, key] : kKeys) {
        if (text == name) return key;
    }
    return Member::None;
}

}  // namespace

/// What the parser sees, in order. Members that nobody knows are skipped, however they are nested.
struct JudgeLineReader::Handler : rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Handler> {
    JudgeLine line;
    rapidjson::Reader reader;
    Member key = Member::None;
    int depth = 0;
    bool memory_key = false;
    std::size_t column = 0;  ///< in an inner list of endpoints
    std::string type;
    std::string_view fault;

    void begin() {
        line.kind = JudgeLine::Kind::Sample;
        line.t = line.requests = line.errors = line.memory = line.version = line.start = line.deploy = line.weight =
            line.bake = line.interval = kNothing;
        line.endpoint_count = 0;
        line.target.clear();
        line.id.clear();
        line.control_kind.clear();
        line.buckets.clear();
        line.endpoints.clear();
        line.edges.clear();
        line.gauges.clear();
        line.has_buckets = line.has_endpoints = line.control = false;
        type.clear();
        key = Member::None;
        depth = 0;
        memory_key = false;
        fault = {};
    }

    bool refuse(std::string_view why) {
        fault = why;
        return false;
    }

    bool number(double value) {
        if (depth == 1) return top_number(value);
        if (key == Member::Gauge) {
            if (depth == 2 && memory_key) line.memory = value;
            if (depth == 2 && !line.gauges.empty()) line.gauges.back().value = value;
            return true;
        }
        if (key == Member::Hist || key == Member::Edges) {
            auto& list = key == Member::Hist ? line.buckets : line.edges;
            if (depth != 2) return refuse("a list of numbers holds another list");
            if (list.size() >= kMostBuckets) return refuse("more than 256 buckets");
            list.push_back(value);
            return true;
        }
        return key != Member::Endpoints || endpoint_number(value);
    }

    bool endpoint_number(double value) {
        if (depth != 3 || line.endpoints.empty()) return refuse("endpoints is a list of [requests, errors]");
        if (column > 1) return refuse("an endpoint has more than two counters");
        (column == 0 ? line.endpoints.back().requests : line.endpoints.back().errors) = value;
        ++column;
        return true;
    }

    /// The number of the header or sample that the member stands for.
    double* place() {
        if (key == Member::T) return &line.t;
        if (key == Member::Requests) return &line.requests;
        if (key == Member::Errors) return &line.errors;
        if (key == Member::Endpoints) return &line.endpoint_count;
        if (key == Member::Version) return &line.version;
        if (key == Member::Start) return &line.start;
        if (key == Member::Deploy) return &line.deploy;
        if (key == Member::Bake) return &line.bake;
        if (key == Member::Weight) return &line.weight;
        return key == Member::Interval ? &line.interval : nullptr;
    }

    bool top_number(double value) {
        if (key == Member::None) return true;
        auto* const into = place();
        if (into == nullptr) return refuse("a number where none belongs");
        *into = value;
        return true;
    }

    /// A value that is not there: the same as a member that is not written.
    bool Null() { return depth == 1 || number(kNothing); }

    bool Bool(bool value) {
        if (depth == 1 && key == Member::Control) line.control = value;
        return depth > 1 || key == Member::Control || key == Member::None ||
               refuse("true or false where a number belongs");
    }

    bool Int(int value) { return number(value); }

    bool Uint(unsigned value) { return number(value); }

    bool Int64(std::int64_t value) { return number(static_cast<double>(value)); }

    bool Uint64(std::uint64_t value) { return number(static_cast<double>(value)); }

    bool Double(double value) { return number(value); }

    bool String(const char* text, rapidjson::SizeType size, bool) {
        if (depth != 1) return true;
        std::string* into = key == Member::Type          ? &type
                            : key == Member::Target      ? &line.target
                            : key == Member::Id          ? &line.id
                            : key == Member::ControlKind ? &line.control_kind
                                                         : nullptr;
        if (into == nullptr) return key == Member::None || refuse("a text where a number belongs");
        if (size > kMostText) return refuse("a text longer than 256 bytes");
        into->assign(text, size);
        return true;
    }

    bool Key(const char* text, rapidjson::SizeType size, bool) {
        const std::string_view name(text, size);
        if (depth == 1) key = member_from(name);
        memory_key = depth == 2 && name == "mem";
        return depth != 2 || key != Member::Gauge || gauge(name);
    }

    bool gauge(std::string_view name) {
        if (line.gauges.size() >= kMostGauges) return refuse("more than 64 gauges");
        if (name.size() > kMostText) return refuse("a text longer than 256 bytes");
        line.gauges.push_back({std::string(name), kNothing});
        return true;
    }

    bool StartObject() {
        if (depth == 0 || key == Member::None || key == Member::Gauge) return ++depth > 0;
        return refuse("an object where none belongs");
    }

    bool EndObject(rapidjson::SizeType) { return --depth >= 0; }

    bool StartArray() {
        if (depth == 0) return refuse("a list; a line is an object");
        ++depth;
        if (key == Member::Hist) {
            line.has_buckets = true;
            return depth == 2 || refuse("hist is a list of numbers");
        }
        if (key == Member::Endpoints) return start_endpoints();
        return key == Member::Edges || key == Member::None || refuse("a list where none belongs");
    }

    bool start_endpoints() {
        line.has_endpoints = true;
        if (depth == 2) return true;
        if (depth > 3) return refuse("endpoints is a list of [requests, errors]");
        if (line.endpoints.size() >= kMostEndpoints) return refuse("more than 1024 endpoints");
        line.endpoints.push_back({kNothing, kNothing});
        column = 0;
        return true;
    }

    bool EndArray(rapidjson::SizeType) { return --depth >= 0; }

    Result<const JudgeLine*> finish() {
        if (type.empty()) {
            if (!std::isfinite(line.t)) return Error(ErrorCode::Invalid, "a sample without its time t");
            if (line.target.empty()) return Error(ErrorCode::Invalid, "a sample without its target");
        } else if (type == "case") {
            line.kind = JudgeLine::Kind::Case;
            if (line.id.empty()) return Error(ErrorCode::Invalid, "a case without an id");
        } else if (type == "end") {
            line.kind = JudgeLine::Kind::End;
        } else {
            return Error(ErrorCode::Invalid, "a line of unknown type '" + type + "'");
        }
        return &std::as_const(line);
    }
};

JudgeLineReader::JudgeLineReader() : handler_(std::make_unique<Handler>()) {}

JudgeLineReader::~JudgeLineReader() = default;

Result<const JudgeLine*> JudgeLineReader::read(char* line) {
    constexpr unsigned kFlags = rapidjson::kParseInsituFlag | rapidjson::kParseIterativeFlag;
    auto& handler = *handler_;
    handler.begin();
    rapidjson::InsituStringStream stream(line);
    const auto parsed = handler.reader.Parse<kFlags>(stream, handler);
    if (!parsed) {
        const auto why = handler.fault.empty() ? std::string(rapidjson::GetParseError_En(parsed.Code()))
                                               : std::string(handler.fault);
        return Error(ErrorCode::Invalid, why + " (at byte " + std::to_string(parsed.Offset() + 1) + ")");
    }
    return handler.finish();
}

}  // namespace revertd::ctl
