// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/top.h"

#include <CLI/CLI.hpp>
#include <ostream>
#include <sstream>

#include "daemon/ctl/commands.h"
#include "daemon/ctl/exit_code.h"
#include "daemon/ctl/output.h"
#include "daemon/ctl/service_words.h"
#include "daemon/ctl/session.h"
#include "daemon/ctl/text.h"

namespace revertd::ctl {
namespace {

constexpr Duration kAsk = 1s;        // of the daemon, whose objects grow with its services
constexpr Duration kRedraw = 250ms;  // a new size of the window shows within this
constexpr std::size_t kMostGuards = 20;

std::size_t count_open_incidents(const Json& status) {
    std::size_t open = 0;
    for (const auto& service : status["services"].items()) {
        const auto state = service["last_incident"]["state"].text();
        if (!state.empty() && state != "closed") ++open;
    }
    return open;
}

std::string plural(std::size_t count, const std::string& word) {
    return std::to_string(count) + " " + word + (count == 1 ? "" : "s");
}

std::string title(const TopView& view, const TopStyle& style) {
    std::size_t guards = 0;
    for (const auto& service : view.status["services"].items())
        if (!service["guard"].is_null()) ++guards;
    const std::string left = "revertd  " + plural(view.status["services"].items().size(), "service") + ", " +
                             plural(guards, "guard") + ", " +
                             plural(count_open_incidents(view.status), "open incident");
    const std::string right = local_time(style.now, style.now);
    const auto used = display_width(left) + display_width(right);
    return used + 2 > style.columns ? left : left + std::string(style.columns - used, ' ') + right;
}

void add_lines(std::vector<std::string>& lines, const std::string& text) {
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
}

std::vector<std::string> body(const TopView& view, const TopStyle& style) {
    std::vector<std::string> lines;
    add_lines(lines, brakes_words(view.status));
    add_lines(lines, hours_words(view.status, style.now));
    static const History kNone;
    for (const Json& guard : view.guards) {
        const auto history = view.history.find(guard["id"].text());
        lines.emplace_back();
        add_lines(lines, render_block(guard, history == view.history.end() ? kNone : history->second,
                                      {style.columns, style.colour, style.now}));
    }
    std::ostringstream table;
    services_table(view.status).print(table);
    lines.emplace_back();
    add_lines(lines, table.str());
    add_lines(lines, silence_words(view.status, style.now));
    return lines;
}

class Screen {
  public:
    explicit Screen(Session& session) : session_(session) {
        session_.outside().pace.hold_signals();
        session_.outside().pace.hold_keys();
        // The other screen, without cursor and without wrapping.
        session_.out() << "\x1b[?1049h\x1b[?25l\x1b[?7l" << std::flush;
    }

    ~Screen() {
        session_.out() << "\x1b[?7h\x1b[?25h\x1b[?1049l" << std::flush;
        session_.outside().pace.release_keys();
    }

    Screen(const Screen&) = delete;
    Screen& operator=(const Screen&) = delete;

    /// In one piece, over what was there: nothing flickers. No newline ends the last line, so nothing scrolls. Erased
    /// is before writing: behind a line as wide as the window the cursor stands on its last letter.
    void draw(const std::vector<std::string>& lines) {
        std::string frame = "\x1b[H";
        for (std::size_t i = 0; i < lines.size(); ++i) {
            frame += i == 0 ? "" : "\r\n";
            frame += (i + 1 == lines.size() ? "\x1b[J" : "\x1b[2K") + lines[i];
        }
        session_.out() << frame << std::flush;
    }

  private:
    Session& session_;
};

class Top {
  public:
    explicit Top(Session& session) : session_(session) {}

    int run() {
        if (const auto first = ask(); !first) return session_.fail("top", first.error());
        Screen screen(session_);
        Time asked = session_.now().at;
        for (;;) {
            const auto& outside = session_.outside();
            screen.draw(
                render_top(view_, {outside.columns(), outside.rows(), session_.options().colour, session_.now().wall}));
            const auto key = session_.outside().pace.key_within(kRedraw);
            if (key == Pace::kInterrupt) return kInterrupted;
            if (key == 'q' || key == 'Q') return kDone;
            if (session_.now().at - asked < kAsk) continue;
            const auto answer = ask();
            view_.note = answer ? "" : "revertd does not answer: " + printable(answer.error().message);
            asked = session_.now().at;
        }
    }

  private:
    Result<void> ask() {
        auto status = session_.client().get("/api/v1/status");
        if (!status) return status.error();
        view_.status = *std::move(status);
        view_.guards.clear();
        for (const auto& service : view_.status["services"].items()) {
            const auto id = service["guard"]["id"].text();
            if (id.empty() || view_.guards.size() >= kMostGuards) continue;
            const auto guard = session_.client().get("/api/v1/deployments/" + encoded(id));
            if (!guard) continue;  // closed in between
            view_.history[id].add(*guard);
            view_.guards.push_back(*guard);
        }
        return {};
    }

    Session& session_;
    TopView view_;
};

int top(Session& session) {
    if (!session.options().live || !session.outside().out_is_terminal)
        return session.refuse("top needs a terminal", "revertctl status prints the same once");
    return Top(session).run();
}

}  // namespace

std::vector<std::string> render_top(const TopView& view, const TopStyle& style) {
    std::vector<std::string> lines = body(view, style);
    const std::size_t room = style.rows > 2 ? style.rows - 2 : 1;
    if (lines.size() > room) {
        const auto hidden = lines.size() - room + 1;
        lines.resize(room - 1);
        lines.push_back("… " + plural(hidden, "more line"));
    }
    lines.insert(lines.begin(), title(view, style));
    if (lines.size() < style.rows) lines.push_back(view.note.empty() ? "q quits" : view.note);
    for (auto& line : lines) line = fit(line, style.columns);
    lines.resize(std::min(lines.size(), style.rows));
    return lines;
}

void add_top_command(CLI::App& root, Command& chosen) {
    set_command(*root.add_subcommand("top", "all guards and services, live on the whole screen; q quits"), chosen, top);
}

}  // namespace revertd::ctl
