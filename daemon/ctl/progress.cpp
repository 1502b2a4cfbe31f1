// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/progress.h"

#include <algorithm>
#include <optional>
#include <ostream>
#include <sstream>
#include <vector>

#include "daemon/ctl/block.h"
#include "daemon/ctl/text.h"

namespace revertd::ctl {
namespace {

constexpr Duration kHeartbeat = 60s;

class LiveBlock : public Progress {
  public:
    explicit LiveBlock(Session& session) : session_(session) {}

    void show(const Json& deployment) override {
        history_.add(deployment);
        const BlockStyle style{session_.outside().columns(), session_.options().colour, session_.now().wall};
        const auto lines = lines_of(render_block(deployment, history_, style));
        std::string frame = to_first_line(style.columns);
        for (const auto& line : lines)
            frame += "\x1b[2K" + line + "\n";  // before: behind a line as wide as the window it would take a letter
        session_.err() << frame << "\x1b[J" << std::flush;
        widths_.clear();
        for (const auto& line : lines) widths_.push_back(display_width(line));
    }

    void note(const std::string& words) override {
        session_.err() << to_first_line(session_.outside().columns()) << "\x1b[J" << words << std::endl;
        widths_.clear();
    }

  private:
    /// A block that is higher than the window could not be reached again from below: it is cut.
    [[nodiscard]] std::vector<std::string> lines_of(const std::string& block) const {
        std::vector<std::string> lines;
        std::istringstream in(block);
        for (std::string line; std::getline(in, line);) lines.push_back(line);
        const auto rows = session_.outside().rows();
        lines.resize(std::min(lines.size(), std::max<std::size_t>(rows, 2) - 1));
        return lines;
    }

    /// In a window that became narrower the terminal has wrapped what was drawn before.
    [[nodiscard]] std::string to_first_line(std::size_t columns) const {
        std::size_t rows = 0;
        for (const auto width : widths_) rows += std::max<std::size_t>(1, (width + columns - 1) / columns);
        return rows == 0 ? std::string() : "\x1b[" + std::to_string(rows) + "A\r";
    }

    Session& session_;
    History history_;
    std::vector<std::size_t> widths_;  ///< of the lines that stand on the screen
};

class Lines : public Progress {
  public:
    explicit Lines(Session& session) : session_(session) {}

    void show(const Json& deployment) override {
        const auto key = deployment["state"].text() + '\n' + deployment["phase_words"].text();
        const auto now = session_.now().at;
        if (key == last_key_ && last_line_ && now - *last_line_ < kHeartbeat) return;
        last_key_ = key;
        last_line_ = now;
        print(render_line(deployment));
    }

    void note(const std::string& words) override { print(words); }

  private:
    void print(const std::string& words) {
        const auto wall = session_.now().wall;
        session_.err() << local_time(wall, wall) << ' ' << words << std::endl;
    }

    Session& session_;
    std::string last_key_;
    std::optional<Time> last_line_;
};

class Notes : public Progress {
  public:
    explicit Notes(Session& session) : session_(session) {}

    void show(const Json&) override {}

    void note(const std::string& words) override { session_.err() << words << std::endl; }

  private:
    Session& session_;
};

}  // namespace

std::unique_ptr<Progress> make_progress(Session& session) {
    if (!session.options().progress || session.options().format == Format::JsonLines) {
        return std::make_unique<Notes>(session);
    }
    if (session.outside().err_is_terminal && session.options().live) return std::make_unique<LiveBlock>(session);
    return std::make_unique<Lines>(session);
}

}  // namespace revertd::ctl
