# SPDX-License-Identifier: Apache-2.0
"""Receivers of pages that answer as the real ones document, and hold every body against its schema."""
import email
import email.policy
import http.server
import json
import logging
import pathlib
import re
import socket
import ssl
import subprocess
import threading
import time

import jsonschema
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

logging.getLogger("mail.log").setLevel(logging.ERROR)
SCHEMAS = pathlib.Path(__file__).parent / "schemas"
TOKEN = "CANARY-secret-of-32-characters-0"  # every secret of the test: found nowhere but on the wire


def complain(name, body):
    """What is wrong with a body; None: nothing. A body that is no JSON is wrong."""
    schema = json.loads((SCHEMAS / f"{name}.json").read_text())
    try:
        jsonschema.Draft7Validator(schema).validate(json.loads(body))
    except (ValueError, jsonschema.ValidationError) as error:
        return f"{name}: {str(error)[:300]}"
    return None


class Channels:
    """All the web receivers on one port, each under its first path segment. `broken[channel]` answers instead."""

    ROUTES = (  # method, path, schema, status, answer
        ("POST", r"/pagerduty/v2/enqueue", "pagerduty", 202, {"status": "success"}),
        ("POST", r"/slackhook/.*", "slack_webhook", 200, "ok"),
        ("POST", r"/slack/chat\.postMessage", "slack_post", 200, {"ok": True, "ts": "1700000000.000100", "channel": "C024BE91L"}),
        ("POST", r"/slack/chat\.update", "slack_update", 200, {"ok": True, "ts": "1700000000.000100", "channel": "C024BE91L"}),
        ("GET", r"/github/repos/acme/api/issues\?.*", None, 200, []),
        ("POST", r"/github/repos/acme/api/issues", "github_issue", 201, {"number": 7}),
        ("GET", r"/github/repos/acme/api/issues/7/comments\?.*", None, 200, []),
        ("POST", r"/github/repos/acme/api/issues/7/comments", "github_comment", 201, {"id": 1}),
        ("PATCH", r"/github/repos/acme/api/issues/7", "github_close", 200, {"number": 7}),
        ("POST", r"/alertmanager/api/v2/alerts", "alertmanager", 200, ""),
        ("POST", r"/opsgenie/v2/alerts", "opsgenie_alert", 202, {"result": "Request will be processed"}),
        ("POST", r"/opsgenie/v2/alerts/[^/]+/(close|notes)\?identifierType=alias", "opsgenie_note", 202, {}),
        ("GET", r"/statuspage/pages/p1/incidents/unresolved", None, 200, []),
        ("POST", r"/statuspage/pages/p1/incidents", "statuspage_create", 201, {"id": "inc1"}),
        ("PATCH", r"/statuspage/pages/p1/incidents/inc1", "statuspage_update", 200, {}),
        ("POST", r"/webhook/page", "webhook", 202, ""),
    )

    def __init__(self):
        self.seen, self.complaints, self.broken = [], [], {}
        channels = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                status, answer, headers = channels.answer(self.command, self.path, dict(self.headers), body)
                data = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
                self.send_response(status)
                for name, value in {"Content-Length": str(len(data)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = handle_any

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def answer(self, method, path, headers, body):
        channel = path.split("/")[1]
        broken = self.broken.get(channel)
        if broken:
            fault = broken(len(self.of(channel, False)))
            if fault:
                self.seen.append((time.monotonic(), channel, method, path, headers, body, False))
                return fault
        for known, pattern, schema, status, answer in self.ROUTES:
            if known == method and re.fullmatch(pattern, path):
                wrong = complain(schema, body) if schema else None
                if wrong:
                    self.complaints.append(wrong)
                    return 400, {"status": "invalid", "message": wrong}, {}
                self.seen.append((time.monotonic(), channel, method, path, headers, body, True))
                return status, answer, {}
        self.complaints.append(f"no such call: {method} {path}")
        return 404, "", {}

    def of(self, channel, taken=True):
        """What a channel was sent: (time, channel, method, path, headers, body), in order."""
        return [s for s in list(self.seen) if s[1] == channel and s[6] is taken]


class Mailbox:
    """A server of mail that insists on STARTTLS and a login."""

    def __init__(self, directory):
        self.mails = []
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                        "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", f"{directory}/key.pem",
                        "-out", f"{directory}/cert.pem"], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{directory}/cert.pem", f"{directory}/key.pem")
        mailbox = self

        class Handler:
            async def handle_RCPT(self, server, session, envelope, address, options):
                if address.startswith("nobody@"):
                    return "550 no such user"
                envelope.rcpt_tos.append(address)
                return "250 OK"

            async def handle_DATA(self, server, session, envelope):
                mailbox.mails.append((envelope.rcpt_tos, email.message_from_bytes(envelope.content, policy=email.policy.default)))
                return "250 accepted"

        def login(server, session, envelope, mechanism, data):
            return AuthResult(success=data.login == b"revertd" and data.password == TOKEN.encode())

        with socket.socket() as probe:  # the controller wants to know its port beforehand
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.controller = Controller(Handler(), hostname="127.0.0.1", port=self.port, tls_context=context, require_starttls=True,
                                     auth_required=True, authenticator=login)
        self.controller.start()
        self.ca = f"{directory}/cert.pem"

    def stop(self):
        self.controller.stop()
