# SPDX-License-Identifier: Apache-2.0
"""A service to guard, on 127.0.0.1:8099: it runs the version of /run/version, always under load. The version named in
/run/bad-version fails half of its requests."""
import http.server
import pathlib
import time

VERSION, BAD = pathlib.Path("/run/version"), pathlib.Path("/run/bad-version")
RATE = 1000  # requests a second
counts = {"200": 0.0, "500": 0.0}
counted = time.monotonic()


def count():
    global counted
    now = time.monotonic()
    requests, counted = RATE * (now - counted), now
    bad = BAD.exists() and BAD.read_text() == VERSION.read_text()
    counts["500"] += requests / 2 if bad else 0
    counts["200"] += requests / 2 if bad else requests


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/metrics":
            count()
            body = "# TYPE http_requests_total counter\n" + "".join(
                f'http_requests_total{{code="{code}"}} {int(number)}\n' for code, number in counts.items())
        else:
            body = "ok\n"
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", 8099), Handler).serve_forever()
