// SPDX-License-Identifier: Apache-2.0
#include "config/service_reader.h"

#include <algorithm>

#include "config/compare_reader.h"
#include "config/guard_reader.h"
#include "config/http_reader.h"
#include "config/notify_reader.h"
#include "config/promql.h"
#include "config/rollback_reader.h"
#include "config/scalars.h"
#include "config/targets_reader.h"
#include "core/detector.h"

namespace revertd::config {

namespace {

constexpr Duration kLeastBake = 5min;             // of one that data may end
constexpr Duration kLeastTest = 65s;              // trouble of a minute may be a blip; and one tick
constexpr long long kMaxBaselineSlots = 100'000;  // a value each: what one service may cost in memory

template <class T>
std::shared_ptr<const T> shared(T value, std::shared_ptr<const T>& alike) {
    if (alike == nullptr || !(*alike == value)) alike = std::make_shared<const T>(std::move(value));
    return alike;
}

class ServiceReader {
  public:
    ServiceReader(const Node::Entry& entry, const CommonSettings& common, Alike& alike, Diagnostics& diagnostics)
        : entry_(entry), common_(common), alike_(alike), diagnostics_(diagnostics) {}

    ReadService read() {
        out_.name = entry_.key;
        if (!is_name(entry_.key))
            diagnostics_.error(entry_.at, "`" + entry_.key.substr(0, 60) + "` is no name for a service",
                               "letters, digits, `.`, `_` and `-`, at most 64");
        layered([&](const Node& layer) { plain_keys(layer); });
        sources();
        policy();
        environment();
        out_.severity = shared(std::move(severity_), alike_.severity);
        people_and_hours();
        rollback();
        guard();
        if (!diagnostics_.has_errors()) check_times();
        read_.settings = std::make_shared<const ServiceSettings>(std::move(out_));
        return std::move(read_);
    }

  private:
    /// Defaults first, then the service itself over them.
    template <class Visit>
    void layered(const Visit& visit) {
        if (common_.defaults != nullptr) visit(*common_.defaults);
        visit(entry_.value);
    }

    /// The value that holds for a key that is taken as a whole; null when it is nowhere or switched off.
    const Node* whole(std::string_view key) const {
        const Node* node = entry_.value.find(key);
        if (node == nullptr && common_.defaults != nullptr) node = common_.defaults->find(key);
        return node == nullptr || node->is_off() ? nullptr : node;
    }

    /// The same, but `off` is not the same as "nowhere".
    const Node* written(std::string_view key) const {
        const Node* node = entry_.value.find(key);
        return node != nullptr || common_.defaults == nullptr ? node : common_.defaults->find(key);
    }

    void plain_keys(const Node& layer) {
        read_text(layer, "owner", out_.owner);
        read_text(layer, "environment", out_.environment);
        read_text(layer, "runbook", out_.runbook);
        read_text(layer, "class", out_.impact_class);
        if (const Node* bake = layer.find("bake")) read_bake(layer, *bake);
        read_duration(layer, "warmup", out_.warmup);
        read_duration(layer, "interval", out_.interval);
        read_duration(layer, "baseline", out_.baseline);
        read_duration(layer, "rollout", out_.rollout);
        read_number(layer, "min_requests", out_.min_requests);
        read_choice(layer, "steady", out_.steady, {{"page", true}, {"off", false}});
        read_choice(layer, "mode", out_.mode,
                    {{"observe", Mode::Observe}, {"recommend", Mode::Recommend}, {"enforce", Mode::Enforce}});
        read_choice(layer, "no_data", out_.no_data,
                    {{"hold", NoDataPolicy::Hold}, {"corroborated", NoDataPolicy::Corroborated}});
    }

    /// A layer that writes it writes all of it.
    void read_bake(const Node& layer, const Node& bake) {
        out_.until_excluded = 0, out_.bake_at_least = Duration::zero();
        if (!bake.is_map()) return read_duration(layer, "bake", out_.bake);
        read_duration(bake, "at most", out_.bake);
        out_.bake_at_least = std::min<Duration>(kLeastBake, out_.bake);
        read_duration(bake, "at least", out_.bake_at_least);
        const Node* until = bake.find("until excluded");
        if (until != nullptr && until->is_scalar()) out_.until_excluded = parse_factor(until->text).value_or(0);
    }

