# SPDX-License-Identifier: Apache-2.0
"""The Debian package: what is in it, as whom, and what lintian says: contents_test.py BUILD_DIRECTORY."""
import gzip
import pathlib
import re
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.dont_write_bytecode = True
import package  # noqa: E402

BUILD = pathlib.Path()


class Contents(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.deb = package.made(BUILD)
        directory = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="revertd-deb-"))
        cls.tree = package.unpack(cls.deb, pathlib.Path(directory) / "tree")
        cls.listing = package.run("dpkg-deb", "--contents", cls.deb).stdout

    def control(self, field):
        return package.run("dpkg-deb", "--field", self.deb, field).stdout.strip()

    def test_lintian_finds_no_error_and_no_warning(self):
        result = package.run("lintian", "--allow-root", "--fail-on", "error,warning", "--tag-display-limit", "0", self.deb,
                             check=False)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_programs_units_and_documents_are_there(self):
        for name in ("usr/bin/revertd", "usr/bin/revertctl", "usr/bin/revertd-runner",
                     "usr/lib/systemd/system/revertd.service", "usr/lib/systemd/system/revertd-runner.service",
                     "usr/lib/sysusers.d/revertd.conf", "usr/lib/tmpfiles.d/revertd.conf",
                     "usr/share/doc/revertd/copyright", "usr/share/doc/revertd/changelog.Debian.gz",
                     "usr/share/revertd/revertd.schema.json", "usr/share/doc/revertd/examples/minimal.yaml",
                     "usr/share/man/man1/revertctl.1.gz", "usr/share/man/man5/revertd.yaml.5.gz", "usr/share/man/man8/revertd.8.gz",
                     "usr/share/man/man8/revertd-runner.8.gz", "usr/share/bash-completion/completions/revertctl",
                     "usr/share/zsh/vendor-completions/_revertctl", "usr/share/fish/vendor_completions.d/revertctl.fish",
                     "usr/share/revertd/prometheus/revertd.rules.yaml", "usr/share/revertd/grafana/revertd.json",
                     "usr/share/doc/revertd/examples/systemd/50-revertd-runner.rules"):
            self.assertTrue((self.tree / name).is_file(), name)

    def test_everything_belongs_to_root_and_nothing_is_writable_by_others(self):
        for line in self.listing.splitlines():
            mode, owner = line.split()[:2]
            self.assertEqual(owner, "root/root", line)
            self.assertNotIn("s", mode, line)
            self.assertEqual((mode[5], mode[8]), ("-", "-"), line)

    def test_nothing_that_tests_or_builds_need_is_in_it(self):
        files = [line.split()[5] for line in self.listing.splitlines() if line[0] == "-"]
        for name in files:
            self.assertRegex(name, r"^\./usr/(bin|lib/(systemd/system|sysusers\.d|tmpfiles\.d)|share)/", name)
            self.assertNotRegex(name, r"\.(a|h|cpp|o|cmake)$|_test$|revertd-sim|bench")

    def test_the_units_name_the_installed_programs(self):
        for unit, program in (("revertd.service", "revertd"), ("revertd-runner.service", "revertd-runner")):
            text = (self.tree / "usr/lib/systemd/system" / unit).read_text()
            self.assertEqual(re.search(r"(?m)^ExecStart=(\S+)", text)[1], f"/usr/bin/{program}")
            self.assertNotIn(str(BUILD.parent), text)

    def test_the_control_data_say_what_it_is_and_needs(self):
        self.assertEqual(self.control("Package"), "revertd")
        self.assertEqual(self.control("Section"), "admin")
        cache = (BUILD / "CMakeCache.txt").read_text()
        version = re.search(r"(?m)^CMAKE_PROJECT_VERSION:STATIC=(.*)$", cache)[1]
        self.assertEqual(self.control("Version"), f"{version}-1")
        newest = gzip.open(self.tree / "usr/share/doc/revertd/changelog.Debian.gz", "rt").readline()
        self.assertTrue(newest.startswith(f"revertd ({version}-1) "), newest)
        # The libraries that are linked, found by dpkg-shlibdeps, and none that is only needed to build.
        depends = self.control("Depends")
        for library in ("libc6", "libcurl4", "libsqlite3-0", "libsystemd0", "libyaml-cpp0.7"):
            self.assertRegex(depends, rf"\b{re.escape(library)} \(>=")
        self.assertIn("systemd | systemd-standalone-sysusers", depends)
        self.assertNotIn("-dev", depends)

    def test_the_scripts_stop_at_the_first_error(self):
        for name in ("postinst", "prerm", "postrm"):
            script = self.tree / "DEBIAN" / name
            self.assertRegex(script.read_text(), r"(?m)^set -e$")
            package.run("sh", "-n", script)

    def test_the_programs_are_small_and_stripped(self):
        programs = list((self.tree / "usr/bin").iterdir())
        for program in programs:
            self.assertNotIn(".debug_info", package.run("readelf", "--section-headers", "--wide", program).stdout)
        self.assertLess(max(program.stat().st_size for program in programs), 10 << 20)


if __name__ == "__main__":
    BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
