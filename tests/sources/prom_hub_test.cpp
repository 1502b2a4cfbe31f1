// SPDX-License-Identifier: Apache-2.0
// Hundreds of services ask one server: what is asked together, and what that costs each of them.
#include <gtest/gtest.h>

#include <set>

#include "config/signals.h"
#include "daemon/io/http_client.h"
#include "daemon/io/loop.h"
#include "daemon/io/system_clock.h"
#include "daemon/sources/prom_query.h"
#include "tests/io/counting_new.h"
#include "tests/support/fake_http.h"
#include "tests/support/loop_driver.h"

namespace revertd::test {
namespace {

constexpr int kServices = 50;

class Counting final : public PromListener {
  public:
    void query(std::uint32_t, const QueryResult& result, Time) override {
        ++answers;
        if (result.verdict == Verdict::Ok && result.values.size() == 2) ++whole;
        reason = std::string(result.reason);
    }

    void history(std::uint32_t, std::span<const HistoryRow>) override {}

    int answers = 0, whole = 0;
    std::string reason;
};

class Hub : public testing::Test {
  protected:
    Hub() {
        for (int i = 0; i < kServices; ++i) {
            ServiceSettings settings;
            settings.interval = 5s;
            settings.prometheus = prometheus_;
            const std::string text = R"(ratio(requests_total{app="s)" + std::to_string(i) + R"("}, code=~"5.."))";
            const auto parsed = config::parse_signal("errors", text);
            settings.signals.push_back(std::get<config::ParsedSignal>(parsed).signal);
            settings.signals.back().source = Signal::Source::Prometheus;
            queries_.push_back(hub_.add(settings, 0, counting_));
        }
    }

    static PrometheusSettings at(const std::string& url) {
        PrometheusSettings out;
        out.url = url;
        out.scrape_interval = 5s;
        return out;
    }

    /// Every service has its two rows and the time of its newest sample; the last service's rows are older.
    std::string rows(double age_of_last, double ahead = 0) {
        std::string out;
        const double now = seconds(clock_.now().wall.time_since_epoch());
        for (int i = 0; i < kServices; ++i) {
            const std::string app = R"("app":"s)" + std::to_string(i) + '"';
            const double at = i + 1 == kServices ? now - age_of_last : now;
            for (const char* part : {"all", "bad"})
                out += R"({"metric":{)" + app + R"(,"revertd_part":")" + part + R"("},"value":[)" + std::to_string(at) +
                       R"(,"2"]},)";
            out += R"({"metric":{)" + app + R"(,"revertd_part":"at"},"value":[)" + std::to_string(at) + R"(,")" +
                   std::to_string(now + ahead) + R"("]},)";
        }
        out.pop_back();
        return R"({"status":"success","data":{"resultType":"vector","result":[)" + out + "]}}";
    }

    void ask_all() {
        for (const auto& query : queries_) query->ask(loop_.now() + 5s);
        ASSERT_TRUE(run_until(loop_, [&] { return counting_.answers == kServices; }));
    }

    SystemClock clock_;
    Loop loop_{clock_};
    HttpClient http_{loop_};
    FakeHttp server_;
    std::shared_ptr<const PrometheusSettings> prometheus_ =
        std::make_shared<const PrometheusSettings>(at(server_.url("")));
    Counting counting_;
    PromHub hub_{loop_, http_};
    std::vector<std::unique_ptr<PromQuery>> queries_;
};

TEST_F(Hub, services_that_differ_in_a_label_only_are_one_question_with_one_text) {
    FakeAnswer answer;
    answer.body = R"({"status":"success","data":{"resultType":"vector","result":[]}})";
    server_.on("/api/v1/query", answer);
    ask_all();
    EXPECT_EQ(server_.requests().size(), 1U);
    std::set<const Together*> groups;
    for (const auto& query : queries_) groups.insert(query->together.get());
    EXPECT_EQ(groups.size(), 1U) << "the text and the members' names are there once";
    EXPECT_EQ((*groups.begin())->group.values.size(), static_cast<std::size_t>(kServices));
    EXPECT_EQ(counting_.whole, 0);
}

