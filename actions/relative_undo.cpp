// SPDX-License-Identifier: Apache-2.0
#include "actions/relative_undo.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "actions/placeholders.h"

namespace revertd {
namespace {

using Words = std::vector<std::string_view>;

Words words_of(const std::vector<std::string>& argv) {
    static constexpr std::string_view kBreaks = " \t\r\n;&|()`\"'";
    Words words;
    for (const std::string& element : argv) {
        std::string_view rest = element;
        while (!rest.empty()) {
            const std::size_t begin = rest.find_first_not_of(kBreaks);
            if (begin == std::string_view::npos) break;
            const std::size_t end = std::min(rest.find_first_of(kBreaks, begin), rest.size());
            words.push_back(rest.substr(begin, end - begin));
            rest.remove_prefix(end);
        }
    }
    return words;
}

std::string_view base_name(std::string_view path) {
    return path.substr(path.find_last_of('/') + 1);
}

bool is_digits(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool has_word(const Words& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

/// `--to-revision=X` or `--to-revision X`; 0 means "the previous one".
bool has_revision_option(const Words& words, std::string_view option) {
    for (std::size_t i = 0; i < words.size(); ++i) {
        std::string_view value;
        if (words[i] == option && i + 1 < words.size()) value = words[i + 1];
        if (words[i].starts_with(option) && words[i].substr(option.size()).starts_with('='))
            value = words[i].substr(option.size() + 1);
        if (!value.empty() && value != "0") return true;
    }
    return false;
}

/// Arguments behind position `from` that are neither options nor the values of helm's and argocd's usual ones.
Words positionals(const Words& words, std::size_t from) {
    static constexpr std::array<std::string_view, 11> kWithValue{
        "-n",       "--namespace",  "--kube-context",  "--kubeconfig", "--timeout", "--history-max",
        "--server", "--auth-token", "--app-namespace", "--project",    "--config"};
    Words out;
    for (std::size_t i = from; i < words.size(); ++i) {
        if (std::find(kWithValue.begin(), kWithValue.end(), words[i]) != kWithValue.end())
            ++i;
        else if (!words[i].starts_with('-'))
            out.push_back(words[i]);
    }
    return out;
}

/// `helm rollback RELEASE` and `argocd app rollback APP` without a revision take the previous one; so does 0.
bool rolls_back_without_revision(const Words& words) {
    for (std::size_t i = 1; i < words.size(); ++i) {
        if (words[i] != "rollback") continue;
        const bool helm = std::any_of(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(i), [](auto word) {
            return base_name(word) == "helm" || base_name(word) == "argocd";
        });
        const Words rest = positionals(words, i + 1);
        if (helm && (rest.size() < 2 || rest[1] == "0")) return true;
    }
    return false;
}

bool is_git_relative(std::string_view word) {
    const std::size_t head = word.find("HEAD");
    const std::string_view behind = head == std::string_view::npos ? "" : word.substr(head + 4);
    return behind.starts_with('~') || behind.starts_with('^') || behind.starts_with("@{") || word == "ORIG_HEAD" ||
           word.find("@{-") != std::string_view::npos;
}

/// `alembic downgrade -1`, `migrate +1`: so many steps from wherever it stands. A lone `-1` has no other meaning here.
bool counts_steps(const Words& words) {
    static constexpr std::array<std::string_view, 6> kUndo{"downgrade", "rollback", "undo",
                                                           "revert",    "migrate",  "down"};
    bool undoing = false;
    for (const std::string_view word : words) {
        const bool counted = (word.starts_with('-') || word.starts_with('+')) && is_digits(word.substr(1));
        if (word == "-1" || (counted && undoing)) return true;
        undoing = undoing || std::find(kUndo.begin(), kUndo.end(), word) != kUndo.end();
    }
    return false;
}

/// Commands that know nothing but the previous version.
bool is_previous_only(const Words& words) {
    static constexpr std::array<std::string_view, 9> kWords{"migrate:rollback", "db:rollback", "deploy:rollback",
                                                            "deploy:revert",    "previous",    "--previous",
                                                            "PREVIOUS",         "--rollback",  "prev"};
    if (std::any_of(kWords.begin(), kWords.end(), [&](auto word) { return has_word(words, word); })) return true;
    for (std::size_t i = 1; i < words.size(); ++i) {
        if (words[i] == "rollback" && words[i - 1] == "service") return true;  // docker service rollback
        if (words[i] == "-" && (words[i - 1] == "checkout" || words[i - 1] == "switch")) return true;
    }
    return false;
}

bool undoes_rollout(const Words& words) {
    for (std::size_t i = 0; i + 1 < words.size(); ++i)
        if (words[i] == "rollout" && words[i + 1] == "undo") return !has_revision_option(words, "--to-revision");
    return false;
}

}  // namespace

std::optional<LintFinding> find_relative_undo(const std::vector<std::string>& argv) {
    static const std::string kWhy =
        " is a relative undo: run twice, or after somebody else acted, it restores the bad version";
    const Words words = words_of(argv);
    if (undoes_rollout(words))
        return LintFinding{"`rollout undo` without a revision" + kWhy, "write --to-revision={to}"};
    if (rolls_back_without_revision(words))
        return LintFinding{"`rollback` without a revision" + kWhy, "put \"{to}\" behind the name of the release"};
    if (std::any_of(words.begin(), words.end(), is_git_relative))
        return LintFinding{"a commit relative to HEAD" + kWhy, "name the commit: \"{to}\""};
    if (counts_steps(words)) return LintFinding{"so many steps back" + kWhy, "name the revision: \"{to}\""};
    if (is_previous_only(words)) return LintFinding{"\"the previous one\"" + kWhy, "name the version: \"{to}\""};
    return std::nullopt;
}

std::optional<LintFinding> find_shell_text(const std::vector<std::string>& argv) {
    static constexpr std::array<std::string_view, 7> kShells{"sh", "bash", "dash", "zsh", "ksh", "ash", "busybox"};
    bool shell = false;
    for (std::size_t i = 0; i + 1 < argv.size(); ++i) {
        shell = shell || std::find(kShells.begin(), kShells.end(), base_name(argv[i])) != kShells.end();
        const bool dash_c = argv[i].size() > 1 && argv[i][0] == '-' && argv[i][1] != '-' && argv[i].ends_with('c');
        if (!shell || !dash_c) continue;
        if (placeholders_in(argv[i + 1]).empty()) return std::nullopt;
        return LintFinding{"a placeholder inside a shell script would be read as shell text",
                           "pass it as an argument: [/bin/sh, -c, 'deploy \"$1\"', sh, \"{to}\"]"};
    }
    return std::nullopt;
}

}  // namespace revertd
