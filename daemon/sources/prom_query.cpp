// SPDX-License-Identifier: Apache-2.0
#include "daemon/sources/prom_query.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "config/promql.h"
#include "daemon/io/loop.h"
#include "daemon/sources/number.h"
#include "daemon/sources/prom_names.h"

namespace revertd {
namespace {

namespace promql = config::promql;

constexpr Duration kNameAgain = 5min;     // at most: a name that is not there may come with a deploy, hardly otherwise
constexpr Duration kLearnAgain = 10min;   // a server's configuration changes rarely
constexpr int kRetrySlots = 4;            // while nothing could be learned
constexpr const char* kHistory = "[5m]";  // five samples of a server that scrapes every minute
constexpr double kRounded = 20;           // scrapes jitter: to a twentieth of a second

Duration from_seconds(double value) {
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(value));
}

/// The middle distance of the newest samples.
std::optional<Duration> interval_of(const std::vector<PromPoint>& points) {
    constexpr std::size_t kNewest = 20;
    std::vector<double> gaps;
    for (std::size_t i = points.size() > kNewest ? points.size() - kNewest : 1; i < points.size(); ++i)
        gaps.push_back(points[i].at - points[i - 1].at);
    if (gaps.empty()) return std::nullopt;
    std::nth_element(gaps.begin(), gaps.begin() + static_cast<std::ptrdiff_t>(gaps.size() / 2), gaps.end());
    const double gap = std::ceil(gaps[gaps.size() / 2] * kRounded) / kRounded;
    if (!(gap > 0)) return std::nullopt;
    return from_seconds(gap);
}

/// One series and no other.
std::string exact(const PromSeries& series) {
    std::string metric;
    std::vector<Matcher> matchers;
    for (const auto& [label, value] : series.labels) {
        if (label == "__name__")
            metric = value;
        else
            matchers.push_back({label, Matcher::Op::Equal, value});
    }
    return promql::selector_text(metric, matchers);
}

/// The labels in which series differ: what a person must narrow or aggregate.
std::string differing(const std::vector<PromSeries>& series) {
    std::map<std::string, std::set<std::string>> values;
    for (const PromSeries& one : series)
        for (const auto& [label, value] : one.labels) values.try_emplace(label);
    for (auto& [label, seen] : values)
        for (const PromSeries& one : series) seen.insert(std::string(one.label(label)));  // a missing one is empty
    std::string out;
    for (const auto& [label, seen] : values)
        if (seen.size() > 1) out += (out.empty() ? "`" : ", `") + label + "`";
    return out;
}

}  // namespace

PromQuery::PromQuery(PromHub& hub, PromServer& server, const ServiceSettings& settings, std::uint32_t index,
                     PromListener& listener)
    : hub_(hub),
      server_(server),
      service_(settings.name),
      service_selector_(settings.prometheus_selector),
      signal_(settings.signals[index]),
      index_(index),
      interval_(settings.interval),
      listener_(listener),
      freshness_(signal_.promql.empty() ? std::string() : promql::freshness_of(signal_.promql)),
      endpoints_(server, settings, index, listener),
      starts_(server, settings, index) {
    hub_.queries_.push_back(this);
    hub_.changed_ = true;
}

PromQuery::~PromQuery() {
    for (const PromServer::Ticket ticket :
         {name_ticket_, values_ticket_, ages_ticket_, history_ticket_, endpoints_ticket_})
        server_.forget(ticket);
    leave_endpoints();
    std::erase(hub_.queries_, this);
    hub_.changed_ = true;
}

Duration PromQuery::scraped_every() {
    if (const auto written = server_.settings().scrape_interval) return *written;
    return hub_.scrape_interval(*this).value.value_or(interval_);
}

