#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Serves every row of text_format.tsv to a real Prometheus and compares accept and reject with the row.

Usage: prometheus_oracle.py TABLE; exit 0 all rows agree, 1 some do not, 77 no prometheus here.
"""
import http.server
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.request

ESCAPES = {"n": b"\n", "t": b"\t", "r": b"\r", "0": b"\0", "\\": b"\\"}
DEADLINE_SECONDS = 60


def unescape(text):
    def one(match):
        code = match.group(1)
        return (bytes([int(code[1:], 16)]) if code[0] == "x" else ESCAPES[code]).decode("latin-1")
    return re.sub(r"\\(x[0-9a-fA-F]{2}|.)", one, text).encode("latin-1")


def read_table(path):
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.startswith("# ") or not line.strip():
                continue
            ours, prometheus, _, _, body, why = line.rstrip("\n").split("\t")
            yield ours, prometheus, unescape(body), why


class Rows:
    """Serves row N at /N. A second request for a row says that the outcome of the first one has been recorded."""

    def __init__(self, rows):
        self.asked = [0] * len(rows)
        self.changed = threading.Condition()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                row = int(self.path.split("/")[1])
                body = rows[row][2]
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                outer.count(row)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_):
                pass  # prometheus is killed in the middle of a scrape

        server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.port = server.server_address[1]

    def count(self, row):
        with self.changed:
            self.asked[row] += 1
            self.changed.notify()

    def wait_until_recorded(self):
        with self.changed:
            if not self.changed.wait_for(lambda: min(self.asked) >= 2, DEADLINE_SECONDS):
                raise TimeoutError(f"prometheus did not scrape all rows within {DEADLINE_SECONDS} s")


def config(rows, port):
    jobs = [{"job_name": f"row{i}", "metrics_path": f"/{i}", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
            for i in range(len(rows))]
    return {"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": jobs}


def start_prometheus(directory):
    """Prometheus cannot be given port 0; another program may take the port between choosing and opening it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        ["prometheus", f"--config.file={directory}/prometheus.yml", f"--storage.tsdb.path={directory}/data",
         f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return process, port


def verdicts(port):
    """By row: (accepted, error)."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/targets?state=active", timeout=5) as answer:
        targets = json.load(answer)["data"]["activeTargets"]
    return {int(t["labels"]["job"][3:]): (t["health"] == "up", t["lastError"]) for t in targets}


def main():
    if shutil.which("prometheus") is None:
        print("prometheus is not installed")
        return 77
    rows = list(read_table(sys.argv[1]))
    wrong = deviations = 0
    served = Rows(rows)
    with tempfile.TemporaryDirectory() as directory:
        with open(os.path.join(directory, "prometheus.yml"), "w", encoding="utf-8") as file:
            json.dump(config(rows, served.port), file)  # JSON is YAML
        process, port = start_prometheus(directory)
        try:
            served.wait_until_recorded()
            known = verdicts(port)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
    for i, (ours, prometheus, body, why) in enumerate(rows):
        accepted, error = known[i]
        deviations += ours != prometheus
        if accepted != (prometheus == "accept"):
            wrong += 1
            print(f"row {i + 1} ({why}): the table says {prometheus}, prometheus says {error or 'up'}: {body!r}")
    print(f"{len(rows)} rows, {deviations} known deviations, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
