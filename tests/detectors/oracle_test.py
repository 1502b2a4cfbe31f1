#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every statistic against the same formula in fifty digits (mpmath): they agree to 1e-9."""
import subprocess
import sys
import unittest

from mpmath import binomial, erfc, erfinv, exp, fsum, log, loggamma, mp, mpf, sqrt

mp.dps = 50
PROGRAM = sys.argv.pop(1)
FACTORS = (1, 5, 30, 150)


def nb(k, mean, shape):
    return loggamma(k + shape) - loggamma(shape) + shape * log(shape / (shape + mean)) + k * log(mean / (shape + mean))


def level_log(level, shape, incident, kr, nr, kn, nn, extra, own, ratio):
    weights = [1 - 3 * incident] + [incident] * 3
    shapes = [shape, mpf(1), mpf(1), mpf(1)]
    means = [min(level * f, mpf("0.6")) for f in FACTORS]
    first = [w * exp(nb(kr, nr * m, 1 / (1 / s + own))) for w, m, s in zip(weights, means, shapes)]
    total = fsum(first)
    out = []
    for w, m, s in zip(first, means, shapes):
        if w == 0:
            continue
        design = 1 + own * nr * m  # clumped events count as fewer
        after = (s + kr / design) / (s / m + nr / design)
        spread = 1 / (1 / (s + kr / design) + extra)
        out.append(w / total * exp(nb(kn, nn * min(after * ratio, mpf("0.97")), spread)))
    return log(fsum(out))


class Oracle(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        text = subprocess.run([PROGRAM], capture_output=True, text=True, check=True).stdout
        cls.rows = {}
        for line in text.splitlines():
            name, *numbers = line.split()
            cls.rows.setdefault(name, []).append(([mpf(x) for x in numbers[:-1]], mpf(numbers[-1])))

    def agree(self, name, formula, least=300):
        rows = self.rows[name]
        self.assertGreaterEqual(len(rows), least)
        for arguments, value in rows:
            want = formula(*arguments)
            self.assertLessEqual(abs(value - want), mpf("1e-9") * max(1, abs(want)), (name, arguments, value, want))

    def test_log_gamma(self):
        self.agree("log_gamma", loggamma)

    def test_log_rising(self):
        self.agree("log_rising", lambda x, k: loggamma(x + k) - loggamma(x))

    def test_normal(self):
        self.agree("normal_above", lambda z: erfc(z / sqrt(2)) / 2)
        self.agree("probit", lambda p: sqrt(2) * erfinv(2 * p - 1))

    def test_negative_binomial(self):
        self.agree("negative_binomial_log", nb)

    def test_binomial_tail(self):
        def tail(k, n, p):
            return fsum(binomial(n, i) * p**i * (1 - p) ** (n - i) for i in range(int(k), int(n) + 1))
        self.agree("binomial_tail", tail)

    def test_shared_level(self):
        self.agree("level_ratio", lambda *a: level_log(*a) - level_log(*a[:-1], mpf(1)))

    def test_belief_in_a_common_rate(self):
        # Four states of an incident, each sticky; the usual rate is Gamma(events, requests), 400 events at most, and
        # clumped events count as fewer. The new group is expected to fail 1.3 times as often.
        clumps, ratio, cap = mpf("0.1"), mpf("1.3"), mpf("0.6")
        events, requests = mpf(20), 20 / mpf("0.004")
        prior = [mpf("0.97")] + [mpf("0.01")] * 3
        weights, shapes = prior[:], [1 / (clumps + 1 / events), mpf(1), mpf(1), mpf(1)]
        means = [min(events / requests * f, cap) for f in FACTORS]
        rows = self.rows["belief"]
        self.assertGreaterEqual(len(rows), 100)
        for (kr, nr, kn, nn, own, share), value in rows:
            first = [w * exp(nb(kr, nr * m, 1 / (1 / s + own))) for w, m, s in zip(weights, means, shapes)]
            both = []
            for x, m, s in zip(first, means, shapes):
                design = 1 + own * nr * m
                after = (s + kr / design) / (s / m + nr / design)
                both.append(x * exp(nb(kn, nn * min(after * ratio, mpf("0.97")), 1 / (1 / (s + kr / design) + own))))
            self.assertLessEqual(abs(value - log(fsum(both))), mpf("1e-9") * max(1, abs(value)), (kr, nr, kn, nn))
            calm = first[0] / fsum(first)
            for k, n, counts in ((kr, nr, calm), (kn, nn * ratio, calm * share)):
                counts /= 1 + (clumps + own) * n * events / requests
                events, requests = events + counts * k, requests + counts * n
                keeps = min(mpf(1), 400 / events)
                events, requests = events * keeps, requests * keeps
            weights = [mpf("0.9") * (share * b / fsum(both) + (1 - share) * f / fsum(first)) + p / 10
                       for b, f, p in zip(both, first, prior)]
            shapes[0] = 1 / (clumps + 1 / events)
            means = [min(events / requests * f, cap) for f in FACTORS]

    def test_onsets(self):
        sums, elapsed = [mpf(1) / 3] * 2, mpf(0)
        for llr, value in self.rows["onsets"]:
            fresh = mpf(2) / 3 * log((elapsed + 130) / (elapsed + 120)) / log(mpf(1020) / 120)
            elapsed += 10
            sums = [exp(x) * (s + fresh) for x, s in zip(llr, sums)]
            self.assertLessEqual(abs(value - fsum(sums) / 2), mpf("1e-9") * max(1, abs(value)))

    def test_blips(self):
        # Forward recursion over calm and the first, second and third tick of a blip of two strengths; how often they
        # come is learned. One lasts 0.7 of 20 s on average and keeps its strength in half of its ticks.
        calm, ages, elapsed, seen = mpf(1), [[mpf(0)] * 2 for _ in range(3)], mpf(0), mpf(0)
        stays = exp(-mpf(10) / 14)
        for (a, *within), value in self.rows["blips"]:
            rate = (mpf("0.5") + min(seen, 2)) / (900 + elapsed)
            ages[0] = [min(mpf("0.3"), 10 * rate) * calm / 2] * 2
            elapsed += 10
            quiet = (1 - fsum(fsum(x) for x in ages)) * exp(a)
            joint = [[p * exp(w) for p, w in zip(x, within)] for x in ages]
            total = quiet + fsum(fsum(x) for x in joint)
            self.assertLessEqual(abs(value - log(total)), mpf("1e-9"))
            calm = quiet / total
            now = [[x / total for x in of_age] for of_age in joint]
            seen += fsum(now[0])
            ages = [[mpf(0)] * 2] + [[stays * (x / 2 + fsum(of_age) / 4) for x in of_age] for of_age in now[:2]]

    def test_flapping(self):
        # Two states; on for 30 s and off for 90 s in the mean.
        p = mpf("0.25")
        for (on, off, dt), value in self.rows["flapping"]:
            joint = p * exp(on), (1 - p) * exp(off)
            self.assertLessEqual(abs(value - log(fsum(joint))), mpf("1e-9"))
            was = joint[0] / fsum(joint)
            p = was * exp(-dt / 30) + (1 - was) * (1 - exp(-dt / 90))

    def test_null(self):
        weights = [exp(-i) / fsum(exp(-j) for j in range(3)) for i in range(3)]
        for likelihood, value in self.rows["null"]:
            joint = [w * exp(x) for w, x in zip(weights, likelihood)]
            self.assertLessEqual(abs(value - log(fsum(joint))), mpf("1e-9"))
            weights = [x / fsum(joint) for x in joint]


unittest.main()
