# SPDX-License-Identifier: Apache-2.0
"""The real programs beside services that do as they are told: every service has targets on ports of their own, a platform
(two small commands over a file) and behaviour by version."""
import concurrent.futures
import http.client
import http.server
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

INTERVAL = 0.2  # seconds; the configuration below says the same


def until(question, seconds, text):
    """The first true answer, asked again and again: conditions, never fixed pauses."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = question()
        if answer:
            return answer
        threading.Event().wait(0.05)
    raise AssertionError(f"not within {seconds} s: {text}")


class Target:
    """One instance: /health (nested JSON) and /metrics (own names). `mode` is how its metrics fail."""

    def __init__(self, service):
        self.service, self.requests, self.errors, self.since = service, 0.0, 0.0, time.monotonic()
        # Counters show whole numbers: of many routes, not all take their steps in the same scrape.
        routes = service.config.get("routes", ())
        self.routes = {route: [i / len(routes), i / len(routes)] for i, route in enumerate(routes)}
        self.checks, self.scrapes = 0, 0  # requests of either kind
        self.buckets = dict.fromkeys((0.1, 0.2, 0.4, 0.8, 1.6, float("inf")), 0.0)
        self.server = None
        self.connections = set()
        self.counting = threading.Lock()  # more than one may scrape it
        self.release = threading.Event()
        self.port = 0
        self.start()

    def start(self):
        target = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                target.answer(self)

            def setup(self):
                super().setup()
                target.connections.add(self.connection)

            def finish(self):
                target.connections.discard(self.connection)
                super().finish()

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, *_):
                pass  # the daemon closing a connection is no news

        self.server = Server(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None
        for connection in list(self.connections):  # a kept-alive connection would go on answering
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # closed by the other side meanwhile
        self.release.set()

    def count(self):
        now = time.monotonic()
        served = self.service.rate * (now - self.since)
        self.since = now
        self.requests += served
        slow = self.service.behaviour().get("slow", 1)
        for bound in self.buckets:  # latencies spread evenly over 0 to 0.4 s, or more
            self.buckets[bound] += served * min(1, bound / (0.4 * slow))
        behaviour = self.service.behaviour()
        self.errors += served * behaviour["errors"]
        for route, counts in self.routes.items():
            counts[0] += served / len(self.routes)
            counts[1] += served / len(self.routes) * behaviour.get("routes", {}).get(route, behaviour["errors"])

    def calls(self):
        rows = {f',route="{route}"': counts for route, counts in self.routes.items()} or {"": [self.requests, self.errors]}
        return "# TYPE shop_calls_total counter\n" + "".join(
            f'shop_calls_total{{outcome="fine"{labels}}} {int(requests - errors)}\nshop_calls_total{{outcome="fail"{labels}}} {int(errors)}\n'
            for labels, (requests, errors) in rows.items())

    def well_known(self):
        """The same under names that most programs use."""
        errors = int(self.errors)
        return (f'# TYPE http_requests_total counter\nhttp_requests_total{{code="200"}} {int(self.requests) - errors}\nhttp_requests_total{{code="503"}} {errors}\n'
                "# TYPE http_request_duration_seconds histogram\n" + "".join(
                    f'http_request_duration_seconds_bucket{{le="{"+Inf" if b == float("inf") else b}"}} {int(n)}\n' for b, n in self.buckets.items()))

    def send(self, handler, status, body, kind="text/plain; version=0.0.4", length=None):
        data = body.encode()
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(data) if length is None else length))
        handler.end_headers()
        handler.wfile.write(data)

    def answer(self, handler):
        if self.service.crashed():  # closed without an answer
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
            return
        if handler.path == "/health":
            self.checks += 1
            up = self.service.behaviour()["healthy"] and self not in self.service.sick
            body = json.dumps({"status": "ready" if up else "failing", "checks": {"database": {"status": "ok"}, "queue": {"status": "ok" if up else "down"}}})
            return self.send(handler, 200, body, "application/json")
        self.scrapes += 1
        with self.counting:
            self.count()
        mode = self.service.mode
        fine = self.calls() + "# TYPE shop_queue gauge\nshop_queue 3\n"
        if self.service.config.get("histogram"):
            fine += "".join(f'shop_call_seconds_bucket{{le="{"+Inf" if b == float("inf") else b}"}} {int(n)}\n' for b, n in self.buckets.items())
        if self.service.config.get("well_known"):
            fine += self.well_known()
        if mode == "empty":
            return self.send(handler, 200, "")
        if mode == "nan":
            return self.send(handler, 200, 'shop_calls_total{outcome="fine"} NaN\nshop_calls_total{outcome="fail"} NaN\nshop_queue NaN\n')
        if mode == "garbage":
            return self.send(handler, 200, fine + "}{ this is no sample\n")
        if mode == "truncated":
            handler.close_connection = True
            return self.send(handler, 200, fine, length=len(fine) + 100)
        if mode == "two series":
            return self.send(handler, 200, fine + 'shop_queue{shard="b"} 4\n')
        if mode == "503":
            return self.send(handler, 503, "not now")
        if mode == "hang":
            self.release.wait(60)
            return None
        return self.send(handler, 200, fine)


class Service:
    def __init__(self, root, name, targets=1, **config):
        self.name, self.rate, self.mode, self.sick = name, 5000.0, "", []
        self.versions = {}
        self.config = config
        self.dir = pathlib.Path(root) / name
        self.dir.mkdir()
        (self.dir / "version").write_text("v1\n")
        self.script("current", f'cat {self.dir}/version')
        self.script("rollback", f'echo "$1" >> {self.dir}/calls\necho "$1" > {self.dir}/version.new && mv {self.dir}/version.new {self.dir}/version')
        self.targets = [Target(self) for _ in range(targets)]

    def script(self, name, body):
        path = self.dir / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    def runs(self, version):
        temporary = self.dir / "next"
        temporary.write_text(version + "\n")
        temporary.rename(self.dir / "version")

    @property
    def version(self):
        return (self.dir / "version").read_text().strip()

    @property
    def calls(self):
        path = self.dir / "calls"
        return path.read_text().split() if path.exists() else []

    def behaviour(self):
        base = {"errors": 0.001, "healthy": True, "crashed": False}
        return {**base, **self.versions.get(self.version.split()[0], {})}

    def crashed(self):
        return self.behaviour()["crashed"]

    def yaml(self):
        ports = [t.port for t in self.targets]
        metrics = self.config.get("metrics") or "[" + ", ".join(f"http://127.0.0.1:{p}/metrics" for p in ports) + "]"
        health = self.config.get("health") or "[" + ", ".join(f'{{ url: "http://127.0.0.1:{p}/health", json: {{ /status: ready, "/checks/*/status": ok }} }}' for p in ports) + "]"
        guard = self.config.get("guard", "{ P0: [health down for 1s, errors > 20% for 1s], P1: [errors > 5% for 2s] }")
        bake = f"    bake: {self.config['bake']}\n" if "bake" in self.config else ""
        signals = self.config.get("signals", """{ errors: 'ratio(shop_calls_total, outcome="fail")', queue: shop_queue }""")
        signals = f"    signals: {signals}\n" if signals else ""
        source = f"prometheus: {self.config['prometheus']}" if "prometheus" in self.config else f"metrics: {metrics}"
        if "control" in self.config:  # a control group of other targets
            urls = ", ".join(f"http://127.0.0.1:{t.port}/metrics" for t in self.config["control"].targets)
            source = f"compare: {{ canary: {metrics}, baseline: [{urls}] }}"
        more = self.config.get("more", "")
        return f"""  {self.name}:
{bake}    health: {health}
    {source}
{signals}{more}    guard: {guard}
    rollback: {{ exec: [{self.dir}/rollback, "{{to}}"], current: [{self.dir}/current] }}
