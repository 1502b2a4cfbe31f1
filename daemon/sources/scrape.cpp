// SPDX-License-Identifier: Apache-2.0
#include "daemon/sources/scrape.h"

#include <algorithm>
#include <random>
#include <utility>

#include "daemon/sources/limits.h"

namespace revertd {
namespace {

/// Lower case, without parameters.
std::string media_type(std::string_view content_type) {
    std::string type(content_type.substr(0, content_type.find(';')));
    std::erase_if(type, [](char c) { return c == ' ' || c == '\t'; });
    for (char& c : type) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    return type;
}

constexpr std::string_view kOpenMetrics = "application/openmetrics-text";

/// Why this answer is not read; empty if it is.
std::string refusal(int status, std::string_view content_type, bool fallback_text) {
    if (status != 200) return "the answer is " + std::to_string(status) + ", 200 is expected";
    const std::string type = media_type(content_type);
    if (type == "text/plain") return {};
    if (type == kOpenMetrics) return {};
    if (type == "application/vnd.google.protobuf")
        return "the answer is protobuf, which is not built yet; text/plain was asked for";
    if (fallback_text) return {};
    if (type.empty()) return "the answer has no Content-Type, text/plain is expected";
    return "the answer's Content-Type is not text/plain";
}

}  // namespace

std::shared_ptr<const Layouts::Entries> Layouts::intern(const Entries& entries) {
    const auto equal = std::find_if(known_.begin(), known_.end(), [&](const auto& known) { return *known == entries; });
    if (equal != known_.end()) return *equal;
    if (known_.size() >= kMost) std::erase_if(known_, [](const auto& known) { return known.use_count() == 1; });
    if (known_.size() >= kMost) return nullptr;
    return known_.emplace_back(std::make_shared<const Entries>(entries));
}

ScrapePool::ScrapePool() : seed_(std::uint64_t{std::random_device()()} << 32 | std::random_device()()) {}

std::unique_ptr<Exposition> ScrapePool::take() {
    if (free_.empty()) return std::make_unique<Exposition>(seed_);
    std::unique_ptr<Exposition> reading = std::move(free_.back());
    free_.pop_back();
    return reading;
}

void ScrapePool::give_back(std::unique_ptr<Exposition> reading) {
    constexpr std::size_t kLearners = 2;  // a shape is as large as its page, and learned once
    if (free_.size() >= kLearners) reading->forget_learned();
    if (free_.size() < kPooledReadings) free_.push_back(std::move(reading));
}

std::span<const SeriesValue> ScrapePool::first_of_each(std::span<const Exposition::Value> values,
                                                       const std::vector<SeriesId>& claims) {
    values_.clear();
    if (++round_ == 0) {
        std::fill(seen_.begin(), seen_.end(), 0);
        round_ = 1;
    }
    for (const Exposition::Value& value : values) {
        const SeriesId series = value.is_new ? claims[value.series] : value.series;
        if (series == kNoSeries) continue;
        if (series >= seen_.size()) seen_.resize(series + 1);
        if (std::exchange(seen_[series], round_) != round_) values_.push_back({series, value.value});
    }
    return values_;
}

ScrapeTarget::~ScrapeTarget() {
    reset();
}

void ScrapeTarget::reset() {
    if (reading_) context_.pool.give_back(std::move(reading_));
    fault_.clear();
}

void ScrapeTarget::head(int status, std::string_view content_type, std::optional<std::uint64_t> content_length) {
    reset();
    fault_ = refusal(status, content_type, context_.fallback_text);
    if (fault_.empty() && content_length.value_or(0) > kMaxScrapeBytes) fault_ = "the body is larger than 8 MiB";
    if (fault_.empty()) begin_reading(media_type(content_type) == kOpenMetrics ? Format::OpenMetrics : Format::Text);
}

void ScrapeTarget::begin_reading(Format format) {
    reading_ = context_.pool.take();
    const bool learn = !layout_.shape && learn_in_ == 0;
    if (learn_in_ > 0) --learn_in_;
    reading_->begin(context_.selector, layout_, learn, format);
    if (context_.listener.wants_labels()) reading_->keep_names();
}

bool ScrapeTarget::body(std::span<const char> chunk) {
    context_.pool.bytes += chunk.size();
    if (!reading_ || !fault_.empty()) return false;
    if (reading_->feed(chunk)) return true;
    fault_ = reading_->fault();
    return false;
}

void ScrapeTarget::done(FetchError error, Time at) {
    if (fault_.empty() && reading_ && error == FetchError::None && !reading_->end()) fault_ = reading_->fault();
    if (!fault_.empty()) {
        report(Verdict::Error, fault_, at);
    } else if (error != FetchError::None || !reading_) {
        report(Verdict::Error, to_string(error), at);
    } else if (reading_->samples() == 0) {
        report(Verdict::NoData, "the answer holds no samples", at);
    } else {
        finish_reading(at);
    }
    reset();
}

/// Everything of the body was good: only now is anything of it used.
void ScrapeTarget::finish_reading(Time at) {
    const std::vector<Claim>& claims = reading_->claims();
    context_.selector.choose(
        claims, [this](std::uint32_t signal, const Selector& found) { context_.listener.name_signal(signal, found); });
    std::vector<SeriesId>& ids = context_.pool.claimed;
    ids.clear();
    for (const Claim& claim : claims) {
        const bool chosen = context_.selector.is_chosen(claim);
        SeriesRole role = claim.role;
        role.endpoint = claim.endpoint;
        ids.push_back(chosen ? context_.listener.add_series(index_, claim.identity, role) : kNoSeries);
    }
    if (!reading_->names().empty()) describe(claims, ids);
    ScrapeResult result;
    result.values = context_.pool.first_of_each(reading_->values(), ids);
    const bool learned = reading_->learned().size() > 0;
    if (!reading_->layout_held() || learned) keep_layout();
    if (learned) keep_shape();
    if (reading_->shape_is_stale()) drop_shape();
    context_.listener.scrape(index_, result, at);
}

void ScrapeTarget::describe(const std::vector<Claim>& claims, const std::vector<SeriesId>& ids) {
    std::vector<std::pair<std::string_view, std::string_view>> labels;
    for (std::size_t i = 0; i < claims.size(); ++i) {
        if (ids[i] == kNoSeries) continue;
        labels.clear();
        for (const Label& label : reading_->names()[claims[i].name].labels)
            labels.emplace_back(label.name, label.value);
        context_.listener.describe(ids[i], labels);
    }
}

void ScrapeTarget::forget_page() {
    if (reading_) return;  // it is being read against the page that is known
    layout_ = {};
    learn_in_ = 0;
}

/// Series that left the body leave the layout, too; if they come back they are claimed anew.
void ScrapeTarget::keep_layout() {
    layout_.hashes.clear();
    layout_.hashes.reserve(reading_->values().size());
    for (const Exposition::Value& value : reading_->values()) layout_.hashes.push_back(reading_->hash_of(value));
    layout_.shape.reset();
    layout_.shared.reset();
    layout_.own.clear();
    layout_.own.reserve(reading_->values().size());
    for (const Exposition::Value& value : reading_->values()) {
        const SeriesId series = value.is_new ? context_.pool.claimed[value.series] : value.series;
        layout_.own.push_back({series, value.more, value.row & 0x7fffffffU});
    }
}

/// The entries are those of the body that was learned.
void ScrapeTarget::keep_shape() {
    layout_.shape = context_.pool.shapes.intern(reading_->learned());
    const bool first = learn_pause_ == 1;  // one that has lost its shape may do so again
    if (first && layout_.shape) {
        std::vector<std::uint64_t>().swap(layout_.hashes);
        layout_.shared = context_.pool.layouts.intern(layout_.own);
        if (layout_.shared) std::vector<Layout::Entry>().swap(layout_.own);
    }
    learn_in_ = learn_pause_;
    learn_pause_ = static_cast<std::uint16_t>(std::min(2U * learn_pause_, kMaxShapePause));
}

void ScrapeTarget::drop_shape() {
    if (!layout_.shape) return;
    layout_.hashes.clear();
    for (std::size_t i = 0; i < layout_.entries().size(); ++i)
        layout_.hashes.push_back(layout_.hash_of(i, context_.pool.seed()));
    layout_.shape.reset();
}

void ScrapeTarget::report(Verdict verdict, std::string_view reason, Time at) {
    ScrapeResult result;
    result.verdict = verdict;
    result.reason = reason;
    context_.listener.scrape(index_, result, at);
}

}  // namespace revertd