/// Whose samples' times are looked at.
std::string PromQuery::selector() const {
    const bool quantile = signal_.kind == Signal::Kind::Quantile;
    if (signal_.promql.empty())
        return promql::selector_text(signal_.selector.metric + (quantile ? "_bucket" : ""), signal_.selector.matchers,
                                     together->group);
    const auto parsed = promql::parse(signal_.promql);
    const auto* root = std::get_if<promql::Expr>(&parsed);
    if (root == nullptr) return {};
    for (const promql::Expr* one : promql::selectors(*root)) {
        const std::size_t end = one->matrix ? signal_.promql.rfind('[', one->end) : one->end;
        if (!one->moved) return signal_.promql.substr(one->begin, end - one->begin);
    }
    return {};
}

void PromHub::learn(ScrapeInterval& interval, PromServer& server, const std::string& selector, Duration every,
                    Time deadline) {
    interval.trying = true;
    const auto ended = [this, &interval](std::optional<Duration> value) {
        interval.trying = false;
        interval.tried = loop_.now();
        if (value) interval.value = value;
        for (const auto& waiting : std::exchange(interval.waiting, {})) waiting();
    };
    const auto history = [ended](const std::shared_ptr<const PromRound>& round) {
        const auto& series = round->answer.series;
        ended(series.size() == 1 ? interval_of(series.front().points) : std::nullopt);
    };
    const auto any = [&server, ended, history, every, deadline](const std::shared_ptr<const PromRound>& round) {
        if (round->answer.series.size() != 1) return ended(std::nullopt);
        const std::string one = exact(round->answer.series.front()) + kHistory;
        server.ask(one, every, Time::min(), deadline, history);
    };
    server.ask("topk(1, " + selector + ")", every, Time::min(), deadline, any);
}

/// All signals without a name ask in the same words, so that the server is asked once.
void PromQuery::ask_name(Time deadline) {
    const Time now = hub_.loop().now();
    if (now < name_again_) {
        QueryResult result;
        result.reason = unnamed_;
        return listener_.query(index_, result, now);
    }
    name_ticket_ = server_.ask(names_query(service_selector_), interval_, Time::min(), deadline,
                               [this, deadline](const auto& round) { take_name(round, deadline); });
}

void PromQuery::take_name(const std::shared_ptr<const PromRound>& round, Time deadline) {
    QueryResult result;
    if (round->answer.verdict != Verdict::Ok) {
        result.verdict = round->answer.verdict;
        result.reason = round->answer.reason;
        return listener_.query(index_, result, round->asked);
    }
    auto found = named(signal_, round->answer, {service_, !service_selector_.empty(), hub_.is_alone(*this)});
    if (auto* why = std::get_if<std::string>(&found)) {
        name_pause_ = std::clamp<Duration>(2 * name_pause_, interval_, kNameAgain);
        name_again_ = round->asked + name_pause_ - interval_ / 2;  // slots jitter
        unnamed_ = std::move(*why);
        result.reason = unnamed_;
        return listener_.query(index_, result, round->asked);
    }
    signal_ = std::move(std::get<Signal>(found));
    hub_.changed_ = true;
    listener_.name_signal(index_, {promql::selector_text(signal_.selector.metric, signal_.selector.matchers), {}});
    ask(deadline);
    if (const auto wanted = std::exchange(history_wanted_, {})) ask_history(wanted->first, wanted->second);
}

void PromQuery::ask(Time deadline) {
    hub_.regroup_if_changed();
    if (!is_named()) return ask_name(deadline);
    values_.reset();
    ages_.reset();
    ScrapeInterval& known = hub_.scrape_interval(*this);
    if (server_.settings().scrape_interval) return ask_values(deadline);
    if (together->selector.empty()) together->selector = selector();
    if (together->selector.empty()) return ask_values(deadline);
    const bool first = known.tried == Time::min();
    const auto later = [this, deadline, alive = std::weak_ptr(alive_)] {
        if (!alive.expired()) ask_values(deadline);
    };
    if (first) known.waiting.emplace_back(later);
    const Duration pause = known.value ? kLearnAgain : kRetrySlots * interval_;
    const bool due = first || hub_.loop().now() - known.tried > pause;
    if (due && !known.trying) hub_.learn(known, server_, together->selector, interval_, deadline);
    if (!first) ask_values(deadline);
}

