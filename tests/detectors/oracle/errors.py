# SPDX-License-Identifier: Apache-2.0
"""Errors as detectors/shared_level.h, ratio_comparison.h and error_test.h describe them, from the formulas alone."""
from math import exp, hypot, log, log1p, sqrt

from evidence import Blips, ExtraVariance, Flapping, Null, OnsetMixture, Spells, benign_ratios, log_sum

SD, SD_ALONE = 0.068, 0.11  # of healthy log ratios: detectors/tuning.h
RATIOS = (1.35, 1.6, 2.0, 3.0, 6.0, 20.0, 100.0)
WEIGHTS = (0.15, 0.18, 0.18, 0.16, 0.14, 0.11, 0.08)
FLAPPING = (4.0, 10.0, 25.0)
PART_RATIOS = (2.5, 6.0, 15.0, 60.0)
INCIDENTS = (1, 5, 30, 150)  # times the usual rate


def rising(x, k):
    """log(x (x + 1) ... (x + k - 1))"""
    return sum(log(x + i) for i in range(int(k)))


def negative_binomial(k, mean, shape):
    """Without the term in k! alone."""
    return rising(shape, k) - shape * log1p(mean / shape) + (k * log(mean / (shape + mean)) if k > 0 else 0)


class SharedLevel:
    """The rate common to both groups: a Gamma prior for each state of an incident, which is sticky, and one for a level
    that has moved to where it was in the last two minutes, which is stickier."""

    def __init__(self, level, shape, incident):
        moved = 0.05 if incident > 0 else 0
        self.prior = [1 - 3 * incident - moved] + [incident] * 3 + [moved]
        self.weights, self.shapes = self.prior[:], [shape, 1, 1, 1, 1]
        self.requests = self.errors = 0.0  # lately
        self.usual(level, shape)

    def usual(self, level, shape):
        self.shapes[0] = shape
        self.means = [min(level * factor, 0.6) for factor in INCIDENTS] + [self.means[4] if hasattr(self, "means") else 0]

    def time_passes(self, dt):
        self.stays, self.goes_on = exp(-dt / 900), exp(-dt / 95)
        self.requests, self.errors = self.requests * exp(-dt / 120), self.errors * exp(-dt / 120)
        self.means[4] = min((1 + self.errors) / (1 / self.means[0] + self.requests), 0.6)
        self.shapes[4] = 1 / (1 / self.shapes[0] + 1 / (1 + self.errors) + 0.1)

    def follow(self, k, n, own, share):
        share /= 1 + own * n * self.means[4]
        self.requests, self.errors = self.requests + share * n, self.errors + share * k

    def sticky(self, weights):
        moved = self.stays * weights[4] + (1 - self.stays) * self.prior[4]
        rest = max(1 - weights[4], 1e-300)
        self.weights = [(1 - moved) * (self.goes_on * w / rest + (1 - self.goes_on) * p / (1 - self.prior[4]))
                        for w, p in zip(weights[:4], self.prior)] + [moved]

    def observe(self, k, n, own, dt):
        """The control group's tick. Returns (log evidence, {state: (weight, shape, mean)})."""
        self.time_passes(dt)
        logs = {s: log(w) + (negative_binomial(k, n * self.means[s], 1 / (1 / self.shapes[s] + own)) if n > 0 else 0)
                for s, w in enumerate(self.weights) if w > 0}
        total = log_sum(list(logs.values()))
        states = {}
        for s, x in logs.items():
            design = 1 + own * n * self.means[s]  # clumped events count as if they were fewer
            shape = self.shapes[s] + k / design
            states[s] = exp(x - total), shape, shape / (self.shapes[s] / self.means[s] + n / design)
        self.sticky([states[s][0] if s in states else 0 for s in range(5)])
        self.follow(k, n, own, 1)
        return total, states


def log_each(states, k, n, extra, ratio):
    """By state: the log of its weight times the likelihood of k of n in a group that has `ratio` times the rate."""
    return {s: log(w) + negative_binomial(k, n * min(mean * ratio, 0.97), 1 / (1 / shape + extra))
            for s, (w, shape, mean) in states.items() if w > 1e-300}


class UsualRate:
    """Gamma(events, requests), 400 events at most."""

    def __init__(self, rate, events):
        self.events, self.requests = events, events / rate

    @property
    def rate(self):
        return self.events / self.requests

    def learn(self, k, n, ratio, extra, share):
        expected = n * ratio
        share = share / (1 + extra * expected * self.rate)
        self.events, self.requests = self.events + share * min(k, expected), self.requests + share * expected
        keeps = min(1, 400 / self.events)
        self.events, self.requests = keeps * self.events, keeps * self.requests


