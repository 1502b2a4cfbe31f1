// SPDX-License-Identifier: Apache-2.0
#include <sstream>

#include "core/state.h"

namespace revertd {

namespace {

std::string at(const std::optional<Time>& time) {
    return time ? std::to_string(time->time_since_epoch().count()) : "-";
}

std::string at(Time time) {
    return std::to_string(time.time_since_epoch().count());
}

void print(std::ostream& out, const ServiceState& s) {
    out << "service " << s.name << ' ' << s.live << ' ' << s.restored << ' ' << s.guard << ' ' << s.older << ' '
        << s.incident << ' ' << s.halted << s.frozen << ' ' << at(s.adopting_since) << ' ' << s.adopting_words << ' '
        << to_string(s.health) << at(s.health_since) << ' ' << s.intents.size() << '\n';
    for (const LedgerEntry& e : s.ledger)
        out << "  " << e.version << ' ' << to_string(e.standing) << ' ' << e.why << ' ' << at(e.at) << '\n';
    for (const auto& [index, r] : s.rules)
        out << "  rule " << index << ' ' << to_string(r.verdict) << ' ' << r.holds << ' ' << at(r.since) << ' '
            << at(r.last_breach) << '\n';
    for (const auto& [rule, now] : s.steady) out << "  steady " << rule << ' ' << at(now.since) << '\n';
}

void print(std::ostream& out, const Deployment& d) {
    out << "deploy " << d.id << ' ' << d.service << ' ' << d.version << ' ' << d.from << ' ' << to_string(d.state)
        << ' ' << d.exit_code.value_or(-1) << ' ' << at(d.started) << at(d.first_seen) << at(d.settled) << at(d.finish)
        << at(d.extended) << at(d.finished) << ' ' << d.broken_before << ' ' << d.incident << ' ' << d.blind_paged
        << d.p2_held << d.p3_held << '\n';
    for (const auto& [index, named] : d.named) out << "  named " << index << ' ' << named.version << '\n';
}

void print(std::ostream& out, const Incident& i) {
    out << "incident " << i.id << ' ' << i.deploy << ' ' << i.from << ' ' << i.to << ' ' << to_string(i.severity) << ' '
        << to_string(i.state) << ' ' << to_string(i.stage) << ' ' << to_string(i.gate) << ' ' << i.ordered << i.force
        << ' ' << i.attempt << ' ' << i.step << ' ' << at(i.hold_until) << ' ' << i.taken_by << ' ' << i.acked_by << ' '
        << i.label << ' ' << at(i.verifying_since) << at(i.recovered) << at(i.closed) << ' ' << i.decided_seq << ' '
        << i.denied.size() << ' ' << i.answers.size() << ' ' << i.findings.size() << ' ' << i.exhausted.has_value()
        << ' ' << i.rung << i.answered << at(i.rung_since) << ' ' << i.reminded.size() << '\n';
    if (i.approval)
        out << "  approval " << i.approval->role << ' ' << at(i.approval->until) << ' ' << i.approval->given.size()
            << i.approval->waived << '\n';
    for (const Attempted& a : i.attempts)
        out << "  " << a.intent.key << ' ' << a.seq << ' ' << (a.outcome ? to_string(*a.outcome) : "open") << ' '
            << a.exit << '\n';
}

}  // namespace

std::string State::fingerprint() const {
    std::ostringstream out;
    out << seq << ' ' << at(last) << ' ' << halted << frozen << ' ' << observe_only << ' ' << config << ' '
        << intents.size() << ' ' << crashes.size() << ' ' << quarantined.size() << '\n';
    for (const auto& [name, s] : services) print(out, s);
    for (const auto& [id, d] : deployments) print(out, d);
    for (const auto& [id, i] : incidents) print(out, i);
    return out.str();
}

}  // namespace revertd
