#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""All tests of a deploy together against the same formulas written once more: what is found, when, with which numbers,
and the evidence of every tick to 1e-9."""
import pathlib
import sys
import unittest
from math import ceil, log2

sys.path.insert(0, str(pathlib.Path(__file__).parent / "oracle"))

from deploy import BLOCKS, ERRORS, KINDS, LATENCY, DeployTest, Tick
from rows import rows_of

PROGRAM = sys.argv.pop(1)
DIGITS = 1e-9


class Deploys(unittest.TestCase):
    def near(self, value, want, *what):
        self.assertLessEqual(abs(value - want), DIGITS * abs(want), (value, want, *what))

    def agree(self, said, found, before, *what):
        """`said`: kind, evidence, requests and errors of both groups, rate before, endpoint, value, expected, limit."""
        self.assertEqual(KINDS[int(said[0])] if said[0] >= 0 else None, found[0] if found else None, what)
        if not found:
            return
        numbers = {"evidence": 0, "fresh": (0, 0), "reference": (0, 0), "before": before, "part": 0, "value": 0,
                   "expected": 0, "limit": 0, **found[1]}
        self.assertEqual(said[2:6], [*numbers["fresh"], *numbers["reference"]], (*what, found))
        self.assertEqual(said[7], numbers["part"])
        for at, name in ((6, "before"), (8, "value"), (9, "expected"), (10, "limit")):
            self.near(said[at], numbers[name], name, *what)
        self.near(said[1], numbers["evidence"], "evidence", *what)

    def deploys(self, what, parts):
        """Every deploy to its end: the kinds that were found, and the ticks in which errors were not proof enough, or
        slowness because the control group was slow as well."""
        kinds, doubted, slow = set(), 0, 0
        for number, row in enumerate(rows_of(PROGRAM, what + "s")[what]):
            test = DeployTest(row, [Tick(at, counts, parts) for at, *counts in row["before"]])
            for (at, counts, restarted, memory, *both), said in zip(row["ticks"], row["said"], strict=True):
                half = len(both) // 2
                fresh = Tick(at, both[:half], parts, restarted)
                reference = Tick(at, both[half:], parts) if row["control"] else None
                test.growth.add(0, at, memory)
                found = (test.tick if counts else test.watch)(row["interval"], fresh, reference)
                self.agree(said[1:], found, test.history.rate, number, at)
                self.near(said[0], test.evidence, number, at)
                kinds.add(found[0] if found else None)
                proof = max(test.errors.evidence.value * ERRORS, test.blocks.evidence.value * BLOCKS) * row["alpha"]
                doubted += 1 <= proof < test.error_doubt(at)
                proof = test.latency.evidence.value * LATENCY * row["alpha"]
                slow += 1 <= proof < 1e5 and at - test.slowness < 180 <= at - test.load_grew
        return kinds, doubted, slow

    def test_what_is_enough(self):
        """Of the seconds of the bake, and requests that a version of which every second one fails would be found by."""
        for number, row in enumerate(rows_of(PROGRAM, "incidents")["incident"]):
            requests = 0
            for ticks, (tick, enough) in enumerate(zip(row["ticks"], row["enough"], strict=True), 1):
                requests += tick[4]
                want = ticks * row["interval"] >= 0.3 * row["bake"] and requests >= ceil(log2(1 / row["alpha"]))
                self.assertEqual(bool(enough), want, (number, ticks))

    def test_deploys(self):
        kinds, _, slow = self.deploys("deploy", 3)
        self.assertGreater(slow, 5)
        self.assertLessEqual(set(KINDS) - {"errors-block"}, kinds)

    def test_trouble(self):
        kinds, doubted, _ = self.deploys("incident", 1)
        self.assertLessEqual({"errors", "errors-block"}, kinds)
        self.assertGreater(doubted, 20)


unittest.main()
