// SPDX-License-Identifier: Apache-2.0
#include "core/well_known.h"

#include <array>

namespace revertd {

namespace {

constexpr std::string_view kServerError = "5..";  // matches `5xx`, too

// django_http_requests_total_by_view_transport_method_total is left out on purpose: it has no status label.
constexpr std::array kRequests{
    WellKnownRequests{"http_requests_total", "code", kServerError},
    WellKnownRequests{"http_requests_total", "status", kServerError},
    WellKnownRequests{"http_requests_total", "status_code", kServerError},
    WellKnownRequests{"http_server_requests_seconds_count", "status", kServerError},
    WellKnownRequests{"http_server_request_duration_seconds_count", "http_response_status_code", kServerError},
    WellKnownRequests{"django_http_responses_total_by_status_total", "status", kServerError},
    WellKnownRequests{"nginx_ingress_controller_requests", "status", kServerError},
    WellKnownRequests{"traefik_service_requests_total", "code", kServerError},
    WellKnownRequests{"istio_requests_total", "response_code", kServerError},
    WellKnownRequests{"envoy_cluster_upstream_rq_xx", "envoy_response_code_class", "5"},
    WellKnownRequests{"haproxy_backend_http_responses_total", "code", kServerError},
};

constexpr std::array kLatencies{
    WellKnownLatency{"http_request_duration_seconds", 1},
    WellKnownLatency{"http_server_requests_seconds", 1},
    WellKnownLatency{"http_server_request_duration_seconds", 1},
    WellKnownLatency{"http_request_duration_highr_seconds", 1},
    WellKnownLatency{"django_http_requests_latency_seconds_by_view_method", 1},
    WellKnownLatency{"nginx_ingress_controller_request_duration_seconds", 1},
    WellKnownLatency{"traefik_service_request_duration_seconds", 1},
    WellKnownLatency{"istio_request_duration_milliseconds", 0.001},
    WellKnownLatency{"envoy_cluster_upstream_rq_time", 0.001},
};

// A heap is left out: it fills up to its limit before it is collected, and so is a cache. The memory of a process has
// no limit that its page tells.
constexpr std::array kShares{
    WellKnownShare{"open_fds", "process_open_fds", "process_max_fds"},
    WellKnownShare{"open_fds", "process_files_open_files", "process_files_max_files"},
    WellKnownShare{"db_connections", "hikaricp_connections_active", "hikaricp_connections_max"},
    WellKnownShare{"db_connections", "go_sql_in_use_connections", "go_sql_max_open_connections"},
};

constexpr std::array<std::string_view, 1> kStarts{"process_start_time_seconds"};

// What a client sends as it likes (`url`, `path` with numbers in it) may have any number of values: then it is none.
constexpr std::array<std::string_view, 11> kEndpointLabels{"route",     "http_route", "handler",    "endpoint",
                                                           "view",      "uri",        "path",       "url",
                                                           "operation", "rpc_method", "grpc_method"};

}  // namespace

std::span<const WellKnownShare> well_known_shares() {
    return kShares;
}

std::span<const std::string_view> well_known_starts() {
    return kStarts;
}

std::span<const std::string_view> well_known_endpoint_labels() {
    return kEndpointLabels;
}

std::span<const WellKnownRequests> well_known_requests() {
    return kRequests;
}

std::span<const WellKnownLatency> well_known_latencies() {
    return kLatencies;
}

}  // namespace revertd
