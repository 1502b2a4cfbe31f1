// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/incident_words.h"

#include "daemon/ctl/text.h"

namespace revertd::ctl {
namespace {

constexpr std::size_t kNameColumns = 13;

std::string words(const Json& value) {
    return printable(value.text());
}

void fact(std::string& out, const std::string& name, const std::string& value) {
    if (!value.empty()) out += "  " + pad(name, kNameColumns) + value + "\n";
}

std::string joined(std::initializer_list<std::string> parts, const std::string& separator) {
    std::string out;
    for (const auto& part : parts) {
        if (part.empty()) continue;
        if (!out.empty()) out += separator;
        out += part;
    }
    return out;
}

void findings(std::string& out, const Json& incident) {
    for (const auto& finding : incident["findings"].items()) {
        const auto said = words(finding["words"]);
        fact(out, "finding", said.empty() ? words(finding["rule"]) : said);
        fact(out, "  where", words(finding["where"]));
    }
}

/// "by ana: the disk was full"
std::string by_words(const Json& given) {
    return joined({"by " + words(given["by"]), words(given["reason"])}, ": ");
}

/// Of people, in order; a label says itself what it is.
void answers(std::string& out, const Json& incident, WallTime now) {
    for (const auto& answer : incident["answers"].items())
        fact(out, words(answer["answer"]), joined({by_words(answer), when_words(answer["at"].text(), now)}, ", "));
}

void approval(std::string& out, const Json& incident, WallTime now) {
    const auto approval = incident["approval"];
    if (approval.is_null()) return;
    const auto role = words(approval["role"]);
    const bool waits = incident["state"].text() == "awaiting_approval";
    const auto until = waits ? when_words(approval["until"].text(), now) : std::string();
    fact(out, "approval",
         "by " + (role.empty() ? "root or the group revertd" : role) + (until.empty() ? "" : ", until " + until));
    for (const auto& given : approval["given"].items()) {
        fact(out, "  given", joined({by_words(given), when_words(given["at"].text(), now)}, ", "));
    }
}

void attempts(std::string& out, const Json& incident, WallTime now) {
    for (const auto& attempt : incident["attempts"].items()) {
        const auto exit = words(attempt["exit"]);
        const auto outcome = words(attempt["outcome"]).empty() ? "running" : words(attempt["outcome"]);
        fact(out, "attempt " + words(attempt["n"]),
             joined({words(attempt["step"]), outcome, exit.empty() ? "" : "exit " + exit, words(attempt["words"]),
                     when_words(attempt["intent_at"].text(), now)},
                    ", "));
        if (const auto tail = words(attempt["output_tail"]); !tail.empty()) fact(out, "  output", tail);
    }
}

void verification(std::string& out, const Json& verification, WallTime now) {
    const auto since = when_words(verification["since"].text(), now);
    fact(out, "verification",
         joined({words(verification["outcome"]), words(verification["words"]), since.empty() ? "" : "since " + since},
                ", "));
}

}  // namespace

std::string incident_words(const Json& incident, WallTime now) {
    std::string out = joined({words(incident["id"]), words(incident["severity"]), words(incident["service"]),
                              "deploy " + words(incident["deployment"]), words(incident["state"])},
                             "  ") +
                      "\n";
    fact(out, "rollback", joined({words(incident["from"]), words(incident["to"])}, " -> "));
    fact(out, "reason", words(incident["reason"]));
    findings(out, incident);
    for (const auto& gate : incident["held_by"].items()) {
        fact(out, "held by", joined({words(gate["gate"]), words(gate["reason"])}, ": "));
    }
    approval(out, incident, now);
    attempts(out, incident, now);
    verification(out, incident["verification"], now);
    answers(out, incident, now);
    fact(out, "label", words(incident["label"]));
    fact(out, "held until", when_words(incident["hold_until"].text(), now));
    fact(out, "opened", when_words(incident["opened"].text(), now));
    fact(out, "closed", when_words(incident["closed"].text(), now));
    for (const auto& entry : incident["timeline"].items()) {
        const auto at = parse_rfc3339(entry["at"].text());
        fact(out, at ? local_time(*at, now) : words(entry["at"]),
             joined({words(entry["what"]), words(entry["words"])}, ": "));
    }
    return out;
}

}  // namespace revertd::ctl