    void sources() {
        TargetsReader reader(diagnostics_);
        HttpSettings http = common_.http;
        layered([&](const Node& layer) {
            if (const Node* node = layer.find("http")) read_http(*node, *common_.options, http, diagnostics_);
        });
        if (const Node* health = whole("health")) reader.health(*health, out_);
        if (const Node* metrics = whole("metrics")) reader.metrics(*metrics, out_);
        const Node* node = whole("prometheus");
        if (auto prometheus = node != nullptr ? reader.prometheus(*node) : std::nullopt) {
            prometheus->http = http;
            const Node* own = node->find("http");
            if (own != nullptr) read_http(*own, *common_.options, prometheus->http, diagnostics_);
            const Node* selector = node->find("selector");
            if (std::string text; selector != nullptr && selector->is_scalar())
                (void)read_labels(*selector, text, out_.prometheus_selector, diagnostics_);
            out_.prometheus = shared(std::move(*prometheus), alike_.prometheus);
        }
        out_.http = shared(std::move(http), alike_.http);
        doubt_tls();
        if (const Node* compare = whole("compare")) compare_ = read_compare(*compare, out_, diagnostics_);
        if (const Node* current = whole("current")) out_.current = reader.current(*current);
        if (const Node* resolvers = whole("resolvers")) out_.resolvers = reader.resolvers(*resolvers);
        if (whole("health") == nullptr && out_.metrics.empty() && whole("metrics") == nullptr &&
            whole("prometheus") == nullptr)
            diagnostics_.error(
                entry_.at,
                "`" + entry_.key + "` has neither `health` nor `metrics` nor `prometheus`: there is nothing to judge",
                "add `health: http://...`");
    }

    /// TLS of a service that speaks none.
    void doubt_tls() {
        const Node* http = entry_.value.find("http");
        const Node* tls = http == nullptr ? nullptr : http->find("tls");
        if (tls == nullptr || !tls->is_map()) return;
        std::vector<std::string_view> urls(out_.metrics.begin(), out_.metrics.end());
        for (const HealthTarget& target : out_.health) urls.emplace_back(target.url);
        if (out_.prometheus) urls.emplace_back(out_.prometheus->url);
        const auto plain = [](std::string_view url) { return !url.starts_with("https://"); };
        if (!urls.empty() && whole("compare") == nullptr && std::ranges::all_of(urls, plain))
            diagnostics_.warning(tls->at,
                                 "`tls`, but no URL of this service begins with https://: nothing is encrypted",
                                 "write https:// where the service speaks TLS");
    }

    void policy() {
        severity_ = common_.severity;
        out_.limits = common_.limits;
        layered([&](const Node& layer) {
            if (const Node* severity = layer.find("severity")) {
                read_severity(*severity, severity_);
                check_roles(*severity, *common_.settings, diagnostics_);
            }
            if (const Node* limits = layer.find("limits")) read_limits(*limits, out_.limits);
        });
    }

    /// Told by the service itself; by `defaults` only if these are for that environment.
    const Node* told(std::string_view key) const {
        const Node* own = entry_.value.find(key);
        const bool common = entry_.value.find("environment") == nullptr && common_.defaults != nullptr;
        return own != nullptr || !common ? own : common_.defaults->find(key);
    }

