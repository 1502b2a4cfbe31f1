// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/rules_case.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "config/values.h"
#include "core/judge.h"
#include "daemon/sources/scrape.h"

namespace revertd::ctl {

namespace {

constexpr std::size_t kMaxValues = 200'000;  // a day at 500 ms; a typing error is not to fill the memory
constexpr Time kOrigin = Time(std::chrono::hours(1));

struct Span {
    bool missing = false;
    double first = 0, step = 0;
    std::size_t more = 0;
};

/// `a`, `a+bxn`, `a-bxn`, `axn`, `_`, `_xn`.
std::optional<Span> parse_span(std::string_view text) {
    Span out;
    const auto x = text.find('x');
    if (x != std::string_view::npos) {
        const auto count = config::parse_count(text.substr(x + 1));
        if (!count) return std::nullopt;
        out.more = static_cast<std::size_t>(*count);
        text = text.substr(0, x);
    }
    out.missing = text == "_";
    if (out.missing) return out.more = x == std::string_view::npos ? 0 : out.more - (out.more > 0), out;
    const auto sign = text.find_first_of("+-", 1);
    const bool exponent = sign != std::string_view::npos && (text[sign - 1] == 'e' || text[sign - 1] == 'E');
    const auto split_at = exponent ? text.find_first_of("+-", sign + 1) : sign;
    const auto first = config::parse_number(text.substr(0, split_at));
    if (!first) return std::nullopt;
    out.first = *first;
    if (split_at == std::string_view::npos) return out;
    const auto step = config::parse_number(text.substr(split_at + 1));
    if (!step || x == std::string_view::npos) return std::nullopt;
    out.step = text[split_at] == '-' ? -*step : *step;
    return out;
}

Duration duration_of(const config::Node& map, std::string_view key, Diagnostics& diagnostics, Duration otherwise) {
    const config::Node* node = map.find(key);
    if (node == nullptr) return otherwise;
    const auto value = node->is_scalar() ? parse_duration(node->text) : std::nullopt;
    if (!value) diagnostics.error(node->at, "`" + std::string(key) + "` is no duration", "such as 10m");
    return value.value_or(otherwise);
}

std::string text_of(const config::Node& map, std::string_view key, Diagnostics& diagnostics) {
    const config::Node* node = map.find(key);
    if (node == nullptr || !node->is_scalar()) {
        diagnostics.error(map.at, "`" + std::string(key) + "` is missing", {});
        return {};
    }
    return node->text;
}

void read_health(const config::Node& node, RulesCase& out, Diagnostics& diagnostics) {
    const auto one = [&](const config::Node& item) {
        const config::Node* is = item.is_map() ? item.find("is") : &item;
        if (is == nullptr || (is->text != "up" && is->text != "down"))
            return diagnostics.error(item.at, "health is `up` or `down`", "or a list of { from: 3m, is: down }");
        const Duration from = item.is_map() ? duration_of(item, "from", diagnostics, Duration{}) : Duration{};
        out.health.push_back({from, is->text == "up"});
    };
    if (!node.is_list()) return one(node);
    for (const config::Node& item : node.items) one(item);
}

void read_series(const config::Node& node, RulesCase& out, Diagnostics& diagnostics) {
    for (const config::Node::Entry& entry : node.entries) {
        auto values = expand_values(entry.value.text);
        if (!values) {
            diagnostics.error(entry.value.at, values.error().message, "as in 0+95x20, 5, 3x10 or _x3");
            continue;
        }
        out.series.push_back({entry.key, std::move(*values)});
    }
}

void read_expected(const config::Node& node, RulesCase& out, Diagnostics& diagnostics) {
    static const std::vector<std::string> kWords{"holds",   "breach", "ok",        "insufficient", "no_data", "stale",
                                                 "partial", "error",  "ambiguous", "blind",        "quiet"};
    for (const config::Node& item : node.items) {
        RulesCase::Expectation e;
        e.where = item;
        e.at = duration_of(item, "at", diagnostics, Duration{});
        e.rule = text_of(item, "rule", diagnostics);
        e.is = text_of(item, "is", diagnostics);
        if (std::find(kWords.begin(), kWords.end(), e.is) == kWords.end())
            diagnostics.error(item.find("is") != nullptr ? item.find("is")->at : item.at,
                              "`" + e.is + "` is no state of a rule", config::did_you_mean(e.is, kWords));
        out.expected.push_back(std::move(e));
    }
}

void check_keys(const config::Node& map, const std::vector<std::string>& known, Diagnostics& diagnostics) {
    for (const config::Node::Entry& entry : map.entries)
        if (std::find(known.begin(), known.end(), entry.key) == known.end())
            diagnostics.error(entry.at, "unknown key `" + entry.key.substr(0, 60) + "`",
                              config::did_you_mean(entry.key, known));
}

RulesCase read_case(const config::Node& node, Diagnostics& diagnostics) {
    RulesCase out;
    check_keys(node, {"name", "service", "interval", "deploy", "health", "series", "expect"}, diagnostics);
    out.name = text_of(node, "name", diagnostics);
    out.service = text_of(node, "service", diagnostics);
    out.interval = duration_of(node, "interval", diagnostics, Duration{});
    out.deploy = duration_of(node, "deploy", diagnostics, Duration{});
    if (const config::Node* health = node.find("health")) read_health(*health, out, diagnostics);
    if (const config::Node* series = node.find("series")) read_series(*series, out, diagnostics);
    const config::Node* expect = node.find("expect");
    if (expect == nullptr || !expect->is_list())
        diagnostics.error(node.at, "`expect` is missing: the test could not fail", {});
    else
        read_expected(*expect, out, diagnostics);
    return out;
}

/// The service as its Judge sees it: one target, whose answers are the series of the test.
class Bench final : public ScrapeListener {
  public:
    Bench(const RulesCase& test, std::shared_ptr<const ServiceSettings> settings, SeriesSelector selector)
        : test_(test),
          settings_(std::move(settings)),
          judge_(settings_),
          pool_(1),
          selector_(std::move(selector)),
          target_(0, ScrapeContext{pool_, selector_, *this, false}) {}

