// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/progress.h"

#include <algorithm>
#include <optional>
#include <ostream>

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
        const auto block = render_block(deployment, history_, style);
        std::string frame = to_first_line();
        for (const char c : block) frame += c == '\n' ? std::string("\x1b[K\n") : std::string(1, c);
        session_.err() << frame << "\x1b[J" << std::flush;
        lines_ = std::count(block.begin(), block.end(), '\n');
    }

    void note(const std::string& words) override {
        session_.err() << to_first_line() << "\x1b[J" << words << std::endl;
        lines_ = 0;
    }

  private:
    [[nodiscard]] std::string to_first_line() const {
        return lines_ == 0 ? std::string() : "\x1b[" + std::to_string(lines_) + "A\r";
    }

    Session& session_;
    History history_;
    std::ptrdiff_t lines_ = 0;
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
    if (session.outside().err_is_terminal) return std::make_unique<LiveBlock>(session);
    return std::make_unique<Lines>(session);
}

}  // namespace revertd::ctl
