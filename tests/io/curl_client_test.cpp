// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/curl_client.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "daemon/io/http_client.h"
#include "daemon/io/loop.h"
#include "daemon/io/system_clock.h"
#include "tests/support/fake_http.h"
#include "tests/support/loop_driver.h"
#include "tests/support/ports.h"

namespace revertd {
namespace {

using test::FakeAnswer;
using test::FakeHttp;
using test::FakeRequest;
using test::RecordingSink;

class CurlClientTest : public ::testing::Test {
  protected:
    ~CurlClientTest() override { std::filesystem::remove_all(folder); }

    [[nodiscard]] HttpResponse send(const HttpRequest& request) {
        std::optional<HttpResponse> got;
        const auto id = client.fetch(request, [&](HttpResponse response) { got = std::move(response); });
        EXPECT_TRUE(id) << id.error().message;
        EXPECT_FALSE(got) << "called from inside fetch";
        EXPECT_TRUE(test::run_until(loop, [&] { return got.has_value(); }));
        return got.value_or(HttpResponse{});
    }

    [[nodiscard]] HttpRequest get(const std::string& url) {
        HttpRequest request;
        request.url = url;
        return request;
    }

    /// A file with the server's certificate, to be trusted.
    [[nodiscard]] std::string trust(const FakeHttp& https) {
        const std::string path = folder + "/ca.pem";
        std::ofstream(path) << https.certificate();
        return path;
    }

    static std::string make_folder() {
        std::string name = std::filesystem::temp_directory_path() / "revertd-io-XXXXXX";
        return mkdtemp(name.data());
    }

