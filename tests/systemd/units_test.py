# SPDX-License-Identifier: Apache-2.0
"""The shipped units are understood by systemd and harden what they claim to: units_test.py DIRECTORY_OF_UNITS."""
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

UNITS = pathlib.Path()


def analyze(*arguments):
    return subprocess.run(
        ["systemd-analyze", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
    )


def text(name):
    return (UNITS / name).read_text()


class Units(unittest.TestCase):
    def test_systemd_understands_every_line(self):
        # `verify` exits 0 on an unknown key: what counts is that it says nothing. It wants the program to exist,
        # and a unit of the same name may be installed here: so both are checked side by side in a directory of their own.
        with tempfile.TemporaryDirectory() as directory:
            paths = []
            for name in ("revertd.service", "revertd-runner.service"):
                path = pathlib.Path(directory) / name
                path.write_text(re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", text(name)))
                paths.append(str(path))
            result = analyze("verify", "--man=no", *paths)
        self.assertEqual((result.stdout, result.stderr, result.returncode), ("", "", 0))

    def test_an_unknown_key_would_be_noticed(self):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "revertd.service"
            path.write_text("[Service]\nExecStart=/bin/true\nWatchdogSeconds=30\n")
            self.assertIn("WatchdogSeconds", analyze("verify", "--man=no", str(path)).stderr)

    def test_the_daemon_is_sandboxed(self):
        result = analyze("security", "--offline=true", "--threshold=12", str(UNITS / "revertd.service"))
        self.assertEqual(result.returncode, 0, result.stdout[-500:] + result.stderr)

    def test_the_daemon_may_execute_nothing_but_itself(self):
        unit = text("revertd.service")
        self.assertIn("\nNoExecPaths=/\n", unit)
        program = re.search(r"(?m)^ExecStart=(\S+)", unit)[1]
        paths = re.search(r"(?m)^ExecPaths=(.*)", unit)[1].split()
        self.assertEqual([path for path in paths if "/lib" not in path], [program])

    def test_the_daemon_talks_to_the_runners_socket(self):
        socket = re.search(r"--runner=unix:(\S+)", text("revertd.service"))[1]
        self.assertIn(f"--socket={socket}", text("revertd-runner.service"))
        self.assertIn(f"RuntimeDirectory={pathlib.Path(socket).parent.name}\n", text("revertd-runner.service"))

    def test_a_step_survives_the_end_of_the_runner(self):
        self.assertIn("\nKillMode=process\n", text("revertd-runner.service"))

    def test_a_hopeless_start_is_not_repeated(self):
        self.assertIn("\nRestartPreventExitStatus=2 78\n", text("revertd.service"))

    def test_no_placeholder_of_the_build_is_left(self):
        for name in ("revertd.service", "revertd-runner.service"):
            self.assertNotRegex(text(name), r"@\w+@")


if __name__ == "__main__":
    UNITS = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
