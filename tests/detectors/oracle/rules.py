# SPDX-License-Identifier: Apache-2.0
"""The detectors of rules as detectors/stalls.cpp, grows.cpp, fills.cpp, repeat.cpp and worse_level.cpp describe them, from
the formulas alone. Every slot says (verdict, value, limit, baseline, clears), or nothing."""
from math import ceil, isfinite, isnan, nan

from levels import GrowthTest, LevelTest, RestartTest

OK, BREACH, INSUFFICIENT = 0, 1, 7  # core/verdict.h
NOTHING = (INSUFFICIENT, nan, nan, nan, True)


class Rule:
    def __init__(self, shape):
        self.interval, self.bake, self.baseline, *self.arguments, self.rate = shape
        self.begin()

    def learn(self, now, beside, reach):
        pass

    def watch(self, now, beside, reach):
        """A slot that does not count."""


class Stalls(Rule):
    """One value for n intervals: seen in n + 1 slots."""

    def begin(self):
        self.value, self.seen, self.blind, self.moved = nan, 0, 0, False
        self.slots = max(ceil(self.arguments[0] / self.interval), 1) + 1

    def judge(self, now, beside, reach):
        if isnan(now):
            return NOTHING
        if now != self.value:
            self.moved = self.moved or not isnan(self.value)
            self.value, self.seen, self.blind = now, 0, 0
        self.seen += 1
        verdict = BREACH if self.seen >= self.slots else OK if self.moved else INSUFFICIENT
        return verdict, now, nan, nan, True

    def miss(self, slots):
        self.blind += slots
        if self.blind > self.slots / 5:
            self.begin()


class Grows(Rule):
    """Least squares over the points of a window; a point is the mean of the slots in it, 240 points at most."""

    def begin(self):
        self.share, over = self.arguments
        slots = max(ceil(over / self.interval), 2)
        self.width = ceil(slots / 240)
        self.most = ceil(slots / self.width)
        self.points, self.point = [], []

    def add(self, value):
        self.point.append(value)
        if len(self.point) == self.width:
            seen = [x for x in self.point if not isnan(x)]
            self.points = [*self.points, sum(seen) / len(seen) if seen else nan][-self.most:]
            self.point = []

    def miss(self, slots):
        for _ in range(min(slots, self.most * self.width)):
            self.add(nan)

    def judge(self, now, beside, reach):
        self.add(now)
        first = self.most - len(self.points)
        seen = [(x, y) for x, y in enumerate(self.points, first) if not isnan(y)]
        if len(seen) < 2:
            return NOTHING
        mx, my = (sum(column) / len(seen) for column in zip(*seen))
        slope = sum((x - mx) * (y - my) for x, y in seen) / sum((x - mx)**2 for x, _ in seen)
        start = my - slope * mx
        end = start + slope * (self.most - 1)
        limit = start * (1 + self.share)
        if len(self.points) < self.most or len(seen) < 0.8 * self.most or start <= 0:
            return INSUFFICIENT, end, limit, start, True
        return BREACH if end > limit else OK, end, limit, start, end <= start * (1 + 0.8 * self.share)


class Fills(Rule):
    def begin(self):
        self.slots, self.test = 0, None

    def judge(self, now, beside, reach):
        self.slots += 1
        self.test = self.test or GrowthTest(self.bake)
        at = self.slots * self.interval
        self.test.add(0, at, now)
        self.test.add(1, at, beside)
        if isnan(now):
            return NOTHING
        return BREACH if self.test.still_grows(at) else OK, now, 0.95, nan, True

    def miss(self, slots):
        if self.test:
            self.slots += slots


class Counter:
    """Slots become restarts: what follows within 15 s is the same one; of a rate half a start is one."""

    def __init__(self, rate):
        self.rate, self.last, self.lost, self.since, self.kept = rate, nan, 0, 15, 0

    def restarted(self, now, dt):
        self.since += dt
        if self.rate:
            more = now
        else:
            more = now - self.last
            if not isnan(now):
                self.last = now
            if more < 0:
                self.lost -= more
            elif more >= self.lost > 0:  # those that were not seen bring their restarts back
                more, self.lost = more - self.lost, 0
        self.kept += more if more > 0 else 0
        if self.since < 15:
            self.kept = 0
            return False
        if self.kept < 0.5:
            return False
        self.kept = self.since = 0
        return True


