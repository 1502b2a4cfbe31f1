// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "daemon/io/http_client.h"
#include "daemon/io/loop.h"
#include "daemon/io/system_clock.h"
#include "daemon/notify/notifier.h"
#include "tests/support/fake_http.h"
#include "tests/support/loop_driver.h"

namespace revertd::test {

/// A notifier before a receiver that answers as it is told.
class NotifyBed : public testing::Test {
  protected:
    NotifyBed() {
        char name[] = "/tmp/revertd-channels-XXXXXX";
        dir_ = ::mkdtemp(name);
    }

    ~NotifyBed() override { std::filesystem::remove_all(dir_); }

    std::unique_ptr<Notifier> open() {
        Notifier::Parts parts{
            loop_, http_, dir_, settings_, nullptr, [this](const std::string& channel, const std::string& words, bool) {
                troubles_ += channel + ": " + words + "\n";
            }};
        parts.send_limit = send_limit_;
        auto opened = Notifier::open(std::move(parts));
        EXPECT_TRUE(opened.has_value());
        return std::move(*opened);
    }

    SecretFile secret(const std::string& name, const std::string& text) {
        std::ofstream(dir_ + "/" + name) << text << "\n";
        return {name, dir_ + "/" + name};
    }

    static Record page(std::uint64_t seq, const std::string& kind = "trigger", bool issue = false) {
        Paged f{"api", "d-1", "i-1", "error", kind, "page " + std::to_string(seq), "errors 7.9 %"};
        f.facts = {{"severity", "P1"}, {"from", "v2"}, {"runbook", "https://wiki.example.com/api"}};
        f.issue = issue;
        return {seq, Time(1s), WallTime(1'800'000'000s), f};
    }

    static FakeAnswer answer(int status, const std::string& body = "", const std::string& retry_after = "") {
        FakeAnswer out;
        out.status = status;
        out.body = body;
        if (!retry_after.empty()) out.headers.emplace_back("Retry-After", retry_after);
        return out;
    }

    bool delivered(const Notifier& notifier, const std::string& channel, std::uint64_t count) {
        return run_until(loop_, [&] { return notifier.count(channel).delivered >= count; });
    }

    std::string dir_;
    std::string troubles_;
    Duration send_limit_ = 10s;
    FakeHttp server_;
    NotifySettings settings_;
    SystemClock clock_;
    Loop loop_{clock_};
    HttpClient http_{loop_};
};

}  // namespace revertd::test
