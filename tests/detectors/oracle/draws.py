# SPDX-License-Identifier: Apache-2.0
"""std::mt19937_64, and what the distributions of libstdc++ make of it: exactly the numbers that a program with this
seed draws. The engine is that of the C++ standard; the distributions are not fixed by it, and follow Devroye,
"Non-Uniform Random Variate Generation" (1986), and Marsaglia and Tsang (2000), as libstdc++ has them."""
from math import ceil, exp, floor, lgamma, log, pi, sqrt

MASK = 2**64 - 1


class Engine:
    """Matsumoto, Nishimura, 64 bits."""

    def __init__(self, seed):
        self.words = [seed & MASK]
        for i in range(1, 312):
            last = self.words[-1]
            self.words.append((6364136223846793005 * (last ^ last >> 62) + i) & MASK)
        self.at = 312

    def twist(self):
        w = self.words
        for i in range(312):
            x = (w[i] & 0xffffffff80000000) | (w[(i + 1) % 312] & 0x7fffffff)
            w[i] = w[(i + 156) % 312] ^ x >> 1 ^ (0xb5026f5aa96619e9 if x & 1 else 0)
        self.at = 0

    def next(self):
        if self.at == 312:
            self.twist()
        x = self.words[self.at]
        self.at += 1
        x ^= x >> 29 & 0x5555555555555555
        x ^= x << 17 & 0x71d67fffeda60000
        x ^= x << 37 & 0xfff7eee000000000
        return x ^ x >> 43


class Draws:
    """Every call draws as a distribution does that was made for it."""

    def __init__(self, seed):
        self.engine = Engine(seed)

    def one(self):
        """[0, 1)"""
        return min(self.engine.next() / 2**64, 1 - 2**-53)

    def exponential(self):
        return -log(1 - self.one())

    def uniform(self, low, high):
        return self.one() * (high - low) + low

    def below(self, n):
        """A whole number below n (Lemire, 2019)."""
        product = self.engine.next() * n
        while product & MASK < 2**64 % n:
            product = self.engine.next() * n
        return product >> 64

    def pair(self):
        """Two normal numbers (Marsaglia's polar method)."""
        square = 0
        while not 0 < square <= 1:
            x, y = 2 * self.one() - 1, 2 * self.one() - 1
            square = x * x + y * y
        size = sqrt(-2 * log(square) / square)
        return y * size, x * size

    def normal(self):
        return self.pair()[0]

    def normals(self):
        """Those of one distribution, which keeps the second of each pair."""
        while True:
            yield from self.pair()

    def gamma(self, shape):
        """With the mean 1."""
        more, normals = shape if shape >= 1 else shape + 1, self.normals()
        a = more - 1 / 3
        while True:
            v = -1.0
            while v <= 0:
                n = next(normals)
                v = 1 + 1 / sqrt(9 * a) * n
            v = v * v * v
            u = self.one()
            if u <= 1 - 0.0331 * n * n * n * n or log(u) <= 0.5 * n * n + a * (1 - v + log(v)):
                break
        if shape >= 1:
            return a * v * (1 / shape)
        return self.one()**(1 / shape) * a * v * (1 / shape)

    def poisson(self, mean):
        if mean >= 12:
            return self.many(mean)
        count, product = 0, self.one()
        while product > exp(-mean):
            count, product = count + 1, product * self.one()
        return count

    def many(self, mean):
        """Rejection from two half normal distributions, three points and a tail (Devroye, X.3)."""
        m, normals = floor(mean), self.normals()
        d = max(6, min(m, sqrt(2 * m * log(32 * m / (pi / 4)))))
        d = floor(d + 0.5)
        cx = 2 * m + d
        left = sqrt(m) * sqrt(pi / 2)
        right = left + sqrt(pi / 4 * cx) * exp(1 / cx)
        bounds = [left, right, right + 1, right + 2, right + 2 + exp(1 / 78)]
        whole = bounds[-1] + 2 * cx * exp(-d / cx * (1 + d / 2)) / d
        while True:
            u, e = whole * self.one(), self.exponential()
            part = sum(u > bound for bound in bounds)
            w = 0
            if part == 0:
                n = next(normals)
                x, w = floor(-abs(n) * sqrt(m) - 1), -n * n / 2
                if x < -m:
                    continue
            elif part == 1:
                y = 1 + abs(next(normals)) * sqrt(cx / 2)
                x, w = ceil(y), y * (2 - y) / cx
                if x > d:
                    continue
            elif part < 5:
                x, w = part - 3, 1 / 78 if part == 4 else 0
            else:
                y = d + self.exponential() * 2 * cx / d
                x, w = ceil(y), -d / cx * (1 + y / 2)
            if w - e - x * log(mean) <= lgamma(m + 1) - lgamma(x + m + 1):
                return x + m

    def waiting(self, n, q):
        """How many of `n` waits end before `q`."""
        count, waited = 0, 0.0
        while count < n:
            waited += self.exponential() / (n - count)
            if waited > q:
                break
            count += 1
        return count

    def binomial(self, n, p):
        rare = p if p <= 0.5 else 1 - p
        hits = self.waiting(n, -log(1 - rare)) if n * rare < 8 else self.hits(n, rare)
        return hits if p <= 0.5 else n - hits

    def hits(self, n, p):
        """Rejection from two half normal distributions and two tails, for the next smaller share whose mean is whole;
        the rest waits (Devroye, X.4)."""
        m, normals = floor(n * p), self.normals()
        share = m / n
        v = m * (1 - share)
        d1 = floor(max(1, sqrt(v * log(32 * m / (81 * pi / 4 * (1 - share))))) + 0.5)
        d2 = floor(max(1, sqrt(v * log(32 * n * (1 - share) / (pi / 4 * share)))) + 0.5)
        s1, s2 = sqrt(v) * (1 + d1 / (4 * m)), sqrt(v) * (1 + d2 / (4 * n * (1 - share)))
        a1 = exp(2 * d1 / m) * s1 * sqrt(pi / 2)
        a2 = a1 + s2 * sqrt(pi / 2)
        a3 = a2 + exp(d1 / (n * (1 - share))) * 2 * s1**2 / d1 * exp(-d1**2 / (2 * s1**2))
        whole = a3 + 2 * s2**2 / d2 * exp(-d2**2 / (2 * s2**2))
        while True:
            u = whole * self.one()
            if u <= a2:
                normal = next(normals)
                y = (s1 if u <= a1 else s2) * abs(normal)
                if y >= (d1 if u <= a1 else d2):
                    continue
                w = -self.exponential() - normal * normal / 2 + (2 * d1 / m if u <= a1 else 0)
                x = floor(y if u <= a1 else -y)
            else:
                e1, e2 = self.exponential(), self.exponential()
                d, s = (d1, s1) if u <= a3 else (d2, s2)
                y = d + 2 * s**2 * e1 / d
                w = -e2 - d * y / (2 * s**2) + (d / (n - m) if u <= a3 else 0)
                x = floor(y if u <= a3 else -y)
            if not -m <= x <= n - m:
                continue
            if w <= lgamma(m + 1) + lgamma(n - m + 1) - lgamma(m + x + 1) - lgamma(n - m - x + 1) + \
                    x * log(share / (1 - share)):
                return m + x + self.waiting(n - m - x, -log(1 - (p - share) / (1 - share)))
