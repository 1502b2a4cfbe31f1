# SPDX-License-Identifier: Apache-2.0
"""The API as docs/openapi.yaml describes it, asked of the running daemon: api_test.py DIRECTORY_OF_PROGRAMS."""
import json
import os
import pathlib
import re
import socket
import sys
import unittest

import jsonschema
import yaml

sys.dont_write_bytecode = True
from harness import World, until

PROGRAMS = sys.argv.pop(1) if len(sys.argv) > 1 and os.path.isdir(sys.argv[1]) else "."
SPEC = yaml.safe_load((pathlib.Path(__file__).parents[2] / "docs/openapi.yaml").read_text())


def resolved(node):
    """The object that a $ref stands for."""
    while isinstance(node, dict) and "$ref" in node:
        where = SPEC
        for part in node["$ref"].removeprefix("#/").split("/"):
            where = where[part]
        node = where
    return node


def all_refs(node):
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from all_refs(value)
    if isinstance(node, list):
        for value in node:
            yield from all_refs(value)


def validate(schema, value):
    """As JSON Schema 2020-12, which is what OpenAPI 3.1 uses."""
    jsonschema.Draft202012Validator({**schema, "components": SPEC["components"]}).validate(value)


class Api(unittest.TestCase):
    """Every answer of every test is checked against the file; the last test sees that every operation was asked."""

    seen = set()  # (method and path of the file, status)

    @classmethod
    def setUpClass(cls):
        cls.w = w = World(PROGRAMS)
        for name in ("approve", "deny", "hold", "take", "order", "trigger", "plain", "abort"):
            w.service(name)
        w.extra += "# hunter1 is in a comment only\n"
        w.start()
        w.good()

    @classmethod
    def tearDownClass(cls):
        cls.w.stop()

    def ask(self, method, template, body=None, query="", **names):
        """One request by the path as it stands in the file; the answer must be one that the file allows."""
        operation = SPEC["paths"][template][method.lower()]
        status, headers, text = self.w.http(method, re.sub(r"\{(\w+)\}", lambda m: names[m[1]], template) + query, body)
        described = operation["responses"].get(str(status), operation["responses"].get("default"))
        self.assertIsNotNone(described, f"{method} {template}: {status} is not described: {text[:300]}")
        self.check_body(resolved(described), headers, text)
        if method == "POST" and body is not None and status < 300:
            content = resolved(operation["requestBody"])["content"]["application/json"]
            validate(content["schema"], body)
        Api.seen.add((f"{method} {template}", status))
        return status, json.loads(text) if headers["Content-Type"].startswith("application/json") else text

    def check_body(self, described, headers, text):
        kind = headers["Content-Type"].split(";")[0]
        self.assertIn(kind, described["content"])
        if kind == "application/json":
            validate(described["content"][kind]["schema"], json.loads(text))

    def bad(self, name):
        self.w.services[name].versions["v2"] = {"errors": 0.09}
        status, deployment = self.ask("POST", "/api/v1/deployments", {"service": name, "version": "v2", "id": f"d-{name}", "meta": {"commit": "1a2b"}})
        self.assertEqual(status, 201)
        self.w.services[name].runs("v2")
        return deployment["id"]

    def test_the_file_is_whole(self):
        self.assertEqual(SPEC["openapi"], "3.1.0")
        for ref in all_refs(SPEC):
            self.assertIsNotNone(resolved({"$ref": ref}), ref)
        for name, schema in SPEC["components"]["schemas"].items():
            jsonschema.Draft202012Validator.check_schema(schema)
        ids = [operation["operationId"] for path in SPEC["paths"].values() for method, operation in path.items() if method != "parameters"]
        self.assertEqual(len(ids), len(set(ids)))
        for path, item in SPEC["paths"].items():
            named = {resolved(p)["name"] for p in item.get("parameters", [])}
            self.assertEqual(named, set(re.findall(r"\{(\w+)\}", path)), path)

    def test_incidents_and_their_answers(self):
        for name in ("approve", "deny", "hold", "take"):
            self.bad(name)
        ids = {name: self.w.until_incident(name, "awaiting_approval")["id"] for name in ("approve", "deny", "hold", "take")}
        self.assertEqual(self.ask("GET", "/api/v1/incidents")[0], 200)
        self.assertEqual(len(self.ask("GET", "/api/v1/incidents", query="?service=deny&limit=1")[1]), 1)
        self.assertEqual(self.ask("GET", "/api/v1/deployments")[0], 200)
        _, status = self.ask("GET", "/api/v1/status")
        self.assertIn("waits for an approval", next(s for s in status["services"] if s["name"] == "deny")["guard"]["phase_words"])
        _, shown = self.ask("GET", "/api/v1/deployments/{deployment}", deployment="d-approve")
        self.assertEqual((shown["state"], shown["meta"]), ("incident", {"commit": "1a2b"}))
        path = "/api/v1/incidents/{incident}/"
        self.assertEqual(self.ask("POST", path + "ack", {}, incident=ids["approve"])[0], 200)
        self.assertEqual(self.ask("POST", path + "approve", {"reason": "go"}, incident=ids["approve"])[0], 200)
        self.assertEqual(self.ask("POST", path + "deny", {"reason": "no"}, incident=ids["deny"])[0], 200)
        self.assertEqual(self.ask("POST", path + "hold", {"for": 600}, incident=ids["hold"])[0], 200)
        self.assertEqual(self.ask("POST", path + "take", {}, incident=ids["take"])[0], 200)
        self.assertEqual(self.w.wait_exit("d-approve"), 10)
        for path in ("", "/explain", "/report.md", "/report.html", "/report.json"):
            self.assertEqual(self.ask("GET", "/api/v1/incidents/{incident}" + path, incident=ids["approve"])[0], 200)
            self.assertEqual(self.ask("GET", "/api/v1/incidents/{incident}" + path, incident="i-none")[0], 404)
        self.assertEqual(self.ask("POST", "/api/v1/incidents/{incident}/label", {"label": "true"}, incident=ids["approve"])[0], 200)

    def test_orders_of_people(self):
        order, trigger = "/api/v1/services/{service}/rollback", "/api/v1/services/{service}/trigger"
        self.assertEqual(self.ask("POST", order, {"reason": "drill", "to": "never-seen"}, service="order")[0] // 100, 4)
        self.w.services["order"].runs("v3")
        status, deployment = self.ask("POST", "/api/v1/deployments", {"service": "order", "version": "v3"})
        self.assertEqual(status, 201)
        until(lambda: self.w.json("deploy", "show", deployment["id"])["first_seen"], 10, "v3 is seen")
        status, answer = self.ask("POST", order, {"reason": "drill"}, service="order")
        self.assertEqual(status, 201, answer)
        self.w.services["trigger"].runs("v3")
        self.ask("POST", "/api/v1/deployments", {"service": "trigger", "version": "v3", "id": "d-trigger"})
        until(lambda: self.w.json("deploy", "show", "d-trigger")["first_seen"], 10, "v3 is seen")
        self.assertEqual(self.ask("POST", trigger, {"severity": "P1", "reason": "drill"}, service="trigger")[0], 201)
        self.assertEqual(self.ask("POST", trigger, {"severity": "P9"}, service="trigger")[0], 400)

    def test_brakes_ledgers_and_gate(self):
        self.assertEqual(self.ask("GET", "/api/v1/services")[0], 200)
        for what in ("halt", "resume"):
            self.assertEqual(self.ask("POST", "/api/v1/services/{service}/" + what, {"reason": "drill"}, service="plain")[0], 200)
            self.assertEqual(self.ask("POST", "/api/v1/services/{service}/" + what, {}, service="none")[0], 404)
        for what, halted in (("halt", True), ("resume", False)):
            self.assertEqual(self.ask("POST", "/api/v1/" + what, {"reason": "drill"})[1], {"halted": halted})
        self.assertEqual(self.ask("POST", "/api/v1/audit/prune", {"older_than": "30d"})[1]["more"], 0)
        self.assertEqual(self.ask("POST", "/api/v1/audit/prune", {"older_than": "soon"})[0], 400)
        for what, code in (("freeze", 4), ("unfreeze", 0)):
            self.assertEqual(self.ask("POST", "/api/v1/" + what, {"reason": "drill"})[0], 200)
            self.assertEqual(self.ask("POST", "/api/v1/services/{service}/" + what, {"reason": "drill"}, service="plain")[0], 200)
            self.assertEqual(self.ask("POST", "/api/v1/services/{service}/" + what, {"reason": "drill"}, service="none")[0], 404)
            self.assertEqual(self.ask("GET", "/api/v1/gate", query="?service=plain&version=v8")[1]["code"], code)
        self.assertEqual(self.ask("POST", "/api/v1/services/{service}/bad", {"version": "v9", "action": "mark"}, service="plain")[1]["state"], "bad")
        self.assertEqual(self.ask("GET", "/api/v1/gate", query="?service=plain&version=v9")[1]["code"], 3)
        self.assertEqual(self.ask("POST", "/api/v1/services/{service}/bad", {"version": "v9", "action": "forgive"}, service="plain")[0], 200)
        self.assertEqual(self.ask("POST", "/api/v1/services/{service}/good", {"version": "v1", "action": "mark"}, service="plain")[0], 200)
        self.assertEqual(self.ask("GET", "/api/v1/services/{service}/versions", service="plain")[0], 200)
        self.assertEqual(self.ask("GET", "/api/v1/gate", query="?service=plain")[0], 400)

    def test_ends_of_a_deploy(self):
        self.assertEqual(self.ask("POST", "/api/v1/deployments", {"service": "abort", "version": "v2", "id": "d-abort"})[0], 201)
        self.assertEqual(self.ask("POST", "/api/v1/deployments", {"service": "abort", "version": "v2", "id": "d-abort"})[0], 200)
        self.assertEqual(self.ask("POST", "/api/v1/deployments/{deployment}/finish", {"failed": False}, deployment="d-abort")[0], 200)
        self.assertEqual(self.ask("POST", "/api/v1/deployments/{deployment}/abort", {"reason": "drill"}, deployment="d-abort")[1]["exit_code"], 15)
        self.assertEqual(self.ask("POST", "/api/v1/deployments", {"service": "abort", "version": "bad version"})[0], 400)
        self.assertEqual(self.ask("POST", "/api/v1/deployments", {"service": "abort", "version": "v2", "surprise": 1})[0], 400)
        self.assertEqual(self.ask("GET", "/api/v1/deployments", query="?limit=0")[0], 400)
        self.assertEqual(self.ask("GET", "/api/v1/deployments/{deployment}", deployment="none")[0], 404)

    def test_the_process(self):
        for path in ("/-/healthy", "/-/ready", "/metrics", "/api/v1/status/buildinfo"):
            self.assertEqual(self.ask("GET", path)[0], 200)
        _, config = self.ask("GET", "/api/v1/status/config")
        self.assertIn("ratio(shop_calls_total", config["yaml"])
        self.assertNotIn("hunter1", config["yaml"])
        self.assertNotIn("/page", config["yaml"])  # where pages go is a secret
        self.assertEqual(config["hash"], self.ask("POST", "/-/reload")[1]["hash"])
        self.assertEqual(self.ask("PUT", "/-/reload")[0], 200)
        self.assertEqual(self.ask("GET", "/api/v1/status/runtimeinfo")[1]["services"], 8)

    def test_every_channel_is_tested_once(self):
        self.assertEqual(self.ask("POST", "/api/v1/notify/test")[0], 200)

    def test_what_comes_later_says_so(self):
        self.assertEqual(self.ask("GET", "/")[0], 501)
        self.assertEqual(self.ask("GET", "/i/{incident}", incident="i-1")[0], 501)
        for hook in SPEC["paths"]["/api/v1/hooks/{hook}"]["parameters"][0]["schema"]["enum"]:
            self.assertEqual(self.ask("POST", "/api/v1/hooks/{hook}", hook=hook)[0], 501)

    def read_events(self, last, until_id=None, service=""):
        """Events behind `last` until the stream has nothing more to tell for a moment, or shows `until_id`."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.connect(str(self.w.root / "s"))
        connection.sendall(f"GET /api/v1/events{service} HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: {last}\r\n\r\n".encode())
        connection.settimeout(1)
        data = b""
        try:
            while until_id is None or f"id: {until_id}\n".encode() not in data:
                data += connection.recv(65536)
        except TimeoutError:
            pass
        connection.close()
        head, _, body = data.decode().partition("\r\n\r\n")
        self.assertIn("text/event-stream", head)
        events = [json.loads(line[6:]) for line in body.splitlines() if line.startswith("data: ")]
        for event in events:
            validate(SPEC["components"]["schemas"]["Event"], event)
        Api.seen.add(("GET /api/v1/events", 200))
        return events

    def test_y_events_resume_over_a_restart_with_nothing_lost_or_twice(self):
        before = self.read_events(0)
        self.assertGreater(len(before), 20)
        middle = before[len(before) // 2]["id"]
        self.w.restart()
        after = self.read_events(0)
        self.assertEqual(after[:len(before)], before)
        resumed = self.read_events(middle)
        self.assertEqual([e["id"] for e in resumed], [e["id"] for e in after if int(e["id"]) > int(middle)])
        ids = [int(e["id"]) for e in after]
        self.assertEqual(ids, sorted(set(ids)))
        only = self.read_events(0, service="?service=deny")
        self.assertEqual(only, [e for e in after if e["service"] == "deny"])

    def test_z_every_operation_was_asked_and_has_answered(self):
        for path, item in SPEC["paths"].items():
            for method in item:
                if method == "parameters":
                    continue
                answers = {status for operation, status in Api.seen if operation == f"{method.upper()} {path}"}
                self.assertTrue(any(status < 300 or status == 501 for status in answers), f"{method.upper()} {path}: {answers}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
