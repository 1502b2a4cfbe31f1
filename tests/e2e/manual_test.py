# SPDX-License-Identifier: Apache-2.0
"""The manual and the completions as they were built: manual_test.py BUILD_DIRECTORY."""
import os
import pathlib
import re
import subprocess
import sys
import unittest

BUILD = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 and os.path.isdir(sys.argv[1]) else ".")
PAGES = ["revertctl.1", "revertd.yaml.5", "revertd.8", "revertd-runner.8"]
CTL = BUILD / "daemon/revertctl"


def out(*command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)


def page(name):
    text = out("mandoc", "-T", "ascii", "-O", "width=200", str(BUILD / "man" / name)).stdout
    return re.sub(".\x08", "", text)  # bold and underlined letters are struck over


class Manual(unittest.TestCase):
    def test_lint_has_nothing_to_say(self):
        for name in PAGES:
            done = out("mandoc", "-T", "lint", "-W", "warning", str(BUILD / "man" / name))
            self.assertEqual((done.returncode, done.stdout), (0, ""), name)

    def test_every_command_of_the_help_has_its_place(self):
        text = page("revertctl.1")
        commands = re.findall(r"^  ([a-z]+) ", out(str(CTL), "--help").stdout.split("Subcommands:")[1], re.MULTILINE)
        self.assertGreater(len(commands), 15)
        for command in commands:
            verbs = re.findall(r"^  ([a-z]+) ", (out(str(CTL), command, "--help").stdout.split("Subcommands:") + [""])[1], re.MULTILINE)
            for shown in [f"{command} {verb}" for verb in verbs] or [command]:
                self.assertIn(f"   {shown}", text, shown)

    def test_every_option_of_the_daemon_has_its_words(self):
        text = page("revertd.8")
        for option in re.findall(r"--[a-z][a-z.-]+", out(str(BUILD / "daemon/revertd"), "--help").stdout):
            self.assertIn(option, text)
        text = page("revertd-runner.8")
        for option in re.findall(r"^  (--[a-z-]+)", out(str(BUILD / "daemon/revertd-runner"), "--help").stdout, re.MULTILINE):
            self.assertIn(option, text)

    def test_keys_stand_as_they_are_written(self):
        text = page("revertd.yaml.5")
        for key in ("services.NAME.health.url", "services.NAME.guard.P0|P1|P2|P3", "notify.pagerduty.routing_key_file", "limits.per_service", "report.keep"):
            self.assertIn(key, text)


class Completions(unittest.TestCase):
    def environment(self):
        return {**os.environ, "PATH": f"{CTL.parent.resolve()}:{os.environ['PATH']}", "REVERTD_ADDRESS": "unix:/nonexistent/s"}

    def test_bash(self):
        script = f"source {BUILD}/completions/revertctl; COMP_WORDS=(revertctl deploy wa); COMP_CWORD=2; _revertctl; echo \"${{COMPREPLY[@]}}\""
        self.assertEqual(out("bash", "-c", script, env=self.environment()).stdout, "watch\n")

    def test_zsh(self):
        self.assertEqual(out("zsh", "-n", f"{BUILD}/completions/_revertctl").stdout, "")
        script = f"autoload -Uz compinit; compinit -D -u; source {BUILD}/completions/_revertctl; print ${{_comps[revertctl]}}"
        self.assertEqual(out("zsh", "-f", "-c", script, env=self.environment()).stdout, "_revertctl\n")

    def test_fish(self):
        script = f"source {BUILD}/completions/revertctl.fish; complete -C 'revertctl deploy wa'"
        done = out("fish", "--no-config", "-c", script, env=self.environment())
        self.assertRegex(done.stdout, r"^watch\t")


if __name__ == "__main__":
    unittest.main(verbosity=2)
