// SPDX-License-Identifier: Apache-2.0
// Errors by endpoint through a server: which label names them, what they did before, and the rates of each slot.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <mutex>

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

/// One service of the group.
class Told final : public PromListener {
  public:
    void query(std::uint32_t, const QueryResult& result, Time) override {
        ++answers;
        verdict = result.verdict;
        endpoints.assign(result.endpoints.begin(), result.endpoints.end());
    }

    void history(std::uint32_t, std::span<const HistoryRow>) override {}

    EndpointIndex name_endpoint(std::string_view name) override {
        const auto known = std::ranges::find(names, name);
        if (known == names.end()) return names.emplace_back(name), static_cast<EndpointIndex>(names.size());
        return static_cast<EndpointIndex>(known - names.begin() + 1);
    }

    void endpoints_before(std::uint32_t, std::span<const EndpointCell> cells) override {
        ++told_before;
        before.assign(cells.begin(), cells.end());
    }

    int answers = 0, told_before = 0;
    Verdict verdict = Verdict::NoData;
    std::vector<std::string> names;
    std::vector<EndpointCell> endpoints, before;
};

class EndpointsOfPrometheus : public testing::Test {
  protected:
    EndpointsOfPrometheus() {
        server_.on("/api/v1/query", [this](const FakeRequest& request) { return answer(request.body); });
    }

    /// A service of its own value of `app`, with anomaly's rule.
    void add(const std::string& app, const std::optional<std::string>& endpoint = {}) {
        ServiceSettings settings;
        settings.interval = 5s;
        settings.prometheus = prometheus_;
        const auto parsed =
            config::parse_signal("errors", R"(ratio(requests_total{app=")" + app + R"("}, code=~"5.."))");
        settings.signals.push_back(std::get<config::ParsedSignal>(parsed).signal);
        settings.signals[0].source = Signal::Source::Prometheus;
        settings.signals[0].endpoint = endpoint;
        Rule rule;
        rule.kind = Rule::Kind::Detector;
        rule.detector = *std::ranges::find(detectors::all(), std::string_view("worse"), &DetectorKind::name);
        settings.rules = {rule};
        told_.push_back(std::make_unique<Told>());
        queries_.push_back(hub_.add(settings, 0, *told_.back()));
    }

    static PrometheusSettings at(const std::string& url) {
        PrometheusSettings out;
        out.url = url;
        out.scrape_interval = 5s;
        return out;
    }

    /// One slot of all services.
    void slot() {
        std::vector<int> before;
        for (const auto& told : told_) before.push_back(told->answers);
        for (const auto& query : queries_) query->ask(loop_.now() + 5s);
        const auto all_told = [&] {
            for (std::size_t i = 0; i < told_.size(); ++i)
                if (told_[i]->answers == before[i]) return false;
            return true;
        };
        ASSERT_TRUE(run_until(loop_, all_told));
    }

    /// Slots, until the service is told of endpoints: answers that are young are shared, so a slot may take no time.
    void until_told(std::size_t service) {
        int rounds = told_.front()->answers;
        ASSERT_TRUE(run_until(loop_, [&] {
            if (std::ranges::any_of(told_, [&](const auto& told) { return told->answers < rounds; })) return false;
            if (!told_[service]->endpoints.empty()) return true;
            ++rounds;
            for (const auto& query : queries_) query->ask(loop_.now() + 5s);
            return false;
        }));
    }

    void watch(bool watched = true) {
        for (const auto& query : queries_)
            query->watch(watched ? std::optional(PromDeploy{loop_.now() - 30s, 1h}) : std::nullopt);
    }

    /// What was asked and holds the text, unquoted.
    [[nodiscard]] std::vector<std::string> asked(const std::string& text) const {
        std::vector<std::string> out;
        for (const FakeRequest& request : server_.requests())
            if (const std::string query = plain(request.body); query.find(text) != std::string::npos)
                out.push_back(query);
        return out;
    }

    [[nodiscard]] static std::string plain(const std::string& form) {
        std::string out;
        for (std::size_t i = 0; i < form.size(); ++i) {
            if (form[i] == '%' && i + 2 < form.size())
                out += static_cast<char>(std::stoi(form.substr(i + 1, 2), nullptr, 16)), i += 2;
            else
                out += form[i] == '+' ? ' ' : form[i];
        }
        return out;
    }

