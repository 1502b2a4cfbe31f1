// SPDX-License-Identifier: Apache-2.0
#include "daemon/sources/json_answer.h"

#include <rapidjson/document.h>
#include <rapidjson/encodedstream.h>
#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>

#include "daemon/sources/limits.h"

namespace revertd {
namespace {

using Pool = rapidjson::MemoryPoolAllocator<>;
using Value = rapidjson::GenericValue<rapidjson::UTF8<>, Pool>;
using Document = rapidjson::GenericDocument<rapidjson::UTF8<>, Pool, Pool>;
using Reader = rapidjson::GenericReader<rapidjson::UTF8<>, rapidjson::UTF8<>, Pool>;

/// Numbers stay as they are written: they are only compared and shown.
constexpr unsigned kFlags =
    rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag | rapidjson::kParseNumbersAsStringsFlag;

/// Lets everything through to the document but what nests too deep.
class DepthLimit {
  public:
    explicit DepthLimit(Document& document) : document_(document) {}

    bool Null() { return document_.Null(); }

    bool Bool(bool b) { return document_.Bool(b); }

    bool Int(int i) { return document_.Int(i); }

    bool Uint(unsigned u) { return document_.Uint(u); }

    bool Int64(std::int64_t i) { return document_.Int64(i); }

    bool Uint64(std::uint64_t u) { return document_.Uint64(u); }

    bool Double(double d) { return document_.Double(d); }

    bool RawNumber(const char* s, rapidjson::SizeType n, bool copy) { return document_.RawNumber(s, n, copy); }

    bool String(const char* s, rapidjson::SizeType n, bool copy) { return document_.String(s, n, copy); }

    bool StartObject() { return enter() && document_.StartObject(); }

    bool Key(const char* s, rapidjson::SizeType n, bool copy) { return document_.Key(s, n, copy); }

    bool EndObject(rapidjson::SizeType n) { return leave() && document_.EndObject(n); }

    bool StartArray() { return enter() && document_.StartArray(); }

    bool EndArray(rapidjson::SizeType n) { return leave() && document_.EndArray(n); }

    [[nodiscard]] bool too_deep() const { return depth_ > kMaxJsonDepth; }

  private:
    bool enter() { return ++depth_ <= kMaxJsonDepth; }

    bool leave() {
        --depth_;
        return true;
    }

    Document& document_;
    int depth_ = 0;
};

std::string_view text_of(const Value& value) {
    switch (value.GetType()) {
        case rapidjson::kNullType:
            return "null";
        case rapidjson::kFalseType:
            return "false";
        case rapidjson::kTrueType:
            return "true";
        case rapidjson::kObjectType:
            return "{...}";
        case rapidjson::kArrayType:
            return "[...]";
        case rapidjson::kStringType:
        case rapidjson::kNumberType:
            break;
    }
    return {value.GetString(), value.GetStringLength()};
}

bool has_duplicate_keys(const Value& value) {
    if (value.IsArray()) return std::any_of(value.Begin(), value.End(), has_duplicate_keys);
    if (!value.IsObject()) return false;
    std::vector<std::string_view> keys;
    keys.reserve(value.MemberCount());
    for (const auto& member : value.GetObject()) {
        keys.push_back(text_of(member.name));
        if (has_duplicate_keys(member.value)) return true;
    }
    std::sort(keys.begin(), keys.end());
    return std::adjacent_find(keys.begin(), keys.end()) != keys.end();
}

/// A parsed answer. Small ones need no heap.
class Parsed {
  public:
    Result<void> parse(std::string_view body) {
        if (body.find('\0') != std::string_view::npos) return Error(ErrorCode::Invalid, "the body is not JSON");
        DepthLimit limit(document_);
        Reader reader(&stack_pool_);
        const auto generate = [&](Document&) {
            rapidjson::MemoryStream bytes(body.data(), body.size());
            rapidjson::EncodedInputStream<rapidjson::UTF8<>, rapidjson::MemoryStream> stream(bytes);
            return !reader.Parse<kFlags>(stream, limit).IsError();
        };
        document_.Populate(generate);
        if (limit.too_deep()) return Error(ErrorCode::Limit, "the JSON is nested deeper than 64");
        if (reader.HasParseError()) {
            return Error(ErrorCode::Invalid, std::string("the body is not JSON: ") +
                                                 rapidjson::GetParseError_En(reader.GetParseErrorCode()) + " (byte " +
                                                 std::to_string(reader.GetErrorOffset()) + ")");
        }
        if (has_duplicate_keys(document_)) return Error(ErrorCode::Invalid, "the JSON has a key twice in one object");
        return {};
    }

