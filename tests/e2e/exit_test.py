# SPDX-License-Identifier: Apache-2.0
"""Every exit code of `deploy watch --wait` as a CI job sees it, and what -o junit and -o github leave behind:
exit_test.py DIRECTORY_OF_PROGRAMS."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

import junitparser

sys.dont_write_bytecode = True
from harness import World, until

PROGRAMS = sys.argv.pop(1) if len(sys.argv) > 1 and os.path.isdir(sys.argv[1]) else "."
ENDS = {"healthy": 0, "restored": 10, "failing": 11, "denied": 12, "newer": 13, "blind": 14, "aborted": 15}


class Exits(unittest.TestCase):
    """One deploy for each end, all at once; each is watched by a job of its own from its start on."""

    @classmethod
    def setUpClass(cls):
        cls.w = w = World(PROGRAMS)
        for name in ENDS:
            w.service(name)
        w.service("waits", bake="60s")
        w.services["failing"].script("rollback", "exit 1")
        w.start()
        w.good(*ENDS)
        for name in ("restored", "failing"):
            w.services[name].versions["v2"] = {"errors": 0.5}
        w.services["denied"].versions["v2"] = {"errors": 0.09}
        cls.ids = {name: w.deploy(name, "v2", "--id", f"d-{name}") for name in [*ENDS, "waits"]}
        for name in [*ENDS, "waits"]:
            w.services[name].runs("v2")
        w.services["blind"].mode = "503"
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        cls.jobs = {name: cls.watch(name, "-o", "github") for name in ENDS}
        cls.drive()
        cls.ended = {name: (job.wait(60), job.stdout.read().decode()) for name, job in cls.jobs.items()}

    @classmethod
    def watch(cls, name, *more, **options):
        environment = {**os.environ, "GITHUB_OUTPUT": str(cls.folder / f"{name}.output"), "GITHUB_STEP_SUMMARY": str(cls.folder / f"{name}.summary")}
        return subprocess.Popen([pathlib.Path(PROGRAMS).resolve() / "revertctl", "--address", f"unix:{cls.w.root}/s", "deploy", "watch", f"d-{name}", "--wait", *more],
                                env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, **options)

    @classmethod
    def drive(cls):
        w = cls.w
        w.ctl("deploy", "abort", "d-aborted", "--reason", "test")
        until(lambda: w.json("deploy", "show", "d-newer")["first_seen"], 20, "v2 is seen")
        w.deploy("newer", "v3")
        w.services["newer"].runs("v3")
        w.ctl("deny", w.until_incident("denied", "awaiting_approval")["id"])

    @classmethod
    def tearDownClass(cls):
        for job in cls.jobs.values():
            job.kill()
            job.stdout.close()
        shutil.rmtree(cls.folder)
        cls.w.stop()

    def test_each_end_has_its_exit_code(self):
        self.assertEqual({name: code for name, (code, _) in self.ended.items()}, ENDS)

    def test_github_is_told_the_same(self):
        for name, code in ENDS.items():
            level = "notice" if code == 0 else "error"
            self.assertTrue(self.ended[name][1].startswith(f"::{level} title=revertd%3A {name} v2::"), self.ended[name][1])
            outputs = dict(line.split("=", 1) for line in (self.folder / f"{name}.output").read_text().splitlines())
            self.assertEqual(outputs["exit_code"], str(code))
            self.assertEqual(outputs["deployment"], f"d-{name}")
            if name != "aborted":  # before anything was judged
                self.assertIn("| errors \\> 5% for 2s | P1 |", (self.folder / f"{name}.summary").read_text())

    def test_junit_is_read_by_its_consumers(self):
        for name, code in ENDS.items():
            job = self.watch(name, "-o", "junit")
            text = job.communicate(timeout=20)[0].decode()
            self.assertEqual(job.returncode, code)
            suites = junitparser.JUnitXml.fromstring(text.encode())
            suite = next(iter(suites))
            cases = {case.name: case for case in suite}
            rules = set() if name == "aborted" else {"P0: health down for 1s", "P0: errors > 20% for 1s", "P1: errors > 5% for 2s"}
            self.assertLessEqual({*rules, "bake"}, set(cases), name)
            bad = [case.name for case in suite if any(isinstance(r, (junitparser.Failure, junitparser.Error)) for r in case.result)]
            self.assertEqual("bake" in bad, code != 0, name)
            self.assertEqual("P0: errors > 20% for 1s" in bad, name in ("restored", "failing"), f"{name}: {text}")
            if name == "denied":
                self.assertIn("P1: errors > 5% for 2s", bad)
            self.assertEqual(int(suite.attrib("tests") if callable(getattr(suite, "attrib", None)) else suite.tests), len(cases))
            self.assertEqual(ElementTree.fromstring(text).tag, "testsuites")

    def test_inconclusive_may_pass(self):
        self.assertEqual(self.w.ctl("deploy", "watch", "d-blind", "--wait", "--inconclusive", "pass")[0], 0)

    def test_124_when_the_time_is_over_and_the_guard_goes_on(self):
        code, text = self.w.ctl("deploy", "watch", "d-waits", "--wait", "--timeout", "1s")
        self.assertEqual(code, 124)
        self.assertIn("the guard goes on", text)
        self.assertIsNone(self.w.json("deploy", "show", "d-waits")["exit_code"])

    def test_130_when_interrupted_and_the_guard_goes_on(self):
        job = self.watch("waits", "-o", "jsonl")
        self.assertTrue(job.stdout.readline())  # it watches
        job.send_signal(signal.SIGINT)
        self.assertEqual(job.wait(10), 130)
        job.stdout.close()
        self.assertIsNone(self.w.json("deploy", "show", "d-waits")["exit_code"])

    def test_69_without_a_daemon(self):
        for command in (("status",), ("deploy", "watch", "x", "--wait"), ("deploy", "start", "x", "--version", "v1"), ("history",)):
            done = subprocess.run([pathlib.Path(PROGRAMS) / "revertctl", "--address", f"unix:{self.w.root}/nobody", *command], stderr=subprocess.PIPE, text=True)
            self.assertEqual(done.returncode, 69, command)
            self.assertRegex(done.stderr, r"^error: .*\nhint: ")

    def test_77_without_the_right(self):
        if os.geteuid() != 0:
            self.skipTest("only root can be somebody else")
        with tempfile.TemporaryDirectory() as folder:  # a place that nobody may enter holds the socket, not the program
            program = shutil.copy(pathlib.Path(PROGRAMS) / "revertctl", folder)
            os.chmod(folder, 0o755)
            done = subprocess.run([program, "--address", f"unix:{self.w.root}/s", "status"], user=65534, group=65534, extra_groups=[], stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 77, done.stderr)
        self.assertIn("hint: ", done.stderr)

    def test_check_live_asks_everything_once(self):
        config = self.w.root / "live.yaml"
        service = self.w.services["healthy"]
        port = service.targets[0].port
        text = f"services:\n{service.yaml()}"
        config.write_text(text)
        code, out = self.w.ctl("-o", "json", "check", str(config), "--live")
        self.assertEqual(code, 0, out)
        found = {f["what"]: f for f in json.loads(out)["live"]}
        self.assertEqual(set(found), {f"health http://127.0.0.1:{port}/health", f"metrics http://127.0.0.1:{port}/metrics",
                                      "signal errors", "signal queue", "observe 1"})
        self.assertEqual((found["signal queue"]["value"], found["signal queue"]["series"]), ("3", 1))
        self.assertEqual(found["observe 1"]["value"], "v2")  # its `current`, run by a runner of the caller's
        self.assertLess(found["observe 1"]["age"], 5)
        self.assertRegex(found["signal errors"]["value"], r"^0\.\d+%$")
        config.write_text(text.replace("shop_calls_total", "no_such_total").replace(f":{port}/health", ":1/health").replace("/current]", "/nothing]"))
        code, out = self.w.ctl("check", str(config), "--live")
        self.assertEqual(code, 1, out)
        for words in ("refused", "no series: ratio(no_such_total", "BAD"):
            self.assertIn(words, out)
        junit = junitparser.JUnitXml.fromstring(self.w.ctl("-o", "junit", "check", str(config), "--live")[1].encode())
        self.assertEqual(junit.failures, 3)
        config.write_text(text.replace(f":{port}/metrics", ":1/metrics"))
        found = json.loads(self.w.ctl("-o", "json", "check", str(config), "--live")[1])["live"]
        self.assertEqual([f["what"].split()[0] for f in found], ["health", "metrics", "observe", "signal", "signal"])
        self.assertEqual({f["words"] for f in found[3:]}, {"no target's metrics could be read"})

    def test_1_and_2_are_errors_of_ones_own(self):
        self.assertEqual(self.w.ctl("deploy", "watch", "d-none", "--wait")[0], 1)
        code, text = self.w.ctl("deploy", "wach", "d-none")
        self.assertEqual(code, 2)
        self.assertIn("did you mean `revertctl deploy watch`?", text)


if __name__ == "__main__":
    unittest.main(verbosity=2)
