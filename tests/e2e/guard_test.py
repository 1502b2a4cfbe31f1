# SPDX-License-Identifier: Apache-2.0
"""The main job with the real programs, in many shapes at once: guard_test.py DIRECTORY_OF_PROGRAMS."""
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import unittest

sys.dont_write_bytecode = True
from harness import World, main, until

PROGRAMS = sys.argv.pop(1) if len(sys.argv) > 1 and os.path.isdir(sys.argv[1]) else "."


class Shapes(unittest.TestCase):
    """Nine services of one daemon; each test deploys a v2 of its own and looks at what a CI job would see."""

    @classmethod
    def setUpClass(cls):
        cls.w = w = World(PROGRAMS)
        for name in ("over", "under", "outage", "dead", "hotfix", "skip", "limit"):
            w.service(name)
        w.service("halted", bake="15s")
        for name in ("one_of_three", "all_crash"):
            w.service(name, targets=3)
        w.service("slow_rollout")
        w.service("first")
        w.services["first"].versions["v1"] = {"errors": 0.5}  # never healthy, so never adopted
        w.start()
        w.good(*(n for n in w.services if n != "first"))

    @classmethod
    def tearDownClass(cls):
        cls.w.stop()

    def bad(self, name, **behaviour):
        service = self.w.services[name]
        service.versions["v2"] = behaviour
        deploy = self.w.deploy(name, "v2")
        service.runs("v2")
        return service, deploy

    def test_over_the_limit_is_asked_approved_rolled_back_and_verified(self):
        service, deploy = self.bad("over", errors=0.09)
        incident = self.w.until_incident("over", "awaiting_approval")
        self.assertEqual(incident["severity"], "P1")
        self.assertEqual(service.calls, [])
        self.assertEqual(self.w.ctl("approve", incident["id"])[0], 0)
        self.assertEqual(self.w.wait_exit(deploy), 10)
        self.assertEqual((service.calls, service.version), (["v1"], "v1"))
        self.assertEqual(self.w.ctl("gate", "over", "v2")[0], 3)
        self.assertTrue(until(lambda: self.w.receiver.about("over", "recovered"), 10, "the page is resolved"))
        report = self.w.ctl("incident", "report", incident["id"], "-o", "md")[1]
        self.assertIn("rolled back", report)

    def test_under_the_limit_is_healthy(self):
        service, deploy = self.bad("under", errors=0.045)
        self.assertEqual(self.w.wait_exit(deploy), 0)
        self.assertEqual(service.calls, [])

    def test_an_outage_in_which_every_request_fails_is_rolled_back(self):
        service, deploy = self.bad("outage", errors=1.0)
        self.assertEqual(self.w.wait_exit(deploy), 10)
        self.assertEqual(service.calls, ["v1"])
        self.assertIn("100 % of", self.w.json("deploy", "show", deploy)["verdict_words"])

    def test_health_down_is_rolled_back_without_approval(self):
        service, deploy = self.bad("dead", healthy=False)
        self.assertEqual(self.w.wait_exit(deploy), 10)
        self.assertEqual(service.calls, ["v1"])

    def test_one_of_three_targets_dead_is_not_down(self):
        service, deploy = self.bad("one_of_three")
        service.targets[1].stop()
        self.assertEqual(self.w.wait_exit(deploy), 0)
        self.assertEqual(service.calls, [])

    def test_all_targets_crash_at_start(self):
        service, deploy = self.bad("all_crash", crashed=True)
        self.assertEqual(self.w.wait_exit(deploy), 10)
        self.assertEqual(service.calls, ["v1"])

    def test_a_hotfix_that_went_live_is_never_overwritten(self):
        service, deploy = self.bad("hotfix", errors=0.09)
        incident = self.w.until_incident("hotfix", "awaiting_approval")
        service.versions["fix"] = {"errors": 0.09}
        service.runs("fix")
        self.w.ctl("approve", incident["id"])
        self.assertEqual(self.w.wait_exit(deploy), 13)
        self.assertEqual((service.calls, service.version), ([], "fix"))

    def test_v3_deployed_over_a_bad_v2_goes_back_to_v1_and_asks(self):
        service, first = self.bad("skip", errors=0.09)
        self.w.until_incident("skip", "awaiting_approval")
        service.versions["v3"] = {"errors": 0.5}
        deploy = self.w.deploy("skip", "v3")
        service.runs("v3")
        self.assertEqual(self.w.wait_exit(first), 13)
        incident = until(lambda: (lambda i: i if i.get("from") == "v3" and i["state"] == "awaiting_approval" else None)(self.w.incident("skip")), 20, "v3 is asked about")
        self.assertEqual(incident["to"], "v1")
        self.assertEqual(service.calls, [])
        self.w.ctl("approve", incident["id"])
        self.assertEqual(self.w.wait_exit(deploy), 10)
        self.assertEqual(service.calls, ["v1"])

    def test_a_first_installation_without_any_good_version_is_held(self):
        service = self.w.services["first"]
        service.versions["v2"] = {"errors": 0.5}
        service.versions["v1"] = {"errors": 0.5}
        self.w.ctl("bad", "mark", "first", "v1", "--reason", "was never good")
        deploy = self.w.deploy("first", "v2")
        service.runs("v2")
        self.w.until_incident("first", "held")
        self.assertEqual(self.w.wait_exit(deploy), 12)
        self.assertEqual(service.calls, [])
        self.assertTrue(self.w.receiver.about("first", "no good version"))

    def test_a_rollout_that_takes_long_bakes_from_its_end(self):
        service = self.w.services["slow_rollout"]
        deploy = self.w.deploy("slow_rollout", "v2")
        service.runs("v2 settling")
        until(lambda: self.w.json("deploy", "show", deploy).get("state") == "baking", 10, "the bake begins")
        threading.Event().wait(3)
        service.runs("v2")
        self.assertEqual(self.w.wait_exit(deploy), 0)
        self.assertEqual(service.calls, [])

    def test_limit_gate_and_halt(self):
        service, deploy = self.bad("limit", healthy=False)
        self.assertEqual(self.w.wait_exit(deploy), 10)
        service.versions["v3"] = {"healthy": False}
        again = self.w.deploy("limit", "v3")
        service.runs("v3")
        held = self.w.until_incident("limit", "held")
        self.assertEqual(held["held_by"][0]["gate"], "service_limit")
        self.assertEqual(self.w.wait_exit(again), 12)
        self.assertEqual(service.calls, ["v1"])
        self.assertEqual(self.w.ctl("gate", "limit", "v2")[0], 3)
        self.assertTrue(self.w.receiver.about("limit", "limit of 1 rollback"))

    def test_zz_halt_survives_a_restart_and_stops_the_next_action(self):
        self.assertEqual(self.w.ctl("halt", "halted")[0], 0)
        self.w.restart()
        service, deploy = self.bad("halted", healthy=False)
        held = self.w.until_incident("halted", "held")
        self.assertEqual(held["held_by"][0]["gate"], "halted")
        self.assertEqual(service.calls, [])
        self.assertEqual(self.w.ctl("resume", "halted")[0], 0)
        self.assertEqual(self.w.wait_exit(deploy), 10)
        self.assertEqual(service.calls, ["v1"])