"""


class Receiver:
    """A webhook that keeps what it is told."""

    def __init__(self):
        self.pages = []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                receiver.pages.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/page"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def about(self, service, text):
        return [p for p in self.pages if p.get("service") == service and text in p["summary"]]


class World:
    """A daemon, its services and the receiver of its pages, in a directory of their own."""

    def __init__(self, programs, defaults="", options=()):
        self.options = list(options)
        self.programs = pathlib.Path(programs)
        self.temporary = tempfile.TemporaryDirectory(prefix="revertd-e2e-")
        self.root = pathlib.Path(self.temporary.name)
        self.receiver = Receiver()
        self.services = {}
        self.defaults = f"interval: 200ms, bake: 6s, warmup: 400ms, baseline: 4s, min_requests: 10, rollout: 20s, verify: {{ within: 15s, for: 1s }}{defaults}"
        self.extra = "limits: { per_service: 1 per 6h, overall: 100 per 1h, cooldown: 0s }\n"
        self.process = None

    def take_your_time(self):
        """For dozens of services whose servers are one process: half a second leaves it time to answer on a busy machine, too."""
        self.defaults = self.defaults.replace("interval: 200ms, bake: 6s, warmup: 400ms", "interval: 500ms, bake: 10s, warmup: 1s")

    def service(self, name, **config):
        self.services[name] = Service(self.root, name, **config)
        return self.services[name]

    def write(self, text=None):
        body = f"defaults: {{ {self.defaults} }}\n{self.extra}services:\n" + "".join(s.yaml() for s in self.services.values())
        (self.root / "revertd.yaml").write_text(text or body + f"notify: {{ webhook: {{ url: '{self.receiver.url}' }} }}\n")

    def start(self, write=True):
        if write:
            self.write()
        with open(self.root / "revertd.log", "ab") as log:
            self.launch(log)
        until(lambda: self.ctl("status")[0] == 0, 30, f"the daemon is ready; {self.log()[-400:]}")

    def launch(self, log):
        self.process = subprocess.Popen(
            [self.programs / "revertd", f"--config.file={self.root}/revertd.yaml", f"--storage.path={self.root}/state",
             f"--web.listen-address=unix:{self.root}/s", *self.options], stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def restart(self):
        self.kill()
        self.start(write=False)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20)
        for service in self.services.values():
            for target in service.targets:
                target.stop()
        subprocess.run(["pkill", "-KILL", "-f", str(self.root)], check=False)  # a runner of ours that still waits
        self.temporary.cleanup()

    def log(self):
        path = self.root / "revertd.log"
        return path.read_text() if path.exists() else ""

    def ctl(self, *words, timeout=60, stderr=subprocess.STDOUT):
        done = subprocess.run([self.programs / "revertctl", "--address", f"unix:{self.root}/s", *words],
                              stdout=subprocess.PIPE, stderr=stderr, stdin=subprocess.DEVNULL, timeout=timeout, text=True)
        return done.returncode, done.stdout

    def http(self, method, path, body=None, headers=None, timeout=30):
        """(status, headers, body) of one request to the daemon's socket, as any other client would ask."""
        connection = http.client.HTTPConnection("localhost", timeout=timeout)
        connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.sock.settimeout(timeout)
        connection.sock.connect(str(self.root / "s"))
        connection.request(method, path, body=None if body is None else json.dumps(body), headers=headers or {})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, dict(answer.getheaders()), text

    def json(self, *words):
        code, text = self.ctl("-o", "json", *words)
        return json.loads(text) if code == 0 else {}

    def deploy(self, name, version, *more):
        code, text = self.ctl("deploy", "start", name, "--version", version, *more, stderr=None)
        assert code == 0, text
        return text.strip()  # the id alone; warnings are on stderr

    def good(self, *names):
        """Every named service has a good version: its first one was watched for a bake."""
        for name in names or self.services:
            until(lambda n=name: any(v["state"] == "good" for v in self.json("good", "list", n) or []), 40, f"{name} has a good version")

    def wait_exit(self, deploy, seconds=60):
        """The exit code of `deploy watch --wait`: what a CI job sees."""
        return self.ctl("deploy", "watch", deploy, "--wait", timeout=seconds)[0]

    def incident(self, name):
        all_of = [i for i in self.json("incident", "list") or [] if i["service"] == name]
        return max(all_of, key=lambda i: i["opened"]) if all_of else {}

    def until_incident(self, name, state, seconds=30):
        return until(lambda: (lambda i: i if i.get("state") == state else None)(self.incident(name)), seconds,
                     f"{name} is {state}: {json.dumps(self.incident(name))[:600]}")


