# SPDX-License-Identifier: Apache-2.0
"""What the documents show is accepted by the programs: docs_test.py DIRECTORY_OF_PROGRAMS.

Every YAML block of a document that is a configuration, or a part of one, goes through `revertctl check`, one that is a recipe
through `revertctl recipes test`; every command line of revertctl names commands and options that there are."""
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import unittest

PROGRAMS = pathlib.Path()
ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
# What a part of a service needs to be whole.
NEEDED = {"health": "http://127.0.0.1:8080/health", "metrics": "http://127.0.0.1:8080/metrics", "signals": "{ queue: max(shop_queue_length) }"}
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(kind):
    """(where, text) of every block of a kind."""
    for path in DOCUMENTS:
        text = path.read_text()
        for match in _BLOCK.finditer(text):
            if match[1] == kind:
                yield f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, match.start()) + 1}", match[2]


def recipe_name(text):
    """The name of a recipe file: the first key of its example. Nothing when the block is no recipe."""
    match = re.search(r"""(?m)^example: ["']?\{ *(\w+):""", text)
    return match[1] if match and re.search(r"(?m)^act:", text) else None


def configuration(text):
    """A part of a configuration, made whole; nothing when it is something else."""
    if recipe_name(text) or re.search(r"(?m)^(on|jobs|groups|scrape_configs|script|receivers|deploy|tests):", text):
        return None
    if re.search(r"(?m)^services:", text):
        return text
    if text.startswith("    "):  # keys of a service
        more = "".join(f"    {key}: {value}\n" for key, value in NEEDED.items() if not re.search(rf"(?m)^    {key}:", text))
        return f"services:\n  api:\n{more}{text}"
    return f"{text}\nservices: {{ api: {{ health: {NEEDED['health']} }} }}\n"


def command_lines():
    for where, text in list(blocks("sh")) + list(blocks("console")):
        for line in text.replace("\\\n", " ").splitlines():
            for match in re.finditer(r"(?:^|[$(|&;{] *)revertctl ([^|;&)#]+)", line):
                yield where, match[1].strip()


class Documents(unittest.TestCase):
    def check(self, text):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(text)
            file.flush()
            return subprocess.run([PROGRAMS / "revertctl", "check", file.name], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)

    def test_configurations_are_accepted(self):
        checked = 0
        for where, text in blocks("yaml"):
            whole = configuration(text)
            if whole is None:
                continue
            checked += 1
            with self.subTest(where):
                result = self.check(whole)
                self.assertEqual(result.returncode, 0, whole + result.stdout + result.stderr)
        self.assertGreaterEqual(checked, 7)

    def try_recipe(self, text):
        with tempfile.TemporaryDirectory() as directory:
            file = pathlib.Path(directory) / f"{recipe_name(text)}.yaml"
            file.write_text(text)
            return subprocess.run([PROGRAMS / "revertctl", "recipes", "test", file], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)

    def test_recipes_conform(self):
        recipes = [(where, text) for where, text in blocks("yaml") if recipe_name(text)]
        self.assertTrue(recipes)
        for where, text in recipes:
            with self.subTest(where):
                result = self.try_recipe(text)
                self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        broken = recipes[0][1].replace('"{to}"', "v1")
        self.assertEqual(self.try_recipe(broken).returncode, 1, "one that goes nowhere would be noticed")

    def test_examples_are_accepted(self):
        for path in sorted((ROOT / "config" / "examples").glob("*.yaml")):
            with self.subTest(path.name):
                result = self.check(path.read_text())
                self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
                self.assertNotIn("not built", result.stderr)

    def test_a_wrong_one_would_be_noticed(self):
        self.assertEqual(self.check(configuration("    helth: http://127.0.0.1/\n")).returncode, 1)

    def test_command_lines_name_what_there_is(self):
        seen = 0
        for where, line in command_lines():
            words = [word for word in shlex.split(line, comments=True) if not re.match(r"[<>]|\d>", word)]
            commands = []
            for word in words:
                if word.startswith("-") or not re.fullmatch(r"[a-z]+", word) or len(commands) == 2:
                    break
                commands.append(word)
            options = {word.split("=")[0] for word in words if re.match(r"--[a-z]|-o$", word)}
            seen += 1
            with self.subTest(f"{where}: {line}"):
                text = self.help(commands)
                for option in options - {"-o", "--output", "--address", "--no-progress"}:
                    self.assertIn(option, text)
        self.assertGreaterEqual(seen, 8)

    def help(self, commands):
        """The help of the longest part of the words that is a command."""
        for length in range(len(commands), 0, -1):
            result = subprocess.run([PROGRAMS / "revertctl", *commands[:length], "--help"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
            if result.returncode == 0:
                return result.stdout
        raise AssertionError(f"there is no command {' '.join(commands)}")


if __name__ == "__main__":
    PROGRAMS = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
