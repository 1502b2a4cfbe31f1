# SPDX-License-Identifier: Apache-2.0
"""The installed programs and units under a real systemd: systemd_test.py BUILD_DIRECTORY."""
import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.dont_write_bytecode = True
from systemd_host import Host  # noqa: E402

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path()
SEED = 'DESTDIR="$T/root" cmake --install "$1" --prefix /usr && cp -r "$2/packaging/demo" "$T/root/opt/demo"'
CONFIGURATION = """\
services:
  api:
    health: http://127.0.0.1:1/health
    rollback: { exec: [/usr/bin/touch, "/run/rolled-back-to-{to}"], current: [/usr/bin/echo, v1] }
notify:
  pagerduty: { routing_key_file: pagerduty, url: http://127.0.0.1:1/ }
"""
# Steps as the daemon orders them, by the runner's own socket; what they answer is printed when the last one has ended.
ORDER = """\
import json, socket, sys
runner = socket.socket(socket.AF_UNIX)
runner.connect("/run/revertd-runner/runner.sock")
orders = sys.argv[1:]
for number, (key, seconds, script) in enumerate(zip(orders[::3], orders[1::3], orders[2::3])):
    call = {"argv": ["/bin/sh", "-c", script], "cwd": "/", "env": [["REVERTD_KEY", key]]}
    line = {"id": number, "do": "start", "key": key, "digest": "d", "name": key, "deadline_ms": int(float(seconds) * 1000), "exec": call}
    runner.sendall((json.dumps(line) + "\\n").encode())
answers = runner.makefile()
for _ in orders[::3]:
    print(answers.readline(), end="")
"""
# What a step leaves behind has a session of its own, other parents, an empty environment, and ignores SIGTERM.
ESCAPES = """setsid env -i /bin/sh -c 'trap "" TERM; (while :; do sleep 1000; done) & echo $! >'"$1" & """
QUICK = "[Service]\nExecStart=\nExecStart=/usr/bin/revertd-runner --socket=/run/revertd-runner/runner.sock " \
        "--storage=/var/lib/revertd-runner --grace=200ms\n"
CREDENTIAL = "[Service]\nLoadCredential=pagerduty:/etc/revertd/credentials/pagerduty\n"


