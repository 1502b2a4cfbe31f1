// SPDX-License-Identifier: Apache-2.0
#include "tests/ctl/fake_daemon.h"

#include <cstdlib>
#include <filesystem>

namespace revertd::ctl {

FakeDaemon::FakeDaemon() {
    std::string name = (std::filesystem::temp_directory_path() / "revertctl-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
    socket_ = directory_ + "/s";
    start();
}

FakeDaemon::~FakeDaemon() {
    stop();
    std::filesystem::remove_all(directory_);
}

void FakeDaemon::answer(const std::string& line, std::vector<Reply> replies) {
    {
        const std::lock_guard lock(mutex_);
        script_[line] = {replies.begin(), replies.end()};
    }
    const auto path = line.substr(line.find(' ') + 1);
    http_->on(path.substr(0, path.find('?')), [this](const test::FakeRequest& request) { return answer_to(request); });
}

std::vector<test::FakeRequest> FakeDaemon::requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
}

test::FakeRequest FakeDaemon::request(const std::string& line) const {
    const std::lock_guard lock(mutex_);
    for (auto it = requests_.rbegin(); it != requests_.rend(); ++it) {
        if (line_of(*it) == line) return *it;
    }
    return {};
}

void FakeDaemon::stop() {
    http_.reset();
    std::filesystem::remove(socket_);
}

void FakeDaemon::start() {
    test::FakeHttpOptions options;
    options.unix_socket = socket_;
    http_ = std::make_unique<test::FakeHttp>(options);
    for (const auto& [line, replies] : std::map(script_)) answer(line, {replies.begin(), replies.end()});
}

test::FakeAnswer FakeDaemon::answer_to(const test::FakeRequest& request) {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
    const auto found = script_.find(line_of(request));
    test::FakeAnswer answer;
    answer.status = 404;
    if (found == script_.end()) return answer;
    const auto reply = found->second.front();
    if (found->second.size() > 1) found->second.pop_front();
    if (reply.when_asked) reply.when_asked();
    answer.status = reply.status;
    answer.body = reply.body;
    if (reply.stays_open) {
        answer.framing = test::FakeAnswer::Framing::UntilClose;
        answer.end = test::FakeAnswer::End::Hang;
    }
    return answer;
}

std::string line_of(const test::FakeRequest& request) {
    return request.method + " " + request.path;
}

}  // namespace revertd::ctl