/// Of `window_`, which changes when another scrape interval is learned.
const std::string& PromQuery::text() {
    if (together->text.empty() || together->window != window_) {
        together->text = promql::query_of(signal_, window_, together->group);
        together->window = window_;
        together->memory = {};
    }
    return together->text;
}

/// The values, and beside a query of the user's own the age of its samples.
void PromQuery::ask_values(Time deadline) {
    window_ = promql::rate_window(interval_, scraped_every());
    missing_ = freshness_.empty() ? 1 : 2;
    asked_ = together;  // a reload may group anew before the answer comes
    asked_value_ = value;
    if (!freshness_.empty())
        ages_ticket_ = server_.ask(
            freshness_, interval_, seen_ages_, deadline, [this](const auto& round) { take_ages(round); },
            &ages_memory_);
    ask_endpoints(deadline);
    ask_starts(deadline);
    const std::string& query = text();
    values_ticket_ = server_.ask(
        query, interval_, seen_, deadline, [this](const auto& round) { take_values(round); }, &together->memory);
}

void PromQuery::watch(const std::optional<PromDeploy>& deploy) {
    starts_.watch(deploy.has_value());
    if (!endpoints_.are_tested()) return;
    leave_endpoints();
    endpoints_.watch(deploy);
    join_endpoints();
}

void PromQuery::join_endpoints() {
    const std::string& label = endpoints_.label();
    if (label.empty()) return;
    EndpointsTogether& all = together->endpoints[label];
    const auto at = std::ranges::lower_bound(all.values, value);
    if (at != all.values.end() && *at == value) return;
    all.values.insert(at, value);
    all.text.clear();
}

void PromQuery::leave_endpoints() {
    const auto all = together->endpoints.find(endpoints_.label());
    if (all == together->endpoints.end()) return;
    std::erase(all->second.values, value);
    all->second.text.clear();
    if (all->second.values.empty()) together->endpoints.erase(all);
}

/// Beside the values. Without an answer to this one the total is judged alone.
void PromQuery::ask_endpoints(Time deadline) {
    endpoint_cells_.clear();
    endpoints_.learn(signal_, hub_.loop().now(), deadline, [this] { join_endpoints(); });
    const auto all = together->endpoints.find(endpoints_.label());
    if (all == together->endpoints.end()) return;
    EndpointsTogether& asked = all->second;
    if (asked.text.empty() || asked.window != window_) {
        const promql::Group& group = together->group;
        asked.text = promql::endpoints_of(signal_, all->first, window_,
                                          group.label.empty() ? group : promql::Group{group.label, asked.values});
        asked.window = window_;
        asked.memory = {};
    }
    ++missing_;
    const std::string text = asked.text;  // an answer at once may change who is asked for
    endpoints_ticket_ = server_.ask(
        text, interval_, seen_endpoints_, deadline, [this](const auto& round) { take_endpoints(round); },
        &asked.memory);
}

void PromQuery::take_endpoints(const std::shared_ptr<const PromRound>& round) {
    seen_endpoints_ = round->asked;
    if (round->answer.verdict == Verdict::Ok && round->answer.instant)
        endpoints_.take(own_rows(round->answer), endpoint_cells_);
    if (--missing_ == 0) judge();
}

/// Beside the values as well. They wait for it, but not to the end: a hint that comes too late must not blind them.
void PromQuery::ask_starts(Time deadline) {
    if (!starts_.is_asked()) return;
    ++missing_;
    const Time now = hub_.loop().now();
    starts_.ask(signal_, window_, now + (deadline - now) / 2, [this] {
        if (--missing_ == 0) judge();
    });
}

/// Those of a common answer that are the service's.
std::vector<const PromSeries*> PromQuery::own_rows(const PromAnswer& answer) const {
    std::vector<const PromSeries*> rows;
    const std::string& label = asked_->group.label;
    if (label.empty())
        for (const PromSeries& series : answer.series) rows.push_back(&series);
    else
        for (const std::size_t i : answer.with(label, asked_value_)) rows.push_back(&answer.series[i]);
    return rows;
}

