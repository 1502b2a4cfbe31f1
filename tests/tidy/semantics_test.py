# SPDX-License-Identifier: Apache-2.0
"""The list of proofs notices a sentence without a scenario and a number that does not exist."""
import contextlib
import io
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import semantics  # noqa: E402


def run(scenarios):
    """Exit code and output for {file name: text}."""
    with tempfile.TemporaryDirectory() as directory:
        folder = pathlib.Path(directory) / "tests" / "scenarios"
        folder.mkdir(parents=True)
        for name, text in scenarios.items():
            (folder / name).write_text(text)
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            code = semantics.main([directory])
        return code, output.getvalue()


def proving(numbers):
    return "scenario: all at once\nproves: [" + ", ".join(numbers) + "]\n"


BUILT = [number for number in semantics.NUMBERS if number not in semantics.LATER]


class Semantics(unittest.TestCase):
    def test_every_sentence_is_proved(self):
        code, output = run({"all.yaml": proving(BUILT)})
        self.assertEqual(code, 0)
        self.assertIn("S1   -> all: all at once\n", output)
        self.assertIn("0 missing: none", output)

    def test_one_is_not(self):
        code, output = run({"all.yaml": proving(number for number in BUILT if number != "S28")})
        self.assertEqual(code, 1)
        self.assertIn("S28  -> MISSING\n", output)

    def test_a_part_that_comes_later_does_not_excuse_its_sentence(self):
        self.assertEqual(run({"all.yaml": proving(number for number in BUILT if number != "S30")})[0], 1)

    def test_a_number_in_the_name_counts_and_one_in_a_comment_does_not(self):
        rest = proving(number for number in BUILT if number not in ("S1", "S2"))
        code, output = run({"a.yaml": rest, "b.yaml": "# S2\nscenario: S1 a passed bake makes a version good\n"})
        self.assertEqual(code, 1)
        self.assertIn("1 missing: S2", output)

    def test_a_number_that_does_not_exist(self):
        code, output = run({"all.yaml": proving(BUILT + ["S45"])})
        self.assertEqual(code, 1)
        self.assertIn("S45: no such sentence", output)

    def test_two_scenarios_in_one_file_are_told_apart(self):
        text = proving(BUILT) + "---\nscenario: another\nproves: [S7]\n"
        self.assertIn("S7   -> all: all at once\n     -> all: another\n", run({"all.yaml": text})[1])


if __name__ == "__main__":
    unittest.main()
