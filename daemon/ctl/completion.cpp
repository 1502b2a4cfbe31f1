// SPDX-License-Identifier: Apache-2.0
// `completion SHELL` prints a script that asks this program what may stand at the cursor: the three shells know nothing
// of the grammar, so nothing of it can differ between them.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <ostream>

#include "daemon/ctl/commands.h"
#include "daemon/ctl/exit_code.h"
#include "daemon/ctl/session.h"
#include "daemon/ctl/text.h"

namespace revertd::ctl {
namespace {

constexpr const char* kBash = R"(# bash completion of revertctl
_revertctl() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        COMPREPLY+=("${line%%$'\t'*}")
    done < <(revertctl __complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _revertctl revertctl
)";

constexpr const char* kZsh = R"(#compdef revertctl
# zsh completion of revertctl
_revertctl() {
    local line
    local -a found
    while IFS= read -r line; do
        found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
    done < <(revertctl __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)
    if (( ${#found} )); then
        _describe revertctl found
    else
        _files
    fi
}
if [[ "$funcstack[1]" == _revertctl ]]; then
    _revertctl "$@"
else
    compdef _revertctl revertctl
fi
)";

constexpr const char* kFish = R"(# fish completion of revertctl
function __revertctl_complete
    set -l words (commandline -opc)
    set -l found (revertctl __complete -- $words[2..-1] (commandline -ct) 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c revertctl -f -a '(__revertctl_complete)'
)";

constexpr const char* kRecent = "?limit=50";

/// Where the words before the cursor have led.
struct Cursor {
    const CLI::App* command = nullptr;
    const CLI::Option* option = nullptr;  ///< whose value is being written
    std::vector<std::string> arguments;   ///< positional ones of the command
    std::string begun;                    ///< of the word at the cursor
};

bool takes_value(const CLI::Option& option) {
    return option.get_expected_max() > 0 && option.get_items_expected_max() > 0;
}

/// Options of outer commands may stand behind the verb, too.
const CLI::Option* find_option(const CLI::App& command, const std::string& name) {
    for (const auto* level = &command; level != nullptr; level = level->get_parent())
        for (const auto* option : level->get_options())
            if (option->check_name(name)) return option;
    return nullptr;
}

const CLI::App* find_command(const CLI::App& command, const std::string& name) {
    for (const auto* inner : command.get_subcommands([](const CLI::App*) { return true; }))
        if (inner->get_name() == name) return inner;
    return nullptr;
}

bool is_option(const std::string& word) {
    return word.size() > 1 && word.front() == '-';
}

void pass(Cursor& cursor, const std::string& word) {
    if (word == "=") return;  // bash makes a word of it
    if (cursor.option != nullptr) {
        cursor.option = nullptr;
    } else if (is_option(word)) {
        const auto* option = find_option(*cursor.command, word.substr(0, word.find('=')));
        if (option != nullptr && takes_value(*option) && word.find('=') == std::string::npos) cursor.option = option;
    } else if (const auto* inner = find_command(*cursor.command, word); inner != nullptr) {
        cursor.command = inner;
    } else {
        cursor.arguments.push_back(word);
    }
}

Cursor read(const CLI::App& root, const std::vector<std::string>& words) {
    Cursor cursor{.command = &root, .arguments = {}, .begun = {}};
    for (std::size_t i = 0; i + 1 < words.size(); ++i) pass(cursor, words[i]);
    if (!words.empty()) cursor.begun = words.back();
    const auto equals = cursor.begun.find('=');
    if (cursor.begun == "=") cursor.begun.clear();
    if (is_option(cursor.begun) && equals != std::string::npos)
        cursor.option = find_option(*cursor.command, cursor.begun.substr(0, equals));
    return cursor;
}

using Lines = std::vector<std::string>;

std::string first_line(const std::string& text) {
    return printable(text.substr(0, text.find('\n')));
}

void add(Lines& lines, const std::string& word, const std::string& means) {
    lines.push_back(printable(word) + "\t" + first_line(means));
}

/// The words of a choice, which CLI11 keeps in the type's description: `TEXT:{fail,pass}`.
Lines choices(const CLI::Option& option) {
    Lines lines;
    const auto type = option.get_type_name();
    const auto open = type.find('{'), close = type.find('}');
    if (open == std::string::npos || close == std::string::npos) return lines;
    std::string rest = type.substr(open + 1, close - open - 1) + ",";
    for (std::size_t at = 0; (at = rest.find(',')) != std::string::npos; rest.erase(0, at + 1))
        add(lines, rest.substr(0, at), option.get_description());
    return lines;
}

void add_objects(Lines& lines, Session& session, const std::string& path, const std::vector<const char*>& means) {
    const auto answer = session.client().get(path);
    if (!answer) return;  // no completion is no reason for words
    for (const auto& object : answer->items()) {
        std::string words;
        for (const auto* member : means) words += (words.empty() ? "" : " ") + object[member].text();
        const auto id = object["id"].text();
        add(lines, id.empty() ? object["name"].text() : id, words);
    }
}

Lines versions(Session& session, const std::string& service) {
    Lines lines;
    const auto answer = session.client().get("/api/v1/services/" + encoded(service) + "/versions");
    if (answer)
        for (const auto& version : answer->items()) add(lines, version["version"].text(), version["state"].text());
    return lines;
}

/// What a positional argument means is in its name.
Lines values(const CLI::Option& option, const Cursor& cursor, Session& session) {
    Lines lines = choices(option);
    const auto name = option.get_name(true);
    if (name == "service" || name == "deploy") add_objects(lines, session, "/api/v1/services", {"mode", "live"});
    if (name == "deploy")
        add_objects(lines, session, std::string("/api/v1/deployments") + kRecent, {"service", "version", "state"});
    if (name == "incident")
        add_objects(lines, session, std::string("/api/v1/incidents") + kRecent, {"service", "severity", "state"});
    if (name == "version" && !cursor.arguments.empty()) return versions(session, cursor.arguments.front());
    return lines;
}

Lines names_of(const CLI::App& command) {
    Lines lines;
    for (const auto* inner : command.get_subcommands([](const CLI::App*) { return true; }))
        if (!inner->get_group().empty()) add(lines, inner->get_name(), inner->get_description());
    return lines;
}

Lines options_of(const CLI::App& command) {
    Lines lines;
    for (const auto* level = &command; level != nullptr; level = level->get_parent())
        for (const auto* option : level->get_options())
            for (const auto& name : option->get_lnames())
                if (!option->get_group().empty()) add(lines, "--" + name, option->get_description());
    return lines;
}

Lines positional(const Cursor& cursor, Session& session) {
    std::size_t index = 0;
    for (const auto* option : cursor.command->get_options()) {
        if (!option->get_positional()) continue;
        const bool repeats = option->get_expected_max() > 1;
        if (index++ == cursor.arguments.size() || repeats) return values(*option, cursor, session);
    }
    return {};
}

Lines candidates(const Cursor& cursor, Session& session) {
    if (cursor.option != nullptr) return values(*cursor.option, cursor, session);
    if (cursor.begun.starts_with('-')) return options_of(*cursor.command);
    const auto names = names_of(*cursor.command);
    return names.empty() ? positional(cursor, session) : names;
}

int print_script(Session& session, const std::string& shell) {
    session.out() << (shell == "bash" ? kBash : shell == "zsh" ? kZsh : kFish);
    return kDone;
}

}  // namespace

std::vector<std::string> complete(const CLI::App& root, const std::vector<std::string>& words, Session& session) {
    const Cursor cursor = read(root, words);
    // `--option=va`: the shells keep what is before the value, but for bash, to which it is another word.
    const auto equals = is_option(cursor.begun) ? cursor.begun.find('=') : std::string::npos;
    const std::string before = equals == std::string::npos ? "" : cursor.begun.substr(0, equals + 1);
    const std::string begun = cursor.begun.substr(before.size());
    Lines fitting;
    for (const auto& line : candidates(cursor, session))
        if (line.starts_with(begun)) fitting.push_back(before + line);
    return fitting;
}

void add_completion_command(CLI::App& root, Command& chosen) {
    auto shell = std::make_shared<std::string>();
    auto* verb = root.add_subcommand("completion", "a script for the shell: source <(revertctl completion bash)");
    verb->add_option("shell", *shell)->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
    set_command(*verb, chosen, [shell](Session& session) { return print_script(session, *shell); });
}

}  // namespace revertd::ctl
