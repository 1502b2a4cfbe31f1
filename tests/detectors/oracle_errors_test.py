#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Errors against the same formulas written once more: what is learned of made-up services, and the evidence of whole
deploys, tick by tick, agree to 1e-9."""
import copy
import itertools
import pathlib
import sys
import unittest
from math import exp, inf, lgamma

sys.path.insert(0, str(pathlib.Path(__file__).parent / "oracle"))

from mpmath import mpf

import errors
import evidence
from certificate import Certificate
from digits import exactly, fifty_digits
from errors import ErrorBlockTest, ErrorHistory, ErrorTest, OwnNoise, PartTest
from rows import rows_of

PROGRAM = sys.argv.pop(1)
DIGITS = 1e-9


def pairs(flat):
    return list(zip(flat[::2], flat[1::2]))


class Errors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rows = rows_of(PROGRAM, "errors")

    def near(self, value, want, *what):
        self.assertLessEqual(abs(value - want), DIGITS * abs(want), (value, want, *what))

    def test_what_is_learned(self):
        incidents = blips = 0
        for row in self.rows["deploy"]:
            before = ErrorHistory(row["before"], bool(row["control"]), row["interval"])
            learned = (before.rate, before.extra, before.known, before.incident, before.blips, before.seconds,
                       before.spread)
            for value, want in zip(row["learned"], learned, strict=True):
                self.near(value, want)
            incidents += before.incident > 1
            blips += before.blips > 0
        self.assertGreaterEqual(min(incidents, blips), 10)

    def deploy(self, row):
        """Tick by tick of each test: what the program says, and the same test."""
        history = ErrorHistory(row["before"], bool(row["control"]), row["interval"])
        test, blocks = ErrorTest(row, history, row["share"]), ErrorBlockTest(row, history, row["share"])
        parts, noise = PartTest(row, history, pairs(row["parts"]), row["share"]), OwnNoise(history.extra)
        for (dt, *counts), said in zip(row["ticks"], row["evidence"], strict=True):
            half = len(counts) // 2
            fresh, reference = pairs(counts[:half]), pairs(counts[half:])
            groups = [tuple(map(sum, zip(*group))) for group in (fresh, reference)]
            own = noise.value if row["control"] else 0
            self.near(said[0], own)
            test.step(*groups, own, dt)
            blocks.step(*groups, own, dt)
            parts.step(fresh, reference, own + 0.03, dt)
            noise.add(*groups[0], *groups[1])
            self.assertEqual(said[4], parts.strongest)
            yield list(zip(said[1:4], (test, blocks, parts)))

    def test_deploys(self):
        rows = self.rows["deploy"]
        self.assertGreaterEqual(len(rows), 150)
        found = [0, 0, 0]
        for number, row in enumerate(rows):
            for t, tests in enumerate(self.deploy(row)):
                for value, test in tests:
                    self.near(value, test.evidence.value, number, t, type(test).__name__)
            found = [f + (x > 1000) for f, x in zip(found, row["evidence"][-1][1:4])]
        self.assertTrue(all(5 <= f < len(rows) - 10 for f in found), found)

    def test_deploys_with_fifty_digits(self):
        # Of these it is known that the formulas lose nothing, and not only that both lose the same.
        for number in (0, 1):  # alone, and beside a control group
            row = exactly(self.rows["deploy"][number])
            with fifty_digits(evidence, errors):
                for t, tests in zip(range(15), self.deploy(row)):
                    for value, test in tests:
                        want = test.evidence.value
                        self.assertLessEqual(abs(value - want), mpf(1e-12) * want, (number, t, type(test).__name__))

    def test_every_hypothesis_is_a_distribution(self):
        # So the mean of each likelihood ratio under the null is 1, whatever was seen before: evidence is a fair bet.
        for number in range(6):
            row = self.rows["deploy"][number]
            *_, ((_, test), *_) = itertools.islice(self.deploy(row), 8 + number)
            reference = (6, 1) if row["control"] else (0, 0)
            sums = 0
            for k in range(250):  # errors in 5 requests: beyond them the tail is nothing
                null, alternatives = copy.deepcopy(test.comparison).predict((5, k), reference, 0.05, 10)
                sums = [a + b for a, b in zip(sums or [0] * 11, [exp(x - lgamma(k + 1)) for x in (null, *alternatives)])]
            for total in sums:
                self.near(total, 1, number, sums)

    def test_certificates(self):
        excluded = 0
        for row in self.rows["certificate"]:
            certificate = Certificate(row, row["before"])
            for at, dt, n, k, m, j in row["ticks"]:
                certificate.errors(at, dt, n, k, m, j)
            bound, against = certificate.excluded(0.001)
            self.assertTrue(row["bound"] == bound or abs(row["bound"] - bound) <= DIGITS * bound, (row["bound"], bound))
            if bound < inf:
                self.near(row["evidence_of_bound"], against, "evidence")
                excluded += 1
        self.assertGreaterEqual(excluded, 20)


unittest.main()
