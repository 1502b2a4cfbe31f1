# SPDX-License-Identifier: Apache-2.0
"""A journal whose disk fails under the real daemon (S43): journal_test.py DIRECTORY_OF_PROGRAMS.

The daemon is started with a library before its C library that lets every sync of the state directory fail as soon as a file
says so, which is what a dying disk looks like from above."""
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
from harness import World, until

PROGRAMS = sys.argv.pop(1) if len(sys.argv) > 1 and os.path.isdir(sys.argv[1]) else "."
LIBRARY = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
static int failing(void) { const char* sign = getenv("FAILING_DISK"); return sign && access(sign, F_OK) == 0; }
int fsync(int fd) { if (failing()) { errno = EIO; return -1; } return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd); }
int fdatasync(int fd) { if (failing()) { errno = EIO; return -1; } return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd); }
"""


class FailingDisk(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        root = pathlib.Path(cls.folder.name)
        (root / "disk.c").write_text(LIBRARY)
        subprocess.run(["cc", "-shared", "-fPIC", "-o", root / "disk.so", root / "disk.c", "-ldl"], check=True)
        cls.sign = root / "failing"
        os.environ.update(LD_PRELOAD=str(root / "disk.so"), FAILING_DISK=str(cls.sign))
        try:
            cls.w = World(PROGRAMS)
            cls.w.service("shop")
            cls.w.start()
            cls.w.good()
        finally:
            os.environ.pop("LD_PRELOAD")

    @classmethod
    def tearDownClass(cls):
        cls.w.stop()
        cls.folder.cleanup()

    def test_people_are_told_and_told_again_when_it_is_whole(self):
        w, service = self.w, self.w.services["shop"]
        pages = lambda words: [p for p in w.receiver.pages if words in p["summary"]]
        self.sign.touch()
        service.versions["v2"] = {"errors": 0.5}
        service.runs("v2")
        page = until(lambda: pages("the journal failed"), 30, "a page that needs no journal")[0]
        self.assertIn("OBSERVING ONLY", w.ctl("status")[1])
        # Whoever asks for something is told at once that it is not on disk, and a halt holds all the same.
        asked = time.monotonic()
        code, words = w.ctl("halt", "shop")
        self.assertEqual(code, 69, words)
        self.assertIn("in force, but not on disk", words)
        self.assertIn("halted", w.ctl("status")[1])
        self.assertLess(time.monotonic() - asked, 10, words)
        self.sign.unlink()
        w.options.append(f"--runner=unix:{w.root}/nobody")  # which cannot bear witness: nothing may be told yet
        w.restart()
        self.assertEqual(pages("the journal is whole"), [])
        w.options.pop()
        w.restart()
        resolved = until(lambda: pages("the journal is whole"), 30, "and its end")
        self.assertEqual(resolved[0]["key"], page["key"])
        self.assertNotIn("OBSERVING ONLY", w.ctl("status")[1])
        w.restart()
        until(lambda: w.ctl("status")[0] == 0, 20, "it is ready")
        self.assertEqual(len(pages("the journal is whole")), 1)
        self.assertEqual(len(pages("the journal failed")), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
