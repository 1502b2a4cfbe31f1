// SPDX-License-Identifier: Apache-2.0
// The flight record of one Judge:
//   checksum u64 of the rest | version u32 | shape u64 | phase, borders, grid | targets, health, presence | series |
//   signals | rules
// in the byte order of the machine, because nobody else reads it. `shape` covers every setting that decides what the
// numbers mean: under other settings they say nothing, and the Judge begins anew.
#include "core/bytes.h"
#include "core/judge_state.h"

namespace revertd {
namespace {

constexpr std::uint32_t kVersion = 10;
constexpr std::size_t kText = 4096;  // names and sentences are far shorter

void put(ByteWriter& out, const Border& border) {
    out.put(border.moment);
    out.put(border.difference);
}

bool get(ByteReader& in, Border& border) {
    return in.get(border.moment) && in.get(border.difference) &&
           ((border.moment >= 0 && border.difference >= 0) || in.fail());
}

}  // namespace

std::uint64_t Judge::State::shape() const {
    ByteWriter out;
    out.put(settings->interval.count());
    out.put(settings->baseline.count());
    for (const HealthTarget& target : settings->health) out.put(std::string_view(target.url));
    for (const std::string& url : settings->metrics) out.put(std::string_view(url));
    for (const Signal& signal : settings->signals) {
        out.put(signal.source);
        out.put(signal.is_control);
        out.put(signal.kind);
        out.put(signal.aggregate);
        out.put(signal.quantile);
        out.put(signal.to_base);
        out.put(std::string_view(signal.name));
        out.put(std::string_view(signal.text));
        out.put(signal.starts);
        out.put(std::string_view(signal.limit ? signal.limit->metric : ""));
        out.put(signal.endpoint.has_value());
        out.put(std::string_view(signal.endpoint.value_or("")));
    }
    for (const Rule& rule : settings->rules) {
        out.put(rule.kind);
        out.put(rule.signal);
        out.put(std::string_view(rule.text));
        if (rule.detector != nullptr) out.put(rule.detector->name);
    }
    out.put(static_cast<std::uint32_t>(rules.size()));
    return checksum(out.take());
}

void Judge::State::save(ByteWriter& out) const {
    out.put(kVersion);
    out.put(shape());
    out.put(phase.kind);
    for (const Time time : {phase.since, phase.warmup_until, differences_from, oldest_before}) out.put(time);
    out.put(frozen);
    put(out, opened);
    put(out, warm);
    grid.save(out);
    for (const HealthState& target : health) out.put(target.last);
    for (const TargetState& target : targets) {
        out.put(target.known);
        out.put(target.missed);
        out.put(target.last_good);
        out.put(target.scrapes);
        out.put(target.last_reset);
        out.put(target.starts);
        out.put(target.falls);
        out.put(target.fell_from);
        out.put(target.takes_turns);
    }
    for (const Presence& one : presences) out.put(one.member);
    series.save(out);
    gains.save(out);
    out.put(static_cast<std::uint32_t>(asked_endpoints.size()));
    for (const std::string& name : asked_endpoints) out.put(std::string_view(name));
    for (const SignalState& signal : signals) {
        out.put(signal.seen);
        out.put(signal.too_many);
        out.put(signal.restarted);
        out.put(std::string_view(signal.found));
        out.put(signal.query.known);
        out.put(signal.query.span.count());
        out.put(signal.query.starts);
        signal.window.save(out);
    }
    for (std::size_t index = 0; index < rules.size(); ++index) {
        const RuleState& rule = rules[index];
        rule.run.save(out);
        if (rule.detector) rule.detector->save(out);
        out.put(rule.now.verdict);
        for (const double number : {rule.now.value, rule.now.limit, rule.now.baseline, rule.now.requests})
            out.put(number);
        out.put(rule.now.control_blind);
        out.put(std::string_view(change_of(index).words));
        out.put(rule.holds);
        out.put(rule.verdict_since);
        out.put(rule.held_since);
        for (const std::uint64_t count :
             {rule.summary.slots, rule.summary.ok, rule.summary.breach, rule.summary.blind, rule.summary.insufficient})
            out.put(count);
        out.put(rule.summary.last);
    }
}

bool Judge::State::load_targets(ByteReader& in) {
    for (HealthState& target : health)
        if (!in.get_enum(target.last, Health::Blind)) return false;
    for (TargetState& target : targets) {
        if (!in.get(target.known) || !in.get(target.missed) || !in.get(target.last_good) || !in.get(target.scrapes) ||
            !in.get(target.last_reset) || !in.get(target.starts) || !in.get(target.falls) ||
            !in.get(target.fell_from) || !in.get(target.takes_turns))
            return false;
    }
    for (Presence& one : presences)
        if (!in.get(one.member)) return false;
    if (!series.load(in) || !gains.load(in, series.size())) return false;
    std::uint32_t names = 0;
    if (!in.get(names) || names > EndpointCounts::kMost) return in.fail();
    asked_endpoints.assign(names, {});
    for (std::string& name : asked_endpoints)
        if (!in.get(name, EndpointCounts::kLongest)) return false;
    for (SignalState& signal : signals) {
        if (!in.get(signal.seen) || !in.get(signal.too_many) || !in.get(signal.restarted) ||
            !in.get(signal.found, kText))
            return false;
        Duration::rep span = 0;
        if (!in.get(signal.query.known) || !in.get(span) || span < 0 || span > kLongestSpan.count()) return in.fail();
        signal.query.span = Duration(span);
        if (!in.get(signal.query.starts) || !(signal.query.starts >= 0) || !(signal.restarted >= 0)) return in.fail();
        if (!signal.window.load(in)) return false;
    }
    for (SeriesId id = 0; id < series.size(); ++id) {
        const SeriesTable::Row& row = series.row(id);
        if (series.target(id) >= targets.size() || row.signal >= signals.size()) return in.fail();
        if (row.cell >= signals[row.signal].window.slot().size()) return in.fail();
    }
    if (gains.watching()) begin_traces(), begin_endpoints();  // a plot of after the restart is better than none
    return true;
}

bool Judge::State::load_rules(ByteReader& in) {
    for (RuleState& rule : rules) {
        RuleSummary& summary = rule.summary;
        if (!rule.run.load(in) || (rule.detector && !rule.detector->load(in)) ||
            !in.get_enum(rule.now.verdict, Verdict::Insufficient))
            return false;
        for (double* number : {&rule.now.value, &rule.now.limit, &rule.now.baseline, &rule.now.requests})
            if (!in.get_or_nan(*number)) return false;
        if (!in.get(rule.now.control_blind) || !in.get(rule.words_before, kText)) return false;
        if (!in.get(rule.holds) || !in.get(rule.verdict_since) || !in.get(rule.held_since)) return false;
        for (std::uint64_t* count :
             {&summary.slots, &summary.ok, &summary.breach, &summary.blind, &summary.insufficient})
            if (!in.get(*count)) return false;
        if (!in.get_enum(summary.last, Verdict::Insufficient)) return false;
        rule.tell_anew = true;  // the Engine has begun anew, too
    }
    return true;
}

bool Judge::State::load(ByteReader& in) {
    if (!in.get_enum(phase.kind, JudgePhase::Kind::Apart)) return false;
    for (Time* time : {&phase.since, &phase.warmup_until, &differences_from, &oldest_before})
        if (!in.get(*time)) return false;
    return in.get(frozen) && get(in, opened) && get(in, warm) && grid.load(in) && load_targets(in) && load_rules(in) &&
           (in.at_end() || in.fail());
}

std::string Judge::save() const {
    ByteWriter body;
    state_->save(body);
    const std::string bytes = body.take();
    ByteWriter out;
    out.put(checksum(bytes));
    return out.take() + bytes;
}

std::string Judge::form() const {
    std::string letters;
    ByteWriter out(letters);
    state_->save(out);
    return std::to_string(kVersion) + letters;
}

Result<void> Judge::restore(std::string_view bytes, Time now) {
    const auto corrupt = [](const char* what) {
        return Error(ErrorCode::Corrupt, std::string("flight record: ") + what);
    };
    ByteReader head(bytes);
    std::uint64_t sum = 0;
    if (!head.get(sum) || sum != checksum(bytes.substr(sizeof sum))) return corrupt("the checksum is wrong");
    ByteReader in(bytes.substr(sizeof sum));
    std::uint32_t version = 0;
    std::uint64_t shape = 0;
    if (!in.get(version) || !in.get(shape)) return corrupt("it is cut off");
    if (version != kVersion) return corrupt("it was written by another version of revertd");
    if (shape != state_->shape())
        return Error(ErrorCode::Conflict, "flight record: it was written under other settings");
    auto restored = std::make_unique<State>(state_->settings, state_->series.pool());
    if (!restored->load(in)) return corrupt("its parts do not fit together");
    if (restored->oldest_before > now) return corrupt("it comes from the future");
    const SlotIndex last = restored->grid.last();
    const SlotIndex next = restored->grid.next(now);
    if (last >= 0 && next > last + 1) {
        restored->miss(static_cast<std::uint64_t>(next - last - 1), now);
        restored->grid.skip_to(next - 1);
    }
    state_ = std::move(restored);
    return {};
}

}  // namespace revertd
