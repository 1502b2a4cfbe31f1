# SPDX-License-Identifier: Apache-2.0
"""The real Prometheus (or VictoriaMetrics) that scrapes the targets of a World, and one that answers as it is told."""
import email.utils
import gzip
import http.server
import json
import pathlib
import re
import socket
import struct
import subprocess
import threading
import time
import urllib.parse
import urllib.request

from harness import until

SCRAPE = 0.25  # seconds


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def scrape_config(services):
    jobs = []
    for service in services:
        targets = ", ".join(f"'127.0.0.1:{t.port}'" for t in service.targets)
        labels = service.config.get("labels", f"app: '{service.name}'")
        jobs.append(f"      - {{ targets: [{targets}], labels: {{ {labels} }} }}\n")
    return (f"global: {{ scrape_interval: {int(SCRAPE * 1000)}ms, scrape_timeout: {int(SCRAPE * 1000)}ms }}\n"
            "scrape_configs:\n  - job_name: shop\n    static_configs:\n" + "".join(jobs))


class Prometheus:
    """kind: `prometheus` or `victoria-metrics`."""

    def __init__(self, root, services, kind="prometheus"):
        self.kind, self.root, self.services = kind, pathlib.Path(root) / kind, services
        self.root.mkdir(exist_ok=True)
        self.port = free_port()
        self.process = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def command(self):
        config = self.root / "scrape.yml"
        config.write_text(scrape_config(self.services))
        if self.kind == "prometheus":
            return ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={self.root}/data", f"--web.listen-address=127.0.0.1:{self.port}",
                    "--log.level=error"]
        return ["victoria-metrics", f"-storageDataPath={self.root}/data", f"-httpListenAddr=127.0.0.1:{self.port}", f"-promscrape.config={config}",
                "-search.latencyOffset=0s", "-loggerLevel=ERROR", "-search.disableCache"]

    def start(self):
        with open(self.root / "log", "ab") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def query(self, text):
        body = urllib.parse.urlencode({"query": text}).encode()
        with urllib.request.urlopen(f"{self.url}/api/v1/query", body, timeout=5) as answer:
            return json.load(answer)["data"]["result"]

    def until_scraping(self, text, seconds=30):
        def there():
            try:
                return self.query(text)
            except OSError:
                return None
        return until(there, seconds, f"{self.kind} has {text}; {(self.root / 'log').read_text()[-400:]}")


