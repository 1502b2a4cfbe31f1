# SPDX-License-Identifier: Apache-2.0
"""Where the damage is as detectors/localise.h describes it, from the formulas alone."""
from math import inf, log, sqrt
from statistics import NormalDist

UNKNOWN, EVEN, CONCENTRATED = range(3)
LIMIT = NormalDist().inv_cdf(0.999)  # one in a thousand


class Value:
    def __init__(self, name, counts, of_bad, common, traffic):
        self.name = name
        self.before_n, self.before_bad, self.n, self.bad = counts
        if of_bad:  # its requests are the bad ones
            self.expected, variance = self.before_bad * traffic, self.before_bad * traffic**2
        else:
            events = self.before_bad + 3
            self.expected = self.n * min(events / (self.before_n + 3 / common), 1)
            variance = self.expected**2 / events
        self.variance = variance + (0.15 * self.expected)**2
        self.damage = self.bad - self.expected
        self.sd = sqrt(max(self.expected, 1) + self.variance)

    @property
    def affected(self):
        return self.bad > 1.25 * self.expected and self.damage > LIMIT * self.sd


def stands_out(values):
    """Neither the same factor for all nor the same number a request fits."""
    bad, expected, n = (sum(getattr(v, name) for v in values) for name in ("bad", "expected", "n"))
    factor, more = bad / expected if expected > 0 else 0, (bad - expected) / n if n > 0 else 0

    def furthest(mean, variance):
        return max(abs(v.bad - mean(v)) / sqrt(max(mean(v), 1) + variance(v)) for v in values)
    by_factor = furthest(lambda v: v.expected * factor, lambda v: v.variance * factor**2)
    number = lambda v: max(0, v.expected + more * v.n)
    by_number = furthest(number, lambda v: v.variance + (0.15 * number(v))**2)
    limit = -NormalDist().inv_cdf(0.001 / (2 * len(values)))
    return min(by_factor, by_number) >= limit


def gain(values, worst):
    """Poisson log-likelihood ratio of two factors over one, less the log of the values for each that is chosen."""
    parts = [(sum(v.bad for v in part), sum(v.expected for v in part)) for part in (values[:worst], values[worst:])]
    factor = sum(bad for bad, _ in parts) / max(sum(expected for _, expected in parts), 1e-9)
    ratio = sum(bad * log(bad / (expected * factor)) for bad, expected in parts if bad > 0 and expected * factor > 0)
    return ratio - worst * log(len(values))


def unharmed(v, first):
    if v.affected:
        return False
    most = 1.5 * v.expected
    if v.bad < most and most - v.bad > 2 * sqrt(max(most, 1)):
        return True
    could_be = v.bad + 2 * sqrt(v.bad + 1) - v.expected
    return could_be < 0.1 * first.damage / max(first.n, 1) * v.n


def damage_of(all_counts, of_bad, rows):
    """Shape, gain, fair share, how many are the damage, how many are unharmed, the values with their shares."""
    before_n, before_bad, now_n, _ = all_counts
    common, traffic = (before_bad + 0.5) / (before_n + 1), now_n / before_n if before_n > 0 else 0
    values = [Value(i, row, of_bad, common, traffic) for i, row in enumerate(rows)]
    values = [v for v in values if of_bad or v.n > 0 or v.bad > 0]
    if of_bad:
        values = [v for v in values if v.bad > 0 or v.expected > 0]
    values.sort(key=lambda v: (v.affected, v.damage), reverse=True)
    total = sum(v.damage for v in values)
    if len(values) < (1 if of_bad else 2) or max(total, values[0].damage) < 3:
        return None
    affected = next((i for i, v in enumerate(values) if not v.affected), len(values))
    worst = max(1, affected)
    rest = values[worst:]
    damage = sum(v.damage for v in values[:worst])
    beyond, variance = sum(v.damage for v in rest), sum(v.expected + v.variance for v in rest)
    if beyond > LIMIT * sqrt(max(variance, 1)):
        damage = max(damage, total)
    shares = [(v.name, min(max(v.damage / damage, 0), 1), v.bad / v.n if v.n > 0 else 0,
               v.before_bad / v.before_n if v.before_n > 0 else 0, v.affected) for v in values]
    fair = max(values[0].expected / max(sum(v.expected for v in values), 1e-9),
               values[0].n / max(sum(v.n for v in values), 1))
    shape = CONCENTRATED if of_bad or (affected and stands_out(values)) else EVEN
    if shape == EVEN and 2 * sum(v.damage > 2 * v.sd for v in values) < len(values):
        leads = shares[0][1] >= max(0.5, fair + 0.25) and shares[0][4]
        shape = EVEN if leads else UNKNOWN
    return (shape, gain(values, worst), fair, worst, sum(unharmed(v, values[0]) for v in rest)), shares


def localise(all_counts, labels):
    """(label, numbers, shares) of those that tell something: places, then what all share, then kinds."""
    found = []
    for number, (of_bad, *flat) in enumerate(labels):
        damage = damage_of(all_counts, bool(of_bad), [flat[i:i + 4] for i in range(0, len(flat), 4)])
        if damage and damage[0][0] != UNKNOWN:
            order = 2 if of_bad else 1 if damage[0][0] == EVEN else 0
            found.append((order, -damage[0][1], number, *damage))
    return [(number, numbers, shares) for _, _, number, numbers, shares in sorted(found, key=lambda f: f[:2])]
