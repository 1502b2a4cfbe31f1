# SPDX-License-Identifier: Apache-2.0
"""All tests of one deploy as detectors/deploy_test.h puts them together, from the formulas alone."""
from math import exp, lgamma, log, sqrt

from errors import ErrorBlockTest, ErrorHistory, ErrorTest, OwnNoise, PartTest
from latency import LatencyModel, LatencyTest
from levels import GrowthTest, ShareWatch

ERRORS, BLOCKS, PARTS, LATENCY = 0.35, 0.02, 0.08, 0.25  # of alpha
KINDS = ("hard-failure", "traffic-lost", "errors", "errors-block", "endpoint", "latency", "memory-leak")


def binomial_tail(k, n, p):
    """P(X >= k)"""
    return sum(exp(lgamma(n + 1) - lgamma(i + 1) - lgamma(n - i + 1) + i * log(p) + (n - i) * log(1 - p))
               for i in range(int(k), int(n) + 1))


class Tick:
    """Of one group: endpoints (requests, errors), buckets; the share of it that was started anew."""

    def __init__(self, at, numbers, parts, restarted=0):
        self.at, self.restarted = at, restarted
        self.parts = list(zip(numbers[:2 * parts:2], numbers[1:2 * parts:2]))
        self.buckets = numbers[2 * parts:]
        self.all = tuple(map(sum, zip(*self.parts)))


def added(a, b):
    return a[0] + b[0], a[1] + b[1]


