# SPDX-License-Identifier: Apache-2.0
"""Latency as detectors/latency_model.h and detectors/latency_test.h describe it, from the formulas alone."""
from math import copysign, erfc, exp, hypot, log, log1p, sqrt
from statistics import NormalDist

from evidence import Blips, ExtraVariance, Flapping, Null, OnsetMixture, Spells, benign_ratios

LOW, STEP, STEPS = -0.3, 0.05, 48
SD, SD_ALONE = 0.028, 0.032  # of healthy log factors: detectors/tuning.h


def above_normal(z):
    return erfc(z / sqrt(2)) / 2


def probit(p):
    return NormalDist().inv_cdf(p)


class TailCurve:
    """Probit of the cumulative share, linear in the logarithm of the latency."""

    def __init__(self, edges, counts):
        self.requests, self.points, below = max(sum(counts), 1), [], 0
        for edge, count in zip(edges, counts):
            below += count
            if 0.6 < below < self.requests - 0.6:
                z = probit(below / self.requests)
                self.points.append((log(edge), max(z, self.points[-1][1] + 1e-9) if self.points else z))

    def above(self, x):
        if not self.points:
            return 0.5 / self.requests
        if len(self.points) == 1:
            return above_normal(self.points[0][1] + 2 * (x - self.points[0][0]))
        right = next((i for i in range(1, len(self.points) - 1) if self.points[i][0] > x), len(self.points) - 1)
        (x0, z0), (x1, z1) = self.points[right - 1:right + 1]
        slope = (z1 - z0) / (x1 - x0)
        return above_normal(z0 + (max(slope, 2) if x < self.points[0][0] else slope) * (x - x0))


def place(log_factor):
    """Cubic through the four points of the table around it: the first, and the Lagrange weights."""
    x = min(max((log_factor - LOW) / STEP, 0), STEPS - 1)
    first = min(max(int(x) - 1, 0), STEPS - 4)
    a, b, c, d = (x - first - j for j in range(4))
    return first, (-b * c * d / 6, a * c * d / 2, -a * b * d / 2, a * b * c / 6)


def interpolated(table, log_factor):
    first, (a, b, c, d) = place(log_factor)
    return a * table[first] + b * table[first + 1] + c * table[first + 2] + d * table[first + 3]


class Cell:
    def __init__(self, model, first, last, above_from, above_to):
        self.first, self.last, self.bounds = first, last, (above_from, above_to)
        self.model = model
        self.share = self.at(0)
        self.slope = (log(self.at(0.02)) - log(self.at(-0.02))) / 0.04
        self.log_ratio = [log(self.at(LOW + STEP * s) / self.share) for s in range(STEPS)]

    def at(self, log_factor):
        """Its share of the requests if all latencies were multiplied."""
        above = [bound if isinstance(bound, int) else self.model.curve.above(bound - log_factor) for bound in self.bounds]
        return max(above[0] - above[1], 1e-6)


