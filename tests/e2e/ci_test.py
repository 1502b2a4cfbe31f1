# SPDX-License-Identifier: Apache-2.0
"""The snippets of docs/ci as a pipeline would run them, against the real daemon: ci_test.py DIRECTORY_OF_PROGRAMS."""
import concurrent.futures
import pathlib
import re
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.dont_write_bytecode = True
import yaml  # noqa: E402
from harness import World  # noqa: E402

PROGRAMS = pathlib.Path()
SNIPPETS = pathlib.Path(__file__).resolve().parents[2] / "docs" / "ci"
GUARD = "{ P0: [health down for 1s, errors > 20% for 1s] }"
HEALTHY, ROLLED_BACK, BROKE_OFF, KNOWN_BAD = 0, 10, 1, 3


class Job:
    """What a CI system gives to a job: a directory, an environment, a deploy script."""

    def __init__(self, world, service):
        self.world, self.service = world, service
        self.directory = world.root / f"job-{service}"
        self.directory.mkdir()
        script = self.directory / "deploy.sh"
        script.write_text(f'#!/bin/sh\n[ "$1" != broken ] || exit 7\necho "$1" >{world.root}/{service}/version.ci\nmv {world.root}/{service}/version.ci {world.root}/{service}/version\n')
        script.chmod(0o755)
        self.environment = {"PATH": f"{PROGRAMS}:/usr/bin:/bin", "REVERTD_ADDRESS": f"unix:{world.root}/s", "HOME": str(self.directory)}

    def run(self, command, **environment):
        return subprocess.run(command, cwd=self.directory, env={**self.environment, **environment}, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=120, check=False)


class Shell(Job):
    def deploy(self, version):
        return self.run([SNIPPETS / "guarded-deploy.sh", self.service, version, "./deploy.sh", version]).returncode


class GitLab(Job):
    """The lines of `script` in one shell that ends at the first failure."""

    def deploy(self, version):
        job = yaml.safe_load((SNIPPETS / "gitlab-ci.yml").read_text())["deploy"]
        variables = {**job["variables"], "SERVICE": self.service, "REVERTD_ADDRESS": self.environment["REVERTD_ADDRESS"], "CI_COMMIT_SHA": version}
        return self.run(["bash", "-eo", "pipefail", "-c", "\n".join(job["script"])], **variables).returncode


class GitHub(Job):
    """A composite action by its documented rules: steps in order, after a failure only those that ask for it."""

    def deploy(self, version):
        workflow = yaml.safe_load((SNIPPETS / "github" / "deploy.yml").read_text())
        step = next(step for step in workflow["jobs"]["deploy"]["steps"] if step.get("uses") == "./.github/actions/revertd")
        action = yaml.safe_load((SNIPPETS / "github" / "action.yml").read_text())
        given = {**{name: about.get("default") for name, about in action["inputs"].items()}, **step["with"]}
        given.update(service=self.service, address=self.environment["REVERTD_ADDRESS"])
        self.context = {"github.sha": version}
        self.context.update({f"inputs.{name}": self.expanded(value) for name, value in given.items()})
        code = 0
        for step in action["runs"]["steps"]:
            condition = step.get("if", "success()")
            if ("failure()" in condition) != (code != 0) or not self.holds(condition):
                continue
            result = self.step(step)
            if result != 0:
                self.context[f"steps.{step['id']}.conclusion"] = "failure"
                code = code or result
        self.outputs = {name: self.expanded(about["value"]) for name, about in action["outputs"].items()}
        return code

    def holds(self, condition):
        asked = re.search(r"(steps\.\S+) == '(\w+)'", condition)
        return asked is None or self.context.get(asked[1]) == asked[2]

    def expanded(self, text):
        return re.sub(r"\$\{\{ *([\w.-]+) *\}\}", lambda match: self.context.get(match[1], ""), str(text))

    def step(self, step):
        files = {name: self.directory / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for file in files.values():
            file.write_text("")
        environment = {name: self.expanded(value) for name, value in step.get("env", {}).items()}
        result = self.run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", self.expanded(step["run"])],
                          **environment, **{name: str(file) for name, file in files.items()})
        for line in files["GITHUB_OUTPUT"].read_text().splitlines():
            name, value = line.split("=", 1)
            self.context[f"steps.{step['id']}.outputs.{name}"] = value
        return result.returncode


class Pipelines(unittest.TestCase):
    def test_each_snippet_ends_with_the_verdict(self):
        world = World(PROGRAMS)
        self.addCleanup(world.stop)
        for name in ("shell", "gitlab", "github"):
            world.service(name, guard=GUARD, bake="4s").versions["bad"] = {"errors": 0.5}
        world.start()
        world.good()
        jobs = [Shell(world, "shell"), GitLab(world, "gitlab"), GitHub(world, "github")]
        with concurrent.futures.ThreadPoolExecutor(len(jobs)) as together:
            for version, expected in (("v2", HEALTHY), ("bad", ROLLED_BACK), ("bad", KNOWN_BAD)):
                codes = list(together.map(lambda job, version=version: job.deploy(version), jobs))
                self.assertEqual(codes, [expected] * len(jobs), version)
        for name in ("shell", "gitlab", "github"):
            self.assertEqual((world.services[name].version, world.services[name].calls), ("v2", ["v2"]), name)
        self.assertEqual(jobs[2].outputs["deployment"], "")  # the last one was stopped by the gate

    def test_a_deploy_that_breaks_off_is_told(self):
        world = World(PROGRAMS)
        self.addCleanup(world.stop)
        for name in ("shell", "gitlab", "github"):
            world.service(name, guard=GUARD)
        world.start()
        world.good()
        jobs = [Shell(world, "shell"), GitLab(world, "gitlab"), GitHub(world, "github")]
        for job in jobs:
            self.assertNotEqual(job.deploy("broken"), 0)
            told = [deployment for deployment in world.json("deploy", "list") if deployment["service"] == job.service and deployment["version"] == "broken"]
            self.assertEqual(len(told), 1)
            self.assertNotIn(told[0]["state"], ("baking",), told)

    def test_inputs_never_become_parts_of_a_script(self):
        action = yaml.safe_load((SNIPPETS / "github" / "action.yml").read_text())
        for step in action["runs"]["steps"]:
            self.assertNotIn("${{", step["run"])

    def test_outputs_of_the_action(self):
        world = World(PROGRAMS)
        self.addCleanup(world.stop)
        world.service("github", guard=GUARD, bake="4s").versions["bad"] = {"errors": 0.5}
        world.start()
        world.good()
        job = GitHub(world, "github")
        self.assertEqual(job.deploy("bad"), ROLLED_BACK)
        self.assertEqual((job.outputs["exit-code"], job.outputs["outcome"]), ("10", "rolled-back"))
        self.assertRegex(job.outputs["deployment"], r"^d-\d+$")


if __name__ == "__main__":
    PROGRAMS = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
