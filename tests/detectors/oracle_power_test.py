#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a bake would find against the same simulation written once more: the random numbers, the curve that latencies are
drawn from, the time after which each deploy is found, and what is announced of all of them."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent / "oracle"))

from draws import Draws
from latency import TailCurve
from power import ERRORS, LATENCIES, Deploys, power_of, smooth_above
from rows import rows_of

PROGRAM = sys.argv.pop(1)
DIGITS = 1e-9


class Power(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rows = rows_of(PROGRAM, "powers")

    def near(self, value, want, *what):
        self.assertLessEqual(abs(value - want), DIGITS * abs(want), (value, want, *what))

    def test_random_numbers(self):
        """If only these differ, the standard library draws in another way, and draws.py has to follow it."""
        row, = self.rows["draws"]
        draws = Draws(int(row["seed"]))
        for i, (low, n, p, shape, mean, *drawn) in enumerate(row["drawn"]):
            want = (draws.uniform(low, low + 2), draws.normal(), draws.gamma(shape), draws.below(int(n) + 1),
                    draws.binomial(int(n), p if i % 3 == 0 else p / 50), draws.poisson(mean))
            for name, value, number in zip(("uniform", "normal", "gamma", "below", "binomial", "poisson"), drawn, want):
                self.near(value, number, name, i)

    def test_smooth_curve(self):
        between = 0
        for number, row in enumerate(self.rows["curve"]):
            curve = TailCurve(row["edges"], row["counts"])
            for x, above in zip(row["x"], row["above"], strict=True):
                self.near(above, smooth_above(curve, x), number, x)
                between += abs(above - curve.above(x)) > 1e-3
        self.assertGreater(between, 200)  # it is another one than the straight one

    def test_times(self):
        found = late = 0
        for number, row in enumerate(self.rows["times"]):
            deploys = Deploys(row)
            for i, time in enumerate(row["times"]):
                want = deploys.found(row["effect"])
                self.assertEqual(time, want, (number, i))
                found += time < float("inf")
                late += row["interval"] < time < float("inf")
        self.assertGreater(late, 50)
        self.assertLess(found, sum(len(row["times"]) for row in self.rows["times"]) - 20)

    def test_power(self):
        for number, row in enumerate(self.rows["power"]):
            want = power_of(row) or ()
            self.assertEqual(len(row["said"]), len(want), number)
            for value, number_wanted in zip(row["said"], want):
                self.near(value, number_wanted, number)

    def test_too_few_ticks(self):
        for row in self.rows["few"]:
            self.assertEqual(bool(row["said"]), row["ticks"] >= 12, row)

    def test_ladder(self):
        """What is announced are effects of the ladder, found in whole half minutes and by so many deploys."""
        rungs = ({0.0}, {0.0})
        for number, row in enumerate(self.rows["rungs"]):
            latency = int(row["latency"])
            for effect, within, share, start, later, hopeless in [row["said"]] if row["said"] else []:
                self.assertEqual((within % 30, start % 30, later % 30), (0, 0, 0), number)
                found = share * min(400, 100_000 // row["ticks"])
                self.near(found, round(found), number)
                rungs[latency].update((effect, hopeless))
        for said, effects in zip(rungs, (ERRORS, LATENCIES)):
            self.assertLessEqual(said, {0, *effects})
            self.assertGreater(len(said), len(effects) / 3)


if __name__ == "__main__":
    unittest.main()
