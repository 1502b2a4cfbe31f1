// SPDX-License-Identifier: Apache-2.0
// The objects of the contract (interface, section 8), written from what the Engine and the Judge know now.
#pragma once
#include <string>

#include "daemon/api/backend.h"
#include "daemon/api/json_text.h"

namespace revertd::api {

void write_deployment(JsonText& out, const Backend& backend, const Deployment& deployment);
void write_incident(JsonText& out, const Backend& backend, const Incident& incident);
void write_service(JsonText& out, const Backend& backend, const std::string& service);

/// `halted`, `halted_by` and `halted_why`; `by` is what the state keeps of it: who, and behind a colon why.
void write_halted(JsonText& out, bool halted, const std::string& by);

/// `frozen` and `frozen_why`, of a service, or of everything when it is empty.
void write_frozen(JsonText& out, const Backend& backend, const std::string& service);

/// The settings by which a service is judged now: those that its guard has pinned, otherwise the current ones.
[[nodiscard]] std::shared_ptr<const ServiceSettings> judged_settings(const Engine& engine, const std::string& service);

/// "name": the array of signals as the Judge sees them; empty where nothing is judged.
void write_signals(JsonText& out, const Backend& backend, const std::string& service);

/// `baking` with a rule that is breached, and not yet for its time, is `suspected`.
[[nodiscard]] DeployState shown_state(const Backend& backend, const Deployment& deployment);

/// What an open guard is doing, in words without running numbers: they change only when it does.
[[nodiscard]] std::string phase_words(const Backend& backend, const Deployment& deployment);

/// A name that no service has, with those that are known.
[[nodiscard]] Error no_service(const Backend& backend, const std::string& service);
/// Configured, or once watched.
[[nodiscard]] bool was_ever_known(const Backend& backend, const std::string& service);

/// An approval that is being waited for, or null.
void write_approval(JsonText& out, const Backend& backend, const Incident* incident);

/// An instant of the daemon's timeline for people.
[[nodiscard]] inline WallTime wall_of(Now now, Time at) {
    return now.wall - (now.at - at);
}

}  // namespace revertd::api
