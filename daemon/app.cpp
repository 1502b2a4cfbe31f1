// SPDX-License-Identifier: Apache-2.0
// The only file that knows everybody: builds the parts, wires them, and takes them down.
#include "daemon/app.h"

#include <malloc.h>
#include <sys/stat.h>
#include <sys/timex.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <optional>

#include "config/bundle.h"
#include "config/load.h"
#include "core/narrate.h"
#include "core/policy.h"
#include "daemon/api/server.h"
#include "daemon/io/clock_steps.h"
#include "daemon/io/http_client.h"
#include "daemon/io/loop.h"
#include "daemon/io/signals.h"
#include "daemon/io/startup_memory.h"
#include "daemon/io/system_clock.h"
#include "daemon/log.h"
#include "daemon/notify/notifier.h"
#include "daemon/runner/client.h"
#include "daemon/runner/fd.h"
#include "daemon/runner/launch.h"
#include "daemon/shell/driver.h"
#include "daemon/shell/report_store.h"
#include "systemd/notify.h"

namespace revertd {

namespace {

constexpr int kFailed = 1, kBadConfiguration = 2, kStateHeld = 75, kJournalNeedsAPerson = 78;
constexpr Duration kHousekeeping = 1s;  // the HALT file, the watchdog and the status line
constexpr int kSettled = 15;  // housekeepings after which every target has been asked and learned, if it answers
constexpr const char* kHaltFile = "/etc/revertd/HALT";

void print(const std::vector<Diagnostic>& diagnostics) {
    for (const Diagnostic& d : diagnostics) std::fprintf(stderr, "%s\n", to_line(d).c_str());
}

struct Read {
    std::shared_ptr<const Loaded> loaded;
    std::string text;
};

/// Says what is wrong, all at once.
std::optional<Read> read_configuration(const std::string& path, bool dry_run) {
    auto text = config::read_config(path);
    if (!text) {
        std::fprintf(stderr, "%s: %s\n", path.c_str(), text.error().message.c_str());
        return std::nullopt;
    }
    LoadOptions options;
    options.credentials_directory = systemd::credentials_directory().value_or("");
    options.require_credentials = true;
    LoadResult result = load(*text, path, options);
    print(result.diagnostics);
    if (!result.loaded) return std::nullopt;
    for (auto& [name, service] : result.loaded->settings.services) {
        if (!dry_run) continue;
        auto observed = std::make_shared<ServiceSettings>(*service);
        observed->mode = Mode::Observe;  // the stricter of this and what a guard has pinned counts (S41)
        service = std::move(observed);
    }
    return Read{std::make_shared<const Loaded>(std::move(*result.loaded)), std::move(*text)};
}

/// S40: the timeline goes on where the last record left it. After a reboot the time in between counts only if the wall
/// clock is synchronised: a wrong clock must not refill a limit.
Duration timeline_offset(const Driver::Past& past, const std::string& boot) {
    const auto wall = SystemClock().now().wall;
    if (!past.any) return wall.time_since_epoch() - since_boot();
    if (past.boot == boot) return past.offset;
    timex status{};
    const bool synchronised = ::adjtimex(&status) >= 0 && (status.status & STA_UNSYNC) == 0;
    const Duration away = synchronised && wall > past.wall ? wall - past.wall : Duration{};
    return past.at.time_since_epoch() + away - since_boot();
}

bool exists(const std::string& path) {
    struct stat st {};

    return ::stat(path.c_str(), &st) == 0;
}

void complain(const std::string& what, const Error& error) {
    std::fprintf(stderr, "%s: %s\n", what.c_str(), error.message.c_str());
    if (!error.hint.empty()) std::fprintf(stderr, "hint: %s\n", error.hint.c_str());
}

class App {
  public:
    App(const Options& options, Read configuration)
        : options_(options),
          read_(std::move(configuration)),
          loop_(clock_),
          http_(loop_),
          configs_([this](const std::string& hash) { return driver_->journal().config_text(hash); }) {}

    int run();

  private:
    Result<void> start_runner();
    int open_state();
    void publish(const Record& record, const State& state);
    void tell_anyway(const Record& record);
    Result<void> reload();
    [[nodiscard]] std::map<std::string, NotificationCounts> notifications() const;
    void test_channels(const Backend::ChannelsAnswered& answered);
    void housekeep();
    void tell_of_clock_step(const Now& now);
    void on_signal(int signal);
    void watch_signals();

