# SPDX-License-Identifier: Apache-2.0
"""What a pass excludes, as detectors/certificate.h describes it, from the formulas alone."""
from bisect import bisect_left
from itertools import accumulate
from math import exp, inf, log, log1p, sqrt

from errors import ErrorHistory, OwnNoise
from evidence import log_sum
from latency import LOW, STEP, STEPS, interpolated


def quantile(q, edges, counts):
    """As Prometheus interpolates it: linear within a bucket; none beyond the last edge."""
    below = list(accumulate(counts))
    if below[-1] <= 0:
        return 0
    rank = q * below[-1]
    bucket = bisect_left(below, rank, 0, len(below) - 1)
    if bucket == len(edges):
        return edges[-1]
    start, before = (edges[bucket - 1], below[bucket - 1]) if bucket else (0, 0)
    return start + (edges[bucket] - start) * (rank - before) / (below[bucket] - before)


class Grid:
    """The log-likelihood of everything seen over log ratios."""

    def __init__(self, low, step, points):
        self.low, self.step, self.values = low, step, [0.0] * points

    def points(self):
        return [self.low + self.step * i for i in range(len(self.values))]

    def at(self, x):
        place = min(max((x - self.low) / self.step, 0), len(self.values) - 1)
        i = min(int(place), len(self.values) - 2)
        return self.values[i] + (place - i) * (self.values[i + 1] - self.values[i])

    def against(self, spread):
        """(log ratio, evidence that it is smaller) of the ratios that are asked about: each against a mixture of the
        smaller ones, the healthy difference integrated over 33 points within four standard deviations."""
        out, smaller, weight = [], -inf, 0
        high = self.points()[-1] - 4 * spread
        for i in range(int((high + 1.5) / 0.02) + 1 if high > -1.5 else 0):
            x = -1.5 + 0.02 * i
            here = log_sum([self.at(x + h / 4 * spread) - (h / 4)**2 / 2 for h in range(-16, 17)])
            out.append((x, smaller - log(weight) - here if weight > 0 else -inf))
            prior = exp(-(x / 0.25)**2 / 2) + 0.1
            smaller, weight = log_sum([smaller, log(prior) + here]), weight + prior
        return out


class Certificate:
    """Of errors if it has no latency model."""

    def __init__(self, shape, ticks, model=None):
        """`ticks` before: at, requests, errors, buckets."""
        self.shape, self.control, self.model = shape, bool(shape["control"]), model
        before = ErrorHistory(ticks, self.control, shape["interval"])
        self.rate, self.extra, self.noise = before.rate, max(before.extra, 1e-6), OwnNoise(before.extra)
        design = 1 + before.extra * before.errors / max(len(ticks), 1)
        unknown = 0 if self.control else design / (before.errors + 1)
        self.spread = sqrt(0.05**2 + unknown) if model is None else model.spread
        self.grid = Grid(-3, 0.05, 121) if model is None else Grid(LOW, STEP, STEPS)
        self.requests = 0
        if model is not None:
            buckets = len(shape["edges"]) + 1
            self.fresh, self.reference = [0] * buckets, [0] * buckets
            if not self.control:
                self.reference = [sum(column) for column in zip(*(tick[3:] for tick in ticks))]

    def ready(self, at, dt, requests, beside):
        if at - dt < 30 or requests <= 0 or (self.control and beside <= 0):
            return False
        self.requests += requests
        return True

    def add(self, likelihood):
        self.grid.values = [v + likelihood(x) for v, x in zip(self.grid.values, self.grid.points())]

    def errors(self, at, dt, n, k, m, j):
        """k of n requests of the new version, j of m of the control group."""
        if not self.ready(at, dt, n, m):
            return
        if not self.control:
            def negative_binomial(x):
                mean, shape = n * min(self.rate * exp(x), 0.97), 1 / self.extra
                return k * log(mean / (shape + mean)) - shape * log1p(mean / shape)
            return self.add(negative_binomial)
        even = n / (n + m)
        design = 1 + 2 * self.noise.value * (k + j) * even * (1 - even)

        def binomial(x):
            share = n * exp(x) / (n * exp(x) + m)
            return (k * log(share) + j * log(1 - share)) / design
        self.add(binomial)
        self.noise.add(n, k, m, j)

    def latency(self, at, dt, fresh, reference):
        if not self.ready(at, dt, sum(fresh), sum(reference)):
            return
        self.fresh = [a + b for a, b in zip(self.fresh, fresh)]
        model = self.model
        expected, doubt = model.expected(at), max(model.jitter, 1e-5)
        if self.control:
            self.reference = [a + b for a, b in zip(self.reference, reference)]
            cells = model.fill(reference)
            common = model.common(cells)
            if common <= -0.225 or common >= 0.9:  # or further still
                return
            expected = common if common != 0 else model.shift(cells)
            doubt = 2 * doubt + 1 / (sum(cells) * model.information)
        cells = model.fill(fresh)
        design = 1 + sum(cells) * model.information * doubt
        self.add(lambda x: sum(k * interpolated(c.log_ratio, x + expected) for k, c in zip(cells, model.cells)) / design)

    def least(self):
        """The bound is never below the ratio of the quantiles."""
        if self.model is None:
            return 0
        q, edges = self.shape["quantile"], self.shape["edges"]
        usual = quantile(q, edges, self.reference)
        return quantile(q, edges, self.fresh) / usual if usual > 0 else 0

    def bounds(self):
        """(bound, evidence with which more than it is excluded), ascending: the least of all larger ratios."""
        if self.requests < 25:
            return []
        out, least = [], inf
        for x, evidence in reversed(self.grid.against(self.spread)):
            least = min(least, evidence)
            bound = exp(1.1 * x) if self.model is not None and x > 0 else exp(x)
            out.insert(0, (max(bound, self.least()), least))
        return out

    def excluded(self, alpha):
        """The bound, and the evidence against all that lies above it."""
        bounds = self.bounds()
        bound = next((b for b, evidence in bounds if evidence >= log(1 / alpha)), inf)
        return bound, max((evidence for b, evidence in bounds if b <= bound * (1 + 1e-9)), default=0)