class Blind(unittest.TestCase):
    """Every way of being blind on metrics while health is up, for the whole bake: nothing is done, 14, one page."""

    MODES = ("empty", "nan", "garbage", "truncated", "two series", "503", "refused", "hang", "name")

    def test_nothing_is_done_and_one_page_says_so(self):
        w = World(PROGRAMS)
        self.addCleanup(w.stop)
        names = {mode: mode.replace(" ", "_").replace("503", "unavailable") for mode in self.MODES}
        for mode, name in names.items():
            config = {"guard": "{ P0: [health down for 1s], P1: [errors > 5% for 2s, queue > 100 for 2s] }"}
            if mode == "name":
                config["metrics"] = "http://no-such-host.invalid/metrics"
            w.service(name, targets=2 if mode == "refused" else 1, **config)
        # A metrics port of its own that can be closed while health stays up.
        refused = w.services["refused"]
        own = refused.targets.pop()
        self.addCleanup(own.stop)
        refused.config["metrics"] = f"http://127.0.0.1:{own.port}/metrics"
        w.start()
        for name in w.services:
            w.ctl("good", "mark", name, "v1", "--reason", "known")
        deploys = {}
        for mode, name in names.items():
            service = w.services[name]
            service.mode = mode
            if mode == "refused":
                own.stop()
            deploys[name] = w.deploy(name, "v2")
            service.runs("v2")
        for name, deploy in deploys.items():
            with self.subTest(name):
                self.assertEqual(w.wait_exit(deploy), 14, w.ctl("deploy", "show", deploy)[1])
                self.assertEqual(w.services[name].calls, [])
                self.assertEqual(len(until(lambda n=name: w.receiver.about(n, "blind"), 10, f"{name} is paged")), 1)
                self.assertEqual(w.incident(name), {})


