// SPDX-License-Identifier: Apache-2.0
#include "daemon/journal/codec.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <set>

#include "daemon/journal/utf8.h"

namespace revertd::journal {
namespace {

template <std::size_t I = 0>
void for_each_fact(const std::function<void(const Fact&)>& visit) {
    if constexpr (I < std::variant_size_v<Fact>) {
        visit(Fact(std::in_place_index<I>));
        for_each_fact<I + 1>(visit);
    }
}

TEST(Codec, gives_back_every_kind_of_fact) {
    std::set<std::string> kinds;
    for_each_fact([&](const Fact& fact) {
        EXPECT_TRUE(kinds.insert(name_of(fact)).second) << name_of(fact) << " is the name of two facts";
        auto back = decode(name_of(fact), encode(fact));
        ASSERT_TRUE(back) << back.error().message;
        EXPECT_EQ(back->index(), fact.index());
        EXPECT_EQ(encode(*back), encode(fact));
    });
    EXPECT_EQ(kinds.size(), std::variant_size_v<Fact>);
}

TEST(Codec, keeps_every_member_of_a_decision) {
    Decided decided;
    decided.incident = "inc-7";
    decided.words = "errors 7.3 % > 5 % \"for\" 1m\n\t\\ \x01 é 漢 😀";
    decided.ask = true;
    decided.ask_because = {"cooldown", ""};
    decided.steps = {{.name = "flip",
                      .digest = "abc",
                      .deadline = 90s,
                      .entry = 1,
                      .first_of_entry = false,
                      .last_of_entry = true,
                      .observed = true},
                     {}};
    auto back = decode(Decided::kName, encode(decided));
    ASSERT_TRUE(back) << back.error().message;
    const auto& read = std::get<Decided>(*back);
    EXPECT_EQ(read.incident, decided.incident);
    EXPECT_EQ(read.words, decided.words);
    EXPECT_TRUE(read.ask);
    EXPECT_EQ(read.ask_because, decided.ask_because);
    ASSERT_EQ(read.steps.size(), 2u);
    EXPECT_EQ(read.steps[0].name, "flip");
    EXPECT_EQ(read.steps[0].deadline, 90s);
    EXPECT_EQ(read.steps[0].entry, 1);
    EXPECT_FALSE(read.steps[0].first_of_entry);
    EXPECT_TRUE(read.steps[0].observed);
}

TEST(Codec, keeps_numbers_times_enums_and_meta) {
    GuardOpened opened;
    opened.by_uid = std::numeric_limits<std::uint32_t>::max();
    opened.started = Time(Duration(std::numeric_limits<std::int64_t>::max()));
    opened.meta = {{"commit", "1f2e"}, {"commit", "again"}, {"", ""}};
    const auto read = std::get<GuardOpened>(*decode(GuardOpened::kName, encode(opened)));
    EXPECT_EQ(read.by_uid, opened.by_uid);
    EXPECT_EQ(read.started, opened.started);
    EXPECT_EQ(read.meta, opened.meta);
    GuardClosed closed;
    closed.state = DeployState::Inconclusive;
    closed.exit_code = -14;
    closed.reason = Reason::Blind;
    const auto back = std::get<GuardClosed>(*decode(GuardClosed::kName, encode(closed)));
    EXPECT_EQ(back.state, closed.state);
    EXPECT_EQ(back.exit_code, closed.exit_code);
    EXPECT_EQ(back.reason, closed.reason);
    RuleChanged rule;
    rule.limit_why = "ten times the usual evidence is needed, because the load has just grown";
    EXPECT_EQ(std::get<RuleChanged>(*decode(RuleChanged::kName, encode(rule))).limit_why, rule.limit_why);
}

void expect_same_bits(double value) {
    RuleChanged changed;
    changed.value = value;
    auto back = decode(RuleChanged::kName, encode(changed));
    ASSERT_TRUE(back) << back.error().message;
    const double read = std::get<RuleChanged>(*back).value;
    EXPECT_TRUE(std::isnan(value) ? std::isnan(read)
                                  : std::bit_cast<std::uint64_t>(read) == std::bit_cast<std::uint64_t>(value))
        << value;
}

TEST(Codec, gives_back_the_same_double_bit_for_bit) {
    using Limits = std::numeric_limits<double>;
    for (const double value :
         {0.0, -0.0, 0.1, 1.0 / 3, 5.0, 1e21, 1e300, 123456789012345680.0, Limits::max(), Limits::lowest(),
          Limits::min(), Limits::denorm_min(), Limits::infinity(), -Limits::infinity(), Limits::quiet_NaN()}) {
        expect_same_bits(value);
    }
    std::mt19937_64 random(5);
    for (int i = 0; i < 20000; ++i) expect_same_bits(std::bit_cast<double>(random()));
}

TEST(Codec, reads_an_older_record_and_passes_over_what_it_does_not_know) {
    auto read = decode(Halted::kName, R"({"by":"ana","since":[{"new":1}]})");
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(std::get<Halted>(*read).by, "ana");
    EXPECT_EQ(std::get<Halted>(*read).service, "");
    read = decode(RuleChanged::kName, R"({"service":"api","limit":1000.0,"words":"errors: 7.9 %"})");
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(std::get<RuleChanged>(*read).limit, 1000);
    EXPECT_EQ(std::get<RuleChanged>(*read).limit_why, "");
    read = decode(AdoptionStarted::kName, R"({"service":"api","version":"v1"})");
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(std::get<AdoptionStarted>(*read).version, "v1");
    EXPECT_EQ(std::get<AdoptionStarted>(*read).words, "");
}

TEST(Codec, refuses_what_is_no_fact) {
    EXPECT_EQ(decode("no.such.kind", "{}").error().code, ErrorCode::NotFound);
    for (const char* body : {"", "{", "[]", "3", R"({"by":3})", R"({"by":null})", R"({"by":"a"} x)", R"({"by":NaN})"}) {
        auto read = decode(Halted::kName, body);
        ASSERT_FALSE(read) << body;
        EXPECT_EQ(read.error().code, ErrorCode::Invalid) << body;
    }
    for (const char* body : {R"({"exit_code":2147483648})", R"({"exit_code":1.5})", R"({"state":"no such"})",
                             R"({"state":""})", R"({"state":1})"}) {
        EXPECT_FALSE(decode(GuardClosed::kName, body)) << body;
    }
    EXPECT_FALSE(decode(GuardOpened::kName, R"({"by_uid":-1})"));
    EXPECT_FALSE(decode(GuardOpened::kName, R"({"meta":[["one"]]})"));
    EXPECT_FALSE(decode(RuleChanged::kName, R"({"value":"nan"})"));
    EXPECT_FALSE(decode(Decided::kName, R"({"steps":[3]})"));
}

TEST(Codec, survives_a_body_nested_a_million_deep) {
    const std::string deep(1000000, '[');
    EXPECT_FALSE(decode(Halted::kName, deep));
    EXPECT_FALSE(decode(Halted::kName, deep + std::string(1000000, ']')));
    EXPECT_TRUE(decode(Halted::kName, R"({"unknown":)" + deep + std::string(1000000, ']') + "}"));
}

TEST(Codec, survives_random_changes_of_a_body) {
    Decided decided;
    decided.steps = {{}, {}};
    decided.ask_because = {"cooldown"};
    const std::string good = encode(decided);
    std::mt19937 random(9);
    int refused = 0;
    for (int round = 0; round < 20000; ++round) {
        std::string bad = good;
        for (int changes = 0; changes < 2; ++changes) bad[random() % bad.size()] = static_cast<char>(random());
        if (!decode(Decided::kName, bad)) ++refused;
    }
    EXPECT_GT(refused, 1000);
}

TEST(Codec, writes_valid_text_whatever_a_command_printed) {
    Outcome outcome;
    outcome.output_tail = "caf\xc3\xa9 \xff\xfe \xed\xa0\x80 \xc3";
    auto read = decode(Outcome::kName, encode(outcome));
    ASSERT_TRUE(read);
    EXPECT_EQ(std::get<Outcome>(*read).output_tail,
              "café \xef\xbf\xbd\xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd \xef\xbf\xbd");
}

TEST(ValidUtf8, leaves_characters_and_replaces_the_rest) {
    const std::string text = std::string("a\0b", 3) + "é漢😀\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf";
    EXPECT_EQ(valid_utf8(text), text);
    for (const char* bad : {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
                            "\xf4\x90\x80\x80", "\xf5", "\xe2\x82"}) {
        EXPECT_EQ(valid_utf8(bad).find("\xef\xbf\xbd"), 0u);
    }
}

TEST(ToEntry, names_service_and_incident_of_the_fact) {
    IncidentOpened opened;
    opened.incident = "inc-1";
    opened.service = "checkout";
    const Record record{7, Time(3s), WallTime(4s), opened};
    const Entry entry = to_entry(record);
    EXPECT_EQ(entry.seq, 7u);
    EXPECT_EQ(entry.kind, "incident.opened");
    EXPECT_EQ(entry.service, "checkout");
    EXPECT_EQ(entry.incident, "inc-1");
    auto back = to_record(entry);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->seq, 7u);
    EXPECT_EQ(back->at, Time(3s));
    EXPECT_EQ(back->wall, WallTime(4s));
    EXPECT_EQ(encode(back->fact), encode(record.fact));
    EXPECT_EQ(to_entry({1, {}, {}, Started{}}).service, "");
}

}  // namespace
}  // namespace revertd::journal