    FakeAnswer answer(const std::string& body) {
        const std::string query = plain(body);
        const std::string now = std::to_string(seconds(clock_.now().wall.time_since_epoch()));
        std::string rows;
        const auto row = [&](const std::string& labels, const std::string& value) {
            rows += std::string(rows.empty() ? "" : ",") + R"({"metric":{)" + labels + R"(},"value":[)" + now +
                    R"(,")" + value + R"("]})";
        };
        const auto part = [](const std::string& name) { return R"("revertd_part":")" + name + '"'; };
        const bool grouped = query.find("by (app)") != std::string::npos || query.find(", app)") != std::string::npos;
        const std::string member = grouped ? R"("app":"a",)" : "";
        FakeAnswer out;
        if (query.find("count by") != std::string::npos) {
            if (has_route_) row(part("route"), std::to_string(routes_.load()));
            row(part("path"), "9");
        } else if (query.find("increase(") != std::string::npos) {
            for (const char* name : {"/home", "/pay"}) row(part("all") + R"(,"route":")" + name + '"', "3600");
            row(part("bad") + R"(,"route":"/pay")", "36");
        } else if (query.find("topk") != std::string::npos) {
            if (by_endpoint_fails_) out.status = 503;
            for (const char* name : {"/home", "/pay", "/new"})
                row(member + part("all") + R"(,"route":")" + name + '"', "1");
            row(member + part("bad") + R"(,"route":"/pay")", "0.5");
            if (grouped) row(R"("app":"b",)" + part("all") + R"(,"route":"/pay")", "7");
        } else {
            for (const char* app : {"a", "b"}) {
                const std::string labels = grouped ? R"("app":")" + std::string(app) + "\"," : "";
                row(labels + part("all"), "3"), row(labels + part("bad"), "0.5"), row(labels + part("at"), now);
                if (!grouped) break;
            }
        }
        out.body = R"({"status":"success","data":{"resultType":"vector","result":[)" + rows + "]}}";
        return out;
    }

    std::atomic<bool> has_route_ = true, by_endpoint_fails_ = false;
    std::atomic<int> routes_ = 3;
    SystemClock clock_;
    Loop loop_{clock_};
    HttpClient http_{loop_};
    FakeHttp server_;
    std::shared_ptr<const PrometheusSettings> prometheus_ =
        std::make_shared<const PrometheusSettings>(at(server_.url("")));
    PromHub hub_{loop_, http_};
    std::vector<std::unique_ptr<Told>> told_;
    std::vector<std::unique_ptr<PromQuery>> queries_;
};

TEST_F(EndpointsOfPrometheus, are_asked_for_while_a_deploy_is_watched_and_told_with_the_ratio) {
    add("a");
    slot();
    EXPECT_EQ(server_.requests().size(), 1U) << "outside of a deploy the ratio alone";
    watch();
    until_told(0);
    EXPECT_EQ(told_[0]->told_before, 1);
    ASSERT_EQ(told_[0]->before.size(), 3U);
    EXPECT_EQ(told_[0]->before[1].value, 3600);
    ASSERT_EQ(told_[0]->endpoints.size(), 3U) << "of those that were there before";
    EXPECT_EQ(told_[0]->names, (std::vector<std::string>{"/home", "/pay"}));
    EXPECT_EQ(told_[0]->endpoints[2].endpoint, 2);
    EXPECT_TRUE(told_[0]->endpoints[2].bad);
    EXPECT_EQ(told_[0]->endpoints[2].value, 0.5);
    watch(false);
    slot();
    EXPECT_TRUE(told_[0]->endpoints.empty());
    EXPECT_EQ(asked("count by (route) (requests_total{app=\"a\",route!=\"\"})").size(), 1U);
}

TEST_F(EndpointsOfPrometheus, services_of_a_group_are_one_query_of_those_that_are_watched) {
    add("a");
    add("b");
    add("c");
    slot();
    queries_[0]->watch(PromDeploy{loop_.now() - 30s, 1h});
    until_told(0);
    const auto alone = asked("topk by (app) (256, sum by (route, app) (rate(requests_total{app=~\"a\"}[");
    EXPECT_FALSE(alone.empty());
    EXPECT_EQ(told_[0]->endpoints.size(), 3U);
    queries_[1]->watch(PromDeploy{loop_.now() - 30s, 1h});
    until_told(1);
    ASSERT_EQ(told_[1]->endpoints.size(), 1U) << "each takes its own";
    EXPECT_EQ(told_[1]->endpoints[0].value, 7);
    EXPECT_FALSE(asked("requests_total{app=~\"a|b\"}[").empty());
    EXPECT_TRUE(told_[2]->endpoints.empty());
}

TEST_F(EndpointsOfPrometheus, a_label_of_ids_names_none) {
    routes_ = 257;
    add("a");
    watch();
    slot();
    EXPECT_TRUE(run_until(loop_, [&] { return !asked("count by (route)").empty(); }));
    for (int i = 0; i < 5; ++i) slot();
    EXPECT_TRUE(told_[0]->endpoints.empty());
    EXPECT_TRUE(asked("increase(").empty());
}

TEST_F(EndpointsOfPrometheus, the_label_that_is_written_is_the_only_one) {
    add("a", "path");
    add("b", "");
    watch();
    slot();
    EXPECT_TRUE(run_until(loop_, [&] { return !asked("count by (path)").empty(); }));
    EXPECT_TRUE(asked("count by (route)").empty());
    EXPECT_TRUE(asked("app=\"b\"").empty()) << "off";
}

TEST_F(EndpointsOfPrometheus, without_an_answer_the_total_is_judged) {
    add("a");
    watch();
    until_told(0);
    by_endpoint_fails_ = true;
    slot();
    slot();
    EXPECT_EQ(told_[0]->verdict, Verdict::Ok);
    EXPECT_TRUE(told_[0]->endpoints.empty());
}

}  // namespace
}  // namespace revertd::test
