// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/watch.h"

#include <ostream>

#include "daemon/ctl/block.h"
#include "daemon/ctl/events.h"
#include "daemon/ctl/exit_code.h"
#include "daemon/ctl/github.h"
#include "daemon/ctl/junit.h"
#include "daemon/ctl/progress.h"

namespace revertd::ctl {
namespace {

constexpr Duration kPoll = 500ms;   // twice a second: the block moves, the daemon hardly notices
constexpr Duration kBridge = 60s;   // a restart takes seconds; a minute without an answer is an error
constexpr Duration kCheckEnd = 2s;  // beside the stream of events

class Watch {
  public:
    Watch(Session& session, const WatchOptions& options)
        : session_(session),
          options_(options),
          progress_(make_progress(session)),
          started_(session.now().at),
          target_(options.target),
          events_(session.options().address),
          checked_at_(started_) {}

    int run() {
        session_.outside().pace.hold_signals();
        session_.client().give_up_when([this] { return must_stop(); });
        const auto first = fetch();
        if (!first) return failed(first.error());
        service_ = (*first)["service"].text();
        target_ = (*first)["id"].text();  // a newer deployment of the service is another guard
        return session_.options().format == Format::JsonLines ? follow_events() : follow(*first);
    }

  private:
    Result<Json> fetch() {
        auto answer = session_.client().get("/api/v1/deployments/" + encoded(target_));
        if (answer && (*answer)["id"].text().empty()) {
            return Error(ErrorCode::Invalid, "the daemon answered something else than a deployment");
        }
        return answer;
    }

    int follow(Json deployment) {
        for (;;) {
            progress_->show(deployment);
            if (has_ended(deployment)) return end(deployment);
            if (const auto code = pause()) return *code;
            auto answer = fetch();
            if (answer) {
                bridged();
                deployment = *std::move(answer);
            } else if (!bridges(answer.error())) {
                return failed(answer.error());
            }
        }
    }

    /// `-o jsonl`: the events are the output; the deployment is asked beside them, since an end must not be missed.
    int follow_events() {
        for (;;) {
            const auto read = read_events();
            if (closed_) return print_closed(*closed_);
            if (!read && !bridges(read.error())) return failed(read.error());
            if (!check_end()) return print_closed(closing(*ended_));
            if (const auto code = pause()) return *code;
        }
    }

    Result<void> read_events() {
        reader_.restart();
        const auto on_event = [this](const EventReader::Event& event) { take(event); };
        Client::Stream stream;
        stream.path = "/api/v1/events?service=" + encoded(service_);
        // From the first event that the daemon still has: those of this guard may be older than the watch.
        stream.last_event_id = reader_.last_id().empty() ? "0" : reader_.last_id();
        stream.on_bytes = [&](std::string_view bytes) { return reader_.feed(bytes, on_event) && !closed_; };
        stream.on_idle = [&] { return !must_stop() && check_end(); };
        return events_.read(stream);
    }

    /// False when the guard was seen ended twice: its last event had the time between to arrive, and did not.
    bool check_end() {
        if (over_ || session_.now().at - checked_at_ < kCheckEnd) return !over_;
        checked_at_ = session_.now().at;
        const auto answer = fetch();
        if (!answer) return true;  // the stream breaks off too, and tells why
        bridged();
        const bool seen_before = ended_.has_value();
        if (has_ended(*answer)) ended_ = *answer;
        over_ = ended_ && seen_before;
        return !over_;
    }

    void take(const EventReader::Event& event) {
        const auto data = Json::parse(event.data);
        if (closed_ || !data || (*data)["deployment"].text() != target_) return;
        if ((*data)["type"].text() == "guard.closed") {
            closed_ = *data;
        } else {
            session_.out() << data->line() << std::endl;
        }
    }

    int print_closed(const Json& event) {
        session_.client().give_up_when({});
        const auto deployment = fetch();
        if (!deployment) return failed(deployment.error());
        const auto code = (*deployment)["exit_code"].number();
        session_.out() << event.line_with("exit_code", static_cast<int>(code.value_or(kFailed))) << std::endl;
        return exit_code(*deployment);
    }