class Killed(unittest.TestCase):
    """kill -9 of the daemon and of the runner, at many places."""

    def setUp(self):
        self.w = World(PROGRAMS)
        self.addCleanup(self.w.stop)

    def test_ten_times_in_a_bake_changes_nothing(self):
        service = self.w.service("api")
        self.w.start()
        self.w.good()
        deploy = self.w.deploy("api", "v2")
        service.runs("v2")
        until(lambda: self.w.json("deploy", "show", deploy).get("bake_ends"), 10, "the bake has an end")
        ends = self.w.json("deploy", "show", deploy)["bake_ends"]
        for _ in range(10):
            self.w.restart()
            self.assertEqual(self.w.json("deploy", "show", deploy)["bake_ends"], ends)
        code = self.w.wait_exit(deploy)
        self.assertIn(code, (0, 14), "ten restarts in six seconds may leave too little to see; they never change the end")
        self.assertEqual(service.calls, [])

    def test_an_approval_is_still_asked(self):
        service = self.w.service("api")
        service.versions["v2"] = {"errors": 0.09}
        self.w.start()
        self.w.good()
        deploy = self.w.deploy("api", "v2")
        service.runs("v2")
        incident = self.w.until_incident("api", "awaiting_approval")
        for _ in range(3):
            self.w.restart()
            self.assertEqual(self.w.incident("api")["state"], "awaiting_approval")
        self.assertEqual(self.w.ctl("approve", incident["id"])[0], 0)
        self.assertEqual(self.w.wait_exit(deploy), 10)
        self.assertEqual(service.calls, ["v1"])

    def test_in_the_middle_of_a_long_step_runs_it_once(self):
        service = self.w.service("api")
        service.script("rollback", f'echo "$1" >> {service.dir}/calls\ntail --pid=$$ -f /dev/null & p=$!\nwhile [ ! -e {service.dir}/go ]; do timeout 0.1 tail -f /dev/null; done\nkill $p\necho "$1" > {service.dir}/version')
        service.versions["v2"] = {"healthy": False}
        self.w.start()
        self.w.good()
        deploy = self.w.deploy("api", "v2")
        service.runs("v2")
        until(lambda: service.calls, 20, "the step has started")
        for _ in range(3):
            self.w.restart()
        (service.dir / "go").write_text("")
        self.assertEqual(self.w.wait_exit(deploy), 10)
        self.assertEqual(service.calls, ["v1"])
        attempts = self.w.json("incident", "show", self.w.incident("api")["id"])["attempts"]
        self.assertEqual([a["outcome"] for a in attempts], ["done"])

    def test_the_runner_dies_in_the_middle_of_a_step(self):
        service = self.w.service("api")
        service.script("rollback", f'echo "$1" >> {service.dir}/calls\nexec timeout 600 tail -f /dev/null')
        service.versions["v2"] = {"healthy": False}
        self.w.start()
        self.w.good()
        deploy = self.w.deploy("api", "v2")
        service.runs("v2")
        until(lambda: service.calls, 20, "the step has started")
        pids = subprocess.run(["pgrep", "-f", f"revertd-runner.*{self.w.root}"], stdout=subprocess.PIPE, text=True).stdout.split()
        self.assertTrue(pids)
        for pid in pids:
            os.kill(int(pid), signal.SIGKILL)
        subprocess.run(["pkill", "-KILL", "-f", f"{service.dir}/rollback"], check=False)
        subprocess.run(["pkill", "-KILL", "-f", "timeout 600 tail"], check=False)
        self.assertEqual(self.w.wait_exit(deploy, 120), 11)
        incident = self.w.incident("api")
        self.assertEqual(incident["state"], "escalated")
        self.assertEqual(service.calls, ["v1"])  # unknown is not failed: never again blindly
        self.assertTrue(self.w.receiver.about("api", "unknown"))


