# SPDX-License-Identifier: Apache-2.0
"""What a bake would find, as detectors/power.h describes it: the same deploys drawn with the same random numbers, and the
tests of deploy.py over them."""
import pickle
from math import ceil, exp, floor, inf, isfinite, log, sqrt

from deploy import DeployTest
from draws import Draws
from errors import SD_ALONE as ERRORS_ALONE
from errors import ErrorHistory
from latency import SD_ALONE as LATENCY_ALONE
from latency import LatencyModel, TailCurve, above_normal

ERRORS = (1.2, 1.3, 1.4, 1.5, 1.6, 1.8, 2, 2.5, 3, 4, 5, 7, 10, 15, 20, 30, 50, 100)  # times as many
LATENCIES = (1.05, 1.1, 1.15, 1.2, 1.3, 1.4, 1.5, 1.7, 2, 2.5, 3, 4, 5)
FRESH = 2  # both groups were started with the deploy


class Tick:
    restarted = 0

    def __init__(self, at, counts, buckets):
        self.at, self.all, self.buckets, self.parts = at, counts, buckets, []


def smooth_above(curve, x):
    """Hermite's cubic through the points of the curve; a slope is between those of its neighbours, the closer one
    counts more, and at most three times the smaller one."""
    points = curve.points
    if len(points) < 3 or not points[0][0] < x < points[-1][0]:
        return curve.above(x)
    steps = [b[0] - a[0] for a, b in zip(points, points[1:])]
    rises = [(b[1] - a[1]) / step for a, b, step in zip(points, points[1:], steps)]
    slopes = [rises[0]]
    for i in range(1, len(rises)):
        near = (steps[i] * rises[i - 1] + steps[i - 1] * rises[i]) / (steps[i - 1] + steps[i])
        slopes.append(min(near, 3 * min(rises[i - 1:i + 1])))
    slopes.append(rises[-1])
    i = max(i for i, point in enumerate(points) if point[0] <= x)
    t, h = (x - points[i][0]) / steps[i], steps[i]
    return above_normal((1 - t)**2 * (1 + 2 * t) * points[i][1] + t**2 * (3 - 2 * t) * points[i + 1][1] +
                        h * t * (1 - t) * ((1 - t) * slopes[i] - t * slopes[i + 1]))


