// SPDX-License-Identifier: Apache-2.0
// `recipes`: the platforms that a rollback can name, and the conformance suite for a new one.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <ostream>

#include "actions/conformance.h"
#include "config/document.h"
#include "config/values.h"
#include "daemon/ctl/commands.h"
#include "daemon/ctl/exit_code.h"
#include "daemon/ctl/junit.h"
#include "daemon/ctl/session.h"
#include "daemon/ctl/text.h"

namespace revertd::ctl {
namespace {

std::string fallback_of(const RecipeParameter& parameter) {
    if (parameter.required) return "required";
    return parameter.fallback ? parameter.fallback->text : std::string();
}

std::string to_json(const RecipeParameter& parameter) {
    return json_object({{"name", parameter.name},
                        {"kind", std::string(to_string(parameter.kind))},
                        {"required", parameter.required},
                        {"default", parameter.fallback ? given(parameter.fallback->text) : std::nullopt},
                        {"words", parameter.words}});
}

std::string to_json(const Recipe& recipe) {
    std::string parameters;
    for (const auto& parameter : recipe.parameters) parameters += (parameters.empty() ? "" : ",") + to_json(parameter);
    std::string object = json_object({{"name", recipe.name},
                                      {"words", recipe.words},
                                      {"example", recipe.example},
                                      {"observes", recipe.observe.has_value()},
                                      {"settles", recipe.settles},
                                      {"reports_progress", recipe.reports_progress}});
    object.pop_back();
    return object + ",\"parameters\":[" + parameters + "]}";
}

void print(Session& session, const std::string& json) {
    if (const auto value = Json::parse(json)) print_json(session.out(), *value, session.options().format);
}

int list(Session& session) {
    if (!session.for_people()) {
        std::string all;
        for (const Recipe& recipe : recipes()) all += (all.empty() ? "" : ",") + to_json(recipe);
        print(session, "[" + all + "]");
        return kDone;
    }
    Table table({"RECIPE", "WHAT IT DOES"});
    for (const Recipe& recipe : recipes()) table.add({recipe.name, recipe.words});
    table.print(session.out());
    return kDone;
}

int show(Session& session, const std::string& name) {
    const Recipe* recipe = find_recipe(name);
    if (recipe == nullptr) {
        std::vector<std::string> names;
        for (const Recipe& known : recipes()) names.push_back(known.name);
        const auto meant = config::did_you_mean(name, names);
        return session.fail("recipes", {ErrorCode::NotFound, "there is no recipe '" + name + "'",
                                        meant.empty() ? "revertctl recipes lists them" : meant});
    }
    if (!session.for_people()) {
        print(session, to_json(*recipe));
        return kDone;
    }
    session.out() << recipe->words << "\n\n    rollback: " << recipe->example << "\n\n";
    Table table({"PARAMETER", "KIND", "DEFAULT", "WHAT IT IS"});
    for (const auto& parameter : recipe->parameters) {
        table.add({parameter.name, std::string(to_string(parameter.kind)), fallback_of(parameter), parameter.words});
        for (const auto& key : parameter.keys)
            table.add({"  " + key.name, std::string(to_string(key.kind)), fallback_of(key), key.words});
    }
    table.print(session.out());
    return kDone;
}

Result<std::vector<Conformance>> try_file(const std::string& file) {
    const auto text = config::read_config_file(file);
    if (!text) return text.error();
    const auto recipe = parse_recipe(std::filesystem::path(file).stem().string(), *text);
    if (!recipe) return recipe.error();
    return check_conformance(*recipe);
}

void print_for_people(Session& session, const std::string& file, const std::vector<Conformance>& found) {
    session.out() << "Testing " << file << '\n';
    for (const auto& check : found) {
        session.out() << (check.why.empty() ? "  PASS  " : "  FAIL  ") << check.what << '\n';
        if (!check.why.empty()) session.out() << "        " << printable(check.why) << '\n';
    }
}

void print_for_programs(Session& session, const std::string& file, const std::vector<Conformance>& found) {
    TestSuite suite{
        .name = "revertctl recipes test " + file, .classname = "revertd.recipes", .timestamp = {}, .cases = {}};
    std::string list;
    for (const auto& check : found) {
        TestCase test{.name = check.what, .kind = "conformance", .message = check.why, .details = {}};
        if (!check.why.empty()) test.result = TestCase::Result::Failed;
        suite.cases.push_back(test);
        list += (list.empty() ? "" : ",") +
                json_object({{"what", check.what}, {"passed", check.why.empty()}, {"why", given(check.why)}});
    }
    if (session.options().format == Format::JUnit)
        session.out() << junit_xml(suite);
    else
        print(session, "[" + list + "]");
}

int test(Session& session, const std::string& file) {
    const auto found = try_file(file);
    if (!found) return session.fail("test " + file, found.error());
    if (session.for_people())
        print_for_people(session, file, *found);
    else
        print_for_programs(session, file, *found);
    const bool all = std::all_of(found->begin(), found->end(), [](const Conformance& c) { return c.why.empty(); });
    return all ? kDone : kFailed;
}

}  // namespace

void add_recipe_commands(CLI::App& root, Command& chosen) {
    auto name = std::make_shared<std::string>();
    auto* noun = root.add_subcommand("recipes", "the platforms that `rollback` can name; recipes NAME shows one");
    noun->add_option("recipe", *name);
    auto file = std::make_shared<std::string>();
    auto* verb =
        noun->add_subcommand("test", "tries a recipe file against all that the engine relies on; runs nothing");
    verb->add_option("file", *file)->required();
    set_command(*verb, chosen, [file](Session& session) { return test(session, *file); });
    // Called behind that of the verb, which it must not replace.
    noun->callback([noun, name, &chosen] {
        if (!noun->get_subcommands().empty()) return;
        chosen = [name](Session& session) { return name->empty() ? list(session) : show(session, *name); };
    });
}

}  // namespace revertd::ctl