class LatencyModel:
    def __init__(self, shape, ticks):
        """`ticks`: at, and the requests of each bucket."""
        self.ticks = ticks
        self.spread, self.jitter, self.information, self.level, self.trend = 0.03, 0, 1, 0, 0
        self.cells = []
        counts = [sum(column) for column in zip(*(buckets for _, buckets in ticks))]
        if len(counts) < 2 or sum(counts) < 50:
            return
        self.choose(shape, counts)
        if not self.cells:
            return
        apart = [1] + [min(max(log(b / a) - 1, 0), 1) for a, b in zip(shape["edges"], shape["edges"][1:])]
        self.unseen = max(a * c for a, c in zip(apart, counts)) / sum(counts)
        self.information = max(sum(c.share * c.slope**2 for c in self.cells), 1e-3)
        self.learn_jitter()
        self.spread = SD
        if shape["control"]:
            return
        self.learn_level()
        self.learn_trend()
        self.spread = hypot(SD_ALONE, 0.5 * self.trend * shape["bake"], sqrt(self.wandered(shape["bake"])))

    def choose(self, shape, counts):
        """Edges whose share above lies next to the wanted ones, in log odds."""
        total = sum(counts)
        shares = [sum(counts[b + 1:]) / total for b in range(len(counts) - 1)]
        edges = set()
        for wanted in (0.8, 0.6, 0.4, 0.25, 0.12, 0.05, 0.015):
            away = [abs(log(max(s, 1e-9) / wanted)) + abs(log(max(1 - s, 1e-9) / (1 - wanted))) for s in shares]
            b = away.index(min(away))
            if 0.004 <= shares[b] <= 0.92 and sum(counts[b + 1:]) >= 5:
                edges.add(b)
        edges = sorted(edges)
        self.curve = TailCurve(shape["edges"], counts)
        if not edges:
            return
        bounds = [1, *(log(shape["edges"][b]) for b in edges), 0]
        first = 0
        for i, last in enumerate([*edges, len(counts) - 1]):
            self.cells.append(Cell(self, first, last, bounds[i], bounds[i + 1]))
            first = last + 1

    def fill(self, buckets):
        return [sum(buckets[c.first:c.last + 1]) for c in self.cells]

    def shift(self, cells):
        """One step of Fisher scoring from factor 1."""
        n = sum(cells)
        score = sum((k - n * c.share) * c.slope for k, c in zip(cells, self.cells))
        return score / (n * self.information) if n > 0 else 0

    def common(self, cells):
        """The most likely factor: the best of the table, then a parabola through its neighbours."""
        seen = [sum(k * c.log_ratio[s] for k, c in zip(cells, self.cells)) for s in range(STEPS)]
        best = max(range(1, STEPS - 1), key=lambda s: seen[s])
        if seen[best] < 5:
            return 0
        before, most, after = seen[best - 1:best + 2]
        bend = before - 2 * most + after
        between = min(max((before - after) / bend / 2, -1), 1) if bend < 0 else 0
        return min(max(LOW + STEP * (best + between), -0.225), 0.9)

    def learn_jitter(self):
        cells = [c for c in (self.fill(buckets) for _, buckets in self.ticks) if sum(c) > 0]
        shifts = [self.shift(c) for c in cells]
        known = [sum(c) * self.information for c in cells]
        jitter = ExtraVariance(4e-4, 4)
        for i, shift in enumerate(shifts):
            near = [j for j in range(max(0, i - 6), min(len(shifts), i + 7))]
            others = [j for j in near if j != i]
            weight = sum(known[j] for j in others)
            if weight > 0:
                mean = sum(known[j] * shifts[j] for j in others) / weight
                jitter.add((shift - mean)**2, 1 / known[i] + 1 / weight, 1 + 1 / len(near))
        self.jitter = jitter.value

    def summed(self, weigh):
        rows = [[weigh(at) * k for k in self.fill(buckets)] for at, buckets in self.ticks]
        return [sum(column) for column in zip(*rows)]

    def learn_level(self):
        total = self.summed(lambda at: exp(at / 900))
        known = sum(total) * self.information
        self.level = self.shift(total) * known / (known + 1 / 0.0025)
        recent = self.summed(lambda at: 1 if at >= -180 else 0)
        ticks = sum(at >= -180 for at, _ in self.ticks)
        noise = sqrt(1 / max(sum(recent) * self.information, 1) + self.jitter / max(ticks, 1) + 4e-4)
        if self.common(recent) - self.level > 4 * noise:
            self.level = self.common(recent)

    def learn_trend(self):
        """Least squares over six parts; the slope less its standard error."""
        n = len(self.ticks)
        if n < 30:
            return
        x, y = [], []
        for p in range(6):
            part = range(p * n // 6, (p + 1) * n // 6)
            total = [sum(column) for column in zip(*(self.fill(self.ticks[i][1]) for i in part))]
            if sum(total) < 20:
                return
            x.append(self.ticks[(part.start + part.stop) // 2][0])
            y.append(self.shift(total))
        mx, my = sum(x) / 6, sum(y) / 6
        sxx = sum((a - mx)**2 for a in x)
        slope = sum((a - mx) * (b - my) for a, b in zip(x, y)) / sxx
        error = sqrt(sum((b - my - slope * (a - mx))**2 for a, b in zip(x, y)) / 4 / sxx)
        self.trend = copysign(max(0, abs(slope) - error), slope)

    def wandered(self, bake):
        """Structure function of blocks of five minutes, at the distance where it is largest."""
        blocks, part, since = [], [], self.ticks[0][0]
        for i, (at, buckets) in enumerate(self.ticks):
            part.append(self.fill(buckets))
            if at - since < 300 and i + 1 < len(self.ticks):
                continue
            total = [sum(column) for column in zip(*part)]
            if sum(total) > 0:
                blocks.append((self.shift(total), 1 / (sum(total) * self.information) + self.jitter / len(part)))
            part, since = [], at
        most = 0
        for apart in range(1, min(len(blocks) // 2, int(bake / 300) + 1) + 1):
            pairs = list(zip(blocks, blocks[apart:]))
            most = max(most, sum((b[0] - a[0])**2 - a[1] - b[1] for a, b in pairs) / len(pairs))
        return most

    def expected(self, at):
        return self.level + self.trend * at


FACTORS = (1.15, 1.2, 1.26, 1.33, 1.4, 1.65, 2.0, 3.0)
FACTOR_WEIGHTS = (0.08, 0.09, 0.10, 0.10, 0.10, 0.12, 0.08, 0.07)
UNKNOWN, STABLE, FRESH = range(3)


def warmups(control, kind):
    """(own amplitude, tau, the control group's, tau), with their prior weights, of those of all requests."""
    beside = {UNKNOWN: 0.15, STABLE: 0.01, FRESH: 0.5}[kind]
    own = [(a, tau, 0, 1) for a in (0.25, 0.5, 1.0, 1.7, 2.6, 4.0) for tau in (15, 30, 55, 90, 140, 210, 320)]
    others = []
    if control:
        stable = kind == STABLE
        amplitudes = (0.35, 0.8, 1.8) if stable else (0.25, 0.6, 1.2, 2.2)
        taus = (20, 50, 120) if stable else (18, 36, 72, 140)
        for b in amplitudes:
            for tau in taus:
                others.append((0, 1, b, tau))
                others += [(a, t, b, tau) for a in amplitudes for t in taus if t != tau]
    return [(0, 1, 0, 1)] + own, others, beside


def cold_tails(cells):
    """(from which cell on, amplitude, tau): caches that are cold make some requests slow; four edges at most."""
    edges, slow = [], 0
    for start in range(len(cells) - 1, max(len(cells) - 1 - 4, 0), -1):
        slow += cells[start].share
        if slow > 0.15:
            break
        edges.append(start)
    return [(start, a, tau) for start in edges for a in (0.7, 2.0, 8.0) for tau in (20, 50, 100)]


class Transients:
    """A few slightly slow ticks, twenty times as frequent while the group grows, if growing slows it down."""

    def __init__(self, interval):
        self.usual, self.growing = Blips(40, interval, 3), Blips(40, interval, 3)
        self.does = Null([1, 1])

    def predict(self, calm, slight, dt, grows):
        both = [self.usual.predict(calm, slight, dt), self.growing.predict(calm, slight, dt, 20 if grows else 1)]
        total = self.does.ask(both)
        self.does.learn(both)
        return total

    @property
    def calm(self):
        return self.usual.calm


class LatencyTest:
    def __init__(self, shape, model, share):
        self.shape, self.model, self.control = shape, model, bool(shape["control"])
        self.interval, self.bake = shape["interval"], shape["bake"]
        self.alternatives = [(0, f) for f in FACTORS]
        for start in range(1, len(model.cells)):
            if sum(c.share for c in model.cells[start:]) <= 0.3:
                self.alternatives += [(start, more) for more in (1.5, 2.2, 4.0)]
        self.steady = len(self.alternatives)
        slow = self.steady - len(FACTORS)
        weights = [*FACTOR_WEIGHTS, *[0.25 / slow] * slow] if slow else list(FACTOR_WEIGHTS)
        flapping = (1.4, 2.0, 3.0)
        weights = [0.9 * w / sum(weights) for w in weights] + [0.1 / 3] * 3
        self.alternatives += [(0, f) for f in flapping]
        self.flapping = [Flapping() for _ in flapping]
        if not model.cells:
            weights = []  # nothing to compare with
        self.evidence = OnsetMixture(weights, self.bake, log(1 / (shape["alpha"] * share)), 5)
        self.remembered = int(600 / self.interval) + 1
        self.whole, self.beside, beside = warmups(self.control, int(shape["control_kind"]))
        self.tails = cold_tails(model.cells)
        tail = min(0.1, (1 - 0.4 - beside) / 2) if self.tails else 0
        cold = [1 - 0.4 - beside - tail] + [0.4 / (len(self.whole) - 1)] * (len(self.whole) - 1)
        cold += [tail / len(self.tails) for _ in self.tails] + [beside / len(self.beside) for _ in self.beside]
        self.benign, prior, step = benign_ratios(model.spread, 0.03)
        self.wander = min(0.5, (0.75 * model.spread / step)**2 * self.interval / self.bake)
        total = sum(prior) * sum(cold)
        self.prior = [[p * c / total for c in cold] for p in prior]  # benign x curve
        self.weights = [row[:] for row in self.prior]
        self.blips, self.transients = Blips(20, self.interval, self.steady), Transients(self.interval)
        self.jitter = ExtraVariance(model.jitter * (0.5 if self.control else 1) + 1e-5, 8)
        self.mean = [0, 0]  # weighted sum of the shifts, and of the weights
        self.growing, self.warm_from, self.sizes = False, 0, [0.0] * len(cold)
        self.faster, self.as_before = Spells(4), Spells(6, 3600, 900)
        self.lately = [[0.0] * len(model.cells) for _ in range(2)]  # of the control group, fading in 10 and in 60 s
        self.expected = 0.0

    def believed_warmup(self):
        return sum(sum(w * s for w, s in zip(row, self.sizes)) for row in self.weights)

    def forget(self, since):
        self.evidence.back_to(since, self.remembered)

    def restart(self, since):
        self.weights = [row[:] for row in self.prior]
        self.forget(since)
        self.warm_from = since

    def restarted(self, at):
        """A warm-up of its own, with the benign factor that is known, or in one of five cases another one; or as the
        last one."""
        if not self.model.cells:
            return
        benign, usual = ([sum(row) for row in rows] for rows in (self.weights, self.prior))
        anew = [0.2 + 0.8 * b / u for b, u in zip(benign, usual)]
        self.weights = [[(w + n * p) / 2 for w, p in zip(ws, ps)] for ws, ps, n in zip(self.weights, self.prior, anew)]
        self.warm_from = at

    def skip(self, at, dt):
        if self.model.cells:
            self.evidence.skip(dt)
            self.evidence.mark(at)

    def restart_beside(self, since):
        if since - self.warm_from < 300 or self.believed_warmup() > 0.05:
            return self.restart(since)
        own = [a > 0 for a, *_ in self.whole] + [True for _ in self.tails] + [a > 0 for a, *_ in self.beside]
        rows = [[0 if cold else p for p, cold in zip(row, own)] for row in self.prior]
        total = sum(map(sum, rows))
        self.weights, self.warm_from = [[w / total for w in row] for row in rows], since

    def tabulate(self, fresh, reference, design):
        """Log-likelihood of the counts for every tabulated factor of the new group. Beside a control group a cell's
        requests are shared between the groups as the odds of its shares are."""
        table = [0.0] * STEPS
        odds = sum(fresh) / sum(reference) if self.control else 0
        for n, m, cell in zip(fresh, reference, self.model.cells):
            usual = interpolated(cell.log_ratio, self.expected)
            for s, x in enumerate(cell.log_ratio):
                if self.control:
                    table[s] += n * (x - usual) - (n + m) * log(1 + odds * exp(x - usual))
                else:
                    table[s] += n * x
        return [x / design for x in table]

    def slow_mode(self, fresh, reference, start, times):
        """The gain of `times` as many requests from a cell on, in nats before the design effect."""
        shares = [c.share * exp(interpolated(c.log_ratio, self.expected)) for c in self.model.cells]
        slow = sum(shares[start:]) / sum(shares)
        now = min(slow * times, max(0.9, (1 + slow) / 2))
        odds = sum(fresh) / sum(reference) if self.control else 0
        gain = 0.0
        for n, m, ratio in ((sum(fresh[start:]), sum(reference[start:]), now / slow),
                            (sum(fresh[:start]), sum(reference[:start]), (1 - now) / (1 - slow))):
            gain += n * log(ratio)
            if self.control:
                gain -= (n + m) * log((1 + odds * ratio) / (1 + odds))
        return gain

    def ask(self, fresh, reference, design):
        """The table, and the log-likelihood of each alternative relative to what is expected of both groups."""
        if self.control:
            self.expected = self.model.common([n + m for n, m in zip(fresh, reference)])
        table = self.tabulate(fresh, reference, design)
        usual = interpolated(table, self.expected)
        return table, [interpolated(table, self.expected + log(times)) if start == 0 else
                       usual + self.slow_mode(fresh, reference, start, times) / design
                       for start, times in self.alternatives]

    def warm(self, age):
        """Of each curve: the log factor now, how large a factor it is the difference of, and how many times the
        requests of the tail."""
        def curve(a, tau, b, tau_beside):
            own, other = log1p(a * exp(-age / tau)), log1p(b * exp(-age / tau_beside))
            return own - other, own + other, None
        tails = [(0, 1.5 * log1p(a * exp(-age / tau)), (start, 1 + a * exp(-age / tau))) for start, a, tau in self.tails]
        return [curve(*c) for c in self.whole] + tails + [curve(*c) for c in self.beside]

    def null(self, table, nows, more):
        """Log-likelihoods of benign factors x warm-up curves, and the log predictive."""
        seen = [[interpolated(table, self.expected + b + now) + x for now, x in zip(nows, more)] for b in self.benign]
        top = max(map(max, seen))
        total = sum(w * exp(x - top) for ws, xs in zip(self.weights, seen) for w, x in zip(ws, xs))
        return seen, top + log(total)

    def learn(self, seen, share, ends, dt):
        share = share if share <= 0.999 else 1  # nearly a whole tick is one: it saves the powers
        top = max(map(max, seen))
        rows = [[w * exp(share * (x - top)) for w, x in zip(ws, xs)] for ws, xs in zip(self.weights, seen)]
        total = sum(map(sum, rows))
        # The factor wanders to its neighbours, and at the ends to itself.
        p, last = self.wander, len(rows) - 1
        # A warm-up ends all at once, or hardly anything is left of it.
        over = [1 if size < 0.003 else ends for size in self.sizes[1:]]
        rows = [[row[0] + sum(e * w for e, w in zip(over, row[1:]))] + [(1 - e) * w for e, w in zip(over, row[1:])]
                for row in rows]
        self.weights = [[((1 - p) * w + p / 2 * (below + above)) / total
                         for below, w, above in zip(rows[max(i - 1, 0)], rows[i], rows[min(i + 1, last)])]
                        for i in range(last + 1)]
        # Of who is not cold it is drawn anew, once in four hours.
        anew = min(0.1, dt / 14400)
        believed, prior = (sum(row[0] for row in rows) for rows in (self.weights, self.prior))
        for row, usual in zip(self.weights, self.prior):
            row[0] = (1 - anew) * row[0] + anew * believed * usual[0] / prior

    def is_as_before(self, fresh, reference, odds, design):
        """Of the new group's requests as they were spread before the deploy, times 0.95, 1 and 1.05, and the control
        group's as lately, by the same odds."""
        for beside in self.lately:
            for place in (5, 6, 7):
                sum_of = 0.0
                for n, m, lately, cell in zip(fresh, reference, beside, self.model.cells):
                    share = (lately + 20 * cell.share) / (sum(beside) + 20)
                    times = cell.share * exp(cell.log_ratio[place]) / share
                    sum_of += n * log(times) - (n + m) * log1p(odds * times)
                yield sum_of / design

    def step(self, at, dt, fresh, reference, counts):
        n, m = sum(fresh), sum(reference)
        if n <= 0 or (self.control and m <= 0):
            return self.evidence.skip(dt) if counts else None
        age = max(0, at - self.warm_from - min(dt, self.interval) / 2)
        curves = self.warm(age)
        self.sizes = [size for _, size, _ in curves]
        warm = self.believed_warmup()
        information = (n * m / (n + m) if self.control else n) * self.model.information
        variance = min(max(self.jitter.value, 1e-5), 2 * self.model.jitter + 1e-4) + ((0.22 + 0.3 * self.model.unseen) * warm)**2
        if not self.control:
            self.expected = self.model.expected(at)
        design = 1 + information * variance
        table, alternatives = self.ask(fresh, reference, design)
        more = [self.slow_mode(fresh, reference, *tail) / design if tail and size >= 0.003 else 0
                for _, size, tail in curves]
        seen, calm = self.null(table, [now for now, _, _ in curves], more)
        faster = [interpolated(table, self.expected + log(f)) for f in (0.8, 0.65, 0.5, 0.3)]
        calm = self.faster.predict(calm, faster, dt)
        if self.control:
            asked = self.evidence.value > 0.05
            before = list(self.is_as_before(fresh, reference, n / m, design)) if asked else [calm] * 6
            calm = self.as_before.predict(calm, before, dt)
            self.lately = [[exp(-dt / pace) * x + j for x, j in zip(beside, reference)]
                           for pace, beside in zip((10, 60), self.lately)]
        steady = alternatives[:self.steady]
        null = self.blips.predict(self.transients.predict(calm, steady[:3], dt, self.growing), steady, dt)
        alternatives = steady + [f.predict(on, calm, dt) for f, on in zip(self.flapping, alternatives[self.steady:])]
        surely = self.blips.calm * self.transients.calm * self.faster.calm * self.as_before.calm
        self.learn(seen, surely, min(0.1, dt / 1800), dt)
        if counts:
            self.evidence.step([x - null for x in alternatives], dt)
            self.evidence.mark(at)
        if self.evidence.value < 3 and warm < 0.05 and surely > 0.5:
            shift = self.model.shift(fresh) - (self.model.shift(reference) if self.control else 0)
            total, weight = self.mean
            if weight > 0:
                self.jitter.add((shift - total / weight)**2, 1 / information + 1 / weight, 1)
            self.mean = [0.9 * total + shift * information, 0.9 * weight + information]

    def still(self, fresh, reference):
        if sum(fresh) <= 0 or (self.control and sum(reference) <= 0):
            return False
        table, alternatives = self.ask(fresh, reference, 1)
        return alternatives[self.evidence.strongest] > interpolated(table, self.expected + log(1.08))
