# SPDX-License-Identifier: Apache-2.0
"""Gauges, shares of the traffic, growth and restarts as detectors/level_test.h, share_watch.h, growth.h and
restart_test.h describe them, from the formulas alone."""
from math import ceil, exp, hypot, isfinite, isnan, log, log1p, nan, sqrt

from evidence import Blips, Null, OnsetMixture, benign_ratios

SHIFTS = (3.5, 5, 8, 14, 30)  # healthy standard deviations


def median(values):
    """The upper one of two."""
    return sorted(values)[len(values) // 2]


def spread_around(values, middle):
    """Of a normal variable with this median deviation."""
    return 1.4826 * median([abs(x - middle) for x in values])


class LevelTest:
    def __init__(self, shape, before, looks_back=0):
        """`before`: (value, the control group's or NaN); `looks_back`: seconds that each is a mean of."""
        self.shape, self.alpha = shape, shape["alpha"]
        self.blip = 20 + max(0, looks_back - shape["interval"])
        self.logarithm = all(value > 0 for value, _ in before)
        own = [self.scaled(value) for value, _ in before]
        beside = [x for x in (self.scaled(reference) for _, reference in before) if isfinite(x)]
        self.middle = median(own)
        self.middle_beside = median(beside) if len(beside) >= 24 else self.middle
        unit = 1 if self.logarithm else max(abs(self.middle), spread_around(own, self.middle)) or 1
        self.noise = max(spread_around(own, self.middle), 0.002 * unit)
        near = [min(max(x - self.middle, -3 * self.noise), 3 * self.noise) for x in own]
        lasting = sum(a * b for a, b in zip(near, near[1:])) / len(own) / self.noise**2
        lasting = min(max(lasting, 0), 0.95)
        self.persistence = max((1 + lasting) / (1 - lasting), looks_back / shape["interval"])
        self.spread = hypot(0.05 * unit, self.wandered(own), self.noise / 4)
        if shape["control"]:
            self.noise *= sqrt(2)
        self.benign, prior, _ = benign_ratios(self.spread, max(self.noise / 2, self.spread / 5 * (1 + 1e-9)))
        self.null = Null(prior, min(0.1, shape["interval"] / 3600))
        past = len(before) * shape["interval"]
        self.blips = Blips(self.blip, shape["interval"], len(SHIFTS), self.blips_in(own), past, 0.9, True)
        self.evidence = OnsetMixture([1] * len(SHIFTS), shape["bake"], log(1 / self.alpha), 5)
        self.kept, self.last = max(3, ceil(40 / shape["interval"])), []

    def scaled(self, value):
        if not self.logarithm:
            return value
        return log(value) if value > 0 else nan

    def plain(self, scaled):
        return exp(scaled) if self.logarithm else scaled

    def wandered(self, own):
        """Structure function of the medians of blocks of five minutes."""
        ticks = int(max(1, 300 / self.shape["interval"]))
        blocks = [median(own[i:i + ticks]) for i in range(0, len(own) - ticks + 1, ticks)]
        most = 0
        for apart in range(1, min(int(self.shape["bake"] / 300) + 1, len(blocks) // 2) + 1):
            pairs = list(zip(blocks, blocks[apart:]))
            most = max(most, sum((b - a)**2 for a, b in pairs) / len(pairs))
        return sqrt(most)

    def blips_in(self, own):
        """Values beyond four standard deviations, as many after each other as a blip has."""
        count = run = 0
        for x in own:
            bad = x > self.middle + 4 * self.noise
            count += not bad and 0 < run <= int(self.blip / self.shape["interval"]) + 1
            run = run + 1 if bad else 0
        return count

    def step(self, value, reference, dt):
        value, reference = self.scaled(value), self.scaled(reference)
        if not isfinite(value):
            return self.evidence.skip(dt)
        now = value - self.middle - (reference - self.middle_beside if isfinite(reference) else 0)
        self.last = [*self.last, now][-self.kept:]

        def student(shift):  # with four degrees of freedom, tempered
            return -2.5 * log1p(((now - shift) / self.noise)**2 / 4) / self.persistence
        healthy, worse = [student(b) for b in self.benign], [student(s * self.spread) for s in SHIFTS]
        null = self.blips.predict(self.null.ask(healthy), worse, dt)
        self.null.learn(healthy, self.blips.calm)
        self.evidence.step([x - null for x in worse], dt)

    @property
    def worse(self):
        return self.evidence.value * self.alpha >= 1 and sum(self.last) / self.kept > 2 * self.spread

    @property
    def recent(self):
        return self.plain(self.middle + (sum(self.last) / len(self.last) if self.last else 0))


class ShareWatch:
    def __init__(self):
        self.seen, self.noise = [], 0.01  # newest last; variance of the log odds from tick to tick
        self.grew_at, self.suspicious, self.grows = -120, False, False

    def growth(self, recent, least):
        """In standard deviations, of the last ticks over the dozen before them; 0 if it is not `least` times."""
        rows = self.seen[-24:]
        if len(rows) < recent + 1:
            return 0

        def odds(part):
            return log((sum(r[1] for r in part) + 0.5) / (sum(r[2] for r in part) + 0.5))
        new, old = rows[-recent:], rows[:-recent][-12:]
        grown = odds(new) - odds(old)
        if grown < log(least):
            return 0
        if len(old) >= 3:
            steps = [odds([b]) - odds([a]) for a, b in zip(old, old[1:])]
            self.noise = max(sum(s**2 for s in steps) / 2 / len(steps), 0.02**2)
        chance = 1 / max(sum(r[1] for r in new), 1) + 1 / max(sum(r[1] for r in old), 1)
        sd = sqrt(max(chance, self.noise * (1 / len(new) + 1 / len(old))))
        return grown / sd / (2 if len(old) < 3 else 1)

    def add(self, at, dt, fresh, reference):
        self.seen.append((at - dt, fresh, reference))
        self.suspicious = False
        if self.growth(12, 1.04) > 2 or self.growth(6, 1.04) > 2:
            self.grew_at = at
        for recent in (1, 2, 3, 5, 8, 12):
            sigmas = self.growth(recent, 1.25)
            self.suspicious = self.suspicious or (sigmas > 1.5 and recent <= 5)
            if sigmas >= 4:
                self.suspicious, self.grew_at, self.grows = False, at, True
                self.seen = self.seen[-recent:]
                return self.seen[0][0]
        self.grows = at - self.grew_at < 120
        return nan


class GrowthTest:
    """Means over parts of the bake, in cells of a hundredth of it."""

    def __init__(self, bake):
        self.bake, self.rows = bake, ({}, {})

    def add(self, group, at, value):
        if isfinite(value):
            self.rows[group].setdefault(min(int(at / (self.bake / 100)), 100), []).append(value)

    def mean(self, group, start, end):
        width = self.bake / 100
        first, last = int(max(start, 0) / width), min(int(max(end, 0) / width), 101)
        seen = [x for cell in range(first, last) for x in self.rows[group].get(cell, [])]
        return sum(seen) / len(seen) if len(seen) >= 5 else None

    def rise(self, group, at, now, older, newer):
        """(mean of the last `now` of the bake, how much more than between `older` and `newer`)"""
        late = self.mean(group, at - now * self.bake, at + self.bake / 100)
        early = self.mean(group, at - older * self.bake, at - newer * self.bake)
        return (late, late - early) if late is not None and early is not None else None

    def grows(self, at):
        found = self.rise(0, at, 0.2, 0.5, 0.3) if at >= 0.6 * self.bake else None
        if found is None:
            return None
        common = self.rise(1, at, 0.2, 0.5, 0.3)
        now, rise = found[0], found[1] - max(0, common[1] if common else 0)
        return (now, rise) if rise >= 0.08 and now + rise / 0.3 >= 0.95 else None

    def still_grows(self, at):
        found = self.grows(at) if at >= 0.8 * self.bake else None
        if found is None:
            return None
        own, common = (self.rise(group, at, 0.15, 0.35, 0.2) or (0, 0) for group in (0, 1))
        return found if found[0] + (own[1] - max(0, common[1])) / 0.2 >= 0.95 else None


class RestartTest:
    """A slot has a restart or none. Gamma-Poisson against one restart every 30 s, or every one, two or four minutes."""

    EVERY = (30, 60, 120, 240)

    def __init__(self, bake, forgets, before):
        self.bake, self.events, self.seconds, self.elapsed = bake, 0, 0, 0
        for restarted, dt in before:
            self.events, self.seconds = self.events + restarted, self.seconds + dt
            if self.seconds >= 2 * forgets:
                self.events, self.seconds = self.events / 2, self.seconds / 2
        # One restart more than there was, in the mean distance of them, or in an hour.
        self.seconds += min(3600, self.seconds / self.events) if self.events > 0 else 3600
        self.events += 1
        self.sums = [1 / 3] * 4
        self.beside = Null([0.99] + [0.0025] * 4)  # as usual, or both groups restart, in every way

    def step(self, own, other, dt):
        calm = (self.seconds / (self.seconds + dt))**self.events

        def chance(restarted, none):
            return 1 if isnan(restarted) else 1 - none if restarted else none
        nones = [exp(-dt / every) for every in self.EVERY]
        healthy = chance(own, calm) * chance(other, calm)
        if not isnan(other):
            both = [healthy] + [chance(own, none) * chance(other, none) for none in nones]
            healthy = sum(w * x for w, x in zip(self.beside.weights, both))
            self.beside.drift = min(0.1, dt / self.bake)
            self.beside.learn([log(x) for x in both])
        fresh = 2 / 3 * min(dt, max(0, self.bake - self.elapsed)) / self.bake
        self.sums = [chance(own, none) * chance(other, calm) / healthy * (s + fresh) for none, s in zip(nones, self.sums)]
        self.elapsed += dt
        self.seconds += dt if isnan(other) else 2 * dt
        self.events += own + (0 if isnan(other) else other)

    @property
    def evidence(self):
        return sum(self.sums) / 4
