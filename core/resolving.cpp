// SPDX-License-Identifier: Apache-2.0
// S4: which version is good, as other places say: a release list, a tag, an audit table. They are asked when a guard
// opens, so that a decision waits for nobody; the ledger comes first, and two that disagree make the action ask.
#include <algorithm>

#include "core/engine.h"
#include "core/engine_run.h"
#include "core/version.h"

namespace revertd {

namespace {

constexpr Duration kAskResolversAgain = 30s;  // those that have not answered, while the guard is open

bool has_answered(const Deployment& d, std::size_t resolver) {
    return d.named.contains(static_cast<int>(resolver));
}

}  // namespace

void Engine::ask_resolvers(const Deployment& d, const ServiceSettings& settings) {
    Run::Service& run = run_->services[d.service];
    const bool again = run.resolving == d.id && run.resolve_again && now_.at >= *run.resolve_again;
    if (settings.resolvers.empty() || (run.resolving == d.id && !again)) return;
    if (run.resolving != d.id) run.unresolved.clear();
    run.resolving = d.id;
    run.resolve_again.reset();
    for (std::size_t i = 0; i < settings.resolvers.size(); ++i) {
        if (has_answered(d, i)) continue;
        emit(effect::Resolve{d.service, d.id, static_cast<int>(i)});
        run.resolve_again = now_.at + kAskResolversAgain;
    }
}

void Engine::on(const event::Resolved& e) {
    const Deployment* d = state_.deployment(e.deploy);
    const ServiceSettings* settings = d != nullptr ? pinned(*d) : nullptr;
    const auto index = static_cast<std::size_t>(e.index);
    const bool asked = settings != nullptr && d->open() && e.index >= 0 && index < settings->resolvers.size();
    if (!asked || has_answered(*d, index)) return;
    Run::Service& run = run_->services[d->service];
    if (e.named.kind == Observation::Kind::NoAnswer) {
        if (run.resolving == d->id) run.unresolved[e.index] = e.named.words;
        return;
    }
    run.unresolved.erase(e.index);
    TargetNamed f;
    f.deploy = d->id, f.index = e.index, f.resolver = settings->resolvers[index].name;
    if (valid_version(e.named.version)) f.version = e.named.version;
    f.words = f.version.empty() ? (e.named.version.empty() ? "names none" : "names what is no version") : "";
    const std::string name = d->service;
    note(std::move(f));
    settle(name);
}

/// Silence is no disagreement, so it makes nothing ask; but somebody should see to it.
std::vector<std::string> Engine::silent_resolvers(const Deployment& d) const {
    std::vector<std::string> silent;
    const ServiceSettings* settings = d.open() ? pinned(d) : nullptr;
    if (settings == nullptr) return silent;
    const Run::Service& run = run_->services[d.service];
    for (std::size_t i = 0; i < settings->resolvers.size(); ++i) {
        if (has_answered(d, i)) continue;
        const auto why = run.unresolved.find(static_cast<int>(i));
        const bool told = run.resolving == d.id && why != run.unresolved.end() && !why->second.empty();
        silent.push_back(settings->resolvers[i].name + " does not say which version is good" +
                         (told ? ": " + why->second : std::string{}));
    }
    return silent;
}

/// Fills in a target where the ledger has none; words if those who name one disagree.
std::string Engine::resolve_target(const Incident& i, const Deployment* d, TargetChoice& target) {
    if (d == nullptr || d->named.empty()) return {};
    const ServiceState& s = service(i.service);
    std::string words = target.version.empty() ? "" : "the ledger: " + target.version;
    bool agree = true;
    for (const auto& [index, named] : d->named) {
        // What names the judged version knows nothing of the time before it; a bad one is never gone back to.
        const Standing standing = s.standing(named.version);
        if (named.version.empty() || named.version == i.from || standing == Standing::Bad) continue;
        if (target.version.empty()) {
            if (standing == Standing::Suspect) continue;
            target = {named.version, {}, true};
            if (standing == Standing::Unknown)
                note(StandingChanged{i.service, named.version, Standing::Declared, "named by " + named.resolver,
                                     named.resolver});
        }
        agree = agree && named.version == target.version;
        words += (words.empty() ? "" : ", ") + named.resolver + ": " + named.version;
    }
    return agree ? std::string{} : "it is not agreed which version is good (" + words + ")";
}

}  // namespace revertd