TEST_F(Hub, each_takes_its_rows_of_the_common_answer) {
    FakeAnswer answer;
    answer.body = rows(0);
    server_.on("/api/v1/query", answer);
    ask_all();
    EXPECT_EQ(server_.requests().size(), 1U);
    EXPECT_EQ(counting_.whole, kServices) << counting_.reason;
}

TEST_F(Hub, a_member_takes_its_rows_of_the_common_answer_without_allocating) {
    FakeAnswer answer;
    answer.body = rows(0);
    server_.on("/api/v1/query", answer);
    for (int slot = 1; slot <= 4; ++slot) {
        const int before = counting_.answers;
        queries_.front()->ask(loop_.now() + 5s);  // reads the answer for all
        ASSERT_TRUE(run_until(loop_, [&] { return counting_.answers > before; }));
        const std::size_t allocated = allocations();
        for (std::size_t i = 1; i < queries_.size(); ++i) queries_[i]->ask(loop_.now() + 5s);
        EXPECT_TRUE(slot == 1 || allocations() == allocated) << "in slot " << slot;
        EXPECT_EQ(counting_.answers, slot * kServices);
    }
    EXPECT_EQ(counting_.whole, 4 * kServices);
    EXPECT_EQ(server_.requests().size(), 4U);
}

TEST_F(Hub, an_answer_is_read_with_two_allocations_a_row) {
    const std::string body = rows(0);
    const std::size_t before = allocations();
    const PromAnswer answer = read_prom_answer(200, body);
    const std::size_t allocated = allocations() - before;
    ASSERT_EQ(answer.series.size(), 3U * kServices);
    constexpr std::size_t kOfTheDocument = 20;
    EXPECT_LE(allocated, 2 * answer.series.size() + kOfTheDocument) << "labels and points";
}

TEST_F(Hub, an_equal_text_is_found_whoever_has_asked_it_and_a_newer_answer_by_all) {
    FakeAnswer answer;
    answer.body = R"({"status":"success","data":{"resultType":"vector","result":[]}})";
    server_.on("/api/v1/query", answer);
    PromServer server(loop_, http_, *prometheus_);
    PromServer::Memory one, other;
    std::vector<Time> asked;
    const auto told = [&](const std::shared_ptr<const PromRound>& round) { asked.push_back(round->asked); };
    const auto ask = [&](PromServer::Memory& memory, Time seen) {
        const std::size_t before = asked.size();
        server.ask("up", 5s, seen, loop_.now() + 5s, told, &memory);
        ASSERT_TRUE(run_until(loop_, [&] { return asked.size() > before; }));
    };
    ask(one, Time::min());
    ask(other, Time::min());  // shares it
    ask(one, asked.back());   // asks anew
    ask(other, asked[1]);     // shares that, though it remembers the first
    ASSERT_EQ(asked.size(), 4U);
    EXPECT_EQ(asked[1], asked[0]);
    EXPECT_GT(asked[2], asked[1]);
    EXPECT_EQ(asked[3], asked[2]);
    EXPECT_EQ(server.requests(), 2U);
}

TEST_F(Hub, an_answer_with_an_old_sample_is_stale_for_all) {
    FakeAnswer answer;
    answer.body = rows(60);
    server_.on("/api/v1/query", answer);
    ask_all();
    EXPECT_EQ(counting_.whole, 0);
    EXPECT_NE(counting_.reason.find("the newest sample is 1m"), std::string::npos) << counting_.reason;
}

TEST_F(Hub, an_answer_with_a_sample_from_the_future_is_stale) {
    FakeAnswer answer;
    answer.body = rows(0, 60);
    server_.on("/api/v1/query", answer);
    ask_all();
    EXPECT_EQ(counting_.whole, 0);
    EXPECT_NE(counting_.reason.find("from the future"), std::string::npos) << counting_.reason;
}

}  // namespace
}  // namespace revertd::test
