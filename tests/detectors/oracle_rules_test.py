#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The detectors of rules, slot by slot, against the same formulas written once more, to 1e-9."""
import pathlib
import sys
import unittest
from math import isnan

sys.path.insert(0, str(pathlib.Path(__file__).parent / "oracle"))

from rows import rows_of
from rules import BREACH, NOTHING, OK, Fills, Grows, Repeat, Stalls, WorseLevel

PROGRAM = sys.argv.pop(1)
DIGITS = 1e-9
JUDGES, LEARNS, MISSES, BEGINS = range(4)


class Rules(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rows = rows_of(PROGRAM, "rules")

    def agree(self, said, want, *what):
        for value, number in zip(said, want, strict=True):
            self.assertEqual(isnan(value), isnan(number), (said, want, *what))
            if not isnan(number):
                self.assertLessEqual(abs(value - number), DIGITS * abs(number), (said, want, *what))

    def course(self, detector, row, *what):
        """The verdicts, and how often it was silence."""
        rule, verdicts, silent = detector(row["shape"]), [], 0
        for slot, ((step, now, beside, reach), said) in enumerate(zip(row["steps"], row["said"], strict=True)):
            if step == MISSES:
                rule.miss(int(now))
            elif step == BEGINS and not said:
                rule.begin()
            elif step == BEGINS:  # a slot that does not count
                rule.watch(now, beside, reach)
                self.agree(said[:5], NOTHING, *what, slot)
            elif step == LEARNS:
                rule.learn(now, beside, reach)
                self.agree(said[:5], NOTHING, *what, slot)
            else:
                want = rule.judge(now, beside, reach)
                self.agree(said[:5], want, *what, slot)
                verdicts.append(want[0])
                silent += said[5]
        return verdicts, silent

    def courses(self, name, detector, least):
        rows, found, fine, silent = self.rows[name], 0, 0, 0
        for number, row in enumerate(rows):
            verdicts, silences = self.course(detector, row, name, number)
            found, fine = found + verdicts.count(BREACH), fine + verdicts.count(OK)
            silent += silences
        self.assertGreater(min(found, fine), least, (found, fine))
        return silent

    def test_stalls(self):
        self.courses("stalls", Stalls, 50)

    def test_grows(self):
        self.courses("grows", Grows, 50)

    def test_fills(self):
        self.courses("fills", Fills, 50)

    def test_repeat(self):
        self.courses("repeat", Repeat, 50)

    def test_levels(self):
        self.assertGreater(self.courses("worse", WorseLevel, 50), 20)


if __name__ == "__main__":
    unittest.main()