class FakePrometheus:
    """Answers every query in one way: MODES, or a function of (query, time)."""

    def __init__(self):
        self.mode, self.queries, self.release = "fine", [], threading.Event()
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                query, at = form["query"][0], float(form.get("time", form.get("end"))[0])
                fake.queries.append((query, at, self.path, dict(self.headers), form))
                fake.answer(self, query, at)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # the daemon closing a connection is no news

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self):
        self.release.set()
        self.server.shutdown()
        self.server.server_close()

    def send(self, handler, status, body, kind="application/json", cut=0):
        data = body.encode()
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data[:len(data) - cut])
        if cut:
            handler.close_connection = True

    def rows(self, query, at, value="0.001"):
        """What a real server would say to the query of `errors` and to a plain one."""
        if "by (app)" in query:
            apps = re.search(r'app=~"([^"]*)"', query)[1].replace(chr(92), "").split("|")
            return [{**row, "metric": {**row["metric"], "app": app}} for app in apps for row in self.rows(query.replace("by (app)", ""), at, value)]
        if "revertd_part" in query and "rate(" in query:
            return [self.row(at, "100", revertd_part="all"), self.row(at, str(100 * float(value)), revertd_part="bad"), self.row(at, str(at), revertd_part="at")]
        if "timestamp(" in query:
            return [self.row(at, str(at), revertd_part="at0")]
        if "topk(" in query:
            return [self.row(at, "1", __name__="shop_queue")]
        return [self.row(at, "3")]

    @staticmethod
    def row(at, value, **labels):
        return {"metric": labels, "value": [at, value]}

    def answer(self, handler, query, at):
        def vector(rows, **more):
            return json.dumps({"status": "success", "data": {"resultType": "vector", "result": rows}, **more})

        rows = self.rows(query, at)
        mode = self.mode
        if mode == "empty":
            return self.send(handler, 200, vector([]))
        if mode == "nan":
            return self.send(handler, 200, vector([{**r, "value": [at, "NaN"]} if not r["metric"].get("revertd_part", "").startswith("at") else r for r in rows]))
        if mode == "inf":
            return self.send(handler, 200, vector([{**r, "value": [at, "+Inf"]} if not r["metric"].get("revertd_part", "").startswith("at") else r for r in rows]))
        if mode == "two series":
            return self.send(handler, 200, vector([{**r, "metric": {**r["metric"], "shard": s}} for r in rows for s in "ab"]))
        if mode == "stale":
            return self.send(handler, 200, vector([self.row(at, str(at - 600), **r["metric"]) if r["metric"].get("revertd_part", "").startswith("at") else r for r in rows]))
        if mode == "future":
            return self.send(handler, 200, vector([self.row(at, str(at + 600), **r["metric"]) if r["metric"].get("revertd_part", "").startswith("at") else r for r in rows]))
        if mode == "reset":
            self.send(handler, 200, vector(rows), cut=20)
            handler.wfile.flush()
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return handler.connection.close()
        if mode == "old values":
            return self.send(handler, 200, vector([{**r, "value": [at - 600, r["value"][1]]} for r in rows]))
        if mode in ("warnings", "infos"):
            return self.send(handler, 200, vector(rows, **{mode: ["remote read: some data is missing"]}))
        if mode == "isPartial":
            return self.send(handler, 200, vector(rows, isPartial=True))
        if mode == "503":
            return self.send(handler, 503, json.dumps({"status": "error", "errorType": "timeout", "error": "query timed out"}))
        if mode == "422":
            return self.send(handler, 422, json.dumps({"status": "error", "errorType": "execution", "error": "many-to-many matching not allowed"}))
        if mode == "html":
            return self.send(handler, 200, "<html>please log in</html>", "text/html")
        if mode == "truncated":
            return self.send(handler, 200, vector(rows), cut=20)
        if mode == "wrong type":
            return self.send(handler, 200, json.dumps({"status": "success", "data": {"resultType": "vector", "result": {"value": 1}}}))
        if mode == "text":
            return self.send(handler, 200, json.dumps({"status": "success", "data": {"resultType": "string", "result": [at, "fine"]}}))
        if mode == "scalar":
            return self.send(handler, 200, json.dumps({"status": "success", "data": {"resultType": "scalar", "result": [at, "0"]}}))
        if mode == "matrix":
            return self.send(handler, 200, json.dumps({"status": "success", "data": {"resultType": "matrix", "result": [
                {"metric": r["metric"], "values": [r["value"], r["value"]]} for r in rows]}}))
        if mode == "null":
            return self.send(handler, 200, json.dumps({"status": "success", "data": None}))
        if mode == "no data":
            return self.send(handler, 200, json.dumps({"status": "success"}))
        if mode == "error in a 200":
            return self.send(handler, 200, json.dumps({"status": "error", "errorType": "execution", "error": "query processing would load too many samples"}))
        if mode == "empty body":
            return self.send(handler, 200, "")
        if mode == "204":
            return self.send(handler, 204, "")
        if mode == "bare numbers":
            return self.send(handler, 200, vector([{**r, "value": [at, 0]} for r in rows]))
        if mode == "words":
            return self.send(handler, 200, vector([{**r, "value": [at, "none"]} for r in rows]))
        if mode == "beyond a double":
            return self.send(handler, 200, vector([{**r, "value": [at, "1e999"]} if not r["metric"].get("revertd_part", "").startswith("at") else r for r in rows]))
        if mode == "below zero":
            return self.send(handler, 200, vector([{**r, "value": [at, "-5"]} if not r["metric"].get("revertd_part", "").startswith("at") else r for r in rows]))
        if mode == "twice the same":
            return self.send(handler, 200, vector(rows + rows))
        if mode in ("401", "404", "413", "429", "500", "502"):
            return self.send(handler, int(mode), "<html>no</html>", "text/html")
        if mode == "redirect":
            handler.send_response(302)
            handler.send_header("Location", "/login")
            handler.send_header("Content-Length", "0")
            return handler.end_headers()
        if mode == "chunked and cut":
            data = vector(rows).encode()
            handler.send_response(200)
            handler.send_header("Content-Type", "application/json")
            handler.send_header("Transfer-Encoding", "chunked")
            handler.end_headers()
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(data) - 20, data[:-20]))
            handler.close_connection = True
            return None
        if mode == "packed":
            data = gzip.compress(vector(rows).encode())
            handler.send_response(200)
            handler.send_header("Content-Type", "application/json")
            handler.send_header("Content-Encoding", "gzip")
            handler.send_header("Content-Length", str(len(data)))
            handler.end_headers()
            handler.wfile.write(data)
            return None
        if mode == "clock ahead":
            handler.date_time_string = lambda timestamp=None: email.utils.formatdate(time.time() + 3600, usegmt=True)
            return self.send(handler, 200, vector(rows))
        if mode == "clock behind":
            return self.send(handler, 200, vector([self.row(at, str(at - 3600), **r["metric"]) if r["metric"].get("revertd_part", "").startswith("at") else r for r in rows]))
        if mode == "endless":
            handler.send_response(200)
            handler.send_header("Content-Type", "application/json")
            handler.end_headers()
            while not self.release.wait(0.05):
                handler.wfile.write(b" ")
            return None
        if mode == "slow":
            self.release.wait(60)
            return None
        return self.send(handler, 200, vector(rows))
