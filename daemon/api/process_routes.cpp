// SPDX-License-Identifier: Apache-2.0
// The daemon as a process: is it there, is it ready, what is it, what does it measure, how does everything stand.
#include <algorithm>
#include <array>

#include "core/authority.h"
#include "core/hours_end.h"
#include "daemon/api/answer.h"
#include "daemon/api/limits.h"
#include "daemon/api/objects.h"
#include "daemon/api/request_body.h"
#include "daemon/api/routes.h"

namespace revertd::api {
namespace {

Response healthy(const Backend&, const Request&) {
    return text_response("revertd is healthy.\n");
}

Response ready(const Backend& backend, const Request&) {
    if (backend.ready()) return text_response("revertd is ready.\n");
    return error_response({ErrorCode::Unavailable, "revertd is starting: the journal is being read"}, 1s);
}

Response metrics(const Backend& backend, const Request&) {
    Response response = text_response(backend.metrics());
    response.type = "text/plain; version=0.0.4; charset=utf-8";
    return response;
}

void write_hash(JsonText& out, const Backend& backend) {
    const Settings* settings = backend.engine().settings();
    out.put_text("hash", settings != nullptr ? settings->hash : std::string());
}

void reload(const Call& call) {
    const Settings* settings = call.backend.engine().settings();
    const bool allowed = settings != nullptr ? may_halt(*settings, call.peer) : call.peer.root();
    if (!allowed)
        return call.respond(error_response({ErrorCode::NotAllowed, "only root and those who may halt may reload"}));
    if (const auto reloaded = call.backend.reload(); !reloaded) return call.respond(error_response(reloaded.error()));
    JsonText out;
    out.open_object();
    write_hash(out, call.backend);
    out.close_object();
    call.respond(json_response(out.take()));
}

Response status(const Backend& backend, const Request&) {
    const State& state = backend.engine().state();
    JsonText out;
    out.open_object();
    write_halted(out, state.halted, state.halted_by);
    write_frozen(out, backend, {});
    out.put_text("observe_only", state.observes_only());
    out.open_array("services");
    if (const Settings* settings = backend.engine().settings())
        for (const auto& [name, unused] : settings->services) write_service(out, backend, name);
    out.close_array();
    out.close_object();
    return json_response(out.take());
}

Response build_info(const Backend&, const Request&) {
    JsonText out;
    out.open_object();
    out.put_text("version", REVERTD_VERSION);
    out.put_text("compiler", __VERSION__);
    out.close_object();
    return json_response(out.take());
}

/// As Prometheus answers it, and the hash that guards pin.
Response config(const Backend& backend, const Request&) {
    JsonText out;
    out.open_object();
    write_hash(out, backend);
    out.put_text("yaml", backend.config_text());
    out.close_object();
    return json_response(out.take());
}

Response runtime_info(const Backend& backend, const Request&) {
    const RuntimeInfo info = backend.runtime();
    const State& state = backend.engine().state();
    const Settings* settings = backend.engine().settings();
    const auto is_open = [](const auto& entry) { return entry.second.open(); };
    JsonText out;
    out.open_object();
    out.put_time("started", info.started);
    out.put_seconds("uptime", backend.now().wall - info.started);
    out.put_time("config_reloaded", info.reloaded);
    out.put_flag("config_last_reload_successful", info.reload_done);
    write_hash(out, backend);
    out.put_text("observe_only", state.observes_only());
    out.put_count("services", static_cast<std::int64_t>(settings != nullptr ? settings->services.size() : 0));
    out.put_count("guards", std::count_if(state.deployments.begin(), state.deployments.end(), is_open));
    out.put_count("incidents", std::count_if(state.incidents.begin(), state.incidents.end(), is_open));
    out.put_text("journal", info.journal);
    out.put_count("journal_records", static_cast<std::int64_t>(info.records));
    out.put_count("events_kept", static_cast<std::int64_t>(info.events_kept));
    out.close_object();
    return json_response(out.take());
}

/// Halt and resume of everything.
constexpr std::array<Field, 2> kHaltFields{Field{"abort", Field::Kind::Flag},
                                           Field{"reason", Field::Kind::Text, kMaxReasonBytes}};

void answer_halted(const Call& call, const Command& command) {
    give_command(call, command, [&backend = call.backend](const effect::Reply&) {
        JsonText out;
        out.open_object();
        out.put_flag("halted", backend.engine().state().halted);
        out.close_object();
        return json_response(out.take());
    });
}

void halt(const Call& call) {
    const auto body = RequestBody::parse(call.request.body, kHaltFields);
    if (!body) return call.respond(error_response(body.error()));
    answer_halted(call, command::Halt{{}, body->flag("abort"), body->text("reason")});
}

void resume(const Call& call) {
    const auto body = RequestBody::parse(call.request.body, std::span(kHaltFields).subspan(1));
    if (!body) return call.respond(error_response(body.error()));
    answer_halted(call, command::Resume{{}, body->text("reason")});
}

void set_freeze(const Call& call, bool on) {
    const auto body = RequestBody::parse(call.request.body, std::span(kHaltFields).subspan(1));
    if (!body) return call.respond(error_response(body.error()));
    const std::string service = call.request.names.empty() ? std::string{} : call.request.names.front();
    give_command(call, command::Freeze{service, body->text("reason"), on},
                 [&backend = call.backend, service](const effect::Reply&) {
                     JsonText out;
                     out.open_object();
                     write_frozen(out, backend, service);
                     out.close_object();
                     return json_response(out.take());
                 });
}

void freeze(const Call& call) {
    set_freeze(call, true);
}

void unfreeze(const Call& call) {
    set_freeze(call, false);
}

void test_channels(const Call& call) {
    const Settings* settings = call.backend.engine().settings();
    if (settings == nullptr || !may_halt(*settings, call.peer))
        return call.respond(
            error_response({ErrorCode::NotAllowed, "only root and those who may halt may send a page"}));
    call.backend.test_channels([respond = call.respond](const std::vector<Backend::ChannelAnswer>& answers) {
        JsonText out;
        out.open_array();
        for (const Backend::ChannelAnswer& answer : answers) {
            out.open_object();
            out.put_text("channel", answer.channel);
            out.put_flag("delivered", answer.delivered);
            out.put_text("words", answer.words);
            out.close_object();
        }
        out.close_array();
        respond(json_response(out.take()));
    });
}

void prune(const Call& call) {
    static constexpr std::array<Field, 1> kFields{Field{"older_than", Field::Kind::Text, 20}};
    const auto body = RequestBody::parse(call.request.body, kFields);
    if (!body) return call.respond(error_response(body.error()));
    const Settings* settings = call.backend.engine().settings();
    if (settings == nullptr || !may_halt(*settings, call.peer))
        return call.respond(
            error_response({ErrorCode::NotAllowed, "only root and those who may halt may prune the journal"}));
    const std::string text = body->text("older_than");
    const auto age = parse_duration(text.empty() ? "90d" : text);
    if (!age || *age <= Duration::zero())
        return call.respond(error_response({ErrorCode::Invalid, "older_than is no duration", "as in 90d"}));
    const WallTime before = call.backend.now().wall - *age;
    call.backend.prune(call.peer, before, [respond = call.respond](const Result<Backend::PruneAnswer>& done) {
        if (!done) return respond(error_response(done.error()));
        JsonText out;
        out.open_object();
        out.put_count("more", static_cast<std::int64_t>(done->more));
        out.put_count("before", static_cast<std::int64_t>(done->before));
        out.put_count("seq", static_cast<std::int64_t>(done->seq));
        out.close_object();
        respond(json_response(out.take()));
    });
}

}  // namespace

void write_frozen(JsonText& out, const Backend& backend, const std::string& service) {
    const Engine& engine = backend.engine();
    const WallTime now = backend.now().wall;
    const std::string why = engine.frozen_why(service, now);
    out.put_flag("frozen", !why.empty());
    out.put_text("frozen_why", why);
    const ServiceState* state = engine.state().service(service);
    const bool by_a_person = engine.state().frozen || (state != nullptr && state->frozen);
    const auto settings = engine.settings() != nullptr ? engine.settings()->find(service) : nullptr;
    out.put_time("frozen_until", settings && !by_a_person ? end_of(settings->freeze, now) : std::nullopt);
}

std::span<const Route> process_routes() {
    static constexpr std::array<Route, 16> kRoutes{
        Route{"/-/healthy", healthy},
        Route{"/-/ready", ready},
        Route{"/-/reload", nullptr, reload},
        Route{"/metrics", metrics},
        Route{"/api/v1/status", status},
        Route{"/api/v1/status/buildinfo", build_info},
        Route{"/api/v1/status/config", config},
        Route{"/api/v1/status/runtimeinfo", runtime_info},
        Route{"/api/v1/halt", nullptr, halt},
        Route{"/api/v1/resume", nullptr, resume},
        Route{"/api/v1/freeze", nullptr, freeze},
        Route{"/api/v1/unfreeze", nullptr, unfreeze},
        Route{"/api/v1/services/{}/freeze", nullptr, freeze},
        Route{"/api/v1/services/{}/unfreeze", nullptr, unfreeze},
        Route{"/api/v1/notify/test", nullptr, test_channels},
        Route{"/api/v1/audit/prune", nullptr, prune},
    };
    return kRoutes;
}

}  // namespace revertd::api
