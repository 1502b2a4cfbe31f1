# SPDX-License-Identifier: Apache-2.0
"""Evidence that stays valid however often one looks, as detectors/evidence.h describes it, from the formulas alone."""
from math import ceil, exp, expm1, inf, log, log1p


def log_sum(terms):
    top = max(terms, default=-inf)
    return top if top == -inf else top + log(sum(exp(x - top) for x in terms))


class OnsetMixture:
    """S <- LR (S + w); a third of the prior lies on the deploy, the rest is spread as 1/(t + 120)."""

    def __init__(self, weights, bake, log_limit, least):
        self.weights = [w / sum(weights) for w in weights]
        self.bake, self.log_limit, self.least = bake, log_limit, least
        self.sums, self.elapsed, self.marks = [1 / 3] * len(weights), 0, []

    def onset(self, dt):
        before, self.elapsed = self.elapsed, min(self.elapsed + dt, self.bake)
        return 2 / 3 * log((self.elapsed + 120) / (before + 120)) / log((self.bake + 120) / 120)

    def reweigh(self, factors):
        total = sum(w * f for w, f in zip(self.weights, factors))
        self.weights = [w * f / total for w, f in zip(self.weights, factors)]

    def step(self, llr, dt):
        fresh = self.onset(dt)
        needed = self.log_limit - log(max(fresh, 1e-4))
        self.sums = [exp(min(x, (needed - log(w)) * dt / self.least)) * (s + fresh)
                     for x, w, s in zip(llr, self.weights, self.sums)]

    def skip(self, dt):
        fresh = self.onset(dt)
        self.sums = [s + fresh for s in self.sums]

    def mark(self, at):
        self.marks.append((at, self.sums))

    def back_to(self, since, remembered):
        known = self.marks[-remembered:]
        if not known:
            return
        old = [sums for at, sums in known if at <= since + 1e-6] or [known[0][1]]
        self.sums = [min(now, then) for now, then in zip(self.sums, old[-1])]

    @property
    def value(self):
        return sum(w * s for w, s in zip(self.weights, self.sums))

    @property
    def strongest(self):
        parts = [w * s for w, s in zip(self.weights, self.sums)]
        return parts.index(max(parts))


class Null:
    """A family of null hypotheses that learns; `drift` of the prior comes back with every tick that it learned from."""

    def __init__(self, prior, drift=0.0):
        self.prior = [p / sum(prior) for p in prior]
        self.drift, self.weights = drift, self.prior[:]

    def ask(self, likelihood):
        top = max(likelihood)
        return top + log(sum(w * exp(x - top) for w, x in zip(self.weights, likelihood)))

    def learn(self, likelihood, share=1.0):
        top = max(likelihood)
        joint = [w * exp(share * (x - top)) for w, x in zip(self.weights, likelihood)]
        total = sum(joint)
        self.weights = [(1 - self.drift) * x / total + self.drift * p for x, p in zip(joint, self.prior)]


class Blips:
    """A semi-Markov filter: calm, or in the nth tick of a blip of one of several strengths. `any_length`: up to the
    longest at no cost, and one may be under way before the first tick."""

    def __init__(self, seconds, interval, strengths, count=0.0, past=0.0, keeps=0.5, any_length=False):
        self.strengths, self.keeps = strengths, keeps
        self.stays = exp(-interval / (0.7 * seconds)) if seconds > 0 else 0.0
        self.longest = int(seconds / interval) + 1
        self.usual, self.elapsed, self.seen = 0.5 + count, past, 0.0
        self.calm, self.expected = 1.0, {}  # (age, strength): probability for the tick to come
        if any_length:
            self.stays = 1.0
            begun = min(0.3, interval * self.usual / (900 + past))
            begun /= (1 + begun * self.longest) * strengths
            self.expected = {(age, k): begun for age in range(1, self.longest + 1) for k in range(strengths)}

    def predict(self, calm, within, dt, likelier=1.0):
        rate = (self.usual + min(self.seen, 2)) / (900 + self.elapsed)
        begins = min(0.3, dt * rate * likelier) * self.calm / self.strengths
        self.elapsed += dt
        for k in range(self.strengths):
            self.expected[1, k] = begins
        quiet = log1p(-min(sum(self.expected.values()), 0.999)) + calm
        joint = {state: log(p) + within[state[1]] for state, p in self.expected.items() if p > 0}
        total = log_sum([quiet, *joint.values()])
        believed = {state: exp(x - total) for state, x in joint.items()}
        self.seen += sum(p for (age, _), p in believed.items() if age == 1)
        self.calm = exp(quiet - total)
        self.expected = {}
        for age in range(1, self.longest):
            here = [believed.get((age, k), 0) for k in range(self.strengths)]
            for k, p in enumerate(here):
                self.expected[age + 1, k] = self.stays * (self.keeps * p + (1 - self.keeps) * sum(here) / self.strengths)
        return total


class Spells:
    """A hidden Markov chain: calm, or within a spell of one of several strengths, which it mostly keeps."""

    def __init__(self, strengths, every=14400, lasts=300):
        self.every, self.lasts = every, lasts
        self.within, self.calm = [0.0] * strengths, 1.0

    def predict(self, calm, within, dt):
        begins, goes_on, spell = min(0.1, dt / self.every), exp(-dt / self.lasts), sum(self.within)
        anew = (0.2 * goes_on * spell + begins * self.calm) / len(within)
        expected = [(1 - begins) * self.calm + (1 - goes_on) * spell] + [0.8 * goes_on * w + anew for w in self.within]
        joint = [log(p) + x if p > 0 else -inf for p, x in zip(expected, [calm, *within])]
        total = log_sum(joint)
        self.calm, *self.within = [exp(x - total) for x in joint]
        return total


class Flapping:
    """Two states, on for 30 s and off for 90 s in the mean."""

    def __init__(self):
        self.on = 0.25

    def predict(self, on, off, dt):
        joint = log(self.on) + on, log1p(-self.on) + off
        total = log_sum(joint)
        was = exp(joint[0] - total)
        self.on = was * exp(-dt / 30) + (1 - was) * -expm1(-dt / 90)
        return total


class ExtraVariance:
    """E[(x - mean)^2] = v + extra v2; a tick counts as far as the extra variance, as known before, is what it has."""

    def __init__(self, prior, strength):
        self.prior, self.numerator, self.denominator = prior, prior * strength, strength

    def add(self, squared, v, v2):
        if v2 <= 0:
            return
        weight = v2 * self.prior / (v + v2 * self.prior)
        self.numerator += weight * (squared - v) / v2
        self.denominator += weight

    @property
    def value(self):
        return max(self.numerator, 0) / self.denominator


def benign_ratios(sd, most):
    """Log ratios within three standard deviations, no further than `most` apart; their prior; their distance."""
    half = min(max(int(ceil(3 * sd / most)), 4), 20)
    z = [3 * i / half for i in range(-half, half + 1)]
    return [x * sd for x in z], [exp(-x * x / 2) for x in z], 3 * sd / half
