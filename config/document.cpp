// SPDX-License-Identifier: Apache-2.0
#include "config/document.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml-cpp/anchor.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <sstream>
#include <unordered_set>

#include "config/slips.h"
#include "config/yaml_traps.h"

namespace revertd::config {

const Node* Node::find(std::string_view key) const {
    const auto it = std::find_if(entries.begin(), entries.end(), [&](const Entry& entry) { return entry.key == key; });
    return it == entries.end() ? nullptr : &it->value;
}

namespace {

/// Ends yaml-cpp's walk; caught in parse_document() only.
struct Refused {
    Position at;
    std::string what, hint;
};

Position position(const YAML::Mark& mark) {
    if (mark.is_null()) return {};
    return {static_cast<std::uint32_t>(mark.line) + 1, static_cast<std::uint32_t>(mark.column) + 1};
}

std::size_t count_nodes(const Node& node) {
    std::size_t count = 1;
    for (const Node& item : node.items) count += count_nodes(item);
    for (const Node::Entry& entry : node.entries) count += count_nodes(entry.value);
    return count;
}

/// Builds the tree from yaml-cpp's events, which, unlike its nodes, show duplicate keys, quotes and aliases.
class TreeBuilder : public YAML::EventHandler {
  public:
    explicit TreeBuilder(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

    Node take() { return std::move(root_); }

    void OnDocumentStart(const YAML::Mark&) override {}

    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { leaf({}, mark, anchor); }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        const auto target = anchors_.find(anchor);
        if (target == anchors_.end()) throw Refused{position(mark), "an alias inside its own anchor", {}};
        count(count_nodes(target->second), position(mark));
        Node copy = target->second;
        copy.at = position(mark);
        attach(std::move(copy));
    }

    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        refuse_tag(mark, tag);
        check_quote(position(mark));
        Node node;
        node.kind = Node::Kind::Scalar;
        node.plain = tag == "?";
        node.text = value;
        leaf(std::move(node), mark, anchor);
    }

    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        refuse_tag(mark, tag);
        open(Node::Kind::List, mark, anchor);
    }

    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        refuse_tag(mark, tag);
        open(Node::Kind::Map, mark, anchor);
    }

    void OnSequenceEnd() override { close(); }

    void OnMapEnd() override { close(); }

  private:
    struct Level {
        Node node;
        YAML::anchor_t anchor = 0;
        bool has_key = false, duplicate = false;
        std::string key;
        Position key_at;
        std::unordered_set<std::string> keys;
    };

    static void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
        if (tag.empty() || tag == "?" || tag == "!") return;
        throw Refused{position(mark), "YAML tags (`!`) are not used here", "put a value that begins with ! in quotes"};
    }

    void check_quote(Position at) {
        const std::string_view line = diagnostics_.source_line(at.line);
        if (at.column == 0 || at.column > line.size()) return;
        const std::string_view text = line.substr(at.column - 1);
        if ((text[0] == '"' || text[0] == '\'') && !closes_quote(text))
            diagnostics_.error(at, "a quote is not closed in its line",
                               "a text of several lines is written behind `|` or `>`");
    }

    [[nodiscard]] std::string hint_at(Position at) const {
        const std::string foreign = foreign_text(diagnostics_.source_line(at.line));
        return foreign.empty() ? "in [ ] and { } put a text with [, ], {, } or a comma in quotes" : foreign;
    }

    void count(std::size_t more, Position at) {
        nodes_ += more;
        if (nodes_ > kMaxConfigNodes)
            throw Refused{at, "more than " + std::to_string(kMaxConfigNodes) + " values, aliases expanded", {}};
    }

    void leaf(Node node, const YAML::Mark& mark, YAML::anchor_t anchor) {
        node.at = position(mark);
        count(1, node.at);
        if (anchor != 0) anchors_[anchor] = node;
        attach(std::move(node));
    }

    void open(Node::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
        const Position at = position(mark);
        count(1, at);
        if (levels_.size() >= kMaxConfigDepth)
            throw Refused{at, "nested deeper than " + std::to_string(kMaxConfigDepth) + " levels", {}};
        if (!levels_.empty() && levels_.back().node.is_map() && !levels_.back().has_key)
            throw Refused{at, "a key must be a word", hint_at(at)};
        levels_.emplace_back();
        levels_.back().node.kind = kind;
        levels_.back().node.at = at;
        levels_.back().anchor = anchor;
    }

    void close() {
        Level level = std::move(levels_.back());
        levels_.pop_back();
        if (level.anchor != 0) {
            count(count_nodes(level.node), level.node.at);
            anchors_[level.anchor] = level.node;
        }
        attach(std::move(level.node));
    }

    void attach(Node node) {
        if (levels_.empty()) {
            root_ = std::move(node);
            return;
        }
        Level& level = levels_.back();
        if (level.node.is_list())
            level.node.items.push_back(std::move(node));
        else if (!level.has_key)
            take_key(level, std::move(node));
        else
            take_value(level, std::move(node));
    }

    void take_key(Level& level, Node node) {
        if (!node.is_scalar()) throw Refused{node.at, "a key is missing before `:`", {}};
        level.duplicate = !level.keys.insert(node.text).second;
        if (level.duplicate) {
            const auto first = std::find_if(level.node.entries.begin(), level.node.entries.end(),
                                            [&](const Node::Entry& entry) { return entry.key == node.text; });
            diagnostics_.error(node.at, "duplicate key `" + node.text + "`",
                               "it stands in line " + std::to_string(first->at.line) + " already");
        }
        level.has_key = true;
        level.key_at = node.at;
        level.key = std::move(node.text);
    }

    static void take_value(Level& level, Node node) {
        level.has_key = false;
        if (level.duplicate) return;
        if (node.is_null()) node.at = level.key_at;  // yaml-cpp's mark of nothing is that of whatever follows
        level.node.entries.push_back({std::move(level.key), level.key_at, std::move(node)});
    }

    Diagnostics& diagnostics_;
    Node root_;
    std::vector<Level> levels_;
    std::map<YAML::anchor_t, Node> anchors_;
    std::size_t nodes_ = 0;
};