class Belief:
    def __init__(self, rate, clumps, incident, known, learns):
        self.clumps = clumps
        self.level = SharedLevel(rate, 1 / (clumps + (1 / known if learns else 0)), incident)
        self.rate = UsualRate(rate, max(known, 1))

    def observe(self, reference, own, dt):
        self.evidence, self.states = self.level.observe(reference[1], reference[0], own, dt)
        self.calm = self.states[0][0]

    def ask(self, fresh, own, ratio):
        self.seen = log_each(self.states, fresh[1], fresh[0], own, ratio)
        return log_sum(list(self.seen.values()))

    def hear(self, fresh, ratio, own, share):
        """The new group's tick tells of the level, too."""
        total = log_sum(list(self.seen.values()))
        believed = {s: share * exp(x - total) + (1 - share) * self.states[s][0] for s, x in self.seen.items()}
        self.level.sticky([believed.get(s, 0) for s in range(5)])
        self.level.follow(fresh[1], fresh[0] * ratio, own, share)

    def learn(self, counts, ratio, own, share):
        self.rate.learn(counts[1], counts[0], ratio, self.clumps + own, share)

    def known_better(self):
        self.level.usual(self.rate.rate, 1 / (self.clumps + 1 / self.rate.events))


class RatioComparison:
    def __init__(self, rate, clumps, incident, known, healthy, alternatives, blips, drift, flapping=()):
        """`healthy`: sd, times the errors of an incident that goes on (1: none), with which weight."""
        self.learns = 0 < known < 400
        self.common = Belief(rate, clumps, incident, known, self.learns)
        self.alternatives, self.flapping = alternatives, [(ratio, Flapping()) for ratio in flapping]
        sd, worse, goes_on = healthy
        logs, prior, _ = benign_ratios(sd, 0.06)
        self.ratios = [exp(x) for x in logs]
        if worse > 1:
            self.ratios += [worse * r for r in self.ratios]
            prior = [(1 - goes_on) * p for p in prior] + [goes_on * p for p in prior]
        self.null, self.blips = Null(prior, drift), blips
        self.fewer, self.as_usual = Spells(2), Spells(1, 3600, 900)
        beliefs = len(self.ratios) if self.learns else 1 if incident > 0 else 0
        self.beliefs = [Belief(rate, clumps, incident, known, self.learns) for _ in range(beliefs)]

    def healthy(self, fresh, reference, own, dt):
        """Log-likelihood of the tick for every healthy ratio."""
        for belief in self.beliefs:
            belief.observe(reference, own, dt)
        if not self.learns:
            belief = self.beliefs[0] if self.beliefs else self.common
            healthy = [belief.ask(fresh, own, ratio) for ratio in self.ratios]
            belief.ask(fresh, own, 1)  # which it learns from
            return healthy
        if reference[0] > 0:
            self.null.learn([belief.evidence for belief in self.beliefs])
        return [belief.ask(fresh, own, ratio) for belief, ratio in zip(self.beliefs, self.ratios)]

    def predict(self, fresh, reference, own, dt):
        """Log predictive of the null, and of the alternatives, those that flap last; groups are (requests, errors)."""
        self.common.observe(reference, own, dt)
        healthy = self.healthy(fresh, reference, own, dt)
        steady = [self.common.ask(fresh, own, ratio) for ratio in self.alternatives]
        on = [self.common.ask(fresh, own, ratio) for ratio, _ in self.flapping]
        fewer = [self.common.ask(fresh, own, ratio) for ratio in (0.5, 0.1)]
        calm = self.fewer.predict(self.null.ask(healthy), fewer, dt)
        if self.beliefs:
            # Or it fails as often as usual, and the control group alone less often.
            mean, shape = self.common.level.means[0], 1 / (1 / self.common.level.shapes[0] + own)
            calm = self.as_usual.predict(calm, [negative_binomial(fresh[1], fresh[0] * min(mean, 0.97), shape)], dt)
        null = self.blips.predict(calm, steady + on, dt)
        flapping = [chain.predict(x, calm, dt) for x, (_, chain) in zip(on, self.flapping)]
        surely = self.blips.calm * self.fewer.calm * self.as_usual.calm
        self.null.learn(healthy, surely)
        if self.learns:
            self.common.learn(reference, 1, own, self.common.calm)
            self.common.known_better()
        for belief, ratio in zip(self.beliefs, self.ratios if self.learns else [1]):
            belief.hear(fresh, ratio, own, surely)
            if self.learns:
                belief.learn(reference, 1, own, belief.calm)
                belief.learn(fresh, ratio, own, belief.calm * surely)
                belief.known_better()
        return null, steady + flapping

    def compare(self, fresh, reference, own, dt):
        """Log-likelihood ratios of the alternatives."""
        if fresh[0] <= 0:
            return None
        null, alternatives = self.predict(fresh, reference, own, dt)
        return [x - null for x in alternatives]


