# SPDX-License-Identifier: Apache-2.0
"""What stands beside the main job, with the real programs: street_test.py DIRECTORY_OF_PROGRAMS."""
import os
import sys
import unittest

sys.dont_write_bytecode = True
from harness import World, until

PROGRAMS = sys.argv.pop(1) if len(sys.argv) > 1 and os.path.isdir(sys.argv[1]) else "."
NOW = "severity: { P1: { rollback: now } }\n"


class Street(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.w = w = World(PROGRAMS, options=["--web.external-url=https://revertd.example.com"])
        w.extra += NOW
        w.service("steady", more="    steady: page\n")
        worn = w.service("worn", more=f"    on_exhausted: [{{ exec: [{w.root}/worn/maintenance, \"on\"] }}, {{ exec: [{w.root}/worn/tell, \"{{service}}\"] }}]\n")
        worn.script("maintenance", f'echo "$1" >> {worn.dir}/last')
        worn.script("tell", f'echo "$1" >> {worn.dir}/last')
        torn = w.service("torn", more=f"    resolvers: [{{ name: release list, exec: [{w.root}/torn/releases] }}, {{ name: tag, exec: [{w.root}/torn/tag] }}]\n")
        torn.script("releases", "echo v1")
        torn.script("tag", "echo v0")
        w.service("both", guard="{ P1: [{ all: [errors > 5% for 1s, { any: [health down for 1s, queue > 2 for 1s] }] }] }")
        rare = w.service("rare")
        rare.config["health"] = f"{{ url: 'http://127.0.0.1:{rare.targets[0].port}/health', json: {{ /status: ready }}, every: 2s }}"
        w.start()
        w.good()

    @classmethod
    def tearDownClass(cls):
        cls.w.stop()

    def test_outside_of_deploys_a_rule_pages_and_nothing_acts(self):
        w, service = self.w, self.w.services["steady"]
        service.versions["v1"] = {"errors": 0.5}
        until(lambda: w.receiver.about("steady", "is bad"), 20, "a page")
        status = [s for s in w.json("status")["services"] if s["name"] == "steady"][0]
        self.assertTrue(status["steady"])
        self.assertIn("steady P", w.ctl("status")[1])
        service.versions["v1"] = {"errors": 0}
        until(lambda: w.receiver.about("steady", "ok again"), 20, "it is resolved")
        pages = w.receiver.about("steady", "")
        self.assertEqual(len({p["key"] for p in pages}), 1, pages)
        self.assertEqual(service.calls, [])
        self.assertEqual(w.json("deploy", "list", "steady") or [], [])

    def test_health_is_asked_as_rarely_as_every_says_and_its_last_answer_counts(self):
        w, service = self.w, self.w.services["rare"]
        target = service.targets[0]
        checks, scrapes = target.checks, target.scrapes
        until(lambda: target.scrapes >= scrapes + 40, 30, "forty slots of 200 ms")
        asked, slots = target.checks - checks, target.scrapes - scrapes
        self.assertTrue(slots / 10 - 1 <= asked <= slots / 10 + 1, f"{asked} checks in {slots} slots")
        deploy = w.deploy("rare", "v2")
        service.runs("v2")
        until(lambda: (w.json("deploy", "show", deploy).get("health") or {}).get("up") == 1, 20, "up between two answers")
        service.versions["v2"] = {"healthy": False}
        self.assertEqual(w.wait_exit(deploy), 10)
        self.assertEqual(service.version, "v1")

    def test_after_the_last_failed_attempt_come_the_last_steps(self):
        w, service = self.w, self.w.services["worn"]
        service.script("rollback", f"echo tried >> {service.dir}/tries; exit 1")
        service.versions["v2"] = {"errors": 0.5}
        deploy = w.deploy("worn", "v2")
        service.runs("v2")
        self.assertEqual(w.wait_exit(deploy), 11)
        self.assertEqual((service.dir / "tries").read_text().split(), ["tried", "tried"])
        self.assertEqual((service.dir / "last").read_text().split(), ["on", "worn"])
        incident = w.incident("worn")
        incident = w.json("incident", "show", incident["id"])
        self.assertEqual([a["exhausted"] for a in incident["attempts"]], [False, False, True, True])
        page = w.receiver.about("worn", "FAILED")[0]
        self.assertEqual(page["facts"]["link"], f"https://revertd.example.com/i/{incident['id']}")
        self.assertIn(f"https://revertd.example.com/i/{incident['id']}", w.ctl("incident", "report", incident["id"], "-o", "md")[1])

    def test_two_that_disagree_about_the_good_version_make_it_ask_and_reasons_are_kept(self):
        w, service = self.w, self.w.services["torn"]
        service.versions["v2"] = {"errors": 0.5}
        deploy = w.deploy("torn", "v2")
        service.runs("v2")
        incident = w.until_incident("torn", "awaiting_approval")
        self.assertTrue(any("release list: v1, tag: v0" in e["words"] for e in incident["timeline"]), incident)
        self.assertEqual(service.calls, [])
        w.ctl("incident", "ack", incident["id"], "--reason", "on my way")
        w.ctl("approve", incident["id"], "--reason", "the tag is old")
        self.assertEqual(w.wait_exit(deploy), 10)
        shown = w.json("incident", "show", incident["id"])
        self.assertEqual(shown["approval"]["given"][0]["reason"], "the tag is old")
        self.assertEqual(shown["answers"][0]["reason"], "on my way")
        for field in ("value", "limit", "since", "query"):
            self.assertIsNotNone(shown["findings"][0][field], field)
        self.assertIn("the tag is old", w.ctl("incident", "show", incident["id"])[1])
        self.assertIn("the tag is old", w.ctl("incident", "report", incident["id"], "-o", "md")[1])
        w.ctl("halt", "torn", "--reason", "moving house")
        self.assertIn("moving house", w.ctl("status")[1])
        w.ctl("resume", "torn")

    def test_a_combination_rolls_back(self):
        w, service = self.w, self.w.services["both"]
        service.versions["v2"] = {"errors": 0.5}
        deploy = w.deploy("both", "v2")
        service.runs("v2")
        shown = w.json("deploy", "show", deploy)
        rules = [r["text"] for signal in shown["signals"] for r in signal["rules"]]
        self.assertEqual(rules, ["all of (errors > 5% for 1s; any of (health down for 1s; queue > 2 for 1s))"])
        self.assertEqual(w.wait_exit(deploy), 10)
        self.assertEqual(service.calls, ["v1"])


class Quarantine(unittest.TestCase):
    def test_an_input_that_crashes_the_daemon_three_times_is_not_taken_any_more(self):
        w = World(PROGRAMS)
        self.addCleanup(w.stop)
        service = w.service("api")
        w.start()
        w.good()
        bad = f"metrics of api, http://127.0.0.1:{service.targets[0].port}/metrics"
        for crash in range(3):
            self.assertEqual(w.json("status")["observe_only"], None, crash)
            w.kill()
            (w.root / "state" / "in-progress").write_bytes(bad.encode() + b"\0" * (512 - len(bad)))  # as a crash leaves it
            w.start(write=False)
        self.assertIn("is quarantined", w.json("status")["observe_only"])
        until(lambda: [p for p in w.receiver.pages if "is quarantined" in p["summary"]], 20, "a page")
        signals = lambda: [s for s in w.json("status")["services"] if s["name"] == "api"][0]["signals"]
        until(lambda: signals()[0]["verdict"] not in ("ok", "insufficient"), 20, "the signal is blind")
        w.restart()
        self.assertIn("is quarantined", w.json("status")["observe_only"], "another restart changes nothing")
        w.ctl("resume")
        self.assertEqual(w.json("status")["observe_only"], None)
        until(lambda: signals()[0]["verdict"] == "ok", 20, "the signal is seen again")

    def test_what_was_said_long_ago_can_be_pruned(self):
        w = World(PROGRAMS)
        self.addCleanup(w.stop)
        w.service("api")
        w.start()
        w.good()
        place = ("--storage.path", str(w.root / "state"))
        w.services["api"].runs("v2")
        until(lambda: w.incident("api") or any(v["version"] == "v2" and v["state"] == "good" for v in w.json("good", "list", "api")), 40, "v2 is judged")
        code, text = w.ctl("audit", "prune", *place, "--older-than", "1s")
        self.assertEqual(code, 0, text)
        self.assertRegex(text, r"^[1-9]\d* records pruned.*; record \d+ vouches for them")
        code, text = w.ctl("audit", "verify", *place)
        self.assertEqual(code, 0, text)
        self.assertIn("intact", text)
        code, text = w.ctl("audit", "prune", *place)
        self.assertRegex(text, r"^0 records pruned, [1-9]\d* were before")
        w.restart()  # a crash: the chain and its witness hold
        self.assertTrue(any(v["version"] == "v2" for v in w.json("good", "list", "api")))
        stranger = w.ctl("--address", f"unix:{w.root}/nobody", "audit", "prune", *place)
        self.assertEqual(stranger[0] != 0 and "--address" in stranger[1], True, stranger)
        w.process.terminate()
        w.process.wait(20)
        code, text = w.ctl("audit", "prune", "--storage.path", str(w.root / "state"), "--older-than", "1s")
        self.assertEqual(code, 0, text)
        code, text = w.ctl("audit", "verify", "--storage.path", str(w.root / "state"))
        self.assertEqual(code, 0, text)
        w.start(write=False)
        self.assertTrue(any(v["state"] == "good" for v in w.json("good", "list", "api")))


if __name__ == "__main__":
    unittest.main()
