// SPDX-License-Identifier: Apache-2.0
#include "daemon/sources/prom_answer.h"

#include <rapidjson/document.h>

#include <algorithm>

#include "daemon/sources/json_answer.h"
#include "daemon/sources/number.h"
#include "daemon/sources/utf8.h"

namespace revertd {
namespace {

using Value = rapidjson::Value;

std::string_view text_of(const Value& value) {
    return {value.GetString(), value.GetStringLength()};
}

const Value* member(const Value& object, const char* name) {
    if (!object.IsObject()) return nullptr;
    const auto it = object.FindMember(name);
    return it == object.MemberEnd() ? nullptr : &it->value;
}

PromAnswer refused(Verdict verdict, std::string reason) {
    PromAnswer out;
    out.verdict = verdict;
    out.reason = std::move(reason);
    return out;
}

PromAnswer error(std::string reason) {
    return refused(Verdict::Error, std::move(reason));
}

/// `[1795217456.484, "1"]`
bool read_point(const Value& pair, PromPoint& out) {
    if (!pair.IsArray() || pair.Size() != 2 || !pair[0].IsNumber() || !pair[1].IsString()) return false;
    const auto value = parse_number(text_of(pair[1]));
    if (!value) return false;
    out = {pair[0].GetDouble(), *value};
    return true;
}

bool read_points(const Value& item, PromSeries& out) {
    if (const Value* value = member(item, "value")) {
        PromPoint point;
        if (!read_point(*value, point)) return false;
        out.points.push_back(point);
        return true;
    }
    const Value* values = member(item, "values");
    if (values == nullptr || !values->IsArray()) return false;
    out.points.reserve(values->Size());
    for (const Value& pair : values->GetArray()) {
        PromPoint point;
        if (!read_point(pair, point)) return false;
        out.points.push_back(point);
    }
    return true;
}

bool read_series(const Value& item, PromSeries& out) {
    const Value* metric = member(item, "metric");
    if (metric == nullptr || !metric->IsObject()) return false;
    out.labels.reserve(metric->MemberCount());
    for (const auto& label : metric->GetObject()) {
        if (!label.value.IsString()) return false;
        out.labels.emplace_back(text_of(label.name), text_of(label.value));
    }
    return read_points(item, out);
}

PromAnswer read_result(const Value& data) {
    const Value* type = member(data, "resultType");
    const Value* result = member(data, "result");
    if (type == nullptr || !type->IsString() || result == nullptr || !result->IsArray())
        return error("the answer has no result");
    const std::string_view kind = text_of(*type);
    PromAnswer out;
    if (kind == "scalar") {
        PromPoint point;
        if (!read_point(*result, point)) return error("the answer's scalar is malformed");
        out.series.push_back({{}, {point}});
        return out;
    }
    if (kind != "vector" && kind != "matrix") return error("the answer is a " + quotable(kind) + ", not a number");
    out.series.reserve(result->Size());
    for (const Value& item : result->GetArray()) {
        if (member(item, "histogram") != nullptr || member(item, "histograms") != nullptr)
            return error("the answer holds native histograms, which are not built yet");
        if (!read_series(item, out.series.emplace_back())) return error("the answer's result is malformed");
    }
    return out;
}

/// Newer servers doubt every `rate` of a counter whose name does not end as counters' names do, as those of an ingress:
/// it is about the name, and the answer is whole.
bool is_about_a_name(const Value& remark) {
    constexpr std::string_view kDoubt = "PromQL info: metric might not be a counter";
    return remark.IsString() && text_of(remark).starts_with(kDoubt);
}

/// The server's own words, cut to a line.
std::string remark(const Value& root, const char* name) {
    const Value* list = member(root, name);
    if (list == nullptr || !list->IsArray()) return {};
    for (const Value& one : list->GetArray())
        if (!is_about_a_name(one)) return one.IsString() ? quotable(text_of(one)) : std::string("unreadable");
    return {};
}

/// Part of the data is missing, or the server doubts what it was asked.
std::string incomplete(const Value& root) {
    for (const char* name : {"warnings", "infos"})
        if (std::string words = remark(root, name); !words.empty())
            return "the answer has " + std::string(name) + ": " + words;
    const Value* data = member(root, "data");
    for (const Value* place : {&root, data}) {
        const Value* partial = place == nullptr ? nullptr : member(*place, "isPartial");
        if (partial != nullptr && !(partial->IsBool() && !partial->GetBool())) return "the answer is marked as partial";
    }
    return {};
}

PromAnswer read_failure(int status, const Value& root) {
    const std::string number = status == 200 ? "" : "the answer is " + std::to_string(status);
    const Value* type = member(root, "errorType");
    const Value* words = member(root, "error");
    if (words == nullptr || !words->IsString())
        return error(number.empty() ? "the answer's status is not success" : number);
    std::string said = type != nullptr && type->IsString() ? quotable(text_of(*type)) + ": " : "";
    said += quotable(text_of(*words));
    return error(number.empty() ? said : number + ", " + said);
}

}  // namespace

std::string_view PromSeries::label(std::string_view name) const {
    for (const auto& [key, value] : labels)
        if (key == name) return value;
    return {};
}

const std::vector<std::size_t>& PromAnswer::with(const std::string& label, const std::string& value) const {
    if (indexed_ != label || index_.empty()) {
        index_.clear();
        indexed_ = label;
        for (std::size_t i = 0; i < series.size(); ++i) index_[std::string(series[i].label(label))].push_back(i);
    }
    static const std::vector<std::size_t> kNone;
    const auto it = index_.find(value);
    return it == index_.end() ? kNone : it->second;
}

PromAnswer read_prom_answer(int status, std::string_view body) {
    std::string text(body);  // a copy, in which the texts of the document stay: cheaper than a copy of each
    rapidjson::Document document;
    if (is_utf8(text)) document.ParseInsitu<rapidjson::kParseIterativeFlag>(text.data());
    const bool json = !document.HasParseError() && document.IsObject();
    if (!json) return error(status == 200 ? "the answer is no JSON" : "the answer is " + std::to_string(status));
    const Value* outcome = member(document, "status");
    const bool success = outcome != nullptr && outcome->IsString() && text_of(*outcome) == "success";
    if (status != 200 || !success) return read_failure(status, document);
    if (std::string words = incomplete(document); !words.empty()) return refused(Verdict::Partial, std::move(words));
    const Value* data = member(document, "data");
    if (data == nullptr) return error("the answer has no data");
    PromAnswer out = read_result(*data);
    for (const PromSeries& series : out.series) {
        out.instant = out.instant && series.points.size() == 1;
        for (const PromPoint& point : series.points) out.oldest = std::min(out.oldest, point.at);
    }
    return out;
}

}  // namespace revertd