    [[nodiscard]] const Value& root() const { return document_; }

  private:
    std::array<char, 8192> values_{};
    std::array<char, 4096> stack_{};
    Pool value_pool_{values_.data(), values_.size()};
    Pool stack_pool_{stack_.data(), stack_.size()};
    Document document_{&value_pool_, 1024, &stack_pool_};
};

/// The way from the root to a value, from the end.
struct Place {
    const Place* parent = nullptr;
    std::string_view token;

    [[nodiscard]] std::string words() const {
        return parent == nullptr ? std::string() : parent->words() + '/' + quotable(token);
    }
};

/// `~1` is a slash and `~0` a tilde (RFC 6901).
bool names(std::string_view token, std::string_view key) {
    std::size_t k = 0;
    for (std::size_t i = 0; i < token.size(); ++i, ++k) {
        char c = token[i];
        if (c == '~' && i + 1 < token.size()) c = token[++i] == '1' ? '/' : '~';
        if (k == key.size() || key[k] != c) return false;
    }
    return k == key.size();
}

bool is_index(std::string_view token, std::size_t index) {
    std::array<char, 24> text{};
    const char* const end = std::to_chars(text.data(), text.data() + text.size(), index).ptr;
    return token == std::string_view(text.data(), static_cast<std::size_t>(end - text.data()));
}

using Visit = std::function<Result<void>(const Place&, const Value&)>;

/// Calls `visit` for each value that the pointer reaches, until one fails.
Result<void> walk(const Value& value, std::string_view pointer, const Place& place, const Visit& visit) {
    if (pointer.empty()) return visit(place, value);
    if (pointer.front() == '/') pointer.remove_prefix(1);
    const std::size_t slash = std::min(pointer.find('/'), pointer.size());
    const std::string_view token = pointer.substr(0, slash);
    const std::string_view rest = pointer.substr(slash);
    if (value.IsObject()) {
        for (const auto& member : value.GetObject()) {
            const std::string_view key = text_of(member.name);
            if (token != "*" && !names(token, key)) continue;
            if (auto ok = walk(member.value, rest, {&place, key}, visit); !ok) return ok;
        }
    }
    if (value.IsArray()) {
        for (rapidjson::SizeType i = 0; i < value.Size(); ++i) {
            if (token != "*" && !is_index(token, i)) continue;
            const std::string index = std::to_string(i);
            if (auto ok = walk(value[i], rest, {&place, index}, visit); !ok) return ok;
        }
    }
    return {};
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

Result<void> check(const Value& root, const JsonMatcher& matcher) {
    bool reached = false;
    const Visit visit = [&](const Place& place, const Value& value) -> Result<void> {
        reached = true;
        if (equal_ignoring_case(text_of(value), matcher.expected)) return {};
        return Error(ErrorCode::Invalid,
                     place.words() + " is '" + quotable(text_of(value)) + "', '" + matcher.expected + "' is expected");
    };
    if (auto ok = walk(root, matcher.pointer, {}, visit); !ok) return ok;
    if (!reached) return Error(ErrorCode::NotFound, "the body has nothing at " + matcher.pointer);
    return {};
}

}  // namespace

std::string quotable(std::string_view text) {
    constexpr std::size_t kLongest = 64;
    std::string printable(text.substr(0, kLongest));
    std::replace_if(
        printable.begin(), printable.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
    return text.size() > kLongest ? printable + "..." : printable;
}

Result<void> check_json(std::string_view body, const std::vector<JsonMatcher>& matchers) {
    Parsed parsed;
    if (auto ok = parsed.parse(body); !ok) return ok;
    for (const JsonMatcher& matcher : matchers) {
        if (auto ok = check(parsed.root(), matcher); !ok) return ok;
    }
    return {};
}

Result<std::string> json_text_at(std::string_view body, std::string_view pointer) {
    Parsed parsed;
    if (auto ok = parsed.parse(body); !ok) return ok.error();
    const Value* found = nullptr;
    const Visit visit = [&](const Place&, const Value& value) -> Result<void> {
        found = &value;
        return {};
    };
    if (auto ok = walk(parsed.root(), pointer, {}, visit); !ok) return ok.error();
    if (found == nullptr) return Error(ErrorCode::NotFound, "the body has nothing at " + std::string(pointer));
    if (found->IsObject() || found->IsArray() || found->IsNull()) {
        return Error(ErrorCode::Invalid, "the value at " + std::string(pointer) + " is no text");
    }
    return std::string(text_of(*found));
}

}  // namespace revertd