class Repeat(Rule):
    """A quarter of alpha; three restarts at least."""

    def __init__(self, shape):
        self.own, self.beside, self.learned = Counter(shape[-1]), Counter(shape[-1]), []
        super().__init__(shape)
        self.alpha = self.arguments[0] or 0.001

    def begin(self):
        self.test, self.missed, self.count = None, 0, 0

    def miss(self, slots):
        self.missed += slots

    def restarts(self, now, beside):
        dt = (self.missed + 1) * self.interval
        self.missed = 0
        return self.own.restarted(now, dt), nan if isnan(beside) else self.beside.restarted(beside, dt), dt

    def learn(self, now, beside, reach):
        own, _, dt = self.restarts(now, beside)
        self.learned.append((own, dt))

    def watch(self, now, beside, reach):
        self.restarts(now, beside)

    def judge(self, now, beside, reach):
        own, other, dt = self.restarts(now, beside)
        self.test = self.test or RestartTest(self.bake, self.baseline, self.learned)
        self.test.step(own, other, dt)
        self.count += own
        evidence = self.test.evidence
        found = self.count >= 3 and evidence * self.alpha / 4 >= 1
        return BREACH if found else OK, evidence / 4, 1 / self.alpha, nan, evidence / 4 * self.alpha < 1


class WorseLevel(Rule):
    """Ticks of 5 s at least, 720 of them before the deploy; a rate may fall silent beside a control group."""

    def begin(self):
        self.alpha = self.arguments[0] or 0.001
        self.slots = max(1, int(max(5, self.baseline / 720) / self.interval + 0.5))
        self.tick, self.test, self.silent, self.silent_now, self.last = [], None, 0, False, NOTHING

    def __init__(self, shape):
        super().__init__(shape)
        self.before, self.reach = [], 1

    def miss(self, slots):
        self.tick = []

    def row(self, now, beside, reach):
        """Of a tick that is full: its mean, and the control group's."""
        if reach != self.reach:
            self.reach, self.before = reach, []
            self.begin()
        if isnan(now):
            return None
        self.tick.append((now, beside))
        if len(self.tick) < self.slots:
            return None
        seconds = self.interval if self.rate else 1
        others = [b for _, b in self.tick if not isnan(b)]
        tick = sum(a for a, _ in self.tick) / (len(self.tick) * seconds), \
            sum(others) / (len(others) * seconds) if others else nan
        self.tick = []
        return tick

    def learn(self, now, beside, reach):
        tick = self.row(now, beside, reach)
        if tick:
            self.before = [*self.before, tick][-720:]

    def watch(self, now, beside, reach):
        self.row(now, beside, reach)
        if not isnan(now):
            self.tick = []

    def judge(self, now, beside, reach):
        tick = self.row(now, beside, reach)
        if isnan(now):
            return NOTHING
        if tick:
            self.step(*tick)
        return self.last

    def step(self, value, reference):
        dt = self.interval * self.slots
        if self.test is None:
            shape = {"bake": self.bake, "interval": dt, "alpha": self.alpha, "control": isfinite(reference)}
            looks_back = self.reach * self.interval if self.reach > 1 else 0
            self.test = LevelTest(shape, self.before, looks_back) if len(self.before) >= 24 else False
            both = [level for level in self.before if isfinite(level[1])]
            own, other = (sum(column) for column in zip(*both)) if both else (1, 1)
            self.share = own / other
        if not self.test:
            return
        self.test.step(value, reference, dt)
        self.silent_now = self.rate and isfinite(reference) and self.falls_silent(value, reference * self.share, dt)
        bad = self.silent_now or self.test.worse
        evidence, limit = self.test.evidence.value, 1 / self.alpha
        said = max(evidence, limit) if bad else evidence
        self.last = BREACH if bad else OK, said, limit, nan, said < limit

    def falls_silent(self, value, expected, dt):
        """A tenth of what is expected, for half a minute, where ten are expected in a tick."""
        self.silent = self.silent + dt if expected * dt >= 10 and value < expected / 10 else 0
        return self.silent >= 30
