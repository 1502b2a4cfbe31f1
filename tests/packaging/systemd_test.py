# SPDX-License-Identifier: Apache-2.0
"""The package's life under a real systemd: installed, upgraded in the middle of a bake and of a step, removed, purged:
systemd_test.py BUILD_DIRECTORY."""
import json
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "e2e"))
sys.dont_write_bytecode = True
import package  # noqa: E402
from systemd_host import Host  # noqa: E402

BUILD = pathlib.Path()
HERE = pathlib.Path(__file__).resolve().parent
SERVICE = "[Service]\nExecStart=/usr/bin/python3 -B /opt/service.py\n"
# A rollback that takes fifteen seconds and writes down each time that it is called.
ROLLBACK = '#!/bin/sh\nset -e\necho "$1" >>/run/rollbacks\nsleep 15\necho "$1" >/run/version.new\nmv /run/version.new /run/version\n'
CONFIGURATION = """\
defaults: { interval: 200ms, bake: 12s, warmup: 400ms, baseline: 2s, min_requests: 10, verify: { within: 30s, for: 1s } }
services:
  api:
    health: http://127.0.0.1:8099/health
    metrics: http://127.0.0.1:8099/metrics
    guard: { P0: [health down for 1s, errors > 20% for 1s] }
    rollback: { exec: [/opt/rollback, "{to}"], current: [/bin/cat, /run/version] }
"""


