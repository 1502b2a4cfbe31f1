// SPDX-License-Identifier: Apache-2.0
// Every way in which a server may answer, and what is made of it.
#include "daemon/sources/prom_answer.h"

#include <gtest/gtest.h>

#include <cmath>

namespace revertd {
namespace {

std::string vector(const std::string& rows, const std::string& more = "") {
    return R"({"status":"success","data":{"resultType":"vector","result":[)" + rows + "]}" + more + "}";
}

constexpr const char* kRow = R"({"metric":{"app":"api"},"value":[1795217456.484,"0.25"]})";

TEST(PromAnswer, reads_vectors_scalars_and_matrices) {
    const PromAnswer one = read_prom_answer(200, vector(kRow));
    ASSERT_EQ(one.verdict, Verdict::Ok);
    ASSERT_EQ(one.series.size(), 1U);
    EXPECT_EQ(one.series[0].label("app"), "api");
    EXPECT_EQ(one.series[0].label("zone"), "");
    EXPECT_DOUBLE_EQ(one.series[0].points.at(0).at, 1795217456.484);
    EXPECT_DOUBLE_EQ(one.series[0].points.at(0).value, 0.25);
    const PromAnswer scalar =
        read_prom_answer(200, R"({"status":"success","data":{"resultType":"scalar","result":[1,"2"]}})");
    EXPECT_DOUBLE_EQ(scalar.series.at(0).points.at(0).value, 2);
    const PromAnswer matrix = read_prom_answer(
        200,
        R"({"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"2"],[2,"1e-7"]]}]}})");
    EXPECT_DOUBLE_EQ(matrix.series.at(0).points.at(1).value, 1e-7);
}

TEST(PromAnswer, knows_its_oldest_sample_and_whether_it_is_of_an_instant) {
    const auto of = [](const char* type, const std::string& rows) {
        return read_prom_answer(200, R"({"status":"success","data":{"resultType":")" + std::string(type) +
                                         R"(","result":[)" + rows + "]}}");
    };
    const auto vector_of_two = of("vector", R"({"metric":{},"value":[7,"1"]},{"metric":{"a":"b"},"value":[5.5,"1"]})");
    EXPECT_TRUE(vector_of_two.instant);
    EXPECT_DOUBLE_EQ(vector_of_two.oldest, 5.5);
    EXPECT_FALSE(of("matrix", R"({"metric":{},"values":[[1,"2"],[2,"3"]]})").instant);
    EXPECT_FALSE(of("matrix", R"({"metric":{},"values":[]})").instant);
    EXPECT_TRUE(of("vector", "").instant);
    EXPECT_TRUE(std::isinf(of("vector", "").oldest));
}

TEST(PromAnswer, reads_what_is_no_number_as_such) {
    const auto value = [](const std::string& text) {
        return read_prom_answer(200, vector(R"({"metric":{},"value":[1,")" + text + R"("]})"))
            .series.at(0)
            .points.at(0)
            .value;
    };
    EXPECT_TRUE(std::isnan(value("NaN")));
    EXPECT_TRUE(std::isinf(value("+Inf")));
    EXPECT_LT(value("-Inf"), 0);
}

TEST(PromAnswer, an_empty_answer_is_an_answer) {
    const PromAnswer none = read_prom_answer(200, vector(""));
    EXPECT_EQ(none.verdict, Verdict::Ok);
    EXPECT_TRUE(none.series.empty());
}

TEST(PromAnswer, what_is_not_whole_is_partial) {
    for (const char* more : {R"(,"warnings":["remote read failed"])", R"(,"infos":["no counter"])",
                             R"(,"isPartial":true)", R"(,"isPartial":"yes")"})
        EXPECT_EQ(read_prom_answer(200, vector(kRow, more)).verdict, Verdict::Partial) << more;
    const std::string doubt =
        R"x("PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"x\" (1:5)")x";
    EXPECT_EQ(read_prom_answer(200, vector(kRow, ",\"infos\":[" + doubt + "]")).verdict, Verdict::Ok);
    EXPECT_EQ(read_prom_answer(200, vector(kRow, ",\"infos\":[" + doubt + R"(,"PromQL info: other"])")).verdict,
              Verdict::Partial);
    EXPECT_EQ(read_prom_answer(200, vector(kRow, R"(,"isPartial":false,"warnings":[],"infos":[])")).verdict,
              Verdict::Ok);
}

TEST(PromAnswer, anything_else_is_an_error_with_words) {
    for (const char* body :
         {"", "<html>", "[]", "{}", R"({"status":"success"})", R"({"status":"success","data":[]})",
          R"({"status":"error"})", R"({"status":"success","data":{"resultType":"string","result":[1,"a"]}})",
          R"({"status":"success","data":{"resultType":"vector","result":{}}})",
          R"({"status":"success","data":{"resultType":"vector","result":[{"value":[1,"2"]}]}})",
          R"({"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,2]}]}})",
          R"({"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":["1","2"]}]}})",
          R"({"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"two"]}]}})",
          R"({"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":1},"value":[1,"2"]}]}})",
          R"({"status":"success","data":{"resultType":"vector","result":[{"metric":{},"histogram":[1,{}]}]}})",
          R"({"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"2"]}]})"}) {
        const PromAnswer answer = read_prom_answer(200, body);
        EXPECT_EQ(answer.verdict, Verdict::Error) << body;
        EXPECT_FALSE(answer.reason.empty()) << body;
        EXPECT_TRUE(answer.series.empty() || answer.verdict != Verdict::Ok) << body;
    }
}

TEST(PromAnswer, a_failure_is_told_in_the_words_of_the_server) {
    const PromAnswer bad =
        read_prom_answer(400, R"({"status":"error","errorType":"bad_data","error":"parse error: x"})");
    EXPECT_EQ(bad.reason, "the answer is 400, bad_data: parse error: x");
    EXPECT_EQ(read_prom_answer(503, "Service Unavailable").reason, "the answer is 503");
    EXPECT_EQ(read_prom_answer(503, vector(kRow)).verdict, Verdict::Error);  // data beside an error is not used
}

TEST(PromAnswer, deep_nesting_costs_no_stack) {
    EXPECT_EQ(read_prom_answer(200, std::string(100'000, '[')).verdict, Verdict::Error);
}

TEST(PromAnswer, finds_the_rows_of_a_member) {
    const PromAnswer two =
        read_prom_answer(200, vector(std::string(kRow) + R"(,{"metric":{"app":"web"},"value":[1,"2"]})"));
    EXPECT_EQ(two.with("app", "web"), std::vector<std::size_t>{1});
    EXPECT_TRUE(two.with("app", "other").empty());
}

}  // namespace
}  // namespace revertd
