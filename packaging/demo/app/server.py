#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A small HTTP service: server.py PORT RELEASE_DIRECTORY. The release is the part that a deploy replaces.

  /orders/<customer>  what it is for        /health/ready  its own opinion
  /version            what runs             /metrics       Prometheus text format 0.0.4
"""
import http.server
import importlib.util
import json
import pathlib
import signal
import sys
import threading
import time

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Store:
    """A database behind one connection: a query takes 2 ms, and only one can run at a time."""

    def __init__(self):
        self.connection = threading.Lock()

    def query(self):
        with self.connection:
            time.sleep(0.002)

    def numbers_of(self, customer):
        self.query()
        return [customer * 10 + i for i in range(8)]

    def orders_of(self, customer):
        return [self.row(number) for number in self.numbers_of(customer)]

    def order(self, number):
        self.query()
        return self.row(number)

    @staticmethod
    def row(number):
        row = {"number": number, "amount": 10 + number % 7}
        if (number // 10) % 10 >= 3:
            row["discount"] = 1
        return row


class Metrics:
    def __init__(self):
        self.lock = threading.Lock()
        self.requests = {}
        self.buckets = [0] * len(BUCKETS)
        self.count = 0
        self.sum = 0.0

    def observe(self, code, duration):
        with self.lock:
            self.requests[code] = self.requests.get(code, 0) + 1
            self.count += 1
            self.sum += duration
            for i, bound in enumerate(BUCKETS):
                self.buckets[i] += duration <= bound

    def text(self):
        with self.lock:
            lines = ["# HELP http_requests_total Requests by status code.", "# TYPE http_requests_total counter"]
            lines += [f'http_requests_total{{code="{code}"}} {n}' for code, n in sorted(self.requests.items())]
            lines += ["# HELP http_request_duration_seconds Time to answer.", "# TYPE http_request_duration_seconds histogram"]
            lines += [f'http_request_duration_seconds_bucket{{le="{bound}"}} {n}' for bound, n in zip(BUCKETS, self.buckets)]
            lines += [
                f'http_request_duration_seconds_bucket{{le="+Inf"}} {self.count}',
                f"http_request_duration_seconds_sum {self.sum}",
                f"http_request_duration_seconds_count {self.count}",
            ]
        return "\n".join(lines) + "\n"


def load_release(directory):
    spec = importlib.util.spec_from_file_location("orders", pathlib.Path(directory) / "orders.py")
    release = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(release)
    return release


def make_handler(release, store, metrics):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self):
            if self.path.startswith("/orders/"):
                self.measured()
            elif self.path == "/health/ready":
                self.answer(200, {"status": "ready", "checks": {"store": {"status": "ok"}}})
            elif self.path == "/version":
                self.answer(200, {"version": release.VERSION})
            elif self.path == "/metrics":
                self.send(200, "text/plain; version=0.0.4; charset=utf-8", metrics.text().encode())
            else:
                self.answer(404, {"error": "no such page"})

        def measured(self):
            begin = time.monotonic()
            try:
                code, body = 200, {"total": release.total(store, int(self.path.rsplit("/", 1)[1]))}
            except (KeyError, ValueError) as error:
                code, body = 500, {"error": repr(error)}
            metrics.observe(code, time.monotonic() - begin)
            self.answer(code, body)

        def answer(self, code, body):
            self.send(code, "application/json", json.dumps(body).encode())

        def send(self, code, kind, body):
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    return Handler


def main(port, directory):
    handler = make_handler(load_release(directory), Store(), Metrics())
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), handler)
    server.daemon_threads = True
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
