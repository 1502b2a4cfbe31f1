// SPDX-License-Identifier: Apache-2.0
#include "actions/shapes.h"

#include <algorithm>
#include <array>

#include "actions/bind.h"
#include "actions/placeholders.h"
#include "actions/similar.h"

namespace revertd {
namespace {

using Kind = RecipeParameter::Kind;

class Shape {
  public:
    Shape(const RecipeParameter& parameter, std::vector<Problem>& problems)
        : parameter_(parameter), problems_(problems) {}

    void check(const Param& value) {
        switch (parameter_.kind) {
            case Kind::Word:
                return word(value);
            case Kind::Words:
                return words(value);
            case Kind::Path:
                return path(value);
            case Kind::Url:
                return url(value);
            case Kind::Method:
                return method(value);
            case Kind::Argv:
                return argv(value);
            case Kind::Probe:
                return probe(value);
            case Kind::Texts:
                return texts(value);
            case Kind::Tree:
                return placeholders(value);
            case Kind::Span:
                if (!value.is_scalar() || parse_duration(value.text).value_or(Duration::zero()) <= Duration::zero())
                    wrong(value, "a duration, like 30s or 5m");
                return;
            case Kind::Map:
                if (!value.is_map()) wrong(value, "a mapping");
                return;
        }
    }

  private:
    void problem(const Param& at, std::string message, std::string hint) {
        problems_.push_back({false, at.line, at.column, std::move(message), std::move(hint)});
    }

    void wrong(const Param& at, const std::string& wanted) {
        problem(at, "'" + parameter_.name + "' must be " + wanted, parameter_.words);
    }

    /// Text that is taken as it is: no placeholder, nothing that another program would read as an option.
    void word(const Param& value) {
        if (!value.is_scalar() || value.text.empty()) return wrong(value, "a text");
        if (!placeholders_in(value.text).empty())
            return problem(value, "'" + parameter_.name + "' takes no placeholder",
                           "placeholders belong into arguments of exec and strings of a body");
        if (value.text.starts_with('-') || !is_plain_text(value.text))
            return problem(value, "'" + value.text + "' begins with '-' or has control characters", {});
    }

    void words(const Param& value) {
        if (value.is_scalar()) return word(value);
        if (!value.is_list() || value.items.empty()) return wrong(value, "a text or a list of them");
        for (const Param& item : value.items) word(item);
    }

    void path(const Param& value) {
        if (!value.is_scalar() || !value.text.starts_with('/')) return wrong(value, "an absolute path");
        word(value);
    }

    void url(const Param& value) {
        const std::string& text = value.text;
        if (!value.is_scalar() || !(text.starts_with("http://") || text.starts_with("https://")))
            return wrong(value, "a URL with http:// or https://");
        word(value);
        const std::size_t host = text.find("//") + 2;
        const std::string authority = text.substr(host, text.find_first_of("/?#", host) - host);
        if (authority.empty()) return wrong(value, "a URL with a host");
        if (authority.find('@') != std::string::npos)
            problem(value, "credentials in a URL end up in logs", "send them as a header");
        if (text.find_first_of(" #") != std::string::npos) problem(value, "a URL has neither blanks nor '#'", {});
    }

    void method(const Param& value) {
        static constexpr std::array<std::string_view, 4> kMethods{"POST", "PUT", "PATCH", "DELETE"};
        if (std::find(kMethods.begin(), kMethods.end(), value.text) == kMethods.end())
            wrong(value, "POST, PUT, PATCH or DELETE: a request that changes something");
    }

    void argv(const Param& value) {
        if (!value.is_list() || value.items.empty())
            return wrong(value, "a list: the program and its arguments, as in [/usr/local/bin/program, argument]");
        for (const Param& item : value.items) {
            if (!item.is_scalar()) return wrong(item, "a list of texts");
            placeholders(item);
        }
        const Param& program = value.items.front();
        if (!placeholders_in(program.text).empty())
            problem(program, "the program cannot be a placeholder", "a version never chooses what is executed");
        else if (!program.text.starts_with('/'))
            problem(program, "the program '" + program.text + "' is not an absolute path",
                    program.text.find('/') == std::string::npos
                        ? "there is no shell and no search: write /usr/bin/" + program.text
                        : "write it from the root on: " + std::string("/srv/api/") +
                              program.text.substr(program.text.rfind('/') + 1));
    }

    void probe(const Param& value) {
        if (value.is_list()) return argv(value);
        const Param* http = value.find("http");
        if (http == nullptr) return wrong(value, "a command as a list, or { http: URL, json: /pointer }");
        url(*http);
        for (const Param& item : value.items) {
            if (item.key == "json" && !item.text.empty() && !item.text.starts_with('/'))
                problem(item, "a JSON pointer begins with '/'", "for example /version");
            if (item.key != "json" && item.key != "http")
                problems_.push_back({false, item.key_line, item.key_column, "unknown key '" + item.key + "'",
                                     "known are http and json"});
        }
    }

    void texts(const Param& value) {
        if (!value.is_map()) return wrong(value, "a mapping of texts");
        for (const Param& item : value.items) {
            if (!item.is_scalar() || !is_plain_text(item.text))
                wrong(item, "a mapping of texts without control characters");
            if (item.key.empty() || !std::all_of(item.key.begin(), item.key.end(), is_name_character))
                problems_.push_back({false, item.key_line, item.key_column, "'" + item.key + "' is not a name", {}});
            placeholders(item);
        }
    }

    static bool is_name_character(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    }

    void placeholders(const Param& tree) {
        for (const Param& item : tree.items) placeholders(item);
        if (tree.is_map())
            for (const Param& item : tree.items)
                if (!placeholders_in(item.key).empty()) problem(item, "a placeholder cannot be a key", {});
        for (const std::string_view name : placeholders_in(tree.text)) {
            if (std::find(kPlaceholders.begin(), kPlaceholders.end(), name) != kPlaceholders.end()) continue;
            const std::vector<std::string> known(kPlaceholders.begin(), kPlaceholders.end());
            const std::string meant = most_similar(name, known);
            problem(tree, "{" + std::string(name) + "} is not a placeholder",
                    meant.empty() ? "there are {to} {from} {service} {deploy} {incident} {key}"
                                  : "did you mean {" + meant + "}?");
        }
    }

    const RecipeParameter& parameter_;
    std::vector<Problem>& problems_;
};

}  // namespace

void check_shape(const Param& value, const RecipeParameter& parameter, std::vector<Problem>& problems) {
    Shape(parameter, problems).check(value);
}

}  // namespace revertd
