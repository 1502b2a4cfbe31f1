# SPDX-License-Identifier: Apache-2.0
"""What a person sees in a terminal of several sizes, from the start of a deploy to its end: screen_test.py DIRECTORY_OF_PROGRAMS."""
import itertools
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
from harness import World, until

PROGRAMS = sys.argv.pop(1) if len(sys.argv) > 1 and os.path.isdir(sys.argv[1]) else "."
SIZES = [(80, 24), (200, 50), (40, 12)]


class Screen:
    """A terminal of tmux with a server of its own."""

    count = itertools.count()

    def __init__(self, folder, columns, rows, command, term="screen-256color"):
        self.socket = str(pathlib.Path(folder) / f"tmux-{next(Screen.count)}")
        script = f"{command}; printf 'ended %s\\n' $?; exec cat"
        self.tmux("new-session", "-d", "-x", str(columns), "-y", str(rows), f"TERM={term} sh -c {shlex.quote(script)}")

    def tmux(self, *words):
        return subprocess.run(["tmux", "-f", "/dev/null", "-S", self.socket, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True,
                              env={**os.environ, "LC_ALL": "C.UTF-8"}).stdout

    def lines(self):
        return self.tmux("capture-pane", "-p").rstrip("\n").split("\n")

    def text(self):
        return "\n".join(self.lines())

    def keys(self, *keys):
        self.tmux("send-keys", *keys)

    def resize(self, columns, rows):
        self.tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def shows(self, *parts, seconds=20):
        return until(lambda: (lambda t: t if all(p in t for p in parts) else None)(self.text()), seconds, f"{parts} in\n{self.text()}")

    def close(self):
        self.tmux("kill-server")


class Screens(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.w = w = World(PROGRAMS)
        for name in ("api", "web", "worker", "quick"):
            w.service(name)
        for name in ("api", "web", "worker"):
            w.services[name].config["bake"] = "60s"
        w.start()
        for name in ("api", "web", "worker", "quick"):
            w.ctl("good", "mark", name, "v1", "--reason", "test")
        cls.ctl = f"{pathlib.Path(PROGRAMS).resolve()}/revertctl --address unix:{w.root}/s"

    @classmethod
    def tearDownClass(cls):
        cls.w.stop()
        cls.folder.cleanup()

    def screen(self, columns, rows, command, environment="", **options):
        screen = Screen(self.folder.name, columns, rows, f"{environment} {self.ctl} {command}", **options)
        self.addCleanup(screen.close)
        return screen

    def deploy(self, name, **behaviour):
        service = self.w.services[name]
        service.versions["v2"] = behaviour
        deploy = self.w.deploy(name, "v2")
        service.runs("v2")
        return deploy

    def test_top_fits_follows_the_size_and_leaves_nothing(self):
        self.deploy("web")
        for columns, rows in SIZES:
            with self.subTest(columns=columns):
                screen = self.screen(columns, rows, "top")
                screen.shows("web v2", "q quits")
                lines = screen.lines()
                self.assertLessEqual(len(lines), rows)
                self.assertTrue(lines[0].startswith("revertd  4 services"), lines)
                if columns >= 80:
                    self.assertRegex(lines[0], r" \d\d:\d\d:\d\d$")  # to the last column
                self.assertEqual(screen.text().count("q quits"), 1)
                screen.resize(60, 20)
                screen.shows("web v2", "q quits")
                until(lambda: len(screen.lines()) <= 20 and screen.text().count("q quits") == 1, 5, "one frame after a new size")
                screen.keys("q")
                text = screen.shows("ended 0")
                self.assertEqual([line for line in text.split("\n") if line], ["ended 0"])  # the first screen as it was
                screen.keys("typed", "Enter")
                screen.shows("typed\ntyped")  # echo and lines are back

    def test_a_terminal_whose_locale_knows_no_utf8_is_drawn_in_ascii(self):
        self.deploy("worker")
        screen = self.screen(80, 24, "top", environment="LC_ALL=C")
        text = screen.shows("worker v2", "q quits", "  #...")
        self.assertTrue(text.isascii(), text)
        screen.keys("q")
        screen.shows("ended 0")

    def test_top_ends_by_ctrl_c_and_refuses_a_dumb_terminal(self):
        screen = self.screen(80, 24, "top")
        screen.shows("q quits")
        screen.keys("C-c")
        screen.shows("ended 130")
        screen = self.screen(80, 24, "top", term="dumb")
        self.assertIn("hint: revertctl status", screen.shows("ended 2"))

    def test_watch_redraws_one_block_through_breach_question_and_rollback(self):
        deploy = self.deploy("api", errors=0.09)
        screens = {size: self.screen(*size, f"deploy watch {deploy} --wait") for size in SIZES}
        incident = self.w.until_incident("api", "awaiting_approval")
        for (columns, rows), screen in screens.items():
            with self.subTest(columns=columns):
                text = screen.shows("revertctl approve"[: columns - 2], "waits for")
                self.assertEqual(text.count("deploy " + deploy), 1, text)  # one block, nothing left behind
                self.assertEqual(text.count("errors "), text.count("\n  errors ") + text.count("suspected: errors "), text)
        narrow = screens[(200, 50)]
        narrow.resize(70, 30)
        until(lambda: narrow.text().count("deploy " + deploy) == 1 and narrow.text().count("  health") == 1, 5, f"one block in a narrower window\n{narrow.text()}")
        self.w.ctl("approve", incident["id"])
        for screen in screens.values():
            text = screen.shows("ended 10", "why: revertctl explain"[:30], seconds=60)
            self.assertIn("regression", text)

    def test_watch_writes_lines_where_nothing_can_be_redrawn(self):
        deploy = self.deploy("quick")
        dumb = self.screen(100, 24, f"deploy watch {deploy} --wait", term="dumb")
        piped = subprocess.run(shlex.split(f"{self.ctl} deploy watch {deploy} --wait"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertEqual(piped.returncode, 0)
        self.assertNotIn("\x1b", piped.stdout + piped.stderr)
        self.assertLess(piped.stderr.count("\n"), 12)  # a line a change, not a line a moment
        text = dumb.shows("ended 0")
        self.assertNotIn("\u2588\u2588", text)


if __name__ == "__main__":
    unittest.main(verbosity=2)
