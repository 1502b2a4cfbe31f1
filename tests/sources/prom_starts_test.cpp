// SPDX-License-Identifier: Apache-2.0
// Instances that a server has seen begin anew, told beside the latencies.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>

#include "config/signals.h"
#include "daemon/io/http_client.h"
#include "daemon/io/loop.h"
#include "daemon/io/system_clock.h"
#include "daemon/sources/prom_query.h"
#include "detectors/registry.h"
#include "tests/support/fake_http.h"
#include "tests/support/loop_driver.h"

namespace revertd::test {
namespace {

class StartsOfPrometheus : public testing::Test, protected PromListener {
  protected:
    StartsOfPrometheus() {
        server_.on("/api/v1/query", [this](const FakeRequest& request) { return answer(request.body); });
    }

    void query(std::uint32_t, const QueryResult& result, Time) override {
        ++answers_;
        verdict_ = result.verdict;
        restarted_ = result.restarted;
    }

    void history(std::uint32_t, std::span<const HistoryRow>) override {}

    std::unique_ptr<PromQuery> of(const std::string& detector, const std::string& signal) {
        ServiceSettings settings;
        settings.interval = 5s;
        settings.prometheus = prometheus_;
        settings.signals.push_back(std::get<config::ParsedSignal>(config::parse_signal("p95", signal)).signal);
        settings.signals[0].source = Signal::Source::Prometheus;
        Rule rule;
        rule.kind = Rule::Kind::Detector;
        rule.detector = *std::ranges::find(detectors::all(), detector, &DetectorKind::name);
        settings.rules = {rule};
        return hub_.add(settings, 0, *this);
    }

    void slot(PromQuery& query) {
        const int before = answers_;
        query.ask(loop_.now() + 5s);
        ASSERT_TRUE(run_until(loop_, [&] { return answers_ > before; }));
        EXPECT_EQ(verdict_, Verdict::Ok);
    }

    /// A deploy is watched from now on, and its first slot.
    double watched(const std::string& instances, const std::string& fresh, const std::string& again) {
        instances_ = instances, new_ = fresh, again_ = again;
        const auto query = of("worse", "quantile(0.95, of" + std::to_string(++services_) + "_seconds)");
        query->watch(PromDeploy{loop_.now() - 30s, 1h});
        slot(*query);
        return restarted_;
    }

    [[nodiscard]] bool was_asked() const {
        return std::ranges::any_of(server_.requests(), [](const FakeRequest& request) {
            return request.body.find("resets") != std::string::npos;
        });
    }

    FakeAnswer answer(const std::string& body) {
        const std::string now = std::to_string(seconds(clock_.now().wall.time_since_epoch()));
        std::string rows;
        const auto row = [&](const std::string& part, const std::string& value, const std::string& more = {}) {
            if (value.empty()) return;
            rows += std::string(rows.empty() ? "" : ",") + R"({"metric":{"revertd_part":")" + part + '"' + more +
                    R"(},"value":[)" + now + R"(,")" + value + R"("]})";
        };
        FakeAnswer out;
        if (body.find("resets") != std::string::npos) {
            if (hangs_) return FakeAnswer::hanging();
            if (fails_) out.status = 503;
            row("instances", instances_), row("new", new_), row("again", again_);
        } else {
            row("bucket", "3", R"(,"le":"0.1")"), row("bucket", "4", R"(,"le":"+Inf")"), row("at", now);
        }
        out.body = R"({"status":"success","data":{"resultType":"vector","result":[)" + rows + "]}}";
        return out;
    }

    static PrometheusSettings at(const std::string& url) {
        PrometheusSettings out;
        out.url = url;
        out.scrape_interval = 5s;
        return out;
    }

    std::string instances_ = "4", new_ = "1", again_ = "1";
    std::atomic<bool> fails_ = false, hangs_ = false;
    int answers_ = 0, services_ = 0;
    Verdict verdict_ = Verdict::NoData;
    double restarted_ = 0;
    SystemClock clock_;
    Loop loop_{clock_};
    HttpClient http_{loop_};
    FakeHttp server_;
    std::shared_ptr<const PrometheusSettings> prometheus_ =
        std::make_shared<const PrometheusSettings>(at(server_.url("")));
    PromHub hub_{loop_, http_};
};

TEST_F(StartsOfPrometheus, are_asked_for_while_a_deploy_is_watched_and_told_with_the_latencies) {
    const auto query = of("worse", "quantile(0.95, call_seconds)");
    slot(*query);
    EXPECT_FALSE(was_asked());
    EXPECT_EQ(restarted_, 0);
    query->watch(PromDeploy{loop_.now() - 30s, 1h});
    slot(*query);
    EXPECT_EQ(restarted_, 0.5);
    query->watch(std::nullopt);
    slot(*query);
    EXPECT_EQ(restarted_, 0);
}

TEST_F(StartsOfPrometheus, are_a_share_of_the_instances) {
    EXPECT_EQ(watched("4", "", ""), 0);
    EXPECT_EQ(watched("1", "1", "1"), 1);
    EXPECT_EQ(watched("", "1", ""), 0) << "of none";
    EXPECT_EQ(watched("4", "NaN", "1"), 0);
}

TEST_F(StartsOfPrometheus, without_an_answer_the_latencies_are_judged) {
    fails_ = true;
    EXPECT_EQ(watched("4", "1", "1"), 0);
    EXPECT_TRUE(was_asked());
}

TEST_F(StartsOfPrometheus, without_an_answer_in_time_the_latencies_are_told_in_time) {
    hangs_ = true;
    const auto query = of("worse", "quantile(0.95, call_seconds)");
    query->watch(PromDeploy{loop_.now() - 30s, 1h});
    const Time deadline = loop_.now() + 2s;
    query->ask(deadline);
    ASSERT_TRUE(run_until(loop_, [&] { return answers_ == 1; }));
    EXPECT_EQ(verdict_, Verdict::Ok);
    EXPECT_LT(loop_.now(), deadline) << "the slot is not over";
}

TEST_F(StartsOfPrometheus, nobody_asks_where_no_latency_is_compared) {
    std::vector<std::unique_ptr<PromQuery>> queries;
    queries.push_back(of("grows", "quantile(0.95, call_seconds)"));
    queries.push_back(of("worse", R"(ratio(calls, code="5"))"));
    for (const auto& query : queries) {
        query->watch(PromDeploy{loop_.now() - 30s, 1h});
        query->ask(loop_.now() + 5s);
    }
    EXPECT_TRUE(run_until(loop_, [&] { return answers_ == 2; }));
    EXPECT_FALSE(was_asked());
}

}  // namespace
}  // namespace revertd::test