void PromQuery::take_values(const std::shared_ptr<const PromRound>& round) {
    values_ = round;
    seen_ = round->asked;
    if (--missing_ == 0) judge();
}

void PromQuery::take_ages(const std::shared_ptr<const PromRound>& round) {
    ages_ = round;
    seen_ages_ = round->asked;
    if (--missing_ == 0) judge();
}

void PromQuery::ask_history(Duration length, Time from) {
    constexpr Duration::rep kRows = 60;  // as many as a baseline has blocks
    constexpr Duration kLimit = 30s;     // nothing waits for it
    if (!is_named()) {
        history_wanted_ = {length, from};
        return;
    }
    const Time now = hub_.loop().now();
    length = std::min(length, now - std::max(from, now - length));
    const Duration step =
        std::max<Duration>({interval_, scraped_every(), std::chrono::ceil<std::chrono::seconds>(length / kRows)});
    if (length < 2 * step) return;
    const double end = seconds(hub_.loop().clock().now().wall.time_since_epoch() - server_.settings().delay);
    const double first = end - seconds(length) + seconds(step);
    // Each row looks back over its own step: together they are the whole time, each request once.
    const std::string text = promql::query_of(signal_, std::max(step, promql::rate_window(interval_, scraped_every())));
    history_ticket_ = server_.ask_range(text, {first, end, step}, now + kLimit,
                                        [this, step](const std::shared_ptr<const PromRound>& round) {
                                            if (round->answer.verdict == Verdict::Ok) take_history(*round, step);
                                        });
}

void PromQuery::take_history(const PromRound& round, Duration step) {
    std::map<double, std::vector<QueryCell>> rows;
    if (!signal_.promql.empty() && round.answer.series.size() != 1) return;
    for (const PromSeries& series : round.answer.series) {
        const std::string_view part = series.label(promql::kPart);
        const bool own = !signal_.promql.empty();
        if (!own && part == promql::kAt) continue;
        QueryCell cell;
        cell.bad = part == promql::kBad;
        if (part == promql::kBucket) {
            const auto bound = parse_number(series.label("le"));
            if (!bound) return;
            cell.le = *bound * signal_.to_base;
        } else if (!own && part != promql::kAll && part != promql::kBad) {
            return;  // the server has not understood
        }
        for (const PromPoint& point : series.points) {
            cell.value = point.value;
            rows[point.at].push_back(cell);
        }
    }
    const Time now = round.asked;
    std::vector<HistoryRow> history;
    for (auto& [at, cells] : rows) {
        const bool whole = std::any_of(cells.begin(), cells.end(), [](const QueryCell& cell) { return !cell.bad; });
        if (whole && at <= round.evaluated)
            history.push_back({now - from_seconds(round.evaluated - at), step, std::move(cells)});
    }
    if (!history.empty()) listener_.history(index_, history);
}

void PromQuery::judge() {
    for (const auto& round : {values_, ages_})
        if (round && round->answer.verdict != Verdict::Ok) return tell(round->answer.verdict, round->answer.reason);
    std::string words;
    // Of the whole answer, whoever of hundreds asks: looked at once, when it was read.
    if (!values_->answer.instant) return tell(Verdict::Error, "the answer is no vector");
    if (is_ahead(words)) return tell(Verdict::Stale, words);
    if (is_stale(values_->answer.oldest, words)) return tell(Verdict::Stale, words);
    if (!signal_.promql.empty()) return tell_value();
    judge_rows();
}

/// Ratio, quantile and rate. The listener may ask again: the scratch is not the hub's meanwhile.
void PromQuery::judge_rows() {
    auto rows = std::exchange(hub_.rows_, {});
    auto cells = std::exchange(hub_.cells_, {});
    rows.clear();
    cells.clear();
    const std::string& label = asked_->group.label;
    if (label.empty())
        for (const PromSeries& series : values_->answer.series) rows.push_back(&series);
    else
        for (const std::size_t i : values_->answer.with(label, asked_value_))
            rows.push_back(&values_->answer.series[i]);
    PromHub& hub = hub_;
    tell_rows(rows, cells);
    hub.rows_ = std::move(rows);
    hub.cells_ = std::move(cells);
}

