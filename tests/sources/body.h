// SPDX-License-Identifier: Apache-2.0
// Reads a body the way a target's answer is read, cut where the test says.
#pragma once
#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/judge.h"
#include "daemon/sources/scrape.h"

namespace revertd {

[[nodiscard]] inline Signal gauge_of(const std::string& name, const std::string& metric) {
    Signal signal;
    signal.name = name;
    signal.selector.metric = metric;
    signal.aggregate = Signal::Aggregate::Sum;
    return signal;
}

/// A Judge that only remembers.
class RecordingListener final : public ScrapeListener {
  public:
    struct Series {
        TargetIndex target;
        std::uint64_t identity;
        SeriesRole role;
        std::string endpoint;  ///< the role's lives no longer than the call
    };

    struct Scrape {
        TargetIndex target;
        Verdict verdict;
        std::string reason;
        std::vector<SeriesValue> values;
    };

    void name_signal(std::uint32_t signal, const Selector& found) override { found_[signal] = found; }

    SeriesId add_series(TargetIndex target, std::uint64_t identity, const SeriesRole& role) override {
        ++added_;
        const auto [it, is_new] = ids_.try_emplace({target, identity}, static_cast<SeriesId>(series_.size()));
        if (is_new) series_.push_back({target, identity, {role.signal, role.bad, role.le}, std::string(role.endpoint)});
        return it->second;
    }

    [[nodiscard]] bool wants_labels() const override { return wants_labels_; }

    void describe(SeriesId series, const std::vector<std::pair<std::string_view, std::string_view>>& labels) override {
        std::string text = std::to_string(series);
        for (const auto& [name, value] : labels) text += " " + std::string(name) + "=" + std::string(value);
        labels_.push_back(std::move(text));
    }

    void want_labels() { wants_labels_ = true; }

    /// "0 code=200 route=/x", one a series.
    [[nodiscard]] const std::vector<std::string>& labels() const { return labels_; }

    void scrape(TargetIndex target, const ScrapeResult& result, Time) override {
        if (!recording_) return;
        scrapes_.push_back(
            {target, result.verdict, std::string(result.reason), {result.values.begin(), result.values.end()}});
    }

    void stop_recording() { recording_ = false; }

    [[nodiscard]] const Scrape& last() const { return scrapes_.back(); }

    [[nodiscard]] const std::vector<Scrape>& scrapes() const { return scrapes_; }

    [[nodiscard]] const std::vector<Series>& series() const { return series_; }

    [[nodiscard]] const std::map<std::uint32_t, Selector>& found() const { return found_; }

    [[nodiscard]] int added() const { return added_; }

  private:
    std::map<std::pair<TargetIndex, std::uint64_t>, SeriesId> ids_;
    std::vector<Series> series_;
    std::vector<Scrape> scrapes_;
    std::map<std::uint32_t, Selector> found_;
    int added_ = 0;
    bool recording_ = true, wants_labels_ = false;
    std::vector<std::string> labels_;
};

/// A service with one or more targets.
struct Scraper {
    explicit Scraper(const std::vector<Signal>& signals, std::size_t count = 1)
        : selector(std::move(*SeriesSelector::make(signals))) {
        for (TargetIndex i = 0; i < count; ++i) {
            targets.push_back(std::make_unique<ScrapeTarget>(i, ScrapeContext{pool, selector, listener}));
        }
    }

    /// One whole good answer, in chunks of `chunk` bytes.
    const RecordingListener::Scrape& scrape(std::string_view body, std::size_t chunk = 1 << 17,
                                            std::size_t target = 0) {
        targets[target]->head(200, "text/plain; version=0.0.4; charset=utf-8", body.size());
        bool more = true;
        for (std::size_t at = 0; more && at < body.size(); at += chunk) more = feed(body.substr(at, chunk), target);
        targets[target]->done(more ? FetchError::None : FetchError::Aborted, Time{});
        return listener.last();
    }

    bool feed(std::string_view bytes, std::size_t target = 0) {
        return targets[target]->body({bytes.data(), bytes.size()});
    }

    ScrapePool pool{42};
    SeriesSelector selector;
    RecordingListener listener;
    std::vector<std::unique_ptr<ScrapeTarget>> targets;
};

/// Canonical JSON-like form of a result: what two ways of reading must agree on.
[[nodiscard]] inline std::string describe(const RecordingListener::Scrape& scrape) {
    std::string text(to_string(scrape.verdict));
    for (const SeriesValue& v : scrape.values) {
        text += ' ' + std::to_string(v.series) + '=' + (v.value != v.value ? "nan" : std::to_string(v.value));
    }
    return text;
}

}  // namespace revertd