class UnderSystemd(unittest.TestCase):
    def setUp(self):
        seed = ["bash", "-euc", SEED, "seed", BUILD, SOURCE]
        self.host = self.enterContext(Host(seed))
        self.host.run("systemd-sysusers")
        self.host.run("systemd-tmpfiles", "--create")

    def start(self):
        self.host.write("/etc/revertd/revertd.yaml", CONFIGURATION)
        self.host.write("/etc/revertd/credentials/pagerduty", "0123456789abcdef0123456789abcdef\n", "0600")
        self.host.write("/etc/systemd/system/revertd.service.d/credentials.conf", CREDENTIAL)
        self.host.run("systemctl", "daemon-reload")
        result = self.host.run("systemctl", "start", "revertd", check=False)
        self.assertEqual(result.returncode, 0, result.stderr + self.host.journal("revertd"))

    def pid(self, unit="revertd"):
        return int(self.host.property(unit, "MainPID"))

    def test_the_units_start_and_speak_with_each_other(self):
        self.start()
        self.assertEqual(self.host.property("revertd", "SubState"), "running")
        self.assertEqual(self.host.property("revertd-runner", "SubState"), "running")
        self.assertNotEqual(self.host.property("revertd", "StatusText"), "")
        status = json.loads(self.host.run("revertctl", "status", "-o", "json").stdout)
        self.assertEqual([service["name"] for service in status["services"]], ["api"])
        # `current` is a command: only the runner can have run it.
        self.host.wait(lambda: '"v1"' in self.host.run("revertctl", "status", "-o", "json").stdout, 30, "v1 is seen")

    def test_the_daemon_has_no_rights(self):
        self.start()
        status = self.host.run("cat", f"/proc/{self.pid()}/status").stdout
        self.assertIn("NoNewPrivs:\t1", status)
        self.assertIn("CapEff:\t0000000000000000", status)
        self.assertNotIn("Uid:\t0\t", status)
        # In its mount namespace nothing but itself may be executed, not even by root.
        result = self.host.run("nsenter", "-t", self.pid(), "-m", "-r", "--", "/bin/true", check=False)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("Permission denied", result.stderr)

    def test_a_crash_is_restarted_and_the_watchdog_bites(self):
        self.start()
        first = self.pid()
        self.host.run("kill", "-9", first)
        second = self.host.wait(lambda: self.pid() not in (0, first) and self.pid(), 30, "it is restarted")
        self.host.wait(lambda: self.host.property("revertd", "SubState") == "running", 30, "it is ready again")
        self.host.run("kill", "-STOP", second)
        self.host.wait(lambda: self.pid() not in (0, second), 90, "a daemon that makes no progress is restarted")
        self.assertIn("atchdog", self.host.journal("revertd"))

    def escaping(self, name):
        return ESCAPES.replace('"$1"', f"/run/{name}")

    def start_runner(self):
        self.host.write("/etc/systemd/system/revertd-runner.service.d/quick.conf", QUICK)
        self.host.run("systemctl", "daemon-reload")
        self.host.run("systemctl", "start", "revertd-runner")

    def alive(self, name):
        state = self.host.run("bash", "-c", f"grep State: /proc/$(cat /run/{name})/status", check=False).stdout
        return state != "" and "Z" not in state

    def groups(self):
        """The cgroups of steps that there are."""
        return self.host.run("bash", "-c", "find /sys/fs/cgroup -type d -name 'step-*'").stdout.split()

    def test_a_deadline_ends_all_of_its_step_and_nothing_of_another(self):
        self.start_runner()
        answers = self.host.run("python3", "-c", ORDER, "late", "1", self.escaping("late") + "exec sleep 1000",
                                "other", "20", self.escaping("other") + "sleep 3").stdout
        self.assertIn("its deadline passed", answers)
        self.assertIn('"exit":0', answers)
        self.assertFalse(self.alive("late"), answers)
        self.assertTrue(self.alive("other"), "who runs beside it is left alone, and so is what a finished step left")
        self.assertEqual(len(self.groups()), 1, "a group in which nobody is any more is removed")
        self.assertNotIn('"survivors":true', answers)

    def test_a_runner_that_died_knows_its_steps_again(self):
        self.start_runner()
        order = self.host.run("bash", "-c", 'exec python3 -c "$@" >/run/answer 2>&1 &', "order", ORDER,
                              "orphaned", "3", self.escaping("orphaned") + "exec sleep 1000", check=False)
        self.assertEqual(order.returncode, 0, order.stderr)
        self.host.wait(lambda: self.host.run("cat", "/run/orphaned", check=False).stdout.strip(), 10, "it runs")
        first = self.pid("revertd-runner")
        self.host.run("kill", "-9", first)
        self.host.wait(lambda: self.pid("revertd-runner") not in (0, first), 30, "the runner is restarted")
        self.assertTrue(self.alive("orphaned"), "a step outlives its runner")
        self.host.wait(lambda: not self.alive("orphaned"), 20, "its deadline holds all the same")
        self.host.wait(lambda: not self.groups(), 10, "nothing of it is left")

    def test_a_broken_file_at_reload_changes_nothing(self):
        self.start()
        before = self.pid()
        self.host.write("/etc/revertd/revertd.yaml", CONFIGURATION.replace("health:", "heath:"))
        self.host.run("systemctl", "reload", "revertd")
        self.host.wait(lambda: "revertd.yaml:3:5" in self.host.journal("revertd"), 10, "the mistake is named")
        self.assertEqual(self.host.property("revertd", "SubState"), "running")
        self.assertEqual(self.pid(), before)
        self.host.run("revertctl", "status")

    def test_a_broken_file_at_start_is_not_tried_again(self):
        self.host.write("/etc/revertd/revertd.yaml", "services: 1\n")
        self.host.run("systemctl", "start", "revertd", check=False)
        self.host.wait(lambda: self.host.property("revertd", "ActiveState") == "failed", 30, "it gives up")
        self.assertEqual(self.host.property("revertd", "ExecMainStatus"), "2")
        self.assertEqual(self.host.property("revertd", "NRestarts"), "0")

    def test_the_demo_with_the_systemd_recipe(self):
        result = self.host.run("/opt/demo/run", "--bin", "/usr/bin", check=False, timeout=200)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertIn("systemd: revertd-demo-api.service", result.stdout)


if __name__ == "__main__":
    BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