    std::vector<std::string> run() {
        std::vector<std::string> failures;
        auto left = test_.expected;
        std::stable_sort(left.begin(), left.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
        judge_.set_phase({JudgePhase::Kind::Good, kOrigin, kOrigin});
        auto next = left.begin();
        for (Duration t{}; next != left.end(); t += settings_->interval) {
            slot(t);
            for (; next != left.end() && next->at <= t; ++next) check(*next, failures);
        }
        return failures;
    }

    void name_signal(std::uint32_t signal, const Selector& found) override { judge_.name_signal(signal, found); }

    SeriesId add_series(TargetIndex target, std::uint64_t identity, const SeriesRole& role) override {
        return judge_.add_series(target, identity, role);
    }

    void scrape(TargetIndex target, const ScrapeResult& result, Time at) override {
        fault_ = result.verdict == Verdict::Error ? std::string(result.reason) : std::string{};
        judge_.scrape(target, result, at);
    }

    [[nodiscard]] const std::string& fault() const { return fault_; }

  private:
    void slot(Duration t) {
        const Time at = kOrigin + t;
        if (!baking_ && t >= test_.deploy) {
            baking_ = true;
            judge_.freeze_baseline(at);
            judge_.set_phase({JudgePhase::Kind::Baking, at, at + settings_->warmup});
        }
        bool up = true;
        for (const RulesCase::Health& health : test_.health)
            if (health.from <= t) up = health.up;
        if (!settings_->health.empty()) judge_.health(0, {up ? Health::Up : Health::Down, up ? "" : "503"}, at);
        if (!settings_->metrics.empty()) {
            const std::string body = body_at(t);
            target_.head(200, "text/plain; version=0.0.4", body.size());
            (void)target_.body(body);
            target_.done(FetchError::None, at);
        }
        judge_.close_slot(at);
    }

    [[nodiscard]] std::string body_at(Duration t) const {
        const Duration interval = test_.interval > Duration{} ? test_.interval : settings_->interval;
        const auto index = static_cast<std::size_t>(t / interval);
        std::string body;
        for (const RulesCase::Series& series : test_.series) {
            if (index >= series.values.size() || !series.values[index]) continue;
            std::array<char, 64> number{};
            const auto end = std::to_chars(number.data(), number.data() + number.size(), *series.values[index]).ptr;
            body += series.name + " " + std::string(number.data(), end) + "\n";
        }
        return body;
    }

    void check(const RulesCase::Expectation& e, std::vector<std::string>& failures) const {
        const JudgeView view = judge_.view();
        for (const RuleChange& rule : view.rules) {
            if (settings_->rules[rule.rule].text != e.rule) continue;
            const bool met = e.is == "holds"   ? rule.holds
                             : e.is == "quiet" ? !rule.holds
                             : e.is == "blind" ? is_blind(rule.verdict)
                                               : to_string(rule.verdict) == e.is;
            if (!met)
                failures.push_back("at " + to_words(e.at) + " `" + e.rule + "` is " +
                                   (rule.holds ? "holding (" : "not holding (") + std::string(to_string(rule.verdict)) +
                                   "), expected " + e.is + (rule.words.empty() ? "" : "; " + rule.words) +
                                   (fault_.empty() ? "" : "; the series cannot be read: " + fault_));
            return;
        }
        failures.push_back("`" + e.rule + "` is no rule of " + test_.service);
    }

    const RulesCase& test_;
    std::shared_ptr<const ServiceSettings> settings_;
    Judge judge_;
    ScrapePool pool_;
    SeriesSelector selector_;
    ScrapeTarget target_;
    std::string fault_;
    bool baking_ = false;
};

}  // namespace

Result<std::vector<std::optional<double>>> expand_values(std::string_view text) {
    std::vector<std::optional<double>> out;
    for (std::string_view word : config::split(text, ' ')) {
        if (word.empty()) continue;
        const auto span = parse_span(word);
        if (!span) return Error(ErrorCode::Invalid, "`" + std::string(word.substr(0, 40)) + "` is no value");
        if (span->more > kMaxValues || out.size() > kMaxValues) return Error(ErrorCode::Limit, "too many values");
        for (std::size_t i = 0; i <= span->more; ++i)
            out.push_back(span->missing ? std::nullopt
                                        : std::optional(span->first + span->step * static_cast<double>(i)));
    }
    if (out.empty()) return Error(ErrorCode::Invalid, "a series without values");
    return out;
}

std::vector<RulesCase> read_cases(const config::Node& root, Diagnostics& diagnostics) {
    std::vector<RulesCase> out;
    if (root.is_map()) check_keys(root, {"config", "tests"}, diagnostics);
    const config::Node* tests = root.is_map() ? root.find("tests") : nullptr;
    if (tests == nullptr || !tests->is_list() || tests->items.empty()) {
        diagnostics.error({1, 1}, "`tests` is missing", "a list of { name, service, series, expect }");
        return out;
    }
    for (const config::Node& test : tests->items)
        if (test.is_map())
            out.push_back(read_case(test, diagnostics));
        else
            diagnostics.error(test.at, "a test is a mapping", {});
    return out;
}

Result<std::vector<std::string>> run_case(const RulesCase& test, const ServiceSettings& settings) {
    auto one = std::make_shared<ServiceSettings>(settings);  // one target: the series are those of the service
    if (one->metrics.size() > 1) one->metrics.resize(1);
    if (one->health.size() > 1) one->health.resize(1);
    auto selector = SeriesSelector::make(one->signals);
    if (!selector) return selector.error();
    return Bench(test, one, std::move(*selector)).run();
}

}  // namespace revertd::ctl
