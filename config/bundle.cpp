// SPDX-License-Identifier: Apache-2.0
#include "config/bundle.h"

#include <algorithm>
#include <filesystem>

namespace revertd::config {

namespace {

constexpr std::string_view kFirstLine = "# revertd: several files in one text\n";
constexpr std::string_view kPart = "# revertd: file ";

/// A part's text where it stands in the whole, so that YAML counts its lines as the whole does.
std::string in_place(const BundlePart& part) {
    return std::string(part.first_line - 1, '\n') + part.text;
}

/// Only services may be added; what holds for all of them stands in one file.
void add_services(const Node& more, Node& root, Diagnostics& diagnostics) {
    if (!more.is_map())
        return diagnostics.error(more.at, "a file of `conf.d` is a mapping", "it holds `services:` and nothing else");
    for (const Node::Entry& entry : more.entries) {
        if (entry.key != "services") {
            diagnostics.error(entry.at, "`" + entry.key.substr(0, 60) + "` in a file of `conf.d`",
                              "only `services:` stands there; the rest belongs into the main file");
            continue;
        }
        auto services =
            std::find_if(root.entries.begin(), root.entries.end(), [](const auto& e) { return e.key == "services"; });
        if (services == root.entries.end()) {
            root.entries.push_back(entry);
            continue;
        }
        for (const Node::Entry& service : entry.value.entries) {
            if (services->value.find(service.key) != nullptr)
                diagnostics.error(service.at, "the service `" + service.key.substr(0, 60) + "` is there already",
                                  "another file has it, too");
            else
                services->value.entries.push_back(service);
        }
    }
}

}  // namespace

Result<std::string> read_config(const std::string& path) {
    auto main = read_config_file(path);
    if (!main) return main;
    std::vector<std::string> more;
    std::error_code none;
    const auto directory = std::filesystem::path(path).parent_path() / "conf.d";
    for (const auto& entry : std::filesystem::directory_iterator(directory, none)) {
        const std::string name = entry.path().filename().string();
        if (name.ends_with(".yaml") && !name.starts_with('.')) more.push_back(entry.path().string());
    }
    if (more.empty()) return main;
    std::sort(more.begin(), more.end());
    std::string out(kFirstLine);
    const auto add = [&out](const std::string& name, const std::string& text) {
        out += std::string(kPart) + name + "\n" + text + (text.ends_with('\n') ? "" : "\n");
    };
    add(path, *main);
    for (const std::string& name : more) {
        const auto text = read_config_file(name);
        if (!text) return text;
        add(name, *text);
    }
    if (out.size() > kMaxConfigBytes) return Error(ErrorCode::Limit, path + " and its conf.d are larger than 4 MiB");
    return out;
}

std::vector<BundlePart> split_bundle(const std::string& text, const std::string& name) {
    if (!text.starts_with(kFirstLine)) return {{name, 1, text}};
    std::vector<BundlePart> parts;
    std::uint32_t line = 1;
    for (std::size_t begin = 0; begin < text.size(); ++line) {
        const std::size_t end = std::min(text.find('\n', begin), text.size() - 1) + 1;
        const std::string_view one = std::string_view(text).substr(begin, end - begin);
        if (one.starts_with(kPart)) {
            const auto name_of = one.substr(kPart.size());
            parts.push_back({std::string(name_of.substr(0, name_of.find('\n'))), line + 1, {}});
        } else if (!parts.empty()) {
            parts.back().text += one;
        }
        begin = end;
    }
    return parts;
}

std::optional<Node> parse_bundle(const std::vector<BundlePart>& parts, Diagnostics& diagnostics) {
    std::optional<Node> root;
    bool whole = true;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        auto tree = parse_document(in_place(parts[i]), diagnostics);
        whole = whole && tree.has_value();
        if (i == 0)
            root = std::move(tree);
        else if (root && root->is_map() && tree)
            add_services(*tree, *root, diagnostics);
    }
    return whole ? root : std::nullopt;
}

}  // namespace revertd::config