class DeployTest:
    def __init__(self, shape, before):
        """`before`: ticks."""
        self.shape, self.control, self.interval = shape, bool(shape["control"]), shape["interval"]
        parts = [(0, 0)] * len(before[0].parts)
        for tick in before:
            parts = [added(a, b) for a, b in zip(parts, tick.parts)]
        self.history = ErrorHistory([(t.at, *t.all) for t in before], self.control, self.interval)
        self.part_rates = [k / n if n > 0 else 0 for n, k in parts]
        self.noise = OwnNoise(self.history.extra)
        self.errors = ErrorTest(shape, self.history, ERRORS)
        self.blocks = ErrorBlockTest(shape, self.history, BLOCKS)
        self.parts = PartTest(shape, self.history, parts, PARTS)
        self.latency = LatencyTest(shape, LatencyModel(shape, [(t.at, t.buckets) for t in before]), LATENCY)
        self.growth = GrowthTest(shape["bake"])
        self.share, self.share_beside = ShareWatch(), ShareWatch()
        self.rows = []  # (at, new, control group's, cells of both)
        self.totals = self.quiet = ((0, 0), (0, 0))
        self.part_totals = [((0, 0), (0, 0)) for _ in parts]
        self.began, self.load_grew, self.load_grows_from, self.counts_from = None, -180, None, 0
        self.incident = self.slowness = -180
        self.restarted = 0  # share of the new group

    def over(self, start, end):
        return [row for row in self.rows if start + 1e-6 < row[0] <= end + 1e-6]

    @staticmethod
    def counts(rows):
        fresh, reference = (0, 0), (0, 0)
        for row in rows:
            fresh, reference = added(fresh, row[1]), added(reference, row[2])
        return fresh, reference

    def cells(self, rows):
        none = [0] * len(self.latency.model.cells)
        return [[sum(column) for column in zip(none, *(row[i] for row in rows))] for i in (3, 4)]

    def take(self, dt, fresh, reference):
        model, at = self.latency.model, fresh.at
        beside = reference.all if reference else (0, 0)
        cells = model.fill(fresh.buckets), model.fill(reference.buckets) if reference else [0] * len(model.cells)
        self.rows.append((at, fresh.all, beside, *cells, dt))
        self.began = at - dt if self.began is None else self.began
        self.restarted += fresh.restarted
        self.cold_anew = self.restarted >= 0.0999  # a tenth of the new group
        if self.cold_anew:
            self.restarted = 0
            self.latency.restarted(at)
        self.watch_load(at)
        if reference is None:
            return
        self.watch_incident(at)
        self.watch_slowness(at)
        since = self.share.add(at, dt, fresh.all[0], beside[0])
        if since == since:
            self.latency.restart(since)
        since = self.share_beside.add(at, dt, beside[0], fresh.all[0])
        if since == since:
            self.latency.restart_beside(since)
        self.latency.growing = self.share.grows

    def watch_load(self, at):
        """Half as much more as in the minutes before, and four standard deviations: until three minutes after."""
        start = max(self.began, at - 300)
        if start > at - 120:
            return
        now, before = (sum(requests for requests, _ in self.counts(self.over(*span)))
                       for span in ((at - 30, at), (start, at - 60)))
        usual = before * 30 / max(sum(row[5] for row in self.over(start, at - 60)), 30)
        now *= 30 / max(sum(row[5] for row in self.over(at - 30, at)), 30)
        settled = at - self.load_grew >= 180
        # Or three times as much as in the minute before: it was away.
        if not self.over(at - 90, at - 30):
            return
        lately = sum(requests for requests, _ in self.counts(self.over(at - 90, at - 30)))
        returned = 3 * lately * 30 / 60
        if now > min(1.5 * usual, returned) and now - min(usual, returned) > 4 * sqrt(now + 1):
            if settled:
                self.load_grows_from = at - 60
                if not self.control:
                    self.latency.restart(at - 30)
            self.load_grew = at
        elif settled and self.load_grows_from is not None:
            self.latency.forget(self.load_grows_from)
            self.load_grows_from = None

    def watch_incident(self, at):
        """The control group has three times the usual errors, and four standard deviations more."""
        rows = self.over(at - max(30, 2 * self.interval), at)
        _, (requests, errors) = self.counts(rows)
        usual = self.history.rate * requests
        if len(rows) < 2 or usual <= 0:
            return
        noise = sqrt(usual + self.history.extra * usual**2 / len(rows) + 1)
        if errors - usual > max(2 * usual, 4 * noise):
            self.incident = at

    def watch_slowness(self, at):
        rows = self.over(at - max(30, 2 * self.interval), at)
        if len(rows) >= 2 and self.latency.model.shift(self.cells(rows)[1]) > 0.15:
            self.slowness = at

    def error_doubt(self, at):
        troubled = at - self.incident < 180 or at - self.load_grew < 180
        return 10 if troubled or (self.history.incident > 1 and at < 600) else 1

    def hard_failure(self, at):
        rows = self.over(max(self.counts_from, at - max(20, 2 * self.interval)), at)
        (n, k), (m, j) = self.counts(rows)
        if len(rows) < 2 or n < 8:
            return None
        base = (j + 1) / (m + 2) if self.control else (self.history.errors + 1) / (self.history.requests + 2)
        if k < 0.4 * n or k <= 8 * base * n or binomial_tail(k, n, max(0.25, 2 * base)) > 2e-5:
            return None
        return {"fresh": (n, k), "reference": (m, j)}

    def silence(self, at):
        if not self.control or at < 60:
            return None
        for seconds in (30, 60, 120, 240):
            span = max(seconds, 2 * self.interval)
            now, earlier = self.over(at - span, at), self.over(at - 400, at - span)
            (n, k), (m, j) = self.counts(now)
            (old_n, _), (old_m, _) = self.counts(earlier)
            if len(now) < 2 or len(earlier) < 3 or old_m <= 0:
                return None
            share = exp(-3 / sqrt(max(1, old_n))) * old_n / old_m
            if share * m < 25:
                continue
            (half_n, _), (half_m, _) = self.counts(self.over(at - span / 2, at))
            own = old_n * len(now) / len(earlier)
            if n >= 0.1 * min(share * m, own) or half_n > 0.07 * share * half_m:
                return None
            return {"fresh": (n, k), "reference": (m, j), "value": n, "expected": share * m, "before": 0}
        return None

    def reference_rate(self, reference):
        return (reference[1] + 0.5) / (reference[0] + 1) if self.control else self.history.rate

    def still_bad(self, at):
        span = max(40, 3 * self.interval)
        fresh, reference = self.counts(self.over(at - span, at))
        if fresh[0] * self.reference_rate(reference) < 4:
            fresh, reference = self.counts(self.over(at - 3 * span, at))
        return fresh[1] / max(fresh[0], 1) > 1.15 * self.reference_rate(reference)

    def since_quiet(self):
        return {what: (now[0] - then[0], now[1] - then[1])
                for what, now, then in zip(("fresh", "reference"), self.totals, self.quiet)}

    def slowest_edge(self, at):
        """Where the shares above the edges differ most."""
        fresh, reference = self.cells(self.over(at - 120, at))
        cells = self.latency.model.cells
        usual = reference if self.control else [c.share for c in cells]
        best = {"fresh": (sum(fresh), 0)}
        most = -1
        for c in range(len(cells) - 1, 0, -1) if sum(fresh) > 0 and sum(usual) > 0 else ():
            a, b = sum(fresh[c:]) / sum(fresh), sum(usual[c:]) / sum(usual)
            differs = (a - b) / sqrt(b + 1e-4)
            if differs > most:
                most = differs
                best.update(value=a, expected=b, limit=self.shape["edges"][cells[c - 1].last])
        return best

    def found_errors(self, dt, fresh, reference):
        alpha, own = self.shape["alpha"], self.noise.value if self.control else 0
        self.errors.step(fresh.all, reference, own, dt)
        if self.control and self.errors.evidence.value < 3:
            self.noise.add(*fresh.all, *reference)
        if self.errors.evidence.value * alpha * ERRORS >= self.error_doubt(fresh.at) and self.still_bad(fresh.at):
            return "errors", {"evidence": self.errors.evidence.value * ERRORS, **self.since_quiet()}
        self.blocks.step(fresh.all, reference, self.noise.value if self.control else 0, dt)
        if self.blocks.filled == 0 and self.blocks.evidence.value * alpha * BLOCKS >= self.error_doubt(fresh.at):
            return "errors-block", {"evidence": self.blocks.evidence.value * BLOCKS, **self.since_quiet()}
        return None

    def found_part(self, dt, fresh, reference):
        own = self.noise.value + 0.03 if self.control else 0
        self.parts.step(fresh.parts, reference.parts if reference else [(0, 0)] * len(fresh.parts), own, dt)
        if self.parts.evidence.value * self.shape["alpha"] * PARTS < self.error_doubt(fresh.at):
            return None
        part = self.parts.strongest
        totals = self.part_totals[part]
        return "endpoint", {"evidence": self.parts.evidence.value * PARTS, "part": part, "fresh": totals[0],
                            "reference": totals[1], "before": self.part_rates[part]}

    def found_latency(self, at, dt):
        if self.cold_anew:
            return self.latency.skip(at, dt)
        self.latency.step(at, dt, *self.rows[-1][3:5], True)
        doubt = 1e5 if min(at - self.load_grew, at - self.slowness) < 180 else 1
        evidence = self.latency.evidence.value
        if evidence * self.shape["alpha"] * LATENCY < doubt or self.share.suspicious:
            return None
        if not self.latency.still(*self.cells(self.over(at - max(40, 3 * self.interval), at))):
            return None
        return "latency", {"evidence": evidence * LATENCY, **self.since_quiet(), **self.slowest_edge(at)}

    def watch(self, dt, fresh, reference):
        self.take(dt, fresh, reference)
        self.counts_from = fresh.at
        if fresh.at - dt >= 30 - self.interval / 2 and not self.cold_anew:
            self.latency.step(fresh.at, dt, *self.rows[-1][3:5], False)

    def tick(self, dt, fresh, reference):
        """(kind, numbers) or nothing."""
        at, beside = fresh.at, reference.all if reference else (0, 0)
        self.take(dt, fresh, reference)
        self.totals = added(self.totals[0], fresh.all), added(self.totals[1], beside)
        self.part_totals = [(added(a, new), added(b, other)) for (a, b), new, other in zip(
            self.part_totals, fresh.parts, reference.parts if reference else [(0, 0)] * len(fresh.parts))]
        for kind, found in (("hard-failure", self.hard_failure(at)), ("traffic-lost", self.silence(at))):
            if found:
                return kind, found
        if at - dt < 30 - self.interval / 2:
            return None
        found = (self.found_errors(dt, fresh, beside) or self.found_part(dt, fresh, reference) or
                 self.found_latency(at, dt))
        if found:
            return found
        if self.errors.evidence.value < 1:
            self.quiet = self.totals
        grown = self.growth.still_grows(at)
        return ("memory-leak", {"value": grown[0], "expected": grown[1], "before": 0}) if grown else None

    @property
    def evidence(self):
        return max(self.errors.evidence.value * ERRORS, self.blocks.evidence.value * BLOCKS,
                   self.parts.evidence.value * PARTS, self.latency.evidence.value * LATENCY)
