# SPDX-License-Identifier: Apache-2.0
"""Every channel with the real daemon: bodies by their schemas, a receiver that is down, secrets: notify_test.py PROGRAMS."""
import json
import os
import pathlib
import sys
import time
import unittest

sys.dont_write_bytecode = True
from harness import World, until
from receivers import TOKEN, Channels, Mailbox

PROGRAMS = sys.argv.pop(1) if len(sys.argv) > 1 and os.path.isdir(sys.argv[1]) else "."


class ToldWorld(World):
    def __init__(self, programs):
        super().__init__(programs)
        self.channels = Channels()
        self.mail = Mailbox(self.root)
        for name in ("pagerduty", "token", "smtp"):
            (self.root / name).write_text(TOKEN + "\n")
        (self.root / "slack-url").write_text(f"{self.channels.url}/slackhook/{TOKEN}\n")
        script = self.root / "tell"
        script.write_text(f"#!/bin/sh\nread page\necho \"$page\" >> {self.root}/told\n")
        script.chmod(0o755)

    def notify(self):
        r, u = self.root, self.channels.url
        return f"""notify:
  pagerduty: {{ routing_key_file: {r}/pagerduty, url: "{u}/pagerduty/v2/enqueue" }}
  slack: {{ token_file: {r}/token, channel: "#incidents", url: "{u}/slack" }}
  github: {{ repo: acme/api, token_file: {r}/token, labels: [incident], url: "{u}/github" }}
  email: {{ server: "smtp://127.0.0.1:{self.mail.port}", from: revertd@example.com, to: [ops@example.com, nobody@example.com], user: revertd,
           password_file: {r}/smtp, ca_file: {self.mail.ca} }}
  webhook: {{ url: "{u}/webhook/page", secret_file: {r}/token }}
  alertmanager: {u}/alertmanager
  opsgenie: {{ key_file: {r}/token, team: payments, url: "{u}/opsgenie" }}
  statuspage: {{ page: p1, token_file: {r}/token, components: [c1], url: "{u}/statuspage" }}
  exec: [{r}/tell]
people: {{ leads: [ {{ name: root, mail: lead@example.com, slack: U0123 }} ] }}
escalate: [ leads ]
severity: {{ P1: {{ rollback: after approval, page: error, by: anyone, wait: 10m, issue: true }} }}
"""

    def write(self, text=None):
        body = f"defaults: {{ {self.defaults} }}\n{self.extra}services:\n" + "".join(s.yaml() for s in self.services.values())
        (self.root / "revertd.yaml").write_text(body + self.notify())

    def told(self):
        path = self.root / "told"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def stop(self):
        self.mail.stop()
        super().stop()


