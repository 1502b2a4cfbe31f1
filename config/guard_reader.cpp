// SPDX-License-Identifier: Apache-2.0
#include "config/guard_reader.h"

#include <algorithm>
#include <array>

#include "config/rules.h"
#include "core/detector.h"

namespace revertd::config {

namespace {

constexpr std::array kDefaultGuard{
    DefaultRule{Severity::P0, "health down for 30s"},
    DefaultRule{Severity::P0, "errors > 10% for 1m"},
    DefaultRule{Severity::P1, "errors > 5% for 2m"},
    DefaultRule{Severity::P1, "p95 > 1.5x baseline for 3m"},
    DefaultRule{Severity::P1, "rollout stuck"},
    DefaultRule{Severity::P2, "errors > 2% for 5m"},
    DefaultRule{Severity::P2, "p95 > 1.2x baseline for 5m"},
};

bool is_health_rule(const Rule& rule) {
    return rule.kind == Rule::Kind::HealthDown || rule.kind == Rule::Kind::HealthFails;
}

constexpr int kDeepest = 3;  // combinations in combinations: what is deeper nobody reads at night

bool is_combination(const Node::Entry& entry) {
    return entry.key == "any" || entry.key == "all" || entry.key.ends_with(" of");
}

/// How many of its parts: 0 if the word before `of` is no number.
std::size_t need_of(std::string_view key, std::size_t parts) {
    if (key == "any") return 1;
    if (key == "all") return parts;
    return static_cast<std::size_t>(parse_count(key.substr(0, key.find(' '))).value_or(0));
}

/// What the sequential test can judge.
bool is_tested(const Signal& signal) {
    return signal.kind == Signal::Kind::Ratio || signal.kind == Signal::Kind::Quantile;
}

/// The test that `anomaly` writes for a signal; empty: none.
std::string test_of(const std::string& name, const Signal& signal) {
    if (is_tested(signal)) return name + " worse than baseline";
    if (signal.well_known && signal.starts) return name + " repeat";
    if (signal.well_known && signal.limit) return name + " fills up";
    return "";
}

bool is_verify_option(std::string_view key) {
    return key == "within" || key == "for" || key == "health";
}

std::string_view sign_of(Rule::Op op) {
    switch (op) {
        case Rule::Op::Greater:
            return ">";
        case Rule::Op::GreaterEqual:
            return ">=";
        case Rule::Op::Less:
            return "<";
        case Rule::Op::LessEqual:
            return "<=";
    }
    return ">";
}

Rule::Op opposite(Rule::Op op) {
    switch (op) {
        case Rule::Op::Greater:
            return Rule::Op::LessEqual;
        case Rule::Op::GreaterEqual:
            return Rule::Op::Less;
        case Rule::Op::Less:
            return Rule::Op::GreaterEqual;
        case Rule::Op::LessEqual:
            return Rule::Op::Greater;
    }
    return op;
}

/// `errors < 1% for 5m` as the rule `errors >= 1%` that must not be breached: judged in the window that the sentence
/// would have (S20), cleared at the bound itself.
Rule turned_round(Rule rule) {
    rule.severity = Severity::None;
    rule.op = opposite(rule.op);
    if (!rule.over && rule.hold > Duration::zero()) rule.over = std::min<Duration>(rule.hold / 4, 1min);
    rule.hold = Duration::zero();
    rule.clear = rule.bound;
    const std::size_t sign = rule.text.find_first_of("<>");
    const std::size_t bound = rule.text.find_first_not_of("<>= ", sign);
    rule.text = rule.text.substr(0, sign) + std::string(sign_of(rule.op)) + " " + rule.text.substr(bound);
    rule.text.resize(std::min(rule.text.find(" for "), rule.text.size()));
    return rule;
}

}  // namespace

std::span<const DefaultRule> default_guard() {
    return kDefaultGuard;
}

std::vector<Rule> GuardReader::read(const Node* guard) {
    if (guard == nullptr) {
        read_default();
        read_anomaly(Severity::P1);
        for (Rule& rule : rules_) rule.from_default_guard = true;
        confirm_limits();
    } else if (guard->is_map()) {
        for (const Severity severity : {Severity::P0, Severity::P1, Severity::P2, Severity::P3})
            if (const Node* node = guard->find(to_string(severity))) read_rules(*node, severity);
        if (const Node* anomaly = guard->find("anomaly")) read_anomaly(severity_from(anomaly->text));
    } else if (!guard->is_off()) {
        read_rules(*guard, Severity::P1);
    }
    share_alpha();
    return std::move(rules_);
}

/// `anomaly: P1`: the sequential test on every signal that counts something.
void GuardReader::read_anomaly(std::optional<Severity> severity) {
    if (!severity || context_.alpha <= 0) return;
    for (const std::string_view well_known : {"errors", "p95"})
        if (context_.has_metrics) (void)signals_.find(well_known);
    for (const std::string_view well_known : {"restarts", "open_fds"})
        if (context_.has_metrics) (void)signals_.find(well_known);
    for (const std::string& name : signals_.names()) {
        const auto index = signals_.find(name);
        const std::string text = index ? test_of(name, signals_.at(*index)) : "";
        if (text.empty()) continue;
        const auto same = [&](const Rule& rule) { return rule.text == text && rule.severity != Severity::None; };
        if (std::any_of(rules_.begin(), rules_.end(), same)) continue;
        auto parsed = parse_rule(text, signals_);
        if (auto* rule = std::get_if<ParsedRule>(&parsed)) {
            rule->rule.severity = *severity;
            // Nobody named the signal: where it is not found, the rule is left out (S26).
            rule->rule.from_default_guard = signals_.at(*index).well_known;
            rules_.push_back(std::move(rule->rule));
        }
    }
}

/// A fixed limit knows nothing of a service: the limits that nobody wrote act only where the test agrees, or cannot
/// say.
void GuardReader::confirm_limits() {
    for (Rule& rule : rules_) {
        if (rule.kind != Rule::Kind::Threshold) continue;
        for (std::uint32_t test = 0; test < rules_.size(); ++test)
            if (rules_[test].kind == Rule::Kind::Detector && rules_[test].signal == rule.signal)
                rule.confirmed_by = test;
    }
}

/// All tests of a bake together call no more than `alpha` of the healthy deploys bad. Half of it is for what is slower,
/// half for what fails, each in equal parts: a test uses less than half of what it is given.
void GuardReader::share_alpha() {
    const auto is_test = [](const Rule& rule) {
        return rule.detector != nullptr && (rule.detector->name == "worse" || rule.detector->name == "repeat");
    };
    const auto alike = [&](const Rule& a) {
        return std::count_if(rules_.begin(), rules_.end(), [&](const Rule& b) {
            return b.detector == a.detector && signals_.at(a.signal).kind == signals_.at(b.signal).kind;
        });
    };
    for (Rule& rule : rules_) {
        if (!is_test(rule)) continue;
        if (context_.alpha <= 0)
            diagnostics_.error(context_.at, "`" + rule.text + "` needs `alpha`, which is off", "write `alpha: 0.001`");
        rule.arguments[0] = context_.alpha / static_cast<double>(alike(rule));
    }
}

void GuardReader::read_default() {
    for (const DefaultRule& rule : kDefaultGuard) {
        const bool on_health = rule.text.starts_with("health");
        const bool on_signal = !on_health && !rule.text.starts_with("rollout");
        if ((on_health && !context_.has_health) || (on_signal && !context_.has_metrics)) continue;
        auto parsed = parse_rule(rule.text, signals_);
        if (const auto* error = std::get_if<SentenceError>(&parsed)) {
            if (error->what.empty()) continue;
            diagnostics_.error(context_.at,
                               "the default rule `" + std::string(rule.text) + "` does not fit: " + error->what,
                               "write a `guard` for this service");
            continue;
        }
        Rule& out = rules_.emplace_back(std::move(std::get<ParsedRule>(parsed).rule));
        out.severity = rule.severity;
        out.from_default_guard = true;
    }
}

void GuardReader::read_rules(const Node& node, Severity severity) {
    if (node.is_off()) return;
    each(node, [&](const Node& rule) { read_rule(rule, severity); });
}

void GuardReader::add(Rule rule, const Node& node) {
    const Node* sentence = node.is_map() ? node.find("rule") : nullptr;
    rules_.push_back(std::move(rule));
    nodes_.resize(rules_.size());
    nodes_.back() = sentence != nullptr ? sentence : &node;
}

void GuardReader::read_rule(const Node& node, Severity severity) {
    auto rule = rule_of(node, severity, 0);
    if (!rule) return;
    rule->severity = severity;
    if (const Node* steps = node.find("do")) read_steps(*steps, *rule);
    const Node* text = node.is_map() ? node.find("rule") : nullptr;
    for (const Rule& other : rules_)
        if (other.text == rule->text && other.severity == severity)
            diagnostics_.error(text != nullptr ? text->at : node.at,
                               "the rule `" + rule->text + "` stands twice in " + std::string(to_string(severity)),
                               "remove one");
    add(std::move(*rule), node);
}

std::optional<Rule> GuardReader::rule_of(const Node& node, Severity severity, int depth) {
    const auto list = std::find_if(node.entries.begin(), node.entries.end(), is_combination);
    if (list != node.entries.end()) return combined(node, *list, severity, depth);
    const Node* text = node.is_map() ? node.find("rule") : &node;
    if (text == nullptr) {
        const bool as_a_key = node.entries.size() == 1 && node.entries.front().value.is_scalar();
        const std::string key = as_a_key ? node.entries.front().key.substr(0, 40) : std::string{};
        if (as_a_key && (signals_.find(key) || key == "health"))
            diagnostics_.error(node.at, "a rule is a sentence, not a key with a value",
                               "write [ " + key + (key == "health" ? " down for 30s ]" : " > 5% for 2m ]"));
        else if (std::ranges::all_of(node.entries, [](const Node::Entry& e) { return e.key == "do"; }))
            diagnostics_.error(node.at, "a rule needs `rule`", "as in { rule: errors > 5%, do: [systemd] }");
        return std::nullopt;
    }
    auto rule = sentence(*text);
    if (rule) check_sources(*rule, text->at);
    return rule;
}

std::optional<Rule> GuardReader::combined(const Node& node, const Node::Entry& list, Severity severity, int depth) {
    const auto lists = std::count_if(node.entries.begin(), node.entries.end(), is_combination);
    const std::size_t size = list.value.items.size();
    const std::size_t need = need_of(list.key, size);
    const auto refuse = [&](const std::string& what, const std::string& hint) {
        diagnostics_.error(list.at, what, hint);
        return std::nullopt;
    };
    if (!list.value.is_list() || need == 0) return std::nullopt;  // the table of keys has complained
    if (lists > 1 || node.find("rule") != nullptr)
        return refuse("one sentence or one combination stands in a rule", "put the other one in a list of this");
    if (size < 2) return refuse("a combination of one rule is that rule", "write the rule itself, or another one");
    if (need > size)
        return refuse("`" + list.key + "` of " + std::to_string(size) + " rules can never hold", "name more of them");
    if (depth >= kDeepest) return refuse("combinations are nested too deeply", "three levels are enough");
    Rule out;
    out.kind = Rule::Kind::Combined;
    out.need = static_cast<std::uint32_t>(need);
    for (const Node& item : list.value.items) add_part(item, severity, depth + 1, out);
    if (out.parts.size() < size) return std::nullopt;
    for (const std::uint32_t part : out.parts) out.text += (out.text.empty() ? "" : "; ") + rules_[part].text;
    out.text = (need == 1 ? "any" : need == size ? "all" : std::to_string(need)) + " of (" + out.text + ")";
    return out;
}

void GuardReader::add_part(const Node& node, Severity severity, int depth, Rule& whole) {
    auto part = rule_of(node, severity, depth);
    if (const Node* steps = node.find("do"))
        diagnostics_.error(steps->at, "`do` belongs to the whole combination", "write it beside the list");
    if (!part) return;
    if (is_rollout_rule(*part))
        return diagnostics_.error(node.at, "`" + part->text + "` cannot be combined",
                                  "it says what the deploy does: let it stand alone");
    for (const std::uint32_t other : whole.parts)
        if (rules_[other].text == part->text)
            return diagnostics_.error(node.at, "the rule `" + part->text + "` stands twice in a combination",
                                      "remove one");
    part->severity = Severity::None;
    part->part_of = severity;
    whole.hold = std::max(whole.hold, part->hold);  // how long what it says stays fresh (S28)
    whole.parts.push_back(static_cast<std::uint32_t>(rules_.size()));
    add(std::move(*part), node);
}

std::optional<Rule> GuardReader::sentence(const Node& scalar) {
    if (!scalar.is_scalar() || scalar.text.empty()) return std::nullopt;
    auto parsed = parse_rule(scalar.text, signals_);
    if (const auto* error = std::get_if<SentenceError>(&parsed)) {
        report(*error, inside(scalar, error->offset, diagnostics_));
        return std::nullopt;
    }
    auto& [rule, warning] = std::get<ParsedRule>(parsed);
    if (!warning.empty()) diagnostics_.warning(scalar.at, warning);
    return std::move(rule);
}

void GuardReader::check_sources(const Rule& rule, Position at) {
    const std::string service = "`" + std::string(context_.service) + "`";
    if (is_health_rule(rule) && !context_.has_health)
        diagnostics_.error(at, "a rule about health, but " + service + " has no `health`", "add `health: http://...`");
    if (is_of_signal(rule) && !context_.has_metrics)
        diagnostics_.error(at, "a rule about a signal, but " + service + " has neither `metrics` nor `prometheus`",
                           "add `metrics: http://...` or `prometheus: { url: http://... }`");
    if (is_of_signal(rule)) check_ownership(signals_.at(rule.signal), at);
}

/// A default that finds nothing is left out; what somebody wrote is relied upon, and blind for ever if nothing says
/// which of the server's series it means.
void GuardReader::check_ownership(const Signal& signal, Position at) {
    const bool by_label =
        signal.well_known && signal.source == Signal::Source::Prometheus && signal.selector.matchers.empty();
    if (!by_label || told_ownership_) return;
    told_ownership_ = true;
    const std::string service(context_.service);
    diagnostics_.warning(
        at,
        "`" + signal.name + "` is found by a well-known name, and only a label that says `" + service +
            "` tells which series of the server are this service's: where there is none, the rule cannot see",
        "write `prometheus: { url: ..., selector: '{app=\"" + service + "\"}' }` with your label, or the query under " +
            "`signals: { " + signal.name + ": ... }`; `check --live` says what is found");
}

void GuardReader::read_steps(const Node& node, Rule& rule) {
    each(node, [&](const Node& step) {
        if (!step.is_scalar()) return;
        if (std::find(context_.steps.begin(), context_.steps.end(), step.text) == context_.steps.end()) {
            std::string hint = did_you_mean(step.text, context_.steps);
            if (hint.empty()) hint = "steps are named by their recipe, as in `systemd`";
            diagnostics_.error(step.at, "`rollback` has no step `" + step.text.substr(0, 60) + "`", hint);
        }
        rule.steps.push_back(step.text);
    });
}

std::optional<Rule> GuardReader::read_verify(const Node& verify, VerifySettings& out) {
    read_duration(verify, "within", out.within);
    read_duration(verify, "for", out.clear_for);
    if (const Node* health = verify.find("health")) out.health_up = !health->is_off();
    std::optional<Rule> rule;
    int signals = 0;
    for (const Node::Entry& entry : verify.entries) {
        if (is_verify_option(entry.key) || !entry.value.is_scalar()) continue;
        if (++signals > 1) diagnostics_.error(entry.at, "`verify` names a second signal", "one is possible");
        rule = verify_rule(entry, out);
    }
    return rule;
}

std::optional<Rule> GuardReader::verify_rule(const Node::Entry& entry, VerifySettings& out) {
    const std::string prefix = entry.key + " ";
    auto parsed = parse_rule(prefix + entry.value.text, signals_);
    if (const auto* error = std::get_if<SentenceError>(&parsed)) {
        const bool in_key = error->offset < prefix.size();
        report(*error, in_key ? entry.at : inside(entry.value, error->offset - prefix.size(), diagnostics_));
        return std::nullopt;
    }
    Rule rule = std::move(std::get<ParsedRule>(parsed).rule);
    check_sources(rule, entry.at);
    if (rule.kind != Rule::Kind::Threshold || rule.in_a_row > 0 || rule.of > 0 || rule.clear) {
        diagnostics_.error(entry.value.at, "`verify` needs a bound, with or without `for`",
                           "as in `errors: < 1% for 5m`");
        return std::nullopt;
    }
    if (rule.hold > Duration::zero()) out.clear_for = rule.hold;
    return turned_round(std::move(rule));
}

void GuardReader::report(const SentenceError& error, Position at) {
    if (!error.what.empty()) diagnostics_.error(at, error.what, error.hint);
}

}  // namespace revertd::config
