// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/junit.h"

#include <algorithm>
#include <cstdio>

#include "core/verdict.h"
#include "daemon/ctl/exit_code.h"
#include "daemon/ctl/text.h"
#include "daemon/report/plot.h"

namespace revertd::ctl {
namespace {

std::string attribute(const char* name, const std::string& value) {
    return std::string(" ") + name + "=\"" + html_text(value) + "\"";
}

std::string number(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3f", value);
    return text;
}

std::size_t count(const TestSuite& suite, TestCase::Result result) {
    const auto is = [result](const TestCase& test) { return test.result == result; };
    return static_cast<std::size_t>(std::count_if(suite.cases.begin(), suite.cases.end(), is));
}

std::string counts(const TestSuite& suite) {
    return attribute("tests", std::to_string(suite.cases.size())) +
           attribute("failures", std::to_string(count(suite, TestCase::Result::Failed))) +
           attribute("errors", std::to_string(count(suite, TestCase::Result::Error))) +
           attribute("skipped", std::to_string(count(suite, TestCase::Result::Skipped))) +
           attribute("time", number(suite.seconds));
}

std::string result_of(const TestCase& test) {
    if (test.result == TestCase::Result::Passed) return {};
    if (test.result == TestCase::Result::Skipped) return "<skipped" + attribute("message", test.message) + "/>";
    const std::string tag = test.result == TestCase::Result::Failed ? "failure" : "error";
    return "<" + tag + attribute("message", test.message) + attribute("type", test.kind) + ">" +
           html_text(test.details.empty() ? test.message : test.details) + "</" + tag + ">";
}

TestCase rule_case(const Json& rule) {
    TestCase test;
    test.name = rule["severity"].text() + ": " + rule["text"].text();
    test.kind = rule["severity"].text();
    const auto verdict = rule["verdict"].text();
    test.message = rule["words"].text().empty() ? verdict : rule["words"].text();
    if (rule["held"].truth())
        test.result = TestCase::Result::Failed;
    else if (verdict != to_string(Verdict::Ok) && verdict != to_string(Verdict::Breach))
        test.result = TestCase::Result::Skipped;  // it could not be judged at the end
    return test;
}

TestCase verdict_case(const Json& deployment, bool inconclusive_passes) {
    TestCase test;
    test.name = "bake";
    const int code = static_cast<int>(deployment["exit_code"].number().value_or(kFailed));
    test.kind = "exit " + std::to_string(code);
    test.message = deployment["state"].text() + ": " + deployment["verdict_words"].text();
    if (code == kDone) return test;
    test.result = code == kInconclusive ? TestCase::Result::Error : TestCase::Result::Failed;
    if (code == kInconclusive && inconclusive_passes) test.result = TestCase::Result::Skipped;
    if (const auto incident = deployment["incident"].text(); !incident.empty())
        test.details = test.message + "\nwhy: revertctl explain " + incident;
    return test;
}

}  // namespace

std::string junit_xml(const TestSuite& suite) {
    std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites" + counts(suite) + ">\n<testsuite" +
                      attribute("name", suite.name) + counts(suite);
    // Its readers want a local time without zone; UTC is what it is everywhere.
    if (!suite.timestamp.empty()) out += attribute("timestamp", suite.timestamp.substr(0, 19));
    out += ">\n";
    for (const TestCase& test : suite.cases)
        out += "<testcase" + attribute("classname", suite.classname) + attribute("name", test.name) +
               attribute("time", "0.000") + ">" + result_of(test) + "</testcase>\n";
    return out + "</testsuite>\n</testsuites>\n";
}

TestSuite suite_of(const Json& deployment, const Json& report, bool inconclusive_passes) {
    TestSuite suite;
    suite.name = "revertd " + deployment["service"].text() + " " + deployment["version"].text();
    suite.classname = "revertd." + deployment["service"].text();
    suite.timestamp = deployment["started"].text();
    const auto begin = parse_rfc3339(suite.timestamp), end = parse_rfc3339(deployment["finished"].text());
    if (begin && end) suite.seconds = seconds(*end - *begin);
    for (const auto& rule : report["rules"].items()) suite.cases.push_back(rule_case(rule));
    suite.cases.push_back(verdict_case(deployment, inconclusive_passes));
    return suite;
}

}  // namespace revertd::ctl