    /// The last event in the words of the deployment, for a guard whose events the daemon no longer has.
    static Json closing(const Json& deployment) {
        const auto text = json_object({{"at", deployment["finished"].text()},
                                       {"type", "guard.closed"},
                                       {"service", deployment["service"].text()},
                                       {"deployment", deployment["id"].text()},
                                       {"words", deployment["verdict_words"].text()}});
        return *Json::parse(text);
    }

    static bool has_ended(const Json& deployment) { return deployment["exit_code"].number().has_value(); }

    int end(const Json& deployment) {
        const auto format = session_.options().format;
        if (format == Format::GitHub || format == Format::JUnit) return tell_ci(deployment, format);
        if (session_.for_people()) {
            (options_.end_on_err ? session_.err() : session_.out()) << render_end(deployment) << std::flush;
        } else {
            print_json(session_.out(), deployment, format);
        }
        return exit_code(deployment);
    }

    /// A verdict that cannot be written where the job looks for it is still the exit code.
    int tell_ci(const Json& deployment, Format format) {
        session_.client().give_up_when({});
        const auto id = deployment["id"].text();
        const auto report = session_.client().get("/api/v1/incidents/" + encoded(id) + "/report.json");
        if (!report) print_error(session_.err(), "report of " + id, report.error());
        const Json rules = report ? *report : Json();
        if (format == Format::JUnit) {
            session_.out() << junit_xml(suite_of(deployment, rules, options_.inconclusive_passes)) << std::flush;
        } else if (const auto told = tell_github(session_, deployment, rules, options_.inconclusive_passes); !told) {
            print_error(session_.err(), "GitHub", told.error());
        }
        return exit_code(deployment);
    }

    [[nodiscard]] int exit_code(const Json& deployment) const {
        if (!options_.wait) return kDone;
        const int code = static_cast<int>(deployment["exit_code"].number().value_or(kFailed));
        return code == kInconclusive && options_.inconclusive_passes ? static_cast<int>(kDone) : code;
    }

    std::optional<int> pause() {
        interrupted_ = interrupted_ || session_.outside().pace.interrupted_within(kPoll);
        if (must_stop()) return stopped();
        return std::nullopt;
    }

    bool must_stop() {
        interrupted_ = interrupted_ || session_.outside().pace.interrupted_within(Duration::zero());
        return interrupted_ || timed_out();
    }

    [[nodiscard]] bool timed_out() const {
        return options_.timeout && session_.now().at - started_ >= *options_.timeout;
    }

    /// Why the watch ends before the guard does. The guard never ends because nobody looks.
    int stopped() {
        const auto again = "; the guard goes on: revertctl deploy watch " + target_;
        progress_->note((interrupted_ ? "interrupted" : "timeout after " + to_words(*options_.timeout)) + again);
        return interrupted_ ? kInterrupted : kTimedOut;
    }

    bool bridges(const Error& error) {
        if (error.code != ErrorCode::Unavailable) return false;
        if (!lost_at_) {
            lost_at_ = session_.now().at;
            progress_->note("revertd does not answer, trying again for " + to_words(kBridge) + " (" + error.message +
                            ")");
        }
        return session_.now().at - *lost_at_ < kBridge;
    }

    void bridged() {
        if (lost_at_) progress_->note("revertd answers again");
        lost_at_.reset();
    }

    int failed(const Error& error) {
        if (must_stop()) return stopped();
        return session_.fail("watch " + options_.target, error);
    }

    Session& session_;
    const WatchOptions& options_;
    std::unique_ptr<Progress> progress_;
    Time started_;
    std::string target_, service_;
    bool interrupted_ = false;
    std::optional<Time> lost_at_;

    Client events_;  // a connection of its own: the stream keeps it busy
    EventReader reader_;
    std::optional<Json> closed_;  // the guard's last event
    std::optional<Json> ended_;   // the deployment, once it was seen ended
    bool over_ = false;           // and no event is waited for any more
    Time checked_at_;
};

}  // namespace

int watch(Session& session, const WatchOptions& options) {
    return Watch(session, options).run();
}

}  // namespace revertd::ctl