class Deploys:
    def __init__(self, row):
        """`row`: what is known of the service, and the seed."""
        self.row, self.draws = row, Draws(int(row["seed"]))
        self.latency, self.control, self.interval = bool(row["latency"]), bool(row["control"]), row["interval"]
        self.ticks = min(row["bake"] / self.interval, 1440)
        before = [Tick(at, (n, k), buckets) for at, n, k, *buckets in row["before"]]
        self.requests = [tick.all[0] for tick in before]
        test = DeployTest(row, before)
        self.learned = pickle.dumps(test)
        self.errors = ErrorHistory([(t.at, *t.all) for t in before], self.control, self.interval)
        if self.latency:
            self.model = LatencyModel(row, [(t.at, t.buckets) for t in before])
            self.curve = TailCurve(row["edges"], [sum(column) for column in zip(*(t.buckets for t in before))])
        # What a healthy deploy differs by: what is not known of the level, and what is usual.
        if self.control:
            self.spread = sqrt(2) * (0.02 if self.latency else 0.05)
        elif self.latency:
            self.spread = sqrt(max(0, self.model.spread**2 - LATENCY_ALONE**2) + 0.02**2)
        else:
            self.spread = sqrt(max(0, self.errors.spread**2 - ERRORS_ALONE**2) + 0.08**2)

    def draw(self):
        draws = self.draws
        self.begins = 0
        if draws.uniform(0, 1) >= 1 / 3:  # like the prior of the onset
            self.begins = floor(draws.uniform(0, self.ticks / 3 * self.interval) / self.interval) * self.interval
        self.cold, self.settles = 0, 1
        if self.latency and draws.uniform(0, 1) < 0.5:
            self.cold, self.settles = draws.uniform(0.1, 0.3), draws.uniform(15, 60)
        self.differs = exp(self.spread * draws.normal())
        self.noise, self.own, self.usual = self.model.jitter if self.latency else self.errors.extra, 1, 1
        self.like = draws.below(len(self.requests))
        if self.control:
            self.noise /= draws.gamma(len(self.requests) / 2)
            self.own = draws.uniform(0, 1)
            if not self.latency:
                self.usual = draws.gamma(max(self.errors.known - 0.5, 0.5))

    def load(self):
        """Stretches of five minutes in the mean."""
        if self.draws.uniform(0, 1) >= self.interval / 300:
            self.like = (self.like + 1) % len(self.requests)
        else:
            self.like = self.draws.below(len(self.requests))
        return min(max(self.requests[self.like], 0), 1e9)

    def part(self, requests, share):
        return requests if share >= 1 else self.draws.binomial(int(requests), share)

    def noisy(self, share):
        variance = share * self.noise
        if variance <= 1e-6:
            return 1
        return exp(sqrt(variance) * self.draws.normal()) if self.latency else self.draws.gamma(1 / variance)

    def group(self, at, requests, factor):
        factor *= self.noisy(self.own)
        if self.latency:
            return Tick(at, (requests, 0), self.buckets(at, int(requests), factor))
        mean = requests * self.errors.rate * factor
        return Tick(at, (requests, min(requests, self.draws.poisson(min(mean, 1e8))) if mean > 0 else 0), [])

    def buckets(self, at, left, factor):
        shift, above, counts = log(factor) + self.model.expected(at), 1, []
        for edge in self.row["edges"]:
            slower = smooth_above(self.curve, log(edge) - shift) if left > 0 else 0
            share = min(max(1 - slower / above, 0), 1) if above > 0 else 1
            counts.append(self.draws.binomial(left, share) if left > 0 else 0)
            left, above = left - counts[-1], slower
        return [*counts, left]

    def both(self, at, requests, effect):
        warm = 1 + self.cold * exp(-(at - self.interval / 2) / self.settles)
        common = self.usual * self.noisy(1 - self.own)
        fresh = self.group(at, self.part(requests, self.row["fresh_share"]), common * effect * self.differs * warm)
        if not self.control:
            return fresh, None
        cold = warm if self.row["control_kind"] == FRESH else 1
        return fresh, self.group(at, self.part(requests, self.row["control_share"]), common * cold)

    def found(self, effect):
        """Seconds."""
        test = pickle.loads(self.learned)
        self.draw()
        at = self.interval
        while at <= (self.ticks + 0.5) * self.interval:
            requests, since = self.load(), at - self.interval
            if since >= self.row["from"] - 1e-6:
                ticks = self.both(at, requests, effect if since >= self.begins else 1)
                if test.tick(self.interval, *ticks):
                    return max(at - self.begins, self.interval)
            at += self.interval
        return inf

    def share(self, effect):
        count = min(max(int(20_000 / max(self.ticks, 1)), 16), 48)
        return sum(isfinite(self.found(effect)) for _ in range(count)) / count

    def first(self, effects, wanted):
        """Bisection."""
        low, high = 0, len(effects)
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if self.share(effects[middle]) >= wanted else (middle + 1, high)
        return low

    def nine_of_ten(self, times):
        """Whole half minutes."""
        luck = sqrt(0.09 * len(times)) if self.control else 0
        return ceil(sorted(times)[min(int(0.9 * len(times) + luck), len(times) - 1)] / 30) * 30

    def announced(self, effect):
        """(effect, within, share, the times of those that begin with the deploy and later), if nine of ten are found."""
        count = min(max(int(100_000 / max(self.ticks, 1)), 100), 400)
        times = [(self.found(effect), self.begins) for _ in range(count)]
        groups = [[time for time, _ in times]]
        if self.latency:
            groups += [[time for time, begins in times if (begins == 0) == at_once] for at_once in (True, False)]
        try:
            within, start, later = map(self.nine_of_ten, groups if self.latency else 3 * groups)
        except OverflowError:  # ceil(inf)
            return None
        return effect, within, sum(time <= within for time, _ in times) / count, start, later


def power_of(row):
    """(effect, within, share, the times of what begins with the deploy and later, what is hopeless), or nothing."""
    if len(row["before"]) < 12 or sum(n for _, n, *_ in row["before"]) <= 0:
        return None
    deploys = Deploys(row)
    if deploys.latency and len(deploys.model.cells) < 2:
        return None
    effects = LATENCIES if deploys.latency else ERRORS
    power = next(filter(None, map(deploys.announced, effects[deploys.first(effects, 0.9):])), None)
    if not power:
        return None
    rare = deploys.first(effects, 0.1)
    whole = row["bake"] <= 1440 * deploys.interval
    return *power, min(effects[rare], power[0]) if rare > 0 and whole else 0
