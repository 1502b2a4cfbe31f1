#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Gauges, shares of the traffic, growth and restarts against the same formulas written once more, tick by tick, to 1e-9."""
import pathlib
import sys
import unittest
from math import isnan

sys.path.insert(0, str(pathlib.Path(__file__).parent / "oracle"))

from evidence import OnsetMixture
from levels import GrowthTest, LevelTest, RestartTest, ShareWatch
from rows import rows_of

PROGRAM = sys.argv.pop(1)
DIGITS = 1e-9


class Levels(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rows = rows_of(PROGRAM, "levels")

    def near(self, value, want, *what):
        self.assertEqual(isnan(value), isnan(want), (value, want, *what))
        if not isnan(want):
            self.assertLessEqual(abs(value - want), DIGITS * abs(want), (value, want, *what))

    def test_gauges(self):
        rows = self.rows["gauge"]
        self.assertGreaterEqual(len(rows), 200)
        worse = 0
        for number, row in enumerate(rows):
            test = LevelTest(row, row["before"])
            for t, ((dt, value, reference), said) in enumerate(zip(row["ticks"], row["said"], strict=True)):
                test.step(value, reference, dt)
                self.near(said[2], test.plain(test.middle), number, "usual")
                self.near(said[3], test.recent, number, t, "recent")
                self.near(said[0], test.evidence.value, number, t)
                self.assertEqual(bool(said[1]), test.worse, (number, t))
            worse += row["said"][-1][1]
        self.assertTrue(20 < worse < len(rows) - 20, worse)

    def test_shares(self):
        jumps = doubts = grows = 0
        for number, row in enumerate(self.rows["share"]):
            watch = ShareWatch()
            for (at, dt, fresh, reference), said in zip(row["ticks"], row["said"], strict=True):
                self.near(said[0], watch.add(at, dt, fresh, reference), number, at)
                self.assertEqual((bool(said[1]), bool(said[2])), (watch.suspicious, watch.grows), (number, at))
                jumps += not isnan(said[0])
                doubts += said[1]
                grows += said[2]
        self.assertGreaterEqual(min(jumps, doubts, grows), 100)

    def test_growth(self):
        rises = stills = 0
        for number, row in enumerate(self.rows["fill"]):
            test = GrowthTest(row["bake"])
            for (at, own, other), (now, rise, still) in zip(row["ticks"], row["said"], strict=True):
                test.add(0, at, own)
                test.add(1, at, other)
                want = test.grows(at) or (float("nan"), float("nan"))
                self.near(now, want[0], number, at, "now")
                self.near(rise, want[1], number, at, "rise")
                self.assertEqual(bool(still), test.still_grows(at) is not None, (number, at))
                rises += not isnan(rise)
                stills += still
        self.assertTrue(100 < stills < rises, (stills, rises))

    def test_restarts(self):
        rows, found = self.rows["restarts"], 0
        for number, row in enumerate(rows):
            test = RestartTest(row["bake"], row["forgets"], row["before"])
            for t, (tick, evidence) in enumerate(zip(row["ticks"], row["evidence"], strict=True)):
                test.step(*tick)
                self.near(evidence, test.evidence, number, t)
            found += row["evidence"][-1] > 1000
        self.assertTrue(10 < found < len(rows) - 10, found)

    def test_evidence_that_is_taken_back(self):
        for number, row in enumerate(self.rows["onsets"]):
            mixture = OnsetMixture(row["weights"], row["bake"], row["limit"], row["least"])
            mixture.reweigh(row["factors"])
            for at, dt, since, skips, value, strongest, *llr in row["ticks"]:
                if not isnan(since):
                    mixture.back_to(since, int(row["remembered"]))
                mixture.skip(dt) if skips else mixture.step(llr, dt)
                mixture.mark(at)
                self.near(value, mixture.value, number, at)
                self.assertEqual(strongest, mixture.strongest, (number, at))


unittest.main()