    const Options& options_;
    Read read_;
    SystemClock clock_;
    Loop loop_;
    InputMark journal_failed_;  ///< people were told, and the journal does not know
    HttpClient http_;
    ConfigStore configs_;
    std::unique_ptr<RunnerClient> runner_;
    std::unique_ptr<Driver> driver_;
    std::unique_ptr<Notifier> notifier_;
    std::unique_ptr<ReportStore> reports_;
    std::unique_ptr<Server> server_;
    std::optional<Signals> signals_;
    ClockSteps clock_steps_;
    std::uint64_t last_progress_ = 0;
    int housekeepings_ = 0;
    bool halted_by_file_ = false;
};

Result<void> App::start_runner() {
    auto place = find_runner(options_.runner, options_.storage);
    if (!place) return place.error();
    RunnerClient::Options options{place->socket, {}};
    if (place->own) {
        if (auto launched = launch_runner(*place, runner_program()); !launched) return launched;
        options.revive = [place = *place] {
            if (const auto again = launch_runner(place, runner_program()); !again)
                log::write(log::Level::Error, "the runner cannot be started", {{"why", again.error().message}});
        };
    }
    runner_ = std::make_unique<RunnerClient>(loop_, std::move(options));
    return {};
}

int App::open_state() {
    Driver::Parts parts{loop_,
                        http_,
                        *runner_,
                        configs_,
                        [this](const Record& r, const State& s) { publish(r, s); },
                        [this] { return reload(); },
                        [this] { return notifications(); },
                        [this](const Backend::ChannelsAnswered& answered) { test_channels(answered); },
                        options_.external_url,
                        [this](const Record& r) { tell_anyway(r); }};
    driver_ = std::make_unique<Driver>(std::move(parts));
    if (auto opened = driver_->open_journal(options_.storage); !opened) {
        complain(options_.storage, opened.error());
        if (opened.error().code == ErrorCode::Conflict) return kStateHeld;
        return opened.error().code == ErrorCode::Corrupt ? kJournalNeedsAPerson : kFailed;
    }
    return 0;
}

int App::run() {
    // The runner keeps its receipts there; what else may be wrong with it, the journal says.
    if (::mkdir(options_.storage.c_str(), 0700) != 0 && errno != EEXIST) {
        complain(options_.storage, runner::system_error("make this directory"));
        return kFailed;
    }
    if (auto started = start_runner(); !started) {
        complain("revertd-runner", started.error());
        return kFailed;
    }
    if (const int code = open_state(); code != 0) return code;
    for (const std::string& note : driver_->journal().notes()) log::write(log::Level::Warn, note);
    const std::string boot = [] {
        const auto id = read_boot_id();
        return id ? *id : std::string("unknown");
    }();
    const Driver::Past& past = driver_->past();
    clock_.set_offset(timeline_offset(past, boot));
    if (past.any && past.boot == boot) tell_of_clock_step({past.at, past.wall});
    auto in_progress = loop_.mark().open(options_.storage + "/in-progress");
    if (!in_progress) log::write(log::Level::Warn, "inputs are not marked", {{"why", in_progress.error().message}});
    const auto journal_failed = journal_failed_.open_and_leave(options_.storage + "/journal-failed");
    auto notifier = Notifier::open({loop_, http_, options_.storage, read_.loaded->notify, runner_.get(),
                                    [](const std::string& channel, const std::string& words, bool given_up) {
                                        log::write(given_up ? log::Level::Error : log::Level::Warn,
                                                   given_up ? "a page is given up"
                                                            : "a page could not be delivered, it is tried again",
                                                   {{"integration", channel}, {"why", words}});
                                    },
                                    options_.external_url});
    if (!notifier) {
        std::fprintf(stderr, "notifications: %s\n", notifier.error().message.c_str());
        return kFailed;
    }
    notifier_ = std::move(*notifier);
    reports_ = std::make_unique<ReportStore>(*driver_, read_.loaded->report, options_.storage);
    if (auto caught_up = notifier_->catch_up(driver_->journal()); !caught_up)
        log::write(log::Level::Error, "notifications", {{"why", caught_up.error().message}});
    if (auto configured = driver_->configure(read_.loaded, read_.text); !configured) {
        std::fprintf(stderr, "%s\n", configured.error().message.c_str());
        return kFailed;
    }
    std::string().swap(read_.text);  // the journal has it
    server_ = std::make_unique<Server>(loop_, *driver_);
    for (const systemd::ListenSocket& socket : systemd::listen_sockets()) {
        if (auto adopted = server_->adopt(socket.fd); !adopted) {
            std::fprintf(stderr, "socket %s: %s\n", socket.name.c_str(), adopted.error().message.c_str());
            return kFailed;
        }
    }
    for (const std::string& address : options_.listen) {
        if (auto listening = server_->listen(address); !listening) {
            std::fprintf(stderr, "%s: %s\n", address.c_str(), listening.error().message.c_str());
            return kFailed;
        }
    }
    driver_->meters().reloaded(true, clock_.now().wall);
    driver_->start(boot, clock_.offset(), in_progress ? *in_progress : std::string{},
                   journal_failed && !journal_failed->empty());
    release_startup_memory();
    watch_signals();
    housekeep();
    log::write(log::Level::Info, "revertd is ready", {{"config", read_.loaded->settings.hash}});
    systemd::ready("watching " + std::to_string(read_.loaded->settings.services.size()) + " services");
    loop_.run();
    systemd::stopping();
    server_.reset();
    driver_->stop();
    return 0;
}

// -- what hangs on the records

void App::publish(const Record& record, const State& state) {
    const std::string words = narrate(record.fact);
    if (!words.empty())
        log::write(log::Level::Info, words, {{"event", name_of(record.fact)}, {"seq", std::to_string(record.seq)}});
    if (notifier_) notifier_->enqueue(record);
    const auto* page = std::get_if<Paged>(&record.fact);  // durable: from here on the journal itself knows
    if (page != nullptr && page->about == kJournal && page->kind == "resolve") journal_failed_.clear();
    if (reports_) reports_->on_record(record, state);
}

/// Without a journal nothing is delivered twice for certain, nor once; better than silence.
void App::tell_anyway(const Record& record) {
    log::write(log::Level::Error, narrate(record.fact), {{"event", name_of(record.fact)}});
    journal_failed_.keep("told");
    if (notifier_) notifier_->tell(record);
}

Result<void> App::reload() {
    systemd::reloading();
    auto read = read_configuration(options_.config_file, options_.dry_run);
    Result<void> done = Error(ErrorCode::Invalid, options_.config_file + " is not valid; the old configuration stays");
    if (read) {
        read_ = std::move(*read);
        done = driver_->configure(read_.loaded, read_.text);
        std::string().swap(read_.text);
        notifier_->configure(read_.loaded->notify);
    }
    driver_->meters().reloaded(done.has_value(), clock_.now().wall);
    log::write(done ? log::Level::Info : log::Level::Error, done ? "configuration reloaded" : "reload failed",
               {{"why", done ? "" : done.error().message}});
    systemd::ready("watching " + std::to_string(read_.loaded->settings.services.size()) + " services");
    return done;
}

std::map<std::string, NotificationCounts> App::notifications() const {
    std::map<std::string, NotificationCounts> counts;
    for (const auto& [channel, count] : notifier_->counts()) {
        counts[channel].delivered = count.delivered;
        counts[channel].failed = count.failed_tries;
    }
    return counts;
}

void App::test_channels(const Backend::ChannelsAnswered& answered) {
    notifier_->test([answered](const std::vector<Notifier::Tested>& results) {
        std::vector<Backend::ChannelAnswer> out;
        for (const Notifier::Tested& r : results) out.push_back({r.channel, r.words, r.delivered});
        answered(out);
    });
}

// -- the process

void App::watch_signals() {
    const auto told = [this](int signal) { on_signal(signal); };
    signals_.emplace(loop_, std::initializer_list<int>{SIGTERM, SIGINT, SIGHUP}, told);
}

void App::on_signal(int signal) {
    if (signal != SIGHUP) {
        log::write(log::Level::Info, "revertd stops; open guards and running steps go on from here at the next start",
                   {{"signal", signal == SIGINT ? "SIGINT" : "SIGTERM"}});
        return loop_.stop();
    }
    const auto reloaded = reload();
    (void)reloaded.has_value();  // it has said so in the log
}

void App::tell_of_clock_step(const Now& now) {
    if (const auto by = clock_steps_.look(now))
        log::write(log::Level::Warn, "the wall clock was set; waits, limits and windows do not run on it",
                   {{"by", (*by < Duration{} ? "-" : "+") + to_words(std::chrono::abs(*by))}});
}

/// Once a second: the HALT file halts like `revertctl halt`; the watchdog is fed only while the engine makes progress.
void App::housekeep() {
    const bool halt = exists(options_.storage + "/HALT") || exists(kHaltFile);
    if (halt && !halted_by_file_)
        driver_->command({0, "the HALT file", {}, true}, command::Halt{{}, false}, [](const effect::Reply&) {});
    halted_by_file_ = halt;
    const bool moved = driver_->progress() != last_progress_ || read_.loaded->settings.services.empty();
    last_progress_ = driver_->progress();
    const Duration lag = loop_.take_lag();
    tell_of_clock_step(clock_.now());
    if (moved) driver_->meters().beat(clock_.now().wall, lag);
    if (moved || !driver_->engine().settings()) systemd::watchdog();
    if (housekeepings_ <= kSettled && ++housekeepings_ == kSettled) release_startup_memory();
    loop_.at(loop_.now() + kHousekeeping, [this] { housekeep(); });
}

}  // namespace

int run_daemon(const Options& options) {
    std::signal(SIGPIPE, SIG_IGN);
    ::mallopt(M_ARENA_MAX, 1);  // one thread works, the others wait for the disk: they need no heaps of their own
    auto configuration = read_configuration(options.config_file, options.dry_run);
    if (!configuration) return kBadConfiguration;
    App app(options, std::move(*configuration));
    return app.run();
}

}  // namespace revertd