    /// Meant to be the one that acts, and written otherwise.
    void doubt_environment() {
        std::string lower = out_.environment;
        std::ranges::transform(lower, lower.begin(),
                               [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        for (const std::string_view meant : {"prod", "prd", "production", "produktion", "produccion", "live"})
            if (lower == meant || lower.starts_with(std::string(meant) + "-"))
                return diagnostics_.warning(place("environment"),
                                            "`" + out_.environment +
                                                "` is not `production`: no severity rolls back or asks "
                                                "by itself, and nobody is woken",
                                            "write `environment: production`, or remove the key");
    }

    /// A service that is not production asks nothing and acts only if told; nobody is woken for it unless told.
    void environment() {
        if (out_.environment == "production") return;
        doubt_environment();
        static constexpr std::array<std::string_view, 4> kRows{"P0", "P1", "P2", "P3"};
        using Rollback = SeverityPolicy::Rollback;
        const Node* matrix = told("severity");
        const bool mode = told("mode") != nullptr;
        for (std::size_t i = 0; i < kRows.size(); ++i) {
            const Node* row = matrix == nullptr ? nullptr : matrix->find(kRows[i]);
            const auto says = [&](std::string_view key) { return row != nullptr && row->find(key) != nullptr; };
            SeverityPolicy& policy = severity_[i];
            const bool acts = policy.rollback == Rollback::Now && mode && out_.mode == Mode::Enforce;
            const bool asks = mode && out_.mode == Mode::Recommend;
            if (!says("rollback") && !acts && !asks) policy.rollback = Rollback::Never;
            if (!says("page") && (policy.page == "critical" || policy.page == "error")) policy.page = "warning";
            if (!says("sla")) policy.sla = {};
            if (!says("assess")) policy.assess = {};
            if (!says("review")) policy.review = {};
            if (!says("updates")) policy.updates = {};
            if (!says("issue")) policy.issue = false;
        }
    }

    /// Of the service, of the defaults, or of the top level; `off` is an answer, too.
    const Node* anywhere(std::string_view key) const {
        const Node* node = written(key);
        return node != nullptr || common_.root == nullptr ? node : common_.root->find(key);
    }

    void people_and_hours() {
        if (const Node* node = anywhere("freeze")) out_.freeze = read_hours(*node);
        if (const Node* node = anywhere("ask_only")) out_.ask_only = read_hours(*node);
        const Node* ladder = out_.environment == "production" ? anywhere("escalate") : told("escalate");
        if (ladder != nullptr && ladder->is_list()) out_.ladder = read_ladder(*ladder, *common_.notify, diagnostics_);
        const Node* channels = written("notify");
        if (channels == nullptr) return;
        const auto names = common_.notify->channels();
        read_.channels.emplace();
        if (channels->is_off()) return;
        each(*channels, [&](const Node& channel) {
            if (!channel.is_scalar()) return;
            if (std::find(names.begin(), names.end(), channel.text) == names.end())
                return diagnostics_.error(channel.at, "the channel `" + channel.text + "` is not configured",
                                          "add it under `notify`");
            read_.channels->push_back(channel.text);
        });
    }

    void rollback() {
        const Node* node = written("rollback");
        if (node == nullptr)
            diagnostics_.warning(
                entry_.at, "`" + entry_.key + "` has no `rollback`: revertd can only tell",
                "for example { systemd: api.service, releases: /srv/api/releases }, or `rollback: off`");
        if (node == nullptr || node->is_off()) return;
        read_.rollback = read_rollback(*node, out_, diagnostics_);
        const Node* last = whole("on_exhausted");
        if (last == nullptr) return;
        read_.exhausted = read_exhausted(*last, diagnostics_);
        out_.has_exhausted = read_.exhausted.has_value();
    }

    void guard() {
        std::optional<Signal::Source> source;
        if (has_signals()) source = out_.metrics.empty() ? Signal::Source::Prometheus : Signal::Source::Scrape;
        SignalTable signals(source, compare_, out_.prometheus_selector);
        layered([&](const Node& layer) { add_signals(layer, signals); });
        GuardContext context{entry_.key, entry_.at, !out_.health.empty(), has_signals(), {}};
        if (read_.rollback) context.steps = step_names(*read_.rollback);
        context.alpha = common_.alpha;
        GuardReader reader(context, signals, diagnostics_);
        out_.rules = reader.read(written("guard"));
        std::optional<Rule> verify_rule;
        layered([&](const Node& layer) {
            const Node* verify = layer.find("verify");
            if (verify == nullptr) return;
            if (auto rule = reader.read_verify(*verify, out_.verify)) verify_rule = std::move(rule);
        });
        if (verify_rule) {
            if (verify_rule->over) verify_rule->over = std::max(*verify_rule->over, out_.interval);
            out_.verify.rule = static_cast<std::uint32_t>(out_.rules.size());
            out_.rules.push_back(std::move(*verify_rule));
        }
        for (std::size_t i = 0; i < out_.rules.size(); ++i) written_rules_.push_back(reader.written(i));
        out_.signals = signals.take();
        if (const Node* endpoint = written("endpoint"); endpoint != nullptr && endpoint->is_scalar())
            for (Signal& signal : out_.signals) signal.endpoint = endpoint->is_off() ? "" : endpoint->text;
    }

    void add_signals(const Node& layer, SignalTable& signals) {
        const Node* node = layer.find("signals");
        if (node == nullptr || !node->is_map()) return;
        const bool overridden_here = &layer != &entry_.value;
        const Node* own = entry_.value.find("signals");
        for (const Node::Entry& signal : node->entries) {
            if (!signal.value.is_scalar() || signal.value.is_off()) continue;
            if (overridden_here && own != nullptr && (own->is_off() || own->find(signal.key) != nullptr)) continue;
            add_signal(signal, signals);
        }
    }

    void add_signal(const Node::Entry& entry, SignalTable& signals) {
        static const std::vector<std::string_view> kReserved{"health", "rollout", "deploy", "alert",
                                                             "burn",   "within",  "for"};
        if (!is_name(entry.key) || std::isdigit(static_cast<unsigned char>(entry.key[0])) != 0)
            return diagnostics_.error(entry.at, "`" + entry.key.substr(0, 60) + "` is no name for a signal",
                                      "inside { } a text with a comma must be put in quotes");
        if (std::find(kReserved.begin(), kReserved.end(), entry.key) != kReserved.end())
            return diagnostics_.error(entry.at, "`" + entry.key + "` is a word of the rules",
                                      "give the signal another name");
        auto parsed = read_signal(entry.key, entry.value.text);
        if (const auto* error = std::get_if<SentenceError>(&parsed)) {
            signals.add_broken(entry.key);
            return diagnostics_.error(inside(entry.value, error->offset, diagnostics_), error->what, error->hint);
        }
        auto& signal = std::get<ParsedSignal>(parsed);
        for (const Remark& remark : signal.remarks) {
            const Position at = inside(entry.value, remark.at, diagnostics_);
            remark.error ? diagnostics_.error(at, remark.what, remark.hint)
                         : diagnostics_.warning(at, remark.what, remark.hint);
        }
        if (!has_signals())
            diagnostics_.error(entry.at, "a signal, but `" + entry_.key + "` has neither `metrics` nor `prometheus`",
                               "add `metrics: http://...` or `prometheus: { url: http://... }`");
        check_range(entry.value, signal);
        signals.add(std::move(signal));
    }

    /// A range that holds less than two scrapes of the server.
    void check_range(const Node& node, const ParsedSignal& parsed) {
        if (!out_.prometheus || !out_.prometheus->scrape_interval || parsed.signal.promql.empty()) return;
        const auto query = promql::parse(node.text);
        const auto* root = std::get_if<promql::Expr>(&query);
        const auto remark =
            root == nullptr ? std::nullopt : promql::short_range(*root, *out_.prometheus->scrape_interval);
        if (remark) diagnostics_.warning(inside(node, remark->at, diagnostics_), remark->what, remark->hint);
    }

    [[nodiscard]] bool has_signals() const { return !out_.metrics.empty() || out_.prometheus; }

    /// What can be scraped directly is: it is cheaper and sooner. Everything else is asked of the Prometheus.
    [[nodiscard]] std::variant<ParsedSignal, SentenceError> read_signal(const std::string& name,
                                                                        const std::string& text) const {
        if (!out_.prometheus) return parse_signal(name, text);
        if (out_.metrics.empty()) return parse_query_signal(name, text);
        auto direct = parse_signal(name, text);
        return std::holds_alternative<ParsedSignal>(direct) ? direct : parse_query_signal(name, text);
    }

    void check_times() {
        if (out_.baseline / out_.interval > kMaxBaselineSlots)
            diagnostics_.error(place("baseline"),
                               "a baseline of " + to_words(out_.baseline) + " at an interval of " +
                                   to_words(out_.interval) + " is more than " + std::to_string(kMaxBaselineSlots) +
                                   " samples",
                               "make one shorter or the other longer");
        if (out_.until_excluded > 0 && out_.bake_at_least > out_.bake)
            diagnostics_.error(
                place("bake"),
                "a bake of at least " + to_words(out_.bake_at_least) + " and at most " + to_words(out_.bake),
                "make `at least` shorter, or `at most` longer");
        const bool can_exclude = std::any_of(out_.rules.begin(), out_.rules.end(),
                                             [](const Rule& rule) { return rule.kind == Rule::Kind::Detector; });
        if (out_.until_excluded > 0 && !can_exclude)
            diagnostics_.warning(place("bake"), "`until excluded` never ends this bake: no rule can exclude anything",
                                 "write `anomaly: P1`, or `<signal> worse than baseline`, in `guard`");
        if (out_.warmup >= out_.bake)
            diagnostics_.warning(place("warmup"),
                                 "the warm-up (" + to_words(out_.warmup) + ") is as long as the bake (" +
                                     to_words(out_.bake) + "): only health and P0 rules ever count",
                                 "make `bake` longer");
        check_tests();
        const VerifySettings& verify = out_.verify;
        if (verify.clear_for > verify.within)
            diagnostics_.error(place("verify"),
                               "`verify` can never succeed: well for " + to_words(verify.clear_for) + " within " +
                                   to_words(verify.within),
                               "make `within` longer, or `for` shorter");
        for (std::size_t i = 0; i < out_.rules.size(); ++i) check_times(out_.rules[i], written_rules_[i]);
    }

    /// A bake that is over before the sequential test may call anything bad: it would say that all is well.
    void check_tests() {
        const auto worse = std::ranges::find_if(out_.rules, [](const Rule& rule) {
            return rule.detector != nullptr && rule.detector->name == "worse" && rule.severity != Severity::None;
        });
        if (worse == out_.rules.end() || out_.bake - out_.warmup >= kLeastTest || out_.warmup >= out_.bake) return;
        diagnostics_.warning(
            place("bake"),
            "`" + worse->text + "` takes what lasts less than a minute for a blip: in a bake of " +
                to_words(out_.bake) + " with a warm-up of " + to_words(out_.warmup) +
                " it finds only what fails half of all",
            "make `bake` at least " + to_words(out_.warmup + 2min) + ", or write limits, as in errors > 5% for 10s");
    }

    /// Where the duration behind this word of a rule stands, or the rule; else the guard.
    Position place_in(const Node* sentence, std::string_view word) const {
        if (sentence == nullptr) return place("guard");
        const std::size_t at = sentence->is_scalar() ? sentence->text.find(word) : std::string::npos;
        return at == std::string::npos ? sentence->at : inside(*sentence, at + word.size(), diagnostics_);
    }

    void check_times(const Rule& rule, const Node* sentence) {
        const std::string name = "`" + rule.text + "`";
        if (rule.hold > out_.bake)
            diagnostics_.warning(place_in(sentence, " for "),
                                 name + " needs longer than the bake of " + to_words(out_.bake),
                                 rule.from_default_guard ? "write a `guard` with shorter rules" : "make `bake` longer");
        if (rule.hold > Duration{} && rule.hold < out_.interval)
            diagnostics_.warning(
                place_in(sentence, " for "),
                name + " holds only after " + to_words(out_.interval) + ": `interval` is longer than `for`",
                "make `interval` shorter, or `for` as long as it");
        if (rule.over && *rule.over < out_.interval)
            diagnostics_.warning(place_in(sentence, " over "),
                                 name + " has a window shorter than the interval of " + to_words(out_.interval),
                                 "make `interval` shorter");
        if (rule.relative != Rule::Relative::Absolute && rule.reference == Rule::Reference::Before &&
            out_.baseline < 2 * out_.interval)
            diagnostics_.warning(
                place("baseline"),
                name + " can never be judged: the baseline of " + to_words(out_.baseline) + " has no two samples",
                "make `baseline` longer");
    }

    /// Where a key stands, or the service if it has its default.
    Position place(std::string_view key) const {
        const Node* node = written(key);
        return node == nullptr ? entry_.at : node->at;
    }

    const Node::Entry& entry_;
    const CommonSettings& common_;
    Alike& alike_;
    Diagnostics& diagnostics_;
    ServiceSettings out_;
    SeverityMatrix severity_;
    std::optional<Compare> compare_;
    std::vector<const Node*> written_rules_;
    ReadService read_;
};

}  // namespace

ReadService read_service(const Node::Entry& service, const CommonSettings& common, Alike& alike,
                         Diagnostics& diagnostics) {
    return ServiceReader(service, common, alike, diagnostics).read();
}

}  // namespace revertd::config
