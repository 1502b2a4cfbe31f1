// SPDX-License-Identifier: Apache-2.0
#include "daemon/runner/server.h"

#include <fcntl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>

#include "daemon/io/system_clock.h"
#include "daemon/runner/descendants.h"
#include "daemon/runner/listen.h"

namespace revertd::runner {
namespace {

void log_line(const std::string& text) {
    std::fprintf(stderr, "%s\n", text.c_str());
}

Result<Fd> lock_storage(const std::string& storage) {
    if (::mkdir(storage.c_str(), 0700) != 0 && errno != EEXIST) return system_error("make " + storage);
    Fd lock(::open((storage + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!lock) return system_error("open the lock of " + storage);

    // Of the process, not of the descriptor: a child that waits at its gate must not keep it for a dead runner.
    struct flock whole {};

    whole.l_type = F_WRLCK;
    if (::fcntl(lock.get(), F_SETLK, &whole) != 0)
        return Error(ErrorCode::Conflict, "another runner keeps its receipts in " + storage);
    return lock;
}

Result<Fd> watch_signals() {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int number : {SIGCHLD, SIGTERM, SIGINT}) ::sigaddset(&set, number);
    Fd fd(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
    if (!fd) return system_error("signalfd");
    return fd;
}

}  // namespace

Result<std::unique_ptr<Server>> Server::open(ServerOptions options) {
    Result<Fd> lock = lock_storage(options.storage);
    if (!lock) return lock.error();
    Result<Fd> signals = watch_signals();
    if (!signals) return signals.error();
    Result<std::string> boot_id = read_boot_id();
    if (!boot_id) return boot_id.error();
    if (!options.listener) {
        Result<Fd> listener = listen_at(options.socket);
        if (!listener) return listener.error();
        options.listener = *std::move(listener);
    }

    struct stat info {};

    if (::stat(options.storage.c_str(), &info) != 0) return system_error(options.storage);
    for (const uid_t user : {uid_t{0}, ::geteuid(), info.st_uid}) options.users.push_back(user);
    adopt_orphans();
    std::unique_ptr<Server> server(
        new Server(std::move(options), *std::move(lock), *std::move(signals), *std::move(boot_id)));
    server->adopt();
    return server;
}

Server::Server(ServerOptions options, Fd lock, Fd signals, std::string boot_id)
    : options_(std::move(options)),
      lock_(std::move(lock)),
      signals_(std::move(signals)),
      boot_id_(std::move(boot_id)),
      receipts_(options_.storage),
      cgroups_(StepCgroups::of_this_process()),
      newest_(receipts_.newest()),
      idle_since_(since_boot()) {}

Server::~Server() {
    if (!options_.socket.empty()) ::unlink(options_.socket.c_str());
}

/// Steps of a former life: what still runs is watched to its end, what does not has an unknown outcome.
void Server::adopt() {
    if (cgroups_) log_line("a step has a cgroup of its own below " + cgroups_.parent());
    cgroups_.sweep();
    for (const StartRecord& record : receipts_.unfinished()) {
        ActiveStep step;
        step.record = record;
        if (ExecRun::is_alive(record, boot_id_)) {
            log_line("adopted key=" + record.key + " pid=" + std::to_string(record.pid));
            auto run = std::make_unique<ExecRun>(record, options_.grace);
            run->live_in(cgroups_.find(record.key));
            step.run = std::move(run);
            steps_.emplace(record.key, std::move(step));
            continue;
        }
        Receipt receipt;
        receipt.state = StepState::Unknown;
        receipt.reason = "the runner died while it ran";
        const bool group_left = !start_ticks_of(record.pid) && signal_group(record.pid, 0);
        receipt.survivors = record.boot_id == boot_id_ && (group_left || cgroups_.find(record.key).populated());
        receipt.started = record.started;
        receipt.ended = SystemClock().now().wall;
        if (const Result<void> written = receipts_.write_end(record.key, receipt); !written)
            log_line("error: " + written.error().message);
    }
}

void Server::run() {
    for (Duration now = since_boot(); !is_over(now); now = since_boot()) {
        wait(now);
        take_signals();
        reap();
        take_clients();
        take_requests();
        look_after_steps(since_boot());
        look_after_probes(since_boot());
        drain_leftovers();
        std::erase_if(clients_, [](const auto& client) { return !client->is_open(); });
    }
}

bool Server::is_over(Duration now) {
    if (ending_) return steps_.empty();
    if (!clients_.empty() || !steps_.empty() || !leftovers_.empty()) idle_since_ = now;
    return options_.idle_exit > Duration::zero() && now - idle_since_ >= options_.idle_exit;
}

void Server::wait(Duration now) {
    Duration timeout = options_.idle_exit > Duration::zero() ? options_.idle_exit : Duration::max();
    std::vector<int> readable{signals_.get()};
    if (options_.listener) readable.push_back(options_.listener.get());
    for (const Fd& leftover : leftovers_) readable.push_back(leftover.get());
    const auto add = [&](const Run& run) {
        timeout = std::min(timeout, run.wake_in(now));
        run.add_descriptors(readable);
    };
    for (const auto& [key, step] : steps_) add(*step.run);
    for (const ActiveProbe& probe : probes_) add(*probe.run);

    std::vector<HttpEngine::Wanted> wanted;
    for (const int fd : readable) wanted.push_back({fd, false});
    for (const auto& client : clients_) wanted.push_back({client->fd(), client->wants_to_write()});
    http_.wait(wanted, timeout);
}

void Server::take_signals() {
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGCHLD || ending_) continue;  // the runs look for their own children
        ending_ = true;
        options_.listener.reset();
        log_line("stopping; steps still running: " + std::to_string(steps_.size()));
    }
}

/// Processes that a step left behind are our children now; nobody else fetches them.
void Server::reap() {
    reap_orphans(leaders());
}

std::vector<pid_t> Server::leaders() const {
    std::vector<pid_t> ours;
    for (const auto& [key, step] : steps_) ours.push_back(step.record.pid);
    for (const ActiveProbe& probe : probes_) ours.push_back(probe.run->leader());
    return ours;
}

/// A process that has changed its session and wiped its environment is known only by whom it was left to.
std::vector<pid_t> Server::orphans_of(const std::string& key) const {
    const auto step = steps_.find(key);
    if (step == steps_.end() || !step->second.alone) return {};
    return orphans_since(step->second.record.start_ticks, leaders());
}

void Server::take_clients() {
    while (options_.listener) {
        Fd socket(::accept4(options_.listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!socket) return;
        if (clients_.size() >= kMaxClients || !peer_is_one_of(socket.get(), options_.users)) {
            log_line("warning: refused a connection of another user, or one too many");
            continue;
        }
        clients_.push_back(std::make_unique<Connection>(++last_client_, std::move(socket)));
    }
}

void Server::take_requests() {
    for (const auto& client : clients_) {
        client->flush();
        for (const std::string& line : client->read_lines()) on_line(*client, line);
    }
}

void Server::look_after_steps(Duration now) {
    for (auto it = steps_.begin(); it != steps_.end();) {
        it->second.run->look(now);
        if (it->second.run->finished()) {
            finish(it->second);
            it = steps_.erase(it);
        } else {
            ++it;
        }
    }
}

void Server::look_after_probes(Duration now) {
    for (ActiveProbe& probe : probes_) {
        probe.run->look(now);
        if (!probe.run->finished()) continue;
        probe.run->end_survivors();
        answer(probe.waiter, Answer{probe.waiter.id, probe.run->probe_result()});
    }
    std::erase_if(probes_, [](const ActiveProbe& probe) { return probe.run->finished(); });
}

void Server::drain_leftovers() {
    std::array<char, 16 * 1024> buffer{};
    for (Fd& leftover : leftovers_)
        if (::read(leftover.get(), buffer.data(), buffer.size()) == 0) leftover.reset();
    std::erase_if(leftovers_, [](const Fd& leftover) { return !leftover; });
}

void Server::answer(const Waiter& waiter, const Answer& what) {
    for (const auto& client : clients_)
        if (client->id() == waiter.client) client->send(encode(what));
}

void Server::answer(const Waiter& waiter, const Receipt& receipt) {
    answer(waiter, Answer{waiter.id, receipt});
}

void Server::on_line(Connection& client, const std::string& line) {
    Waiter from{client.id(), 0};
    const Result<Request> request = decode_request(line, from.id);
    if (request) return std::visit([&](const auto& what) { on(from, what); }, request->what);
    log_line("warning: a request was not understood: " + request.error().message);
    if (request.error().code == ErrorCode::NotFound)
        answer(from, Answer{from.id, RequestError{request.error().message}});
    else
        client.close();
}

void Server::on(const Waiter& from, const StartRequest& start) {
    const auto refuse = [&](const std::string& reason) {
        Receipt receipt;
        receipt.reason = reason;
        log_line("refused key=" + start.key + " reason=\"" + reason + "\"");
        answer(from, receipt);
    };
    Receipt former = receipt_of(start.key);
    if (former.state != StepState::None) {
        former.repeated = true;
        return answer(from, former);
    }
    if (ending_) return refuse("the runner is stopping");
    if (steps_.size() >= kMaxSteps) return refuse("too many steps run already");
    const Result<Fd> file = receipts_.claim(start.key);
    if (!file) return refuse(file.error().message);
    Result<ActiveStep> step = begin(start, *file, since_boot());
    if (!step) {
        receipts_.withdraw(start.key);
        return refuse(step.error().message);
    }
    step->waiters.push_back(from);
    if (number_of(start.key) > number_of(newest_)) newest_ = start.key;
    log_line("started key=" + start.key + " pid=" + std::to_string(step->record.pid) + " name=\"" + start.name + "\"");
    steps_.emplace(start.key, *std::move(step));
}

/// Nothing has happened outside until the receipt is on disk; an error before means that nothing will.
Result<Server::ActiveStep> Server::begin(const StartRequest& start, const Fd& file, Duration now) {
    ActiveStep step;
    const WallTime wall = SystemClock().now().wall;
    step.record = {start.key, start.digest, start.name, 0, 0, boot_id_, now + start.deadline, wall};
    if (const auto* call = std::get_if<HttpCall>(&start.call)) {
        if (Result<void> written = receipts_.write_start(file, step.record); !written) return written.error();
        step.run = http_.start(*call, now, step.record.deadline);
        return step;
    }
    step.alone = steps_.empty() && orphans_since(0, leaders()).empty();
    for (auto& [key, other] : steps_) other.alone = false;
    ExecCall call = std::get<ExecCall>(start.call);
    const auto unix_deadline = std::chrono::floor<std::chrono::seconds>(wall + start.deadline).time_since_epoch();
    call.env.emplace_back("REVERTD_DEADLINE_UNIX", std::to_string(unix_deadline.count()));
    Result<Process> process = spawn_gated(call, {start.context, false});
    if (!process) return process.error();
    step.record.pid = process->pid;
    step.record.start_ticks = process->start_ticks;
    if (Result<void> written = receipts_.write_start(file, step.record); !written) {
        const ExecRun never_released(*std::move(process), now, Duration::zero());
        return written.error();
    }
    StepCgroup cgroup = cgroups_.make(start.key, process->pid);
    release(*process);
    auto run = std::make_unique<ExecRun>(*std::move(process), step.record.deadline, options_.grace, start.key);
    if (!cgroup) run->find_orphans_by([this, key = start.key] { return orphans_of(key); });
    run->live_in(std::move(cgroup));
    step.exec = run.get();
    step.run = std::move(run);
    return step;
}

void Server::on(const Waiter& from, const QueryRequest& query) {
    if (query.key.empty()) {
        Receipt witness;
        witness.newest = newest_;
        return answer(from, witness);
    }
    const auto running = steps_.find(query.key);
    if (query.wait && running != steps_.end())
        running->second.waiters.push_back(from);
    else
        answer(from, receipt_of(query.key));
}

void Server::on(const Waiter& from, const StopRequest& stop) {
    const auto running = steps_.find(stop.key);
    if (running != steps_.end()) running->second.run->stop(since_boot(), "stopped on request");
    answer(from, receipt_of(stop.key));
}

void Server::on(const Waiter& from, const ProbeRequest& probe) {
    const auto refuse = [&](const std::string& words) { answer(from, Answer{from.id, ProbeResult{-1, "", words}}); };
    if (probes_.size() >= kMaxProbes) return refuse("too many probes run already");
    Result<Process> process = spawn_gated(probe.call, {"", true});
    if (!process) return refuse(process.error().message);
    release(*process);
    const Duration deadline = since_boot() + probe.deadline;
    probes_.push_back({std::make_unique<ExecRun>(*std::move(process), deadline, options_.grace), from});
}

void Server::on(const Waiter& from, const PrepareRequest&) {
    http_.prepare();
    answer(from, Receipt{});
}

Receipt Server::receipt_of(const std::string& key) const {
    Receipt receipt;
    if (const auto running = steps_.find(key); running != steps_.end()) {
        receipt.state = StepState::Running;
        receipt.started = running->second.record.started;
        return receipt;
    }
    const Result<StoredReceipt> stored = receipts_.read(key);
    if (!stored && stored.error().code == ErrorCode::NotFound) return receipt;
    if (stored && stored->end) return *stored->end;
    receipt.state = StepState::Unknown;
    receipt.reason = stored ? "its receipt has no end" : stored.error().message;
    return receipt;
}

void Server::finish(ActiveStep& step) {
    Receipt receipt = step.run->receipt();
    receipt.started = step.record.started;
    receipt.ended = SystemClock().now().wall;
    if (const Result<void> written = receipts_.write_end(step.record.key, receipt); !written)
        log_line("error: the result is not on disk: " + written.error().message);
    log_line("ended key=" + step.record.key + " state=" + std::string(to_string(receipt.state)) + " reason=\"" +
             receipt.reason + "\"");
    for (const Waiter& waiter : step.waiters) answer(waiter, receipt);
    cgroups_.sweep();
    if (step.exec == nullptr) return;
    Fd leftover = step.exec->take_leftover();
    if (!leftover) return;
    if (leftovers_.size() >= kMaxLeftovers) leftovers_.erase(leftovers_.begin());
    leftovers_.push_back(std::move(leftover));
}

}  // namespace revertd::runner
