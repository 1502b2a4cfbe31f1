// SPDX-License-Identifier: Apache-2.0
// `init`: three questions, and a file that `check` finds valid. Every answer can be given as an option instead.
#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <ostream>

#include "config/load.h"
#include "config/values.h"
#include "daemon/ctl/commands.h"
#include "daemon/ctl/exit_code.h"
#include "daemon/ctl/session.h"
#include "daemon/ctl/text.h"
#include "daemon/ctl/unit_layout.h"

namespace revertd::ctl {
namespace {

struct Answers {
    std::string file = "/etc/revertd/revertd.yaml";
    std::string service, health, metrics, prometheus, unit, releases, link, page;
    bool guessed = false;  ///< where the releases are, because nothing says it
    bool asks = true, force = false;
};

/// A line of stdin, asked for on stderr; nothing at its end.
class Questions {
  public:
    explicit Questions(Session& session) : session_(session) {}

    std::optional<std::string> ask(const std::string& question, const std::string& otherwise) {
        session_.err() << question << (otherwise.empty() ? "" : " [" + otherwise + "]") << ": " << std::flush;
        std::string line;
        for (std::size_t end = kept_.find('\n');; end = kept_.find('\n')) {
            if (end != std::string::npos) {
                line = kept_.substr(0, end);
                kept_.erase(0, end + 1);
                break;
            }
            std::array<char, 512> bytes{};
            const std::size_t n = session_.outside().input ? session_.outside().input(bytes) : 0;
            if (n == 0) return std::nullopt;
            kept_.append(bytes.data(), n);
        }
        while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
        return line.empty() ? otherwise : line;
    }

