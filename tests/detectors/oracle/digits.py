# SPDX-License-Identifier: Apache-2.0
"""The same formulas with fifty digits instead of sixteen."""
import contextlib
import json

import mpmath


@contextlib.contextmanager
def fifty_digits(*modules):
    """These modules compute with fifty digits meanwhile, from numbers that have them (mpmath.mpf)."""
    exact = {name: getattr(mpmath, name) for name in ("ceil", "erfc", "exp", "expm1", "log", "log1p", "sqrt")}
    exact["hypot"] = lambda *sides: mpmath.sqrt(mpmath.fsum(x**2 for x in sides))
    exact["copysign"] = lambda size, sign: abs(size) if sign >= 0 else -abs(size)
    exact["probit"] = lambda p: mpmath.sqrt(2) * mpmath.erfinv(2 * p - 1)
    before = {(module, name): getattr(module, name) for module in modules for name in exact if hasattr(module, name)}
    try:
        with mpmath.workdps(50):
            for module, name in before:
                setattr(module, name, exact[name])
            yield
    finally:
        for (module, name), function in before.items():
            setattr(module, name, function)


def exactly(row):
    """What the program wrote, with its numbers as mpmath.mpf."""
    return json.loads(json.dumps(row), parse_float=mpmath.mpf, parse_int=mpmath.mpf)