def dispersion(events, requests):
    """Relative variance around the mean of the twelve neighbours: moments, in two rounds."""
    if len(events) < 3:
        return 0.1
    level, ticks = (sum(events) + 0.5) / max(sum(requests), 1), []
    for i, (k, n) in enumerate(zip(events, requests)):
        near = [j for j in range(max(0, i - 6), min(len(events), i + 7)) if j != i]
        mean = n * (sum(events[j] for j in near) + 3) / (sum(requests[j] for j in near) + 3 / level)
        if mean > 0:
            ticks.append((k, mean))
    last = 0.1
    for _ in range(2):
        weights = [min(mean**2 / (mean + mean**2 * max(last, 1e-6)), 50) for _, mean in ticks]
        total = 0.3 + sum(w * ((k - mean)**2 - mean) / mean**2 for w, (k, mean) in zip(weights, ticks))
        last = max(total, 0) / (3 + sum(weights))
    return last


class ErrorHistory:
    def __init__(self, ticks, control, interval):
        """`ticks`: at, requests, errors."""
        at, requests, events = [[tick[i] for tick in ticks] for i in range(3)]
        self.requests, self.errors = sum(requests), sum(events)
        self.rate = (self.errors + 0.5) / (self.requests + 1) if self.requests > 0 else 1e-3
        self.extra = dispersion(events, requests) if ticks else 0.1
        self.incident = 1 if control else self.incident_before(ticks)
        self.blips, run = 0, 0
        for n, k in zip(requests, events):
            usual = self.rate * n
            if k > usual + 3 * sqrt(usual + 0.25 * usual**2 + 1):
                run += 1
                continue
            self.blips += 0 < run <= int(20 / interval) + 1
            run = 0
        self.seconds = at[-1] - at[0] if len(at) > 1 else 0
        self.known = (self.errors + 1) / (1 + self.extra * self.errors / max(len(ticks), 1))
        self.spread = SD if control else sqrt(SD_ALONE**2 + 1 / self.known)

    def incident_before(self, ticks):
        recent = [tick for tick in ticks if tick[0] >= -180]
        usual, errors = self.rate * sum(tick[1] for tick in recent), sum(tick[2] for tick in recent)
        if usual <= 0:
            return 1
        noise = sqrt(usual + self.extra * usual**2 / len(recent) + 1)
        return errors / usual if errors > usual + 3 * noise else 1


class OwnNoise:
    """Of each group, relative, beyond chance: twice what there was before at most."""

    def __init__(self, before):
        self.most, self.learned, self.sums = 2 * before + 0.02, ExtraVariance(before + 0.02, 4), [0] * 4

    def add(self, n, k, m, j):
        self.sums = [a + b for a, b in zip(self.sums, (n, k, m, j))]
        if n <= 0 or m <= 0 or k + j <= 0:
            return
        all_n, all_k, all_m, all_j = self.sums
        odds = n * (all_k + 1) / (all_n + 1) / (m * (all_j + 1) / (all_m + 1))
        share = odds / (1 + odds)
        v = (k + j) * share * (1 - share)
        others = 1 - (k + j) / (all_k + all_j)  # what the residual keeps: the ratio is that of this tick, too
        self.learned.add((k - (k + j) * share)**2, others * v, others * v**2)

    @property
    def value(self):
        return min(1.2 * self.learned.value, self.most) / 2


def shows(times, usual, ticks, clumps, sd):
    """What is left of the weight of a change that the bake may be too short to find."""
    counted = ticks * usual * (times * log(times) - times + 1) / (1 + clumps * usual * sqrt(times))
    most = log(times)**2 / (2 * sd**2)
    whole = counted * most / (counted + most) / 8
    return 0.1 + 0.9 * min(1, whole**2)


