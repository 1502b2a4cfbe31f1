# SPDX-License-Identifier: Apache-2.0
"""What `packaging/quickstart test` says at its end, on a project of three tests instead of this one."""
import json
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROJECT = """cmake_minimum_required(VERSION 3.25)
project(tiny LANGUAGES NONE)
enable_testing()
add_custom_target(built ALL COMMAND test "${PRESET}" != "${BROKEN}")
add_custom_target(checks)
add_dependencies(checks built)
add_test(NAME good COMMAND true)
add_test(NAME "of [two] words" COMMAND sh -c "echo the reason; test ${PRESET} != ${BAD}")
add_test(NAME skipped COMMAND sh -c "test ${PRESET} != ${SKIPPED} || exit 77")
set_tests_properties(skipped PROPERTIES SKIP_RETURN_CODE 77)
"""


def run(**settings):
    """The exit code and the lines of the output when PRESET named by BROKEN, BAD or SKIPPED has what that says."""
    with tempfile.TemporaryDirectory() as directory:
        tree = Path(directory)
        (tree / "packaging").mkdir()
        shutil.copy(ROOT / "packaging/quickstart", tree / "packaging")
        (tree / "CMakeLists.txt").write_text(PROJECT)
        defaults = {"BROKEN": "none", "BAD": "none", "SKIPPED": "none", **settings}
        presets = [{"name": name, "generator": "Ninja", "binaryDir": "${sourceDir}/build/" + name,
                    "cacheVariables": {"PRESET": name, **defaults}} for name in ("release", "asan", "tsan")]
        (tree / "CMakePresets.json").write_text(json.dumps({"version": 6, "configurePresets": presets}))
        done = subprocess.run([tree / "packaging/quickstart", "test"], capture_output=True, text=True, timeout=120,
                              env={k: v for k, v in os.environ.items() if not k.startswith("CTEST_")})
        return done.returncode, done.stdout.splitlines()


class Quickstart(unittest.TestCase):
    def test_three_builds_that_pass(self):
        code, lines = run()
        self.assertEqual((code, lines[-1]), (0, "9 passed, 0 failed"))

    def test_a_failure_is_named_beside_the_result_with_its_last_words(self):
        code, lines = run(BAD="asan")
        self.assertEqual((code, lines[-1]), (1, "8 passed, 1 failed"))
        named = max(i for i, line in enumerate(lines) if line.startswith("== asan: of [two] words (Failed)"))
        self.assertIn("the reason", lines[named:-1])

    def test_what_was_skipped_did_not_pass(self):
        code, lines = run(SKIPPED="tsan")
        self.assertEqual((code, lines[-1]), (1, "8 passed, 1 failed"))

    def test_a_build_that_fails_is_no_success(self):
        code, lines = run(BROKEN="asan")
        self.assertEqual((code, lines[-1]), (1, "3 passed, 1 failed"))


if __name__ == "__main__":
    unittest.main()
