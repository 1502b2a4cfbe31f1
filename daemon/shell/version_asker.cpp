// SPDX-License-Identifier: Apache-2.0
#include "daemon/shell/version_asker.h"

#include "daemon/io/http_client.h"
#include "daemon/io/loop.h"
#include "daemon/io/marked_sink.h"
#include "daemon/runner/client.h"
#include "daemon/sources/version_probe.h"

namespace revertd {

Probe probe_of(const VersionProbe& probe) {
    if (!probe.argv.empty()) return ExecCall{probe.argv, "/", {}};
    return HttpProbe{probe.url, probe.json};
}

struct VersionAsker::Impl {
    Impl(Loop& loop_, RunnerClient& runner_, Probe probe_, std::string input_)
        : loop(loop_), runner(runner_), probe(std::move(probe_)), input(std::move(input_)) {}

    void finish(const Result<Observed>& seen, Time at) {
        Observation observation;
        observation.read = at;
        if (!seen) {
            observation.words = seen.error().message;
        } else {
            observation.kind = seen->version.empty() ? Observation::Kind::Nothing : Observation::Kind::Version;
            observation.version = seen->version;
            observation.settled = seen->settled;
            observation.tried = seen->tried;
        }
        const Answer to = std::exchange(answer, nullptr);
        const InputMark::Busy idle(loop.mark(), {});  // what follows from it is no input
        if (to) to(observation);
    }

    Loop& loop;
    RunnerClient& runner;
    Probe probe;
    std::string input;
    Answer answer;
    std::unique_ptr<VersionSink> sink;
    std::unique_ptr<MarkedSink> marked;
    std::unique_ptr<Fetch> fetch;
    std::string no_fetch;  ///< why the URL cannot be asked
};

VersionAsker::VersionAsker(Loop& loop, HttpClient& http, RunnerClient& runner, Probe probe, std::string input)
    : impl_(std::make_shared<Impl>(loop, runner, std::move(probe), std::move(input))) {
    const auto* by_http = std::get_if<HttpProbe>(&impl_->probe);
    if (by_http == nullptr) return;
    Impl* impl = impl_.get();
    impl->sink = std::make_unique<VersionSink>(
        by_http->json, [impl](const Result<Observed>& seen, Time at) { impl->finish(seen, at); });
    impl->marked = std::make_unique<MarkedSink>(loop.mark(), impl->input, *impl->sink);
    auto fetch = http.make_fetch(by_http->url, {});
    if (fetch)
        impl->fetch = std::move(*fetch);
    else
        impl->no_fetch = fetch.error().message;
}

VersionAsker::~VersionAsker() {
    if (impl_->fetch) impl_->fetch->cancel();
    impl_->answer = nullptr;
}

void VersionAsker::ask(Duration limit, Answer answer) {
    const bool busy = impl_->answer != nullptr;
    if (busy || (!impl_->fetch && std::holds_alternative<HttpProbe>(impl_->probe))) {
        Observation none;
        none.words = busy ? "the last question is still out" : impl_->no_fetch;
        none.read = impl_->loop.now();
        impl_->loop.post([answer = std::move(answer), none] { answer(none); });
        return;
    }
    impl_->answer = std::move(answer);
    if (impl_->fetch) {
        impl_->fetch->start(impl_->loop.now() + limit, *impl_->marked);
        return;
    }
    const std::weak_ptr<Impl> weak = impl_;
    impl_->runner.probe(std::get<ExecCall>(impl_->probe), limit, [weak](const ProbeResult& result) {
        const auto impl = weak.lock();
        if (!impl) return;
        const InputMark::Busy marked(impl->loop.mark(), impl->input);
        if (result.exit < 0)
            impl->finish(Error(ErrorCode::Unavailable, result.error), impl->loop.now());
        else
            impl->finish(version_from_command(result.exit, result.output, result.error), impl->loop.now());
    });
}

}  // namespace revertd
