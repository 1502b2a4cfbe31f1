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
    moved = mpf("0.05") if incident > 0 else mpf(0)
    weights = [1 - 3 * incident - moved] + [incident] * 3 + [moved]
    # A level that has moved, before anything was seen of it: one event's worth of the usual one, and a tenth of doubt.
    shapes = [shape, mpf(1), mpf(1), mpf(1), 1 / (1 / shape + 1 + mpf("0.1"))]
    means = [min(level * f, mpf("0.6")) for f in FACTORS + (1,)]
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
        # Four states of an incident, each sticky, and one of a level that has moved; the usual rate is Gamma(events,
        # requests), 400 events at most, and clumped events count as fewer. The new group is expected to fail 1.3 times
        # as often. The moved level is what was seen lately, which fades within two minutes; a tick has 10 s.
        clumps, ratio, cap, moved = mpf("0.1"), mpf("1.3"), mpf("0.6"), mpf("0.05")
        events, requests = mpf(20), 20 / mpf("0.004")
        prior = [1 - 3 * mpf("0.01") - moved] + [mpf("0.01")] * 3 + [moved]
        weights, usual = prior[:], 1 / (clumps + 1 / events)
        lately, stays, fades = [mpf(0), mpf(0)], exp(-mpf(10) / 900), exp(-mpf(10) / 120)
        goes_on = exp(-mpf(10) / 95)
        rows = self.rows["belief"]
        self.assertGreaterEqual(len(rows), 100)
        for (kr, nr, kn, nn, own, share), value in rows:
            lately = [fades * x for x in lately]
            seen = 1 + lately[0]
            means = [min(events / requests * f, cap) for f in FACTORS]
            means.append(min(seen / (1 / means[0] + lately[1]), cap))
            shapes = [usual, mpf(1), mpf(1), mpf(1), 1 / (1 / usual + 1 / seen + mpf("0.1"))]
            first = [w * exp(nb(kr, nr * m, 1 / (1 / s + own))) for w, m, s in zip(weights, means, shapes)]
            both = []
            for x, m, s in zip(first, means, shapes):
                design = 1 + own * nr * m
                after = (s + kr / design) / (s / m + nr / design)
                both.append(x * exp(nb(kn, nn * min(after * ratio, mpf("0.97")), 1 / (1 / (s + kr / design) + own))))
            self.assertLessEqual(abs(value - log(fsum(both))), mpf("1e-9") * max(1, abs(value)), (kr, nr, kn, nn))
            for k, n, counts in ((kr, nr, mpf(1)), (kn, nn * ratio, share)):
                counts /= 1 + own * n * means[4]
                lately = [lately[0] + counts * k, lately[1] + counts * n]
            calm = first[0] / fsum(first)
            for k, n, counts in ((kr, nr, calm), (kn, nn * ratio, calm * share)):
                counts /= 1 + (clumps + own) * n * events / requests
                events, requests = events + counts * min(k, n), requests + counts * n
                keeps = min(mpf(1), 400 / events)
                events, requests = events * keeps, requests * keeps
            believed = [share * b / fsum(both) + (1 - share) * f / fsum(first) for b, f in zip(both, first)]
            weights = [stays * believed[4] + (1 - stays) * moved]
            weights = [(1 - weights[0]) * (goes_on * b / (1 - believed[4]) + (1 - goes_on) * p / (1 - moved))
                       for b, p in zip(believed[:4], prior)] + weights
            usual = 1 / (clumps + 1 / events)

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

    def test_spells(self):
        # Three states: calm, and a spell of either strength, which is kept in four of five ticks; one in four hours,
        # of five minutes in the mean.
        states, begins, goes_on = [mpf(1), mpf(0), mpf(0)], mpf(10) / 14400, exp(-mpf(10) / 300)
        self.assertGreaterEqual(len(self.rows["spells"]), 50)
        for likelihood, value in self.rows["spells"]:
            calm, *spell = states
            moves = goes_on * fsum(spell) / 10 + begins * calm / 2
            expected = [(1 - begins) * calm + (1 - goes_on) * fsum(spell)] + [goes_on * x * 4 / 5 + moves for x in spell]
            joint = [p * exp(x) for p, x in zip(expected, likelihood)]
            self.assertLessEqual(abs(value - log(fsum(joint))), mpf("1e-9"))
            states = [x / fsum(joint) for x in joint]

    def test_hardly_calm(self):
        begins = 180 * mpf("0.5") / 900
        for (calm, bad), value in self.rows["hardly_calm"]:
            want = (1 - begins) * exp(calm) / ((1 - begins) * exp(calm) + begins * exp(bad))
            self.assertLessEqual(abs(value - want), mpf("1e-9") * want)

    def test_flapping(self):
        # Two states; on for 30 s and off for 90 s in the mean.
        p = mpf("0.25")
        for (on, off, dt), value in self.rows["flapping"]:
            joint = p * exp(on), (1 - p) * exp(off)
            self.assertLessEqual(abs(value - log(fsum(joint))), mpf("1e-9"))
            was = joint[0] / fsum(joint)
            p = was * exp(-dt / 30) + (1 - was) * (1 - exp(-dt / 90))

    def test_dispersion(self):
        # Moments around the mean of the twelve neighbours, drawn to the overall rate by three events; weights by their
        # information, which depends on the answer: two rounds.
        def estimate(prior, strength, binomial, *counts):
            n = len(counts) // 2
            events, requests = counts[:n], counts[n:]
            level = (fsum(events) + mpf("0.5")) / max(fsum(requests), 1)
            ticks = []
            for i in range(n):
                near = [j for j in range(max(0, i - 6), min(n, i + 7)) if j != i]
                rate = (fsum(events[j] for j in near) + 3) / (fsum(requests[j] for j in near) + 3 / level)
                mean = requests[i] * rate
                ticks.append((events[i], mean, mean * max(1 - rate, mpf("1e-6")) if binomial else mean))
            last = prior
            for _ in range(2):
                total, weights = prior * strength, strength
                for k, mean, v in ticks:
                    weight = min(mean**2 / (v + mean**2 * max(last, mpf("1e-6"))), 50)
                    total, weights = total + weight * ((k - mean)**2 - v) / mean**2, weights + weight
                last = max(total, 0) / weights
            return last
        self.agree("dispersion", estimate, 40)

    def test_extra_variance(self):
        # E[(x - mean)^2] = v + extra v2; the prior is 0.1 and counts as five ticks.
        numerator, denominator = mpf("0.5"), mpf(5)
        for (squared, v, v2), value in self.rows["extra_variance"]:
            weight = v2 / (v / mpf("0.1") + v2)
            numerator, denominator = numerator + weight * (squared - v) / v2, denominator + weight
            self.assertLessEqual(abs(value - max(numerator, 0) / denominator), mpf("1e-9"))

    def restarts(self, name, beside):
        # Gamma-Poisson predictive: 4 restarts in 2,000 s before, and one in its mean distance (500 s) on top. Beside a
        # control group both may restart again and again, in one of four ways; weights of that drift by dt / bake.
        before, seconds, bake, dt = mpf(4), mpf(2000), mpf(900), mpf(10)
        every = [mpf(x) for x in (30, 60, 120, 240)]
        events, passed, elapsed = mpf(0), mpf(0), mpf(0)
        sums, usual, both = [mpf(1) / 3] * 4, mpf("0.99"), [mpf("0.0025")] * 4
        for (own, other), value in self.rows[name]:
            total = 500 + seconds + passed
            calm = (total / (total + dt)) ** (1 + before + events)
            chance = lambda is_so, none: 1 - none if is_so else none
            null = chance(own, calm) * (chance(other, calm) if beside else 1)
            if beside:
                usual, both = usual * null, [w * chance(own, exp(-dt / e)) * chance(other, exp(-dt / e)) for w, e in zip(both, every)]
                null = usual + fsum(both)
                drift = dt / bake
                usual = (1 - drift) * usual / null + drift * mpf("0.99")
                both = [(1 - drift) * w / null + drift * mpf("0.0025") for w in both]
            fresh = mpf(2) / 3 * min(dt, max(0, bake - elapsed)) / bake
            sums = [chance(own, exp(-dt / e)) * (chance(other, calm) if beside else 1) / null * (s + fresh) for s, e in zip(sums, every)]
            elapsed += dt
            passed += 2 * dt if beside else dt
            events += own + (other if beside else 0)
            want = fsum(sums) / 4
            self.assertLessEqual(abs(value - want), mpf("1e-9") * max(1, abs(want)))

    def test_restarts(self):
        self.restarts("restarts", False)
        self.restarts("restarts_beside", True)

    def test_confidence_bound(self):
        # The smallest ratio from which on every one is excluded against a mixture of the smaller ones; a healthy
        # difference is integrated over 33 points within four standard deviations.
        def upper(middle, information, spread, alpha):
            def seen(x):  # linear between the points of the grid
                place = min(max((x + 3) * 20, mpf(0)), mpf(120))
                i = min(int(place), 119)
                at = lambda k: -information * (mpf(k) / 20 - 3 - middle)**2 / 2
                return at(i) * (1 - (place - i)) + at(i + 1) * (place - i)
            healthy = [(mpf(h) / 4 * spread, exp(-(mpf(h) / 4)**2 / 2)) for h in range(-16, 17)]
            def marginal(x):
                return log(fsum(weight * exp(seen(x + away)) for away, weight in healthy))
            smaller, weight, bound = mpf(0), mpf(0), mpf("inf")
            for i in range(int((3 - 4 * spread + mpf("1.5")) * 50) + 1):
                x = mpf("-1.5") + mpf(i) / 50
                here = marginal(x)
                excluded = weight > 0 and log(smaller) - log(weight) - here >= log(1 / alpha)
                bound = mpf("inf") if not excluded else min(bound, exp(x))
                prior = exp(-(x / mpf("0.25"))**2 / 2) + mpf("0.1")
                smaller, weight = smaller + prior * exp(here), weight + prior
            return bound
        self.agree("bound", upper, 20)

    def test_tail(self):
        # Linear in the probit over the logarithm of the latency.
        edges = [log(mpf(e)) for e in (10, 25, 50, 100, 250, 500)]
        probit = lambda p: sqrt(2) * erfinv(2 * p - 1)
        def above(*arguments):
            counts, latency = arguments[:-1], arguments[-1]
            z = [probit(fsum(counts[:i + 1]) / fsum(counts)) for i in range(len(edges))]
            i = min(max(sum(e <= latency for e in edges), 1), len(edges) - 1)
            slope = (z[i] - z[i - 1]) / (edges[i] - edges[i - 1])
            slope = max(slope, 2) if latency < edges[0] else slope  # below the lowest edge
            return erfc((z[i - 1] + slope * (latency - edges[i - 1])) / sqrt(2)) / 2
        self.agree("tail", above, 30)

    def test_localisation(self):
        # Poisson log-likelihood ratio of "one value is worse" over "all are equally worse", less the log of five.
        def gain(*counts):
            rows = [counts[i:i + 4] for i in range(0, len(counts), 4)]
            common = (fsum(r[1] for r in rows) + mpf("0.5")) / (fsum(r[0] for r in rows) + 1)
            expected = [now * min((bad + 3) / (before + 3 / common), 1) for before, bad, now, _ in rows]
            worst = 2
            bad, rest = rows[worst][3], fsum(r[3] for i, r in enumerate(rows) if i != worst)
            usual, others = expected[worst], fsum(e for i, e in enumerate(expected) if i != worst)
            factor = (bad + rest) / (usual + others)
            return bad * log(bad / (usual * factor)) + rest * log(rest / (others * factor)) - log(5)
        self.agree("localise", gain, 15)

    def test_growth(self):
        # Means over fifths of a bake that lie three tenths apart, cell by cell of a hundredth of it.
        def rise(slope, common, noise):
            def mean(of, low, high):
                rows = [of(t) for t in range(160) if low <= (5 * t + 2) // 10 < high]
                return fsum(rows) / len(rows)
            fresh = lambda t: mpf("0.2") + slope * (5 * t + 2) / 1000 + noise * (t % 3)
            other = lambda t: mpf("0.2") + common * (5 * t + 2) / 1000
            out = lambda of: mean(of, 59, 80) - mean(of, 29, 49)
            found = out(fresh) - max(mpf(0), out(other))
            now = mean(fresh, 59, 80)
            return found if found >= mpf("0.08") and now + found / mpf("0.3") >= mpf("0.95") else mpf(0)
        self.agree("growth", rise, 20)

    def test_null(self):
        weights = [exp(-i) / fsum(exp(-j) for j in range(3)) for i in range(3)]
        for likelihood, value in self.rows["null"]:
            joint = [w * exp(x) for w, x in zip(weights, likelihood)]
            self.assertLessEqual(abs(value - log(fsum(joint))), mpf("1e-9"))
            weights = [x / fsum(joint) for x in joint]


unittest.main()