class Package(unittest.TestCase):
    def setUp(self):
        directory = self.enterContext(tempfile.TemporaryDirectory(prefix="revertd-deb-"))
        first = package.made(BUILD)
        seed = ["bash", "-euc", 'cp "$1" "$T/root/opt/first.deb"; cp "$2" "$T/root/opt/next.deb"; cp "$3" "$T/root/opt/service.py"',
                "seed", first, package.next_version(first, directory), HERE / "service.py"]
        self.host = self.enterContext(Host(seed))

    def ctl(self, *words, check=True, timeout=60):
        return self.host.run("revertctl", *words, check=check, timeout=timeout)

    def json(self, *words):
        return json.loads(self.ctl(*words, "-o", "json").stdout)

    def install(self, name="first"):
        return self.host.run("dpkg", "-i", f"/opt/{name}.deb")

    def pid(self, unit="revertd"):
        return self.host.property(unit, "MainPID")

    def until_another_than(self, daemon):
        self.host.wait(lambda: self.pid() not in ("0", daemon) and self.ctl("status", check=False).returncode == 0, 30,
                       "the new daemon is ready")

    def guarded_service(self):
        """A service that runs v1, known to be good, and the daemon that guards it."""
        self.host.write("/etc/revertd/revertd.yaml", CONFIGURATION)
        self.host.write("/opt/rollback", ROLLBACK, "0755")
        self.host.write("/run/version", "v1\n")
        self.host.write("/etc/systemd/system/service.service", SERVICE)
        self.host.run("systemctl", "daemon-reload")
        self.host.run("systemctl", "start", "service", "revertd")
        self.host.wait(lambda: any(v["state"] == "good" for v in self.json("good", "list", "api") or []), 60, "v1 is good")

    def deploy(self, version):
        identity = self.ctl("deploy", "start", "api", "--version", version).stdout.strip()
        self.host.write("/run/version", f"{version}\n")
        return identity

    def test_installed_without_a_configuration_it_waits_for_one(self):
        self.install()
        for unit in ("revertd", "revertd-runner"):
            self.assertEqual(self.host.property(unit, "UnitFileState"), "enabled")
            self.assertEqual(self.host.property(unit, "ActiveState"), "inactive")
        self.assertEqual(self.host.run("stat", "-c", "%U:%G %a", "/etc/revertd").stdout.strip(), "root:revertd 750")
        self.assertIn("revertd", self.host.run("getent", "passwd", "revertd").stdout)
        self.install()  # once more: nothing to complain of
        self.assertEqual(self.host.property("revertd", "ActiveState"), "inactive")

    def test_installed_beside_a_configuration_it_starts(self):
        self.host.write("/etc/revertd/revertd.yaml", CONFIGURATION)
        self.install()
        self.host.wait(lambda: self.host.property("revertd", "SubState") == "running", 30, "it runs")
        self.ctl("status")

    def test_an_upgrade_in_the_middle_of_a_bake_changes_no_end(self):
        self.install()
        self.guarded_service()
        identity = self.deploy("v2")
        before = self.host.wait(lambda: self._baking(identity), 20, "v2 bakes")
        daemon, runner = self.pid(), self.pid("revertd-runner")
        self.install("next")
        self.until_another_than(daemon)
        self.host.wait(lambda: self.pid("revertd-runner") not in ("0", runner), 30, "the runner is the new one, too")
        after = self.json("deploy", "show", identity)
        self.assertEqual((after["state"], after["bake_ends"]), ("baking", before["bake_ends"]))
        watched = self.ctl("deploy", "watch", identity, "--wait", check=False, timeout=90)
        self.assertEqual(watched.returncode, 0, watched.stdout + watched.stderr)
        self.host.run("setpriv", "--reuid=revertd", "--regid=revertd", "--clear-groups", "revertctl", "audit", "verify")

    def _baking(self, identity):
        deployment = self.json("deploy", "show", identity)
        return deployment if deployment["state"] == "baking" and deployment["bake_ends"] else None

    def test_an_upgrade_in_the_middle_of_a_step_cuts_nothing_and_repeats_nothing(self):
        self.install()
        self.guarded_service()
        self.host.write("/run/bad-version", "v2\n")
        identity = self.deploy("v2")
        self.host.wait(lambda: self.host.run("cat", "/run/rollbacks", check=False).stdout, 40, "the step runs")
        daemon = self.pid()
        self.install("next")
        self.until_another_than(daemon)
        self.assertEqual(self.host.run("cat", "/run/version").stdout, "v2\n")  # the step has not ended yet
        watched = self.ctl("deploy", "watch", identity, "--wait", check=False, timeout=90)
        self.assertEqual(watched.returncode, 10, watched.stdout + watched.stderr)
        self.assertEqual(self.host.run("cat", "/run/rollbacks").stdout, "v1\n")
        self.host.wait(lambda: self.host.property("revertd-runner", "SubState") == "running", 30, "the runner runs again")
        self.host.run("setpriv", "--reuid=revertd", "--regid=revertd", "--clear-groups", "revertctl", "audit", "verify")

    def test_what_init_writes_guards_a_service_as_it_is(self):
        self.install()
        unit = "[Service]\nExecStart=/usr/bin/python3 -B /srv/api/current/service.py\n"
        self.host.write("/etc/systemd/system/api.service", unit)
        self.host.write("/run/version", "v1\n")
        for version in ("v1", "v2"):
            self.host.run("install", "-D", "/opt/service.py", f"/srv/api/releases/{version}/service.py")
        self.host.run("ln", "-s", "releases/v1", "/srv/api/current")
        self.host.run("systemctl", "daemon-reload")
        self.host.run("systemctl", "start", "api")
        self.ctl("init", "--no-questions", "--health", "http://127.0.0.1:8099/health", "--unit", "api.service", "--page", "off")
        self.host.run("systemctl", "start", "revertd")
        self.host.wait(lambda: self.json("status")["services"][0]["live"] == "v1", 30, "it sees what runs")
        identity = self.ctl("deploy", "start", "api", "--version", "v2").stdout.strip()
        self.host.write("/srv/api/releases/v2/service.py", "raise SystemExit('v2 does not start')\n")
        self.host.run("ln", "-sfn", "releases/v2", "/srv/api/current")
        self.host.run("systemctl", "restart", "api")
        self.host.wait(lambda: self.host.run("readlink", "/srv/api/current").stdout.strip().endswith("v1"), 90, "v1 is put back")
        self.host.wait(lambda: self.host.run("systemctl", "is-active", "api", check=False).stdout.strip() == "active", 30, "it runs")
        self.host.wait(lambda: self.json("incident", "list")[0]["state"] == "verifying", 30, "it is verified")
        self.assertEqual(self.json("deploy", "show", identity)["from"], "v1")

    def test_what_an_administrator_switched_off_stays_off(self):
        self.install()
        self.host.run("systemctl", "disable", "revertd")
        self.install("next")
        self.assertEqual(self.host.property("revertd", "UnitFileState"), "disabled")

    def test_removed_it_keeps_the_evidence_purged_it_leaves_nothing(self):
        self.install()
        self.guarded_service()
        self.host.run("dpkg", "-r", "revertd")
        self.assertEqual(self.host.run("systemctl", "is-active", "revertd", check=False).returncode, 3)
        self.assertEqual(self.host.run("pgrep", "-x", "revertd|revertd-runner", check=False).stdout, "")
        self.host.run("test", "-e", "/var/lib/revertd", "-a", "-e", "/etc/revertd/revertd.yaml", "-a", "!", "-e", "/usr/bin/revertd")
        self.install()  # it comes back as it was: enabled, with what it knew
        self.host.wait(lambda: self.host.property("revertd", "SubState") == "running", 30, "it runs again")
        self.assertEqual(self.host.property("revertd", "UnitFileState"), "enabled")
        self.assertTrue(self.json("good", "list", "api"))
        self.host.run("dpkg", "-P", "revertd")
        left = self.host.run("find", "/etc", "/run", "/usr", "/var/lib", "-name", "*revertd*", "-not", "-path", "/run/rollbacks").stdout
        self.assertEqual(left, "")
        failed = self.host.run("systemctl", "list-units", "--failed", "--no-legend", "revertd*").stdout
        self.assertEqual(failed, "")


if __name__ == "__main__":
    BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