std::optional<Node> parse_yaml(const std::string& text, Diagnostics& diagnostics) {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    TreeBuilder builder(diagnostics);
    if (!parser.HandleNextDocument(builder)) return Node{};
    Node root = builder.take();
    TreeBuilder rest(diagnostics);
    if (parser.HandleNextDocument(rest)) {
        const Position at = rest.take().at;
        std::uint32_t line = at.line;
        const auto marks = [&](std::uint32_t one) { return diagnostics.source_line(one).starts_with("---"); };
        while (line > 1 && !marks(line)) --line;
        if (line > 1)
            diagnostics.error(at, "a second YAML document", "one file holds one document: remove the line `---`");
        else
            diagnostics.error(at, "text behind the end of the document", "remove it; a comment begins with #");
    }
    return root;
}

/// At most one byte more than a configuration may have; gives errno, or 0.
int read_all(int fd, std::string& text) {
    std::array<char, 65536> buffer{};
    while (text.size() <= kMaxConfigBytes) {
        const ssize_t got = ::read(fd, buffer.data(), buffer.size());
        if (got == 0) return 0;
        if (got > 0) text.append(buffer.data(), static_cast<std::size_t>(got));
        if (got < 0 && errno != EINTR) return errno;
    }
    return 0;
}

}  // namespace

Result<std::string> read_config_file(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return Error{ErrorCode::NotFound, path + ": " + std::strerror(errno)};

    struct stat before {};

    struct stat after {};

    ::fstat(fd, &before);
    std::string text;
    const int error = read_all(fd, text);
    ::fstat(fd, &after);
    ::close(fd);
    if (error != 0) return Error{ErrorCode::Io, path + ": " + std::strerror(error)};
    const bool changed = before.st_size != after.st_size || before.st_mtim.tv_sec != after.st_mtim.tv_sec ||
                         before.st_mtim.tv_nsec != after.st_mtim.tv_nsec;
    if (S_ISREG(after.st_mode) && changed)
        return Error{ErrorCode::Conflict, path + ": changed while it was read", "replace the file by rename"};
    return text;
}

std::optional<Node> parse_document(const std::string& text, Diagnostics& diagnostics) {
    if (const auto bad = find_bad_byte(text)) {
        diagnostics.error(bad->at, bad->what, bad->hint);
        return std::nullopt;
    }
    try {
        std::optional<Node> root = parse_yaml(text, diagnostics);
        if (root && root->is_null()) {
            diagnostics.error({1, 1}, "the file is empty", "the smallest useful file has `services:` and `notify:`");
            return std::nullopt;
        }
        return root;
    } catch (const Refused& refused) {
        diagnostics.error(refused.at, refused.what, refused.hint);
    } catch (const YAML::Exception& exception) {
        const Position at = position(exception.mark);
        diagnostics.error(at, "YAML: " + exception.msg, explain_syntax_error(diagnostics, at, exception.msg));
    }
    return std::nullopt;
}

}  // namespace revertd::config
