// SPDX-License-Identifier: Apache-2.0
#include "daemon/shell/version_asker.h"

#include "daemon/io/http_client.h"
#include "daemon/io/loop.h"
#include "daemon/runner/client.h"
#include "daemon/sources/version_probe.h"

namespace revertd {

struct VersionAsker::Impl {
    Impl(Loop& loop_, RunnerClient& runner_, Probe probe_) : loop(loop_), runner(runner_), probe(std::move(probe_)) {}

    void finish(const Result<Observed>& seen, Time at) {
        Observation observation;
        observation.read = at;
        if (!seen) {
            observation.words = seen.error().message;
        } else {
            observation.kind = seen->version.empty() ? Observation::Kind::Nothing : Observation::Kind::Version;
            observation.version = seen->version;
            observation.settled = seen->settled;
        }
        const Answer to = std::exchange(answer, nullptr);
        if (to) to(observation);
    }

    Loop& loop;
    RunnerClient& runner;
    Probe probe;
    Answer answer;
    std::unique_ptr<VersionSink> sink;
    std::unique_ptr<Fetch> fetch;
    std::string no_fetch;  ///< why the URL cannot be asked
};

VersionAsker::VersionAsker(Loop& loop, HttpClient& http, RunnerClient& runner, Probe probe)
    : impl_(std::make_shared<Impl>(loop, runner, std::move(probe))) {
    const auto* by_http = std::get_if<HttpProbe>(&impl_->probe);
    if (by_http == nullptr) return;
    Impl* impl = impl_.get();
    impl->sink = std::make_unique<VersionSink>(
        by_http->json, [impl](const Result<Observed>& seen, Time at) { impl->finish(seen, at); });
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
        impl_->fetch->start(impl_->loop.now() + limit, *impl_->sink);
        return;
    }
    const std::weak_ptr<Impl> weak = impl_;
    impl_->runner.probe(std::get<ExecCall>(impl_->probe), limit, [weak](const ProbeResult& result) {
        const auto impl = weak.lock();
        if (!impl) return;
        if (result.exit < 0)
            impl->finish(Error(ErrorCode::Unavailable, result.error), impl->loop.now());
        else
            impl->finish(version_from_command(result.exit, result.output), impl->loop.now());
    });
}

}  // namespace revertd