class Told(unittest.TestCase):
    """One bad deploy, asked, approved, rolled back, verified; each channel looks at it in its own way."""

    @classmethod
    def setUpClass(cls):
        cls.w = w = ToldWorld(PROGRAMS)
        service = w.service("api")
        # PagerDuty asks for a pause; the webhook's receiver is down when the page is sent, for longer than three tries.
        # REVERTD_DOWN_S=600 makes it ten minutes; in less time tests/notify/outage_test.cpp shows that.
        down = {"until": None}
        down_for = float(os.environ.get("REVERTD_DOWN_S", "4"))

        def for_a_while(_):
            down["until"] = down["until"] or time.monotonic() + down_for
            return (503, "down", {}) if time.monotonic() < down["until"] else None

        w.channels.broken = {"pagerduty": lambda n: (429, "slow down", {"Retry-After": "2"}) if n == 0 else None, "webhook": for_a_while}
        w.start()
        w.good("api")
        service.versions["v2"] = {"errors": 0.09}
        cls.deploy = w.deploy("api", "v2")
        service.runs("v2")
        incident = w.until_incident("api", "awaiting_approval")
        cls.resolved_early = [s for s in w.channels.seen if '"resolve' in s[5] or '"closed"' in s[5]]
        w.ctl("approve", incident["id"])
        cls.exit = w.wait_exit(cls.deploy)
        cls.incident = incident["id"]
        until(lambda: all(w.channels.of(c) and "resolve" in w.channels.of(c)[-1][5] for c in ("pagerduty", "webhook")), 40 + down_for, "all is resolved")
        until(lambda: any(s[2] == "PATCH" for s in w.channels.of("github")), 20, "the issue is closed")
        until(lambda: any(p["kind"] == "resolve" for p in w.told()), 20, "the program was told")
        until(lambda: any("resolved" in m["Subject"] for _, m in w.mail.mails), 20, "the mail of the end has come")
        until(lambda: any("chat.update" in s[3] and "resolved" in s[5] for s in w.channels.of("slack")), 20, "Slack's message says so")
        cls.story = list(w.channels.seen)  # what the tests look at, whatever they send themselves

    @classmethod
    def tearDownClass(cls):
        cls.w.stop()

    def of(self, channel, taken=True):
        return [s for s in self.story if s[1] == channel and s[6] is taken]

    def bodies(self, channel):
        return [json.loads(s[5]) for s in self.of(channel) if s[5]]

    def test_every_body_is_what_its_receiver_documents(self):
        self.assertEqual(self.exit, 10)
        self.assertEqual(self.w.channels.complaints, [])
        for channel in ("pagerduty", "slack", "github", "alertmanager", "opsgenie", "statuspage", "webhook"):
            self.assertTrue(self.bodies(channel), channel)

    def test_nothing_was_resolved_before_the_verification(self):
        self.assertEqual(self.resolved_early, [])
        verified = [s for s in self.of("webhook") if '"resolve"' in s[5]]
        self.assertEqual(len(verified), 1)

    def test_a_receiver_that_was_down_has_everything_once_and_in_order(self):
        self.assertGreaterEqual(len(self.of("webhook", False)), 2)
        ids = [b["id"] for b in self.bodies("webhook")]
        self.assertEqual(ids, sorted(set(ids)))
        self.assertEqual(ids, [p["id"] for p in self.w.told()])
        keys = {s[4]["X-Revertd-Delivery"] for s in self.of("webhook", False)}
        self.assertIn(self.of("webhook")[0][4]["X-Revertd-Delivery"], keys)

    def test_retry_after_is_obeyed(self):
        refused = self.of("pagerduty", False)
        self.assertEqual(len(refused), 1)
        self.assertGreaterEqual(self.of("pagerduty")[0][0] - refused[0][0], 1.9)
        self.assertEqual({b["dedup_key"] for b in self.bodies("pagerduty")}, {f"revertd/api/{self.incident}"})

    def test_slack_has_one_living_message_and_names_the_people_of_the_rung(self):
        posts = [s for s in self.of("slack") if s[3].endswith("postMessage")]
        self.assertEqual(len([s for s in posts if "thread_ts" not in json.loads(s[5])]), 1)
        self.assertIn("<@U0123>", posts[0][5])
        self.assertIn("chat.update", self.of("slack")[-1][3])

    def test_mail_comes_to_each_who_is_there(self):
        to = [t for rcpt, _ in self.w.mail.mails for t in rcpt]
        self.assertIn("ops@example.com", to)
        self.assertIn("lead@example.com", to)
        ids = [(rcpt[0], m["Message-ID"]) for rcpt, m in self.w.mail.mails]
        self.assertEqual(len(ids), len(set(ids)))
        mail = next(m for _, m in self.w.mail.mails if "approve" in m.get_body(("plain",)).get_content())
        self.assertIn(f"revertctl approve {self.incident}", mail.get_body(("plain",)).get_content())
        self.assertEqual(mail["Auto-Submitted"], "auto-generated")
        self.assertFalse([d for d in mail.defects])

    def test_the_page_carries_what_a_reader_wants_at_a_glance(self):
        facts = self.bodies("webhook")[0]["facts"]
        self.assertEqual((facts["severity"], facts["from"], facts["environment"]), ("P1", "v2", "production"))

    def test_a_test_page_goes_to_every_channel_and_each_answer_is_shown(self):
        code, text = self.w.ctl("notify", "test")
        self.assertEqual(code, 1, text)  # one recipient of the mail is unknown to its server
        for channel in ("pagerduty", "slack", "github", "email", "webhook", "alertmanager", "opsgenie", "statuspage", "exec"):
            self.assertIn(channel, text)
        self.assertIn("nobody@example.com", text)
        self.assertNotIn(TOKEN, text)

    def test_a_secret_is_in_no_log_state_report_or_answer(self):
        w = self.w
        places = {str(p): p.read_bytes() for p in pathlib.Path(w.root / "state").rglob("*") if p.is_file()}
        places["log"] = w.log().encode()
        for words in (("status", "-o", "json"), ("incident", "show", self.incident, "-o", "json"), ("explain", self.incident),
                      ("incident", "report", self.incident, "-o", "md"), ("check", str(w.root / "revertd.yaml"), "--explain")):
            places[" ".join(words)] = w.ctl(*words)[1].encode()
        for place, content in places.items():
            self.assertNotIn(b"CANARY", content, place)

    def test_a_freeze_closes_the_gate_and_says_why(self):
        self.assertEqual(self.w.ctl("freeze", "on", "api", "--reason", "a release is cut")[0], 0)
        code, text = self.w.ctl("gate", "api", "v9")
        self.assertEqual(code, 4)
        self.assertIn("a release is cut", text)
        self.assertEqual(self.w.ctl("freeze", "off", "api")[0], 0)
        self.assertNotEqual(self.w.ctl("gate", "api", "v9")[0], 4)


if __name__ == "__main__":
    unittest.main(verbosity=1)