class ErrorTest:
    """All errors, tick by tick, and what flaps."""

    def __init__(self, shape, before, share):
        self.shape, self.before, control = shape, before, bool(shape["control"])
        alternatives = len(RATIOS) + len(FLAPPING)
        self.comparison = RatioComparison(
            before.rate, max(before.extra, 0.01), 0.003 if control else 0, before.known if control else 0,
            (before.spread, before.incident, 0.3), RATIOS,
            Blips(20, shape["interval"], alternatives, before.blips, before.seconds),
            min(0.1, shape["interval"] / (14400 if control else 3600)), FLAPPING)
        weights = [0.85 * w for w in WEIGHTS] + [0.15 / 3] * 3
        self.evidence = OnsetMixture(weights, shape["bake"], log(1 / (shape["alpha"] * share)), 5)
        self.clumps, self.weighed = 0 if control else before.extra, False

    def step(self, fresh, reference, own, dt):
        if not self.weighed and fresh[0] > 0:
            self.weighed, ticks = True, 0.7 * self.shape["bake"] / dt
            about = fresh[0] * self.before.rate, self.clumps + own, self.before.spread
            self.evidence.reweigh([shows(r, about[0], ticks, *about[1:]) for r in RATIOS] +
                                  [shows(r, about[0], ticks / 4, *about[1:]) for r in FLAPPING])
        llr = self.comparison.compare(fresh, reference, own, dt)
        self.evidence.skip(dt) if llr is None else self.evidence.step(llr, dt)


class ErrorBlockTest:
    """The same in blocks of three minutes."""

    def __init__(self, shape, before, share):
        self.shape, self.control = shape, bool(shape["control"])
        self.comparison = RatioComparison(
            before.rate, 0.01 + before.extra * shape["interval"] / 180, 0.003 if self.control else 0,
            before.known if self.control else 0, (before.spread, before.incident, 0.3), RATIOS,
            Blips(0, 180, len(RATIOS)), min(0.1, 180 / (14400 if self.control else 3600)))
        self.evidence = OnsetMixture(WEIGHTS, shape["bake"], log(1 / (shape["alpha"] * share)), 360)
        self.sums, self.filled = [0] * 4, 0

    def step(self, fresh, reference, own, dt):
        self.sums = [a + b for a, b in zip(self.sums, (*fresh, *reference))]
        self.filled += dt
        if self.filled < 180 - self.shape["interval"] / 2:
            return
        own = 0.01 + own * self.shape["interval"] / 180 if self.control else 0
        llr = self.comparison.compare(self.sums[:2], self.sums[2:], own, self.filled)
        self.evidence.skip(self.filled) if llr is None else self.evidence.step(llr, self.filled)
        self.sums, self.filled = [0] * 4, 0


class PartTest:
    """Each endpoint; `before`: (requests, errors) of each."""

    def __init__(self, shape, history, before, share):
        self.shape, control = shape, bool(shape["control"])
        self.parts, self.rates = [], []
        for n, k in before:
            rate = (k + 2) / (n + 2 / max(history.rate, k / n if n > 0 else 0, 1e-6))
            sd = sqrt((SD if control else SD_ALONE)**2 + 0.1**2 + (0 if control else 1 / (k + 1)))
            self.rates.append(rate)
            self.parts.append(RatioComparison(
                rate, history.extra + 0.03, 0.01 if control else 0, k + 2 if control else 0, (sd, history.incident, 0.3),
                PART_RATIOS, Blips(20, shape["interval"], len(PART_RATIOS), history.blips, history.seconds),
                min(0.1, shape["interval"] / (14400 if control else 3600))))
        self.evidence = OnsetMixture([1] * (len(before) * len(PART_RATIOS)), shape["bake"],
                                     log(1 / (shape["alpha"] * share)), 5)
        self.clumps, self.weighed = 0 if control else history.extra, False

    def step(self, fresh, reference, own, dt):
        if not self.weighed and any(n > 0 for n, _ in fresh):
            self.weighed = True
            self.evidence.reweigh([shows(r, n * rate, 0.7 * self.shape["bake"] / dt, self.clumps + own, hypot(SD, 0.1))
                                   for (n, _), rate in zip(fresh, self.rates) for r in PART_RATIOS])
        llr = []
        for part, new, other in zip(self.parts, fresh, reference):
            llr += part.compare(new, other, own, dt) or [0] * len(PART_RATIOS)
        self.evidence.step(llr, dt)

    @property
    def strongest(self):
        width = len(PART_RATIOS)
        sums = [sum(self.evidence.sums[i:i + width]) for i in range(0, len(self.parts) * width, width)]
        return sums.index(max(sums))
