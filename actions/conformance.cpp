// SPDX-License-Identifier: Apache-2.0
#include "actions/conformance.h"

#include <algorithm>

#include "actions/rollback.h"
#include "actions/yaml.h"

namespace revertd {
namespace {

Placeholders values_to(const std::string& target) {
    Placeholders values;
    values.to = target, values.from = "v0.9.0", values.service = "api", values.deploy = "d-1", values.incident = "i-1";
    values.key = "0af/i-1/1";
    return values;
}

/// The example as it would stand behind `rollback:`.
class Example {
  public:
    explicit Example(const Recipe& recipe) {
        const Result<Param> tree = parse_yaml(recipe.example);
        if (tree)
            spec_ = to_rollback_spec(*tree);
        else
            fault_ = "the example is no YAML: " + tree.error().message;
    }

    [[nodiscard]] const std::string& fault() const { return fault_; }

    [[nodiscard]] const RollbackSpec& spec() const { return spec_; }

    [[nodiscard]] Result<Plan> plan(const Placeholders& values) const { return expand(spec_, values); }

  private:
    RollbackSpec spec_;
    std::string fault_;
};

std::vector<std::string> texts_of(const Step& step) {
    if (const auto* call = std::get_if<ExecCall>(&step.call)) {
        std::vector<std::string> out = call->argv;
        for (const auto& [name, value] : call->env)
            if (!name.starts_with("REVERTD_")) out.push_back(value);
        return out;
    }
    const auto& call = std::get<HttpCall>(step.call);
    std::vector<std::string> out{call.url, call.body};
    for (const auto& [name, value] : call.headers) out.push_back(value);
    return out;
}

bool mentions(const Plan& plan, const std::string& text) {
    return std::any_of(plan.steps.begin(), plan.steps.end(), [&](const Step& step) {
        const auto texts = texts_of(step);
        return std::any_of(texts.begin(), texts.end(),
                           [&](const std::string& t) { return t.find(text) != std::string::npos; });
    });
}

std::string explains_itself(const Recipe& recipe, const Example&) {
    if (recipe.words.empty()) return "`words` is missing";
    if (recipe.example.empty()) return "`example` is missing";
    for (const RecipeParameter& parameter : recipe.parameters)
        if (parameter.words.empty()) return "the parameter " + parameter.name + " has no `words`";
    return {};
}

std::string passes_its_check(const Recipe&, const Example& example) {
    if (!example.fault().empty()) return example.fault();
    for (const Problem& problem : check_rollback(example.spec()))
        return problem.message + (problem.hint.empty() ? "" : "; " + problem.hint);
    return {};
}

std::string says_what_runs(const Recipe& recipe, const Example& example) {
    if (!recipe.observe) return "`observe` is missing: every action would ask first";
    if (recipe.reports_progress && !recipe.settles)
        return "`reports_progress` without `settles`: what is in progress is not settled";
    const auto entries = observe_of(example.spec(), "api");
    if (!entries) return entries.error().message;
    const bool all =
        std::all_of(entries->begin(), entries->end(), [](const Entry& e) { return e.observe.has_value(); });
    return all ? "" : "the example leaves out what `observe` needs";
}

std::string names_its_steps(const Recipe&, const Example& example) {
    const auto plan = example.plan(values_to("v1.2.3"));
    if (!plan) return plan.error().message;
    if (plan->steps.empty()) return "there is no step";
    for (const Step& step : plan->steps) {
        if (step.name.empty()) return "a step has no name";
        if (step.deadline <= Duration::zero()) return "the step `" + step.name + "` has no deadline";
    }
    for (const Entry& entry : plan->entries)
        if (entry.confirm_within <= Duration::zero()) return "the target is given no time to show";
    return {};
}

std::string goes_to_a_named_version(const Recipe&, const Example& example) {
    const auto one = example.plan(values_to("v1.2.3")), other = example.plan(values_to("v4.5.6"));
    if (!one || !other) return (one ? other : one).error().message;
    if (one->digest == other->digest) return "the steps are the same for every target";
    if (!mentions(*one, "v1.2.3")) return "no step is told the target";
    return {};
}

std::string is_the_same_for_the_same(const Recipe&, const Example& example) {
    Placeholders again = values_to("v1.2.3");
    again.key = "0af/i-1/2", again.attempt = 2;
    const auto one = example.plan(values_to("v1.2.3")), other = example.plan(again);
    if (!one || !other) return (one ? other : one).error().message;
    return one->digest == other->digest ? "" : "the digest depends on the key or the attempt";
}

/// A version is one element, whatever is in it; and it never becomes an option.
std::string lets_no_value_be_a_command(const Recipe&, const Example& example) {
    for (const char* option : {"-rf", "--help"}) {
        const auto plan = example.plan(values_to(option));
        for (const Step& step : plan ? plan->steps : std::vector<Step>{}) {
            const auto texts = texts_of(step);
            if (std::holds_alternative<ExecCall>(step.call) &&
                std::find(texts.begin(), texts.end(), option) != texts.end())
                return "a target `" + std::string(option) + "` would be an option of `" + step.name + "`";
        }
    }
    const auto plain = example.plan(values_to("v1")), odd = example.plan(values_to("v1;$(reboot)`x`&|>y"));
    if (!plain || !odd) return {};  // refused is as good
    for (std::size_t s = 0; s < odd->steps.size(); ++s) {
        const auto* a = std::get_if<ExecCall>(&plain->steps[s].call);
        const auto* b = std::get_if<ExecCall>(&odd->steps[s].call);
        if (a == nullptr || b == nullptr) continue;
        if (a->argv.size() != b->argv.size())
            return "a value becomes several arguments of `" + odd->steps[s].name + "`";
        if (a->argv.front() != b->argv.front()) return "a value chooses the program of `" + odd->steps[s].name + "`";
    }
    return {};
}

std::string starts_programs_by_their_path(const Recipe&, const Example& example) {
    const auto plan = example.plan(values_to("v1.2.3"));
    if (!plan) return plan.error().message;
    for (const Step& step : plan->steps) {
        const auto* call = std::get_if<ExecCall>(&step.call);
        if (call == nullptr || call->argv.front() == kRunnerWord || call->argv.front().starts_with('/')) continue;
        return "`" + call->argv.front() + "` is no absolute path";
    }
    return {};
}

}  // namespace

std::vector<Conformance> check_conformance(const Recipe& recipe) {
    struct Check {
        const char* what;
        std::string (*run)(const Recipe&, const Example&);
    };

    static constexpr Check kChecks[] = {
        {"explains itself and every parameter", explains_itself},
        {"its example passes the check of configurations", passes_its_check},
        {"says what runs, without being told a target", says_what_runs},
        {"every step has a name and a deadline", names_its_steps},
        {"goes to a named version", goes_to_a_named_version},
        {"the same request is the same plan, whatever the attempt", is_the_same_for_the_same},
        {"no value becomes an option, a program or a second argument", lets_no_value_be_a_command},
        {"programs are absolute paths or the runner's own", starts_programs_by_their_path},
    };
    try_recipe(recipe);
    const Example example(recipe);
    std::vector<Conformance> out;
    for (const Check& check : kChecks) {
        const bool needs_example = check.run != explains_itself && !example.fault().empty();
        out.push_back({check.what, needs_example ? example.fault() : check.run(recipe, example)});
    }
    return out;
}

}  // namespace revertd