  private:
    Session& session_;
    std::string kept_;
};

/// `http://host:port` of a URL.
std::string origin_of(const std::string& url) {
    const auto slashes = url.find("://");
    return slashes == std::string::npos ? url : url.substr(0, url.find('/', slashes + 3));
}

std::string without(std::string text, const std::string& ending) {
    if (text.ends_with(ending)) text.resize(text.size() - ending.size());
    return text;
}

/// Quoted so that nothing in it is YAML.
std::string quoted(const std::string& text) {
    std::string out = "'";
    for (const char c : text) out += c == '\'' ? "''" : std::string(1, c);
    return out + "'";
}

std::string notify_of(const std::string& page) {
    if (page.empty() || page == "off")
        return "# notify: { pagerduty: { routing_key_file: pagerduty } }   # nobody is told yet\n";
    if (page == "pagerduty") return "notify:\n  pagerduty: { routing_key_file: pagerduty }   # a systemd credential\n";
    if (page == "slack") return "notify:\n  slack: { webhook_url_file: slack }   # a systemd credential\n";
    if (page.find("://") != std::string::npos) return "notify:\n  webhook: { url: " + quoted(page) + " }\n";
    return "notify:\n  pagerduty: { routing_key_file: " + quoted(page) + " }\n";
}

std::string yaml_of(const Answers& a) {
    std::string out =
        "# yaml-language-server: $schema=/usr/share/revertd/revertd.schema.json\n"
        "# All else has its default: `revertctl check FILE --explain` shows what is in effect.\n"
        "services:\n  " +
        a.service + ":\n    health: " + quoted(a.health) + "\n";
    if (!a.prometheus.empty())
        out += "    prometheus: { url: " + quoted(a.prometheus) +
               ", selector: " + quoted("{job=\"" + a.service + "\"}") + " }   # the labels of its series\n";
    else if (!a.metrics.empty() && a.metrics != "off")
        out += "    metrics: " + quoted(a.metrics) + "\n";
    if (a.unit.empty() || a.unit == "off")
        out +=
            "    # Any platform goes back by two programs of yours, which get no shell; revertctl recipes exec\n"
            "    # rollback: { exec: [/usr/local/bin/rollback, \"{to}\"], current: [/usr/local/bin/current] }\n"
            "    rollback: off   # revertd can only tell\n";
    else
        out += "    rollback: { systemd: " + quoted(a.unit) + ", releases: " + quoted(a.releases) +
               (a.link.empty() ? "" : ", current: " + quoted(a.link)) + " }\n";
    return out + notify_of(a.page);
}

/// By the unit's own file, if it runs from a link to a release.
void find_releases(Answers& a) {
    if (!a.releases.empty() || a.unit == "off") return;
    if (const auto layout = layout_of(a.unit, unit_directories())) {
        a.releases = layout->releases;
        const auto above = layout->releases.rfind('/');
        if (layout->link != layout->releases.substr(0, above) + "/current") a.link = layout->link;
        return;
    }
    a.releases = "/srv/" + a.service + "/releases";
    a.guessed = true;
}

/// What the file alone does not bring about.
void say_what_is_left(Session& session, const Answers& a) {
    if (a.guessed)
        session.err() << "note: " << a.unit << " runs from no symlink to a release that could be found; `releases` is "
                      << a.releases << ", or give --releases\n";
    if (a.page == "pagerduty" || a.page == "slack")
        session.err() << "note: the secret of " << a.page
                      << " goes into a file of root's, such as /etc/revertd/credentials/" << a.page
                      << ", named by `systemctl edit revertd`:\n      [Service]\n      LoadCredential=" << a.page
                      << ":/etc/revertd/credentials/" << a.page << '\n';
}

/// The three questions, but for what was said already. False: stdin has ended.
bool complete(Session& session, Answers& a) {
    Questions questions(session);
    const auto need = [&](std::string& answer, const std::string& question, const std::string& otherwise) {
        if (!answer.empty()) return true;
        auto said = a.asks ? questions.ask(question, otherwise) : std::optional(otherwise);
        if (said) answer = *said;
        return said.has_value();
    };
    if (!need(a.health, "Where does the service say that it is healthy? (URL)", "http://127.0.0.1:8080/health"))
        return false;
    if (!need(a.unit, "Which systemd unit runs it? (`off`: revertd is only to tell)", "api.service")) return false;
    if (!need(a.page, "Who is paged? (pagerduty, slack, the URL of a webhook, or off)", "pagerduty")) return false;
    if (a.service.empty()) a.service = a.unit == "off" ? "api" : without(a.unit, ".service");
    if (a.metrics.empty()) a.metrics = origin_of(a.health) + "/metrics";
    find_releases(a);
    return true;
}

Result<void> write_new(const Answers& a, const std::string& text) {
    const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | (a.force ? O_TRUNC : O_EXCL);
    const int fd = ::open(a.file.c_str(), flags, 0644);
    if (fd < 0 && errno == EEXIST)
        return Error(ErrorCode::Conflict, a.file + " is there already", "--force overwrites it, --file names another");
    if (fd < 0) {
        const int error = errno;
        const std::string folder = std::filesystem::path(a.file).parent_path().string();
        const std::string hint = error == ENOENT   ? "there is no directory " + folder + ": mkdir -p " + folder
                                 : error == EACCES ? "run it as root, or name a file of your own by --file"
                                                   : "name another file by --file, or - for stdout";
        return Error(ErrorCode::Io, a.file + " cannot be written: " + std::string(std::strerror(error)), hint);
    }
    const bool whole = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
    ::close(fd);
    return whole ? Result<void>() : Error(ErrorCode::Io, a.file + " could not be written whole");
}

int init(Session& session, Answers a) {
    if (!complete(session, a)) return session.refuse("the answers ended", "every one can be an option: init --help");
    const std::string text = yaml_of(a);
    const LoadResult loaded = load(text, a.file);
    for (const Diagnostic& d : loaded.diagnostics)
        if (d.severity == Diagnostic::Severity::Error) session.err() << "  " << printable(to_line(d)) << '\n';
    if (!loaded.loaded) return session.refuse("with these answers the file would not be valid", "nothing was written");
    if (a.file == "-") return session.out() << text, kDone;
    if (const auto written = write_new(a, text); !written) return session.fail("init", written.error());
    session.out() << a.file << " is written and valid\n";
    say_what_is_left(session, a);
    session.err() << "next: revertctl check " << a.file << " --live   (asks all of it once; --explain: every default)\n"
                  << "      systemctl enable --now revertd\n";
    return kDone;
}

}  // namespace

void add_init_command(CLI::App& root, Command& chosen) {
    auto a = std::make_shared<Answers>();
    auto* verb = root.add_subcommand("init", "asks three questions and writes a valid configuration");
    verb->add_option("--file", a->file, "where to (- is stdout)")->capture_default_str();
    verb->add_option("--service", a->service, "name of the service (default: that of the unit)");
    verb->add_option("--health", a->health, "URL of the health endpoint");
    verb->add_option("--metrics", a->metrics, "URL of /metrics, or off (default: beside the health endpoint)");
    verb->add_option("--prometheus", a->prometheus, "URL of a Prometheus that has its metrics, instead of --metrics");
    verb->add_option("--unit", a->unit, "systemd unit that runs it, or off");
    verb->add_option("--releases", a->releases,
                     "directory of its releases (default: as the unit's file says, else /srv/SERVICE/releases)");
    verb->add_option("--page", a->page, "pagerduty, slack, the URL of a webhook, or off");
    verb->add_flag("--force", a->force, "overwrites a file that is there");
    verb->add_flag("!--no-questions", a->asks, "takes the default for what is not said");
    set_command(*verb, chosen, [a](Session& session) { return init(session, *a); });
}

}  // namespace revertd::ctl