def _run_one(test):
    result = unittest.TestResult()
    begin = time.monotonic()
    test.run(result)
    bad = [words for _, words in result.errors + result.failures] + ["it succeeded unexpectedly\n"] * len(result.unexpectedSuccesses)
    skipped = f" skipped: {result.skipped[0][1]}" if result.skipped else ""
    print(f"{test.id()} ... {'FAILED' if bad else 'ok'}{skipped} ({time.monotonic() - begin:.1f} s)\n{''.join(bad)}", end="", flush=True)
    return not bad


def _tests_of(suite):
    for test in suite:
        yield from _tests_of(test) if isinstance(test, unittest.TestSuite) else (test,)


def main(at_once):
    """unittest.main for tests that wait far more than they compute: several at a time. Each has services or a world of
    its own; `test_z…` has not, and comes last and alone. Tests of a class with fixtures of its own run by themselves."""
    module, names = sys.modules["__main__"], [word for word in sys.argv[1:] if not word.startswith("-")]
    loader = unittest.defaultTestLoader
    classes = {}
    for test in _tests_of(loader.loadTestsFromNames(names, module) if names else loader.loadTestsFromModule(module)):
        with_fixtures = "setUpClass" in vars(type(test))
        classes.setdefault(type(test) if with_fixtures else unittest.TestCase, []).append(test)
    good = []
    for owner, tests in classes.items():
        owner.setUpClass()
        try:
            alone = [test for test in tests if test.id().split(".")[-1].startswith("test_z")]
            with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
                good += pool.map(_run_one, [test for test in tests if test not in alone])
            good += map(_run_one, alone)
        finally:
            owner.tearDownClass()
    print(f"{len(good)} tests, {good.count(False)} failed")
    sys.exit(0 if good and all(good) else 1)