class Once(unittest.TestCase):
    """One daemon each, for what needs its own."""

    def world(self, **more):
        w = World(PROGRAMS, **more)
        self.addCleanup(w.stop)
        return w

    def test_health_by_tcp(self):
        w = self.world()
        service = w.service("api")
        service.config["health"] = f"{{ tcp: '127.0.0.1:{service.targets[0].port}' }}"
        w.start()
        w.good()
        deploy = w.deploy("api", "v2")
        service.runs("v2")
        until(lambda: w.json("deploy", "show", deploy).get("state") == "baking", 10, "the bake begins")
        service.targets[0].stop()  # refused
        until(lambda: service.calls, 20, "it is rolled back")
        service.targets[0].start()
        self.assertEqual(w.wait_exit(deploy), 10)
        self.assertEqual(service.calls, ["v1"])

    def test_dry_run_judges_and_never_acts(self):
        w = self.world(options=["--dry-run"])
        service = w.service("api")
        service.versions["v2"] = {"healthy": False}
        w.start()
        w.good()
        deploy = w.deploy("api", "v2")
        service.runs("v2")
        self.assertEqual(w.wait_exit(deploy), 12)
        self.assertEqual((service.calls, service.version), ([], "v2"))
        self.assertEqual(w.json("status")["services"][0]["mode"], "observe")

    def test_a_step_reads_its_context(self):
        w = self.world()
        service = w.service("api")
        service.script("rollback", f'cat > {service.dir}/context\necho "$1" >> {service.dir}/calls\necho "$1" > {service.dir}/version')
        service.versions["v2"] = {"healthy": False}
        w.start()
        w.good()
        deploy = w.deploy("api", "v2")
        service.runs("v2")
        self.assertEqual(w.wait_exit(deploy), 10)
        context = json.loads((service.dir / "context").read_text())
        incident = w.incident("api")
        self.assertEqual((context["service"], context["from"], context["to"]), ("api", "v2", "v1"))
        self.assertEqual((context["deploy"], context["incident"], context["severity"]), (deploy, incident["id"], "P0"))
        self.assertEqual((context["key"], context["attempt"]), (incident["attempts"][0]["key"], 1))
        self.assertIn("health", context["reason"])

    def test_a_state_put_back_from_a_backup_acts_on_nothing_until_a_person_accepts_it(self):
        w = self.world()
        service = w.service("api")
        for version in ("v2", "v3", "v4"):
            service.versions[version] = {"healthy": False}
        w.extra = "limits: { per_service: 100 per 6h, overall: 100 per 1h, cooldown: 0s }\n"
        w.start()
        w.good()
        w.kill()
        shutil.copytree(w.root / "state", w.root / "backup", ignore=shutil.ignore_patterns("runner"))
        w.start(write=False)
        deploy = w.deploy("api", "v2")
        service.runs("v2")
        self.assertEqual(w.wait_exit(deploy), 10)
        w.kill()
        for path in (w.root / "backup").iterdir():  # the runner's receipts stay: they are the witness
            shutil.copy2(path, w.root / "state" / path.name) if path.is_file() else None
        for name in ("journal.db-wal", "journal.db-shm"):
            if not (w.root / "backup" / name).exists():
                (w.root / "state" / name).unlink(missing_ok=True)
        w.start(write=False)
        until(lambda: "older than what was done" in w.log(), 20, "the receipt is missed")
        again = w.deploy("api", "v3")
        service.runs("v3")
        self.assertEqual(w.wait_exit(again), 12)
        self.assertEqual(service.calls, ["v1"])
        w.kill()
        accepted = subprocess.run([w.programs / "revertctl", "state", "accept", f"--storage.path={w.root}/state", "--reason", "backup"],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30)
        self.assertEqual(accepted.returncode, 0, accepted.stdout)
        w.start(write=False)
        last = w.deploy("api", "v4")
        service.runs("v4")
        incident = w.until_incident("api", "awaiting_approval")  # v1 is not what ran right before (S3)
        self.assertEqual(w.ctl("approve", incident["id"])[0], 0)
        self.assertEqual(w.wait_exit(last), 10)
        self.assertEqual(service.calls, ["v1", "v1"])


class Reload(unittest.TestCase):
    def test_a_broken_file_keeps_guarding(self):
        w = World(PROGRAMS)
        self.addCleanup(w.stop)
        service = w.service("api")
        service.versions["v2"] = {"healthy": False}
        w.start()
        w.good()
        w.write("services: { api: { helth: nowhere } }\n")
        w.process.send_signal(signal.SIGHUP)
        until(lambda: "reload failed" in w.log(), 10, "the log says that the reload failed")
        self.assertIn("revertd.yaml:1:20", w.log())
        deploy = w.deploy("api", "v2")
        service.runs("v2")
        self.assertEqual(w.wait_exit(deploy), 10)

    def test_a_second_daemon_is_refused(self):
        w = World(PROGRAMS)
        self.addCleanup(w.stop)
        w.service("api")
        w.start()
        again = subprocess.run([w.programs / "revertd", f"--config.file={w.root}/revertd.yaml", f"--storage.path={w.root}/state",
                                f"--web.listen-address=unix:{w.root}/other"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30)
        self.assertEqual(again.returncode, 75)


if __name__ == "__main__":
    main(at_once=4)
