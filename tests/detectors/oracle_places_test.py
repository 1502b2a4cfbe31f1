#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Where the damage is, and the straight line of what grows, against the same formulas written once more, to 1e-9."""
import pathlib
import sys
import unittest
from math import isnan
from statistics import fmean, linear_regression

sys.path.insert(0, str(pathlib.Path(__file__).parent / "oracle"))

from places import CONCENTRATED, EVEN, localise
from rows import rows_of

PROGRAM = sys.argv.pop(1)
DIGITS = 1e-9


class Places(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rows = rows_of(PROGRAM, "places")

    def near(self, value, want, *what):
        self.assertLessEqual(abs(value - want), DIGITS * max(1, abs(want)), (value, want, *what))

    def test_localisation(self):
        shapes, unharmed, several = {EVEN: 0, CONCENTRATED: 0}, 0, 0
        for number, row in enumerate(self.rows["breach"]):
            before_n, before_bad, now_n, now_bad = row["all"]
            self.near(row["damage"], now_bad - now_n * (before_bad + 0.5) / (before_n + 1))
            found = localise(row["all"], row["labels"])
            self.assertEqual([label for label, *_ in row["found"]], [label for label, *_ in found], number)
            for said, places, (_, numbers, shares) in zip(row["found"], row["places"], found, strict=True):
                for value, want in zip(said[1:], numbers, strict=True):
                    self.near(value, want, number)
                for at, share in enumerate(shares):
                    for value, want in zip(places[5 * at:5 * at + 5], share, strict=True):
                        self.near(value, want, number, at)
                self.assertEqual(len(places), 5 * len(shares))
                shapes[numbers[0]] += 1
                unharmed += numbers[4] > 0
                several += numbers[3] > 1
        self.assertGreaterEqual(min(*shapes.values(), unharmed, several), 50, (shapes, unharmed, several))

    def test_straight_line(self):
        # Of points, at most 240, that are the means of what was seen of their slots.
        breaches = 0
        for row in self.rows["trend"]:
            slots = int(row["slots"])
            width = -(-slots // 240)
            count = -(-slots // width)
            breach, ok = row["verdicts"]
            for t, (to, start, verdict) in enumerate(row["said"]):
                if isnan(row["values"][t]):
                    continue
                full = (t + 1) // width
                means = []
                for point in range(max(0, full - count), full):
                    seen = [v for v in row["values"][point * width:(point + 1) * width] if not isnan(v)]
                    means.append((point, fmean(seen)) if seen else None)
                known = [(i + count - len(means), mean[1]) for i, mean in enumerate(means) if mean]
                if len(known) < 2:
                    self.assertTrue(isnan(to) and isnan(start))
                    continue
                slope, intercept = linear_regression(*zip(*known))
                self.near(start, intercept)
                self.near(to, intercept + slope * (count - 1))
                sure = full >= count and 5 * len(known) >= 4 * count and start > 0
                if sure:
                    self.assertEqual(verdict, breach if to > 1.2 * start else ok)
                    breaches += verdict == breach
                else:
                    self.assertNotIn(verdict, (breach, ok))
        self.assertGreater(breaches, 100)


unittest.main()
