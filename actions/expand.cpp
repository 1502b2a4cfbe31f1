// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>

#include "actions/bind.h"
#include "actions/json_text.h"
#include "actions/placeholders.h"
#include "actions/rollback.h"
#include "core/sha256.h"

namespace revertd {
namespace {

Error at_place(const Error& error, const Param& place) {
    if (place.line == 0) return error;
    return {error.code, "line " + std::to_string(place.line) + ": " + error.message, error.hint};
}

Result<BoundEntry> bound(const Param& entry) {
    std::vector<Problem> problems;
    BoundEntry result = bind_entry(entry, problems);
    const auto first = std::find_if(problems.begin(), problems.end(), [](const Problem& p) { return !p.is_warning; });
    if (first == problems.end()) return result;
    return Error(ErrorCode::Invalid, "rollback, line " + std::to_string(first->line) + ": " + first->message,
                 first->hint);
}

Result<std::vector<std::string>> fill_argv(const Param& argv, const Placeholders& values) {
    std::vector<std::string> out;
    for (const Param& item : argv.items) {
        Result<std::string> element = fill(item.text, values, FillPlace::Argument);
        if (!element) return at_place(element.error(), item);
        out.push_back(*std::move(element));
    }
    return out;
}

Result<Pairs> fill_texts(const Param* map, const Placeholders& values) {
    Pairs out;
    if (map == nullptr) return out;
    for (const Param& item : map->items) {
        Result<std::string> text = fill(item.text, values, FillPlace::Text);
        if (!text) return at_place(text.error(), item);
        out.emplace_back(item.key, *std::move(text));
    }
    return out;
}

/// What a program is told beside its arguments. SEVERITY and the like travel in the JSON context on stdin.
void add_environment(Pairs& env, const std::string& step, const Placeholders& values) {
    env.emplace_back("REVERTD_SERVICE", values.service);
    env.emplace_back("REVERTD_DEPLOY_ID", values.deploy);
    env.emplace_back("REVERTD_INCIDENT_ID", values.incident);
    env.emplace_back("REVERTD_FROM_VERSION", values.from);
    env.emplace_back("REVERTD_TO_VERSION", values.to);
    env.emplace_back("REVERTD_STEP", step);
    env.emplace_back("REVERTD_ATTEMPT", std::to_string(values.attempt));
    env.emplace_back("REVERTD_KEY", values.key);
}

Result<ExecCall> exec_call(const Param& step, const Placeholders& values) {
    ExecCall call;
    Result<std::vector<std::string>> argv = fill_argv(*step.find("exec"), values);
    if (!argv) return argv.error();
    call.argv = *std::move(argv);
    if (const Param* cwd = step.find("cwd")) call.cwd = cwd->text;
    Result<Pairs> env = fill_texts(step.find("env"), values);
    if (!env) return env.error();
    call.env = *std::move(env);
    add_environment(call.env, step.find("name")->text, values);
    const auto is_hostile = [](const auto& pair) { return !is_plain_text(pair.second); };
    if (std::any_of(call.env.begin(), call.env.end(), is_hostile))
        return Error(ErrorCode::Invalid, "a version or name has control characters or is not UTF-8");
    return call;
}

Result<HttpCall> http_call(const Param& http, const Placeholders& values) {
    HttpCall call;
    call.url = http.find("url")->text;
    call.method = http.find("method")->text;
    Result<Pairs> headers = fill_texts(http.find("headers"), values);
    if (!headers) return headers.error();
    call.headers = *std::move(headers);
    call.headers.emplace_back("Content-Type", "application/json");
    if (!is_plain_text(values.key)) return Error(ErrorCode::Invalid, "the key has control characters");
    call.headers.emplace_back("Idempotency-Key", values.key);
    call.headers.emplace_back("X-Revertd-Delivery", values.key);
    Result<std::string> body = to_json(*http.find("body"), values);
    if (!body) return body.error();
    call.body = *std::move(body);
    return call;
}

Result<std::variant<ExecCall, HttpCall>> call_of(const Param& step, const Placeholders& values) {
    using Call = std::variant<ExecCall, HttpCall>;
    if (const Param* http = step.find("http")) {
        Result<HttpCall> call = http_call(*http, values);
        if (!call) return call.error();
        return Call(*std::move(call));
    }
    Result<ExecCall> call = exec_call(step, values);
    if (!call) return call.error();
    return Call(*std::move(call));
}

void add_pairs(Sha256& hash, const Pairs& pairs) {
    hash.field(std::to_string(pairs.size()));
    for (const auto& [name, value] : pairs) hash.field(name).field(value);
}

std::string digest_of(const Step& step) {
    Sha256 hash;
    hash.field(step.name).field(std::to_string(step.deadline.count()));
    if (const auto* exec = std::get_if<ExecCall>(&step.call)) {
        hash.field("exec").field(exec->cwd).field(std::to_string(exec->argv.size()));
        for (const std::string& element : exec->argv) hash.field(element);
        add_pairs(hash, exec->env);
    } else if (const auto* http = std::get_if<HttpCall>(&step.call)) {
        hash.field("http").field(http->method).field(http->url).field(http->body);
        add_pairs(hash, http->headers);
    }
    return hash.finish_hex();
}

/// One step template of the recipe, its `$name`s resolved.
Result<Step> step_of(const Param& tree, const Placeholders& values, int entry) {
    Step step;
    step.name = tree.find("name")->text;
    step.entry = entry;
    const Param* deadline = tree.find("deadline");
    step.deadline = deadline == nullptr ? Duration(1min) : parse_duration(deadline->text).value_or(1min);

    // The digest is that of the call before key and attempt are filled in: an approval holds for the second attempt
    // too.
    Placeholders lasting = values;
    lasting.key = "{key}";
    lasting.attempt = 0;
    Result<std::variant<ExecCall, HttpCall>> same_for_all = call_of(tree, lasting);
    if (!same_for_all) return same_for_all.wrap(step.name);
    step.call = *std::move(same_for_all);
    step.digest = digest_of(step);

    Result<std::variant<ExecCall, HttpCall>> call = call_of(tree, values);
    if (!call) return call.wrap(step.name);
    step.call = *std::move(call);
    return step;
}

/// `each: { unit: $systemd }` repeats a step for every item.
std::vector<Param> templates_of(const Param& act, const Param& scope) {
    const Param* each = act.find("each");
    if (each == nullptr) return {resolve(act, scope).value_or(Param{})};
    const Param& variable = each->items.front();
    const std::optional<Param> list = resolve(variable, scope);
    std::vector<Param> out;
    for (const Param& item : list ? list->items : std::vector<Param>()) {
        Param inner = scope;
        Param& bound_item = inner.items.emplace_back(item);
        bound_item.key = variable.key;
        out.push_back(resolve(act, inner).value_or(Param{}));
    }
    return out;
}

Result<Entry> entry_of(const BoundEntry& bound_entry, const std::string& service) {
    Entry entry;
    entry.recipe = bound_entry.recipe->name;
    const Param* confirm = bound_entry.scope.find("confirm");
    entry.confirm_within = confirm == nullptr ? Duration(5min) : parse_duration(confirm->text).value_or(5min);
    if (!bound_entry.recipe->observe) return entry;
    const std::optional<Param> probe = resolve(*bound_entry.recipe->observe, bound_entry.scope);
    if (!probe) return entry;
    if (const Param* http = probe->find("http")) {
        const Param* json = probe->find("json");
        entry.observe = HttpProbe{http->text, json == nullptr ? std::string() : json->text};
        return entry;
    }
    Placeholders values;
    values.service = service;
    Result<std::vector<std::string>> argv = fill_argv(*probe, values);
    if (!argv) return argv.wrap("current");
    ExecCall call;
    call.argv = *std::move(argv);
    call.env.emplace_back("REVERTD_SERVICE", service);
    entry.observe = call;
    return entry;
}

Result<void> add_steps(Plan& plan, const BoundEntry& entry, const Placeholders& values) {
    const int index = static_cast<int>(plan.entries.size()) - 1;
    for (const Param& act : entry.recipe->act) {
        for (const Param& tree : templates_of(act, entry.scope)) {
            Result<Step> step = step_of(tree, values, index);
            if (!step) return step.error();
            plan.steps.push_back(*std::move(step));
        }
    }
    plan.steps.back().last_of_entry = true;
    return {};
}

}  // namespace

Result<RollbackTraits> traits_of(const RollbackSpec& spec) {
    RollbackTraits traits{true, true, true};
    const Result<std::vector<Entry>> entries = observe_of(spec, "service");
    if (!entries) return entries.error();
    for (const Entry& entry : *entries) {
        const Recipe* recipe = find_recipe(entry.recipe);
        traits.observes = traits.observes && entry.observe.has_value();
        traits.settles = traits.settles && recipe->settles;
        traits.reports_progress = traits.reports_progress && recipe->reports_progress;
    }
    if (entries->empty()) return RollbackTraits{};
    return traits;
}

Result<std::vector<Entry>> observe_of(const RollbackSpec& spec, const std::string& service) {
    std::vector<Entry> entries;
    for (const Param& written : spec.entries) {
        const Result<BoundEntry> bound_entry = bound(written);
        if (!bound_entry) return bound_entry.error();
        Result<Entry> entry = entry_of(*bound_entry, service);
        if (!entry) return entry.error();
        entries.push_back(*std::move(entry));
    }
    return entries;
}

Result<Plan> expand(const RollbackSpec& spec, const Placeholders& values) {
    Plan plan;
    plan.reports_progress = !spec.entries.empty();
    for (const Param& written : spec.entries) {
        const Result<BoundEntry> bound_entry = bound(written);
        if (!bound_entry) return bound_entry.error();
        Result<Entry> entry = entry_of(*bound_entry, values.service);
        if (!entry) return entry.error();
        plan.entries.push_back(*std::move(entry));
        plan.reports_progress = plan.reports_progress && bound_entry->recipe->reports_progress;
        if (Result<void> added = add_steps(plan, *bound_entry, values); !added) return added.error();
    }
    Sha256 hash;
    for (const Step& step : plan.steps) hash.field(step.digest);
    plan.digest = hash.finish_hex();
    return plan;
}

}  // namespace revertd
