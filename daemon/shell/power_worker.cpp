// SPDX-License-Identifier: Apache-2.0
#include "daemon/shell/power_worker.h"

#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "daemon/io/loop.h"

namespace revertd {

class PowerWorker::Impl {
  public:
    explicit Impl(Loop& loop) : loop_(loop) {}

    ~Impl() {
        {
            const std::lock_guard lock(mutex_);
            jobs_.clear();
            ending_ = true;
        }
        if (thread_.joinable()) thread_.join();
    }

    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    void run(std::vector<std::unique_ptr<PowerStudy>> studies, Done done) {
        bool idle = false;
        {
            const std::lock_guard lock(mutex_);
            jobs_.push_back({std::move(studies), std::move(done)});
            idle = !std::exchange(running_, true);
        }
        if (!idle) return;
        if (thread_.joinable()) thread_.join();  // it has nothing left to do
        thread_ = std::thread([this] { work(); });
    }

  private:
    struct Job {
        std::vector<std::unique_ptr<PowerStudy>> studies;
        Done done;
    };

    void work() {
        while (auto job = next()) {
            std::vector<std::string> words;
            for (const auto& study : job->studies) {
                if (ending()) return;
                if (std::string said = study->run(); !said.empty()) words.push_back(std::move(said));
            }
            loop_.post([alive = std::weak_ptr(alive_), done = std::move(job->done), words = std::move(words)] {
                if (!alive.expired()) done(words);
            });
        }
    }

    std::optional<Job> next() {
        const std::lock_guard lock(mutex_);
        if (jobs_.empty()) {
            running_ = false;
            return std::nullopt;
        }
        std::optional<Job> job(std::move(jobs_.front()));
        jobs_.pop_front();
        return job;
    }

    bool ending() {
        const std::lock_guard lock(mutex_);
        return ending_;
    }

    Loop& loop_;
    std::mutex mutex_;
    std::deque<Job> jobs_;                                  // guarded by mutex_
    bool running_ = false, ending_ = false;                 // guarded by mutex_
    std::shared_ptr<int> alive_ = std::make_shared<int>();  // of the loop's thread: callbacks that come after the end
    std::thread thread_;
};

PowerWorker::PowerWorker(Loop& loop) : impl_(std::make_unique<Impl>(loop)) {}

PowerWorker::~PowerWorker() = default;

void PowerWorker::run(std::vector<std::unique_ptr<PowerStudy>> studies, Done done) {
    impl_->run(std::move(studies), std::move(done));
}

}  // namespace revertd