bool PromQuery::is_stale(double at, std::string& words) {
    const Duration limit = 2 * std::max(interval_, scraped_every());
    const double age = values_->evaluated - at;
    if (std::abs(age) <= seconds(limit)) return false;
    if (age < 0) {  // nobody knows how old it is by this host's clock
        words = "the newest sample is from the future, by " + to_words(from_seconds(std::floor(std::min(-age, 1e9))));
        return true;
    }
    words = "the newest sample is " + (age < 1e9 ? to_words(from_seconds(std::floor(age))) : std::string("very")) +
            " old, at most " + to_words(limit) + " is allowed";
    return true;
}

/// A server whose clock is ahead is asked about an instant that it calls past: its newest samples of then look fresh.
bool PromQuery::is_ahead(std::string& words) {
    const Duration limit = 2 * std::max(interval_, scraped_every());
    if (values_->ahead <= limit) return false;
    words = "the clock of the server is " + to_words(std::chrono::floor<std::chrono::seconds>(values_->ahead)) +
            " ahead of this host's: what it says of now is so old";
    return true;
}

void PromQuery::tell(Verdict verdict, const std::string& reason) {
    QueryResult result;
    result.verdict = verdict;
    result.reason = reason;
    result.span = window_;
    listener_.query(index_, result, values_->asked);
}

/// Rows say what they are.
void PromQuery::tell_rows(const std::vector<const PromSeries*>& rows, std::vector<QueryCell>& cells) {
    std::optional<double> newest;
    for (const PromSeries* row : rows) {
        const std::string_view part = row->label(promql::kPart);
        const double number = row->points.front().value;
        if (part == promql::kAt) {
            newest = number;
        } else if (part == promql::kAll || part == promql::kBad) {
            cells.push_back({number, part == promql::kBad, 0});
        } else if (part == promql::kBucket) {
            const auto bound = parse_number(row->label("le"));
            if (!bound) return tell(Verdict::Error, "a bucket has no bound `le`");
            cells.push_back({number, false, *bound * signal_.to_base});
        } else {
            return tell(Verdict::Error, "the answer holds rows that were not asked for");
        }
    }
    std::string words;
    if (newest && is_stale(*newest, words)) return tell(Verdict::Stale, words);
    if (!newest && !cells.empty()) return tell(Verdict::Error, "the answer does not say how old its samples are");
    if (newest && cells.empty())
        return tell(Verdict::Insufficient, "one sample in " + to_words(window_) + ", a rate needs two");
    QueryResult result;
    result.values = cells;
    result.endpoints = endpoint_cells_;
    result.restarted = starts_.share();
    result.span = window_;
    listener_.query(index_, result, values_->asked);
}

/// A query of the user's own: one number.
void PromQuery::tell_value() {
    const auto& series = values_->answer.series;
    if (series.size() > 1) {
        const std::string labels = differing(series);
        return tell(Verdict::Ambiguous, std::to_string(series.size()) + " series where one is expected" +
                                            (labels.empty() ? "" : ", they differ in " + labels));
    }
    std::vector<QueryCell> cells;
    for (const PromSeries& one : series) cells.push_back({one.points.front().value, false, 0});
    if (ages_) {
        bool known = ages_->answer.series.empty();
        std::string words;
        for (const PromSeries& one : ages_->answer.series) {
            if (!one.label(promql::kPart).starts_with(promql::kAt)) continue;  // the server has not understood
            known = true;
            if (is_stale(one.points.empty() ? 0 : one.points.front().value, words)) return tell(Verdict::Stale, words);
        }
        if (known && ages_->answer.series.empty()) cells.clear();  // a value of nothing: `or vector(0)`
    }
    QueryResult result;
    result.values = cells;
    result.span = signal_.reach;
    listener_.query(index_, result, values_->asked);
}

}  // namespace revertd
