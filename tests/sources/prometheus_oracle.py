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
import subprocess
import sys
import tempfile
import threading
import time
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


def serve(rows):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            body = rows[int(self.path.split("/")[1])][2]
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def config(rows, port):
    jobs = [{"job_name": f"row{i}", "metrics_path": f"/{i}", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
            for i in range(len(rows))]
    return {"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": jobs}


def ask(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/targets?state=active", timeout=5) as answer:
        return json.load(answer)["data"]["activeTargets"]


def start_prometheus(directory):
    """Prometheus cannot be given port 0; another program may take the port between choosing and opening it."""
    import socket
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        ["prometheus", f"--config.file={directory}/prometheus.yml", f"--storage.tsdb.path={directory}/data",
         f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return process, port


def verdicts(port, count):
    """By row: (accepted, error), once every row was scraped."""
    end = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < end:
        try:
            targets = ask(port)
        except OSError:
            targets = []
        known = {int(t["labels"]["job"][3:]): (t["health"] == "up", t["lastError"])
                 for t in targets if t["health"] != "unknown"}
        if len(known) == count:
            return known
        time.sleep(0.2)
    raise TimeoutError(f"prometheus did not scrape all rows within {DEADLINE_SECONDS} s")


def main():
    if shutil.which("prometheus") is None:
        print("prometheus is not installed")
        return 77
    rows = list(read_table(sys.argv[1]))
    wrong = deviations = 0
    with tempfile.TemporaryDirectory() as directory:
        with open(os.path.join(directory, "prometheus.yml"), "w", encoding="utf-8") as file:
            json.dump(config(rows, serve(rows)), file)  # JSON is YAML
        process, port = start_prometheus(directory)
        try:
            known = verdicts(port, len(rows))
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
