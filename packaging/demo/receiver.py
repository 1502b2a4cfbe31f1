#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Stands in for PagerDuty: receiver.py PORT FILE. Takes Events API v2 on /v2/enqueue and appends each body to FILE."""
import http.server
import json
import signal
import sys
import threading


def problem(event):
    """Why PagerDuty would refuse this event, or nothing."""
    if not isinstance(event, dict):
        return "the body is not an object"
    for key in ("routing_key", "event_action"):
        if not isinstance(event.get(key), str):
            return f"{key} is missing"
    if event["event_action"] not in ("trigger", "acknowledge", "resolve"):
        return "event_action is not one of trigger, acknowledge, resolve"
    if event["event_action"] != "trigger":
        return None if event.get("dedup_key") else "dedup_key is missing"
    payload = event.get("payload")
    if not isinstance(payload, dict) or not payload.get("summary") or not payload.get("source"):
        return "payload needs summary and source"
    if payload.get("severity") not in ("critical", "error", "warning", "info"):
        return "payload.severity is not one of critical, error, warning, info"
    return None


def make_handler(path):
    lock = threading.Lock()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            try:
                event = json.loads(body)
            except ValueError:
                event = None
            wrong = "no such page" if self.path != "/v2/enqueue" else problem(event)
            if wrong:
                self.answer(400, {"status": "invalid event", "message": "Event object is invalid", "errors": [wrong]})
                return
            with lock, open(path, "a", encoding="utf-8") as record:
                record.write(json.dumps(event) + "\n")
            self.answer(202, {"status": "success", "message": "Event processed", "dedup_key": event.get("dedup_key", "generated")})

        def answer(self, code, body):
            data = json.dumps(body).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    return Handler


def main(port, path):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), make_handler(path)).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
