#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Latency against the same formulas written once more: what is learned of made-up services, and the evidence of whole
deploys, tick by tick, agree to 1e-9."""
import pathlib
import sys
import unittest
from math import exp, inf, log

sys.path.insert(0, str(pathlib.Path(__file__).parent / "oracle"))

from mpmath import mpf

import evidence
import latency
from certificate import Certificate
from digits import exactly, fifty_digits
from latency import LOW, STEP, STEPS, LatencyModel, LatencyTest, interpolated
from rows import rows_of

PROGRAM = sys.argv.pop(1)
DIGITS = 1e-9
SHARE = 0.25  # of alpha


class Latency(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rows = rows_of(PROGRAM, "latencies")

    def near(self, value, want, *what):
        self.assertLessEqual(abs(value - want), DIGITS * max(1, abs(want)), (value, want, *what))

    @staticmethod
    def model_of(row):
        return LatencyModel(row, [(tick[0], tick[3:]) for tick in row["before"]])

    def models(self):
        rows = [(row, self.model_of(row)) for row in self.rows["model"] if "cells" in row]
        self.assertGreaterEqual(len(rows), 60)
        return rows

    def test_cells(self):
        for row in self.rows["model"]:
            model = self.model_of(row)
            self.assertEqual("cells" in row, len(model.cells) >= 2)
            for (first, last, share, slope, *tables), cell in zip(row.get("cells", []), model.cells, strict=True):
                self.assertEqual((first, last), (cell.first, cell.last))
                self.near(share, cell.share, "share")
                self.near(slope, cell.slope, "slope")
                for s, (log_ratio, ratio) in enumerate(zip(tables[:STEPS], tables[STEPS:], strict=True)):
                    self.near(log_ratio, cell.log_ratio[s], "log ratio", s)
                    self.near(log(ratio), cell.log_ratio[s], "ratio", s)

    def test_what_is_learned(self):
        learned = {"level": 0, "trend": 0, "wandered": 0}
        for row, model in self.models():
            self.near(row["information"], model.information, "information")
            self.near(row["jitter"], model.jitter, "jitter")
            self.near(row["spread"], model.spread, "spread")
            self.near(row["expected"][0], model.level, "level")
            self.near(row["expected"][1], model.expected(500), "trend")
            learned["level"] += abs(model.level) > 0.1
            learned["trend"] += model.trend != 0
            learned["wandered"] += model.spread > 0.05
        self.assertGreaterEqual(min(learned.values()), 5, learned)  # each was there to be compared

    def test_shift_and_common_factor(self):
        clearly = 0
        for row, model in self.models():
            for counts in row["counts"]:
                split = len(counts) - len(model.cells)
                buckets, (shift, common), filled = counts[:split - 2], counts[split - 2:split], counts[split:]
                cells = model.fill(buckets)
                self.assertEqual(cells, filled)
                self.near(shift, model.shift(cells), "shift")
                self.near(common, model.common(cells), "common")
                clearly += common != 0
        self.assertGreaterEqual(clearly, 100)

    def test_interpolation_of_the_table(self):
        for row, model in self.models():
            for log_factor, *values in row["places"]:
                for value, cell in zip(values, model.cells, strict=True):
                    self.near(value, interpolated(cell.log_ratio, log_factor), log_factor)

    def test_what_interpolation_costs(self):
        # Against the share itself: the tail's kinks at the edges are no polynomial. Within 0.3 % of the requests and 5 %
        # of every share that is not tiny, which narrow cells have; three ten-thousandths for nine in ten.
        relative, absolute = [], []
        for row, model in self.models():
            for log_factor, *values in row["places"]:
                inside = min(max(log_factor, LOW), LOW + STEP * (STEPS - 1))
                for value, cell in zip(values, model.cells, strict=True):
                    share, exact = cell.share * exp(value), cell.at(inside)
                    absolute.append(abs(share - exact))
                    if exact > 1e-3:
                        relative.append(abs(share / exact - 1))
        self.assertGreater(len(relative), 3000)
        self.assertLess(max(absolute), 0.003)
        self.assertLess(max(relative), 0.05)
        self.assertLess(sorted(relative)[len(relative) * 9 // 10], 3e-4)

    def test_certificates(self):
        excluded = 0
        for row in self.rows["certificate"]:
            certificate = Certificate(row, row["before"], self.model_of(row))
            buckets = len(row["edges"]) + 1
            for at, dt, *counts in row["ticks"]:
                certificate.latency(at, dt, counts[:buckets], counts[buckets:])
            bound, against = certificate.excluded(0.001)
            self.assertTrue(row["bound"] == bound or abs(row["bound"] - bound) <= DIGITS * bound, (row["bound"], bound))
            if bound < inf:
                self.near(row["evidence_of_bound"], against, "evidence")
                excluded += 1
        self.assertGreaterEqual(excluded, 15)

    def deploy(self, row):
        """Tick by tick: what the program says, and the test that says it once more."""
        model = self.model_of(row)
        test, cells = LatencyTest(row, model, SHARE), len(model.cells)
        for tick, evidence, still in zip(row["ticks"], row["evidence"], row["still"], strict=True):
            (at, dt, counts, what, since, growing), counted = tick[:6], tick[6:]
            if what == 4:
                test.restarted(at - dt)
                test.skip(at - dt, dt)
            elif what:
                (test.restart, test.restart_beside, test.forget)[int(what) - 1](since)
            test.growing = bool(growing)
            fresh, reference = counted[:cells], counted[cells:]
            test.step(at, dt, fresh, reference, counts)
            yield at, evidence, test.evidence.value
            self.assertEqual(bool(still), test.still(fresh, reference), at)

    def test_deploys(self):
        rows = self.rows["deploy"]
        self.assertGreaterEqual(len(rows), 100)
        for number, row in enumerate(rows):
            for at, evidence, want in self.deploy(row):
                self.assertLessEqual(abs(evidence - want), DIGITS * want, (number, at))
        found = sum(row["evidence"][-1] > 1000 for row in rows)
        self.assertTrue(10 < found < len(rows) - 10, found)
        self.assertGreater(sum(sum(row["still"]) for row in rows), 100)

    def test_deploys_with_fifty_digits(self):
        # Of these it is known that the formulas lose nothing, and not only that both lose the same.
        for number in (0, 3):  # alone, and beside a control group
            row = exactly(self.rows["deploy"][number])
            with fifty_digits(evidence, latency):
                for at, said, want in self.deploy(row):
                    self.assertLessEqual(abs(said - want), mpf(1e-12) * want, (number, at))


unittest.main()