    SystemClock clock;
    Loop loop{clock};
    CurlClient client{loop, "revertd/test"};
    FakeHttp server;
    std::string folder = make_folder();
};

TEST_F(CurlClientTest, sends_method_headers_and_body_and_nothing_of_its_own) {
    FakeAnswer answer;
    answer.status = 202;
    answer.headers = {{"X-Id", "7"}, {"X-Id", "8"}};
    answer.body = "accepted";
    server.on("/hook", answer);
    HttpRequest request = get(server.url("/hook?a=b"));
    request.method = "POST";
    request.headers = {{"Content-Type", "application/json"}, {"X-Empty", ""}};
    request.body = std::string("{\"a\":\0}", 7);
    const HttpResponse response = send(request);
    EXPECT_EQ(response.error, FetchError::None);
    EXPECT_EQ(response.status, 202);
    EXPECT_EQ(response.headers.at("x-id"), "8");
    EXPECT_EQ(response.body, "accepted");
    EXPECT_TRUE(response.request_sent);
    const FakeRequest seen = server.requests().at(0);
    EXPECT_EQ(seen.method, "POST");
    EXPECT_EQ(seen.path, "/hook?a=b");
    EXPECT_EQ(seen.body, request.body);
    EXPECT_EQ(seen.headers.at("content-type"), "application/json");
    EXPECT_EQ(seen.headers.at("user-agent"), "revertd/test");
    EXPECT_EQ(seen.headers.at("x-empty"), "");
    EXPECT_EQ(seen.headers.count("expect"), 0U);
}

TEST_F(CurlClientTest, knows_the_other_methods) {
    server.on("/", FakeAnswer{});
    for (const char* method : {"GET", "PUT", "PATCH", "DELETE", "POST"}) {
        HttpRequest request = get(server.url("/"));
        request.method = method;
        EXPECT_EQ(send(request).error, FetchError::None) << method;
        EXPECT_EQ(server.requests().back().method, method);
        EXPECT_EQ(server.requests().back().headers.count("content-type"), 0U);
        EXPECT_EQ(server.requests().back().headers.count("content-length"),
                  std::string("PUT PATCH POST").find(method) == std::string::npos ? 0U : 1U)
            << method;
    }
}

TEST_F(CurlClientTest, keeps_its_connections) {
    server.on("/", FakeAnswer{});
    for (int i = 0; i < 10; ++i) EXPECT_EQ(send(get(server.url("/"))).error, FetchError::None);
    EXPECT_EQ(server.connections(), 1U);
}

TEST_F(CurlClientTest, never_sends_a_request_twice_that_may_have_been_received) {
    server.on("/", [](const FakeRequest& request) {
        return request.on_connection == 0 ? FakeAnswer{} : FakeAnswer::closing();
    });
    EXPECT_EQ(send(get(server.url("/"))).error, FetchError::None);
    HttpRequest post = get(server.url("/"));
    post.method = "POST";
    post.body = "{}";
    EXPECT_EQ(send(post).error, FetchError::None);
    EXPECT_EQ(server.requests().size(), 2U);
    EXPECT_EQ(server.connections(), 2U);

    server.on("/", FakeAnswer::closing());
    EXPECT_EQ(send(post).error, FetchError::ClosedEarly);
    EXPECT_EQ(server.requests().size(), 3U);
}

TEST_F(CurlClientTest, repeats_on_a_dead_connection_what_bears_it) {
    server.on("/", [](const FakeRequest& request) {
        return request.on_connection == 0 ? FakeAnswer{} : FakeAnswer::closing();
    });
    HttpRequest post = get(server.url("/"));
    post.method = "POST";
    post.may_repeat = true;
    for (const HttpRequest& request : {get(server.url("/")), post}) {
        EXPECT_EQ(send(request).error, FetchError::None);
        EXPECT_EQ(send(request).error, FetchError::None);
    }
}

TEST_F(CurlClientTest, does_not_follow_redirects) {
    FakeAnswer answer;
    answer.status = 307;
    answer.headers = {{"Location", "file:///etc/passwd"}};
    server.on("/", answer);
    const HttpResponse response = send(get(server.url("/")));
    EXPECT_EQ(response.status, 307);
    EXPECT_EQ(response.headers.at("location"), "file:///etc/passwd");
    EXPECT_EQ(server.requests().size(), 1U);
}

TEST_F(CurlClientTest, ignores_the_proxies_of_the_environment) {
    const test::ClosedPort closed;
    const std::string proxy = "http://127.0.0.1:" + std::to_string(closed.port());
    for (const char* name : {"http_proxy", "all_proxy", "ALL_PROXY"}) setenv(name, proxy.c_str(), 1);
    server.on("/", FakeAnswer{});
    EXPECT_EQ(send(get(server.url("/"))).error, FetchError::None);
    for (const char* name : {"http_proxy", "all_proxy", "ALL_PROXY"}) unsetenv(name);
}

TEST_F(CurlClientTest, goes_through_the_proxy_that_it_is_given) {
    server.on("http://web.invalid/x", FakeAnswer{});
    HttpRequest request = get("http://web.invalid/x");
    request.proxy = server.url("");
    EXPECT_EQ(send(request).status, 200);
    EXPECT_EQ(server.requests().at(0).headers.at("host"), "web.invalid");
}

TEST_F(CurlClientTest, speaks_over_unix_sockets) {
    FakeHttp local({.unix_socket = folder + "/api.sock"});
    FakeAnswer answer;
    answer.body = "pong";
    local.on("/_ping", answer);
    HttpRequest request = get("http://localhost/_ping");
    request.unix_socket = folder + "/api.sock";
    EXPECT_EQ(send(request).body, "pong");
    request.unix_socket = folder + "/nobody.sock";
    EXPECT_EQ(send(request).error, FetchError::ConnectRefused);
}

TEST_F(CurlClientTest, tells_failures_apart_and_whether_anything_was_sent) {
    const test::ClosedPort closed;
    HttpResponse response = send(get("http://127.0.0.1:" + std::to_string(closed.port()) + "/"));
    EXPECT_EQ(response.error, FetchError::ConnectRefused);
    EXPECT_FALSE(response.request_sent);

    response = send(get("http://no-such-host.invalid/"));
    EXPECT_EQ(response.error, FetchError::Resolve);
    EXPECT_FALSE(response.request_sent);

    server.on("/close", FakeAnswer::closing());
    response = send(get(server.url("/close")));
    EXPECT_EQ(response.error, FetchError::ClosedEarly);
    EXPECT_TRUE(response.request_sent);

    server.on("/reset", FakeAnswer::resetting());
    EXPECT_EQ(send(get(server.url("/reset"))).error, FetchError::Reset);

    FakeAnswer half;
    half.body = "hello";
    half.cut_after = 45;
    half.end = FakeAnswer::End::Close;
    server.on("/half", half);
    EXPECT_EQ(send(get(server.url("/half"))).error, FetchError::ClosedEarly);

    FakeAnswer garbage;
    garbage.raw = "SSH-2.0-OpenSSH_9.2\r\n";
    garbage.end = FakeAnswer::End::Close;
    server.on("/ssh", garbage);
    EXPECT_EQ(send(get(server.url("/ssh"))).error, FetchError::Malformed);
}

TEST_F(CurlClientTest, ends_at_its_whole_limit) {
    server.on("/hang", FakeAnswer::hanging());
    HttpRequest request = get(server.url("/hang"));
    request.whole_limit = 300ms;
    const HttpResponse response = send(request);
    EXPECT_EQ(response.error, FetchError::Timeout);
    EXPECT_TRUE(response.request_sent);
    EXPECT_EQ(response.status, 0);
}

/// The machine was suspended: the loop's clock goes on meanwhile, curl's own does not.
TEST_F(CurlClientTest, ends_at_its_limit_also_when_the_machine_slept_meanwhile) {
    server.on("/", FakeAnswer::hanging());
    HttpRequest request = get(server.url("/"));
    request.whole_limit = 300ms;
    std::optional<HttpResponse> got;
    ASSERT_TRUE(client.fetch(request, [&](HttpResponse response) { got = std::move(response); }));
    ASSERT_TRUE(test::run_until(loop, [&] { return server.requests().size() == 1; }));
    clock.set_offset(clock.offset() + 1h);
    ASSERT_TRUE(test::run_until(loop, [&] { return got.has_value(); })) << "nobody would ever ask again";
    EXPECT_EQ(got->error, FetchError::Timeout);
}

TEST_F(CurlClientTest, counts_the_bytes_itself) {
    FakeAnswer answer;
    answer.body = std::string(100'000, 'x');
    for (const auto framing :
         {FakeAnswer::Framing::ContentLength, FakeAnswer::Framing::Chunked, FakeAnswer::Framing::UntilClose}) {
        answer.framing = framing;
        answer.chunk_bytes = 1000;
        server.on("/large", answer);
        HttpRequest request = get(server.url("/large"));
        request.max_body_bytes = 99'999;
        const HttpResponse response = send(request);
        EXPECT_EQ(response.error, FetchError::TooLarge);
        EXPECT_LE(response.body.size(), 99'999U);
    }
    answer.body.clear();
    for (int i = 0; i < 100; ++i) answer.headers.emplace_back("X-" + std::to_string(i), std::string(1000, 'x'));
    server.on("/head", answer);
    EXPECT_EQ(send(get(server.url("/head"))).error, FetchError::TooLarge);
}

TEST_F(CurlClientTest, repeats_no_secret_in_its_errors) {
    const test::ClosedPort closed;
    const std::string host = "http://127.0.0.1:" + std::to_string(closed.port());
    HttpRequest request = get(host + "/services/T0/hunter2?token=hunter2");
    request.headers = {{"Authorization", "Bearer hunter2"}};
    const HttpResponse response = send(request);
    EXPECT_FALSE(response.detail.empty());
    EXPECT_EQ(response.detail.find("hunter2"), std::string::npos);
    EXPECT_EQ(response.detail.find("127.0.0.1"), std::string::npos);
    request.headers = {{"Authorization", "Bearer hunter2\r\n"}};
    const auto refused = client.fetch(request, [](HttpResponse) {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message.find("hunter2"), std::string::npos);
}

TEST_F(CurlClientTest, refuses_other_protocols_and_methods_with_blanks) {
    EXPECT_FALSE(client.fetch(get("file:///etc/passwd"), [](HttpResponse) {}));
    HttpRequest request = get("http://a/");
    request.method = "GET /x";
    EXPECT_FALSE(client.fetch(request, [](HttpResponse) {}));
}

TEST_F(CurlClientTest, tells_nothing_after_a_cancel_or_its_own_end) {
    server.on("/hang", FakeAnswer::hanging());
    bool was_told = false;
    const auto id = client.fetch(get(server.url("/hang")), [&](HttpResponse) { was_told = true; });
    ASSERT_TRUE(test::run_until(loop, [&] { return server.requests().size() == 1; }));
    client.cancel(*id);
    client.cancel(*id);
    {
        CurlClient other(loop, "revertd/test");
        EXPECT_TRUE(other.fetch(get(server.url("/hang")), [&](HttpResponse) { was_told = true; }));
        ASSERT_TRUE(test::run_until(loop, [&] { return server.requests().size() == 2; }));
    }
    server.on("/", FakeAnswer{});
    EXPECT_EQ(send(get(server.url("/"))).error, FetchError::None);
    EXPECT_FALSE(was_told);
}

TEST_F(CurlClientTest, a_callback_may_send_the_next_request) {
    server.on("/", FakeAnswer{});
    int answers = 0;
    const std::function<void(HttpResponse)> next = [&](const HttpResponse& response) {
        EXPECT_EQ(response.error, FetchError::None);
        if (++answers < 5) {
            EXPECT_TRUE(client.fetch(get(server.url("/")), next));
        }
    };
    EXPECT_TRUE(client.fetch(get(server.url("/")), next));
    EXPECT_TRUE(test::run_until(loop, [&] { return answers == 5; }));
}

TEST_F(CurlClientTest, many_requests_at_once_all_end) {
    FakeAnswer answer;
    answer.body = std::string(20'000, 'x');
    server.on("/", answer);
    int answers = 0;
    for (int i = 0; i < 50; ++i) {
        EXPECT_TRUE(client.fetch(get(server.url("/")), [&](const HttpResponse& response) {
            answers += response.body.size() == 20'000 ? 1 : 0;
        }));
    }
    EXPECT_TRUE(test::run_until(loop, [&] { return answers == 50; }));
}

TEST_F(CurlClientTest, trusts_a_certificate_only_when_told_to) {
    FakeHttp https({.tls = true});
    https.on("/", FakeAnswer{});
    HttpRequest request = get(https.url("/"));
    EXPECT_EQ(send(request).error, FetchError::Untrusted);
    EXPECT_FALSE(send(request).request_sent);
    request.tls.ca_file = trust(https);
    EXPECT_EQ(send(request).error, FetchError::None);
    request.tls = {};
    request.tls.insecure_skip_verify = true;
    EXPECT_EQ(send(request).status, 200);
}

TEST_F(CurlClientTest, refuses_certificates_of_others_and_expired_ones) {
    for (const bool is_expired : {false, true}) {
        FakeHttp https(
            {.tls = true, .tls_name = is_expired ? "127.0.0.1" : "other.example", .tls_expired = is_expired});
        https.on("/", FakeAnswer{});
        HttpRequest request = get(https.url("/"));
        request.tls.ca_file = trust(https);
        const HttpResponse response = send(request);
        EXPECT_EQ(response.error, FetchError::Untrusted);
        EXPECT_FALSE(response.request_sent);
        EXPECT_TRUE(https.requests().empty());
    }
}

TEST_F(CurlClientTest, a_handshake_that_hangs_is_a_timeout_after_connecting) {
    HttpRequest request = get("https" + server.url("/").substr(4));  // the plain server waits for the end of a head
    request.whole_limit = 300ms;
    const HttpResponse response = send(request);
    EXPECT_EQ(response.error, FetchError::Timeout);
    EXPECT_FALSE(response.request_sent);
}

TEST_F(CurlClientTest, a_connection_that_is_not_answered_is_none) {
    const test::FullQueue full;
    HttpRequest request = get("http://127.0.0.1:" + std::to_string(full.port()) + "/");
    request.whole_limit = 300ms;
    EXPECT_EQ(send(request).error, FetchError::ConnectTimeout);
}

class HttpClientTest : public CurlClientTest {
  protected:
    void run(Fetch& fetch, RecordingSink& sink, Duration limit = 10s) {
        const int before = sink.dones;
        fetch.start(loop.now() + limit, sink);
        EXPECT_EQ(sink.dones, before) << "done was called from inside start";
        EXPECT_TRUE(test::run_until(loop, [&] { return sink.dones == before + 1; }));
        EXPECT_FALSE(fetch.in_flight());
    }

    HttpClient http{loop};
};

TEST_F(HttpClientTest, asks_over_https_as_it_does_over_http) {
    FakeAnswer answer;
    answer.status = 503;
    answer.headers = {{"Content-Type", "application/json"}};
    answer.body = "{\"status\":\"down\"}";
    FakeHttp https({.tls = true});
    FetchOptions options;
    options.accept = "application/json";
    options.tls.ca_file = trust(https);
    for (FakeHttp* target : {&server, &https}) {
        target->on("/health", answer);
        const auto fetch = http.make_fetch(target->url("/health"), options);
        ASSERT_TRUE(fetch);
        RecordingSink sink;
        for (int i = 0; i < 3; ++i) run(**fetch, sink);
        EXPECT_EQ(sink.error, FetchError::None);
        EXPECT_EQ(sink.status, 503);
        EXPECT_EQ(sink.content_type, "application/json");
        EXPECT_EQ(sink.length, answer.body.size());
        EXPECT_EQ(sink.bytes, answer.body + answer.body + answer.body);
        EXPECT_EQ(sink.heads, 3);
        EXPECT_EQ(target->connections(), 1U);
        EXPECT_EQ(target->requests().at(0).headers.at("accept"), "application/json");
        EXPECT_TRUE(target->requests().at(0).headers.at("user-agent").starts_with("revertd/"));
    }
}

TEST_F(HttpClientTest, fails_over_https_in_the_same_words) {
    FakeHttp https({.tls = true});
    FetchOptions options;
    options.max_body_bytes = 10;
    const auto untrusting = http.make_fetch(https.url("/"), options);
    RecordingSink sink;
    run(**untrusting, sink);
    EXPECT_EQ(sink.error, FetchError::Untrusted);
    EXPECT_FALSE((*untrusting)->detail().empty());

    options.tls.ca_file = trust(https);
    FakeAnswer large;
    large.body = std::string(11, 'x');
    https.on("/large", large);
    run(**http.make_fetch(https.url("/large"), options), sink);
    EXPECT_EQ(sink.error, FetchError::TooLarge);

    https.on("/hang", FakeAnswer::hanging());
    run(**http.make_fetch(https.url("/hang"), options), sink, 300ms);
    EXPECT_EQ(sink.error, FetchError::Timeout);

    FakeAnswer small;
    small.body = "hello";
    https.on("/small", small);
    sink.stop_at = 1;
    run(**http.make_fetch(https.url("/small"), options), sink);
    EXPECT_EQ(sink.error, FetchError::Aborted);
}

TEST_F(HttpClientTest, cancels_over_https) {
    FakeHttp https({.tls = true});
    https.on("/hang", FakeAnswer::hanging());
    FetchOptions options;
    options.tls.ca_file = trust(https);
    const auto fetch = http.make_fetch(https.url("/hang"), options);
    RecordingSink sink;
    (*fetch)->start(loop.now() + 10s, sink);
    ASSERT_TRUE(test::run_until(loop, [&] { return https.requests().size() == 1; }));
    (*fetch)->cancel();
    EXPECT_FALSE((*fetch)->in_flight());
    EXPECT_TRUE(test::run_until(loop, [&] { return https.wait_until_disconnected(); }));
    EXPECT_EQ(sink.dones, 0);
}

TEST_F(HttpClientTest, health_over_a_unix_socket) {
    FakeHttp local({.unix_socket = folder + "/app.sock"});
    local.on("/health", FakeAnswer{});
    FetchOptions options;
    options.unix_socket = folder + "/app.sock";
    RecordingSink sink;
    run(**http.make_fetch("http://localhost/health", options), sink);
    EXPECT_EQ(sink.status, 200);
}

TEST_F(HttpClientTest, refuses_urls_and_headers_that_are_none) {
    EXPECT_FALSE(http.make_fetch("ftp://a/", {}));
    FetchOptions options;
    options.headers = {{"X", "a\nb"}};
    EXPECT_FALSE(http.make_fetch("https://a/", options));
}

}  // namespace
}  // namespace revertd
