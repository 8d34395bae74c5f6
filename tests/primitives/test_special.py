"""The special functions against mpmath, to about fourteen digits."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from weft.primitives import special

GENERATOR = np.random.default_rng(0)


def _uniform(low: float, high: float, count: int = 60) -> np.ndarray:
    return GENERATOR.uniform(low, high, count)


def _log_gamma(x):
    return mpmath.log(abs(mpmath.gamma(x)))


TINY = 10.0 ** _uniform(-30, -1)

# Function, the truth, arguments, allowed relative error.
TABLE = {
    "erf": (special.erf, mpmath.erf, [_uniform(-4, 4), TINY], 1e-15),
    "erfc": (special.erfc, mpmath.erfc, [_uniform(-6, 6), _uniform(6, 26)], 1e-15),
    "erfinv": (
        special.erfinv, mpmath.erfinv, [_uniform(-1, 1), TINY, 1 - TINY[TINY > 1e-15]],
        5e-15,
    ),
    "lgamma": (special.lgamma, _log_gamma, [_uniform(0, 20), TINY, 1 - TINY], 5e-15),
    "lgamma < 0": (special.lgamma, _log_gamma, [_uniform(-9, 0)], 1e-13),
    "digamma": (special.digamma, mpmath.digamma, [_uniform(1.6, 40), TINY], 1e-14),
    "digamma < 0": (special.digamma, mpmath.digamma, [_uniform(-9, 0)], 1e-13),
    **{
        f"polygamma {n}": (
            lambda x, n=n: special.polygamma(x, n=n),
            lambda x, n=n: mpmath.polygamma(n, x),
            [_uniform(0.01, 30), _uniform(-4.9, -0.1)],
            1e-13,
        )
        for n in (1, 2, 5)
    },
}  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_digits(name):
    function, truth, parts, allowed = TABLE[name]
    x = np.concatenate(parts)
    with mpmath.workdps(40):
        expected = [truth(mpmath.mpf(float(number))) for number in x]
        pairs = zip(function(x), expected)
        errors = [float(abs((mpmath.mpf(float(a)) - b) / b)) if b else abs(a)
                  for a, b in pairs]  # fmt: skip
    worst = int(np.argmax(errors))
    assert errors[worst] <= allowed, (x[worst], errors[worst])


EDGES = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 2.0, -2.0])
nan, inf = np.nan, np.inf
EXPECTED_EDGES = {
    "erf": [nan, 1, -1, 0, -0.0, 0.8427007929497149, -0.8427007929497149,
            0.9953222650189527, -0.9953222650189527],
    "erfc": [nan, 0, 2, 1, 1, 0.15729920705028513, 1.8427007929497148,
             0.004677734981047266, 1.9953222650189528],
    "erfinv": [nan, nan, nan, 0, -0.0, inf, -inf, nan, nan],
    "lgamma": [nan, inf, inf, inf, inf, 0, inf, 0, inf],
    "digamma": [nan, inf, nan, -inf, inf, -0.5772156649015329, nan, 0.42278433509846714,
                nan],
}  # fmt: skip


@pytest.mark.parametrize("name", EXPECTED_EDGES)
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_edges(name, dtype):
    found = getattr(special, name)(EDGES.astype(dtype))
    assert found.dtype == dtype
    tolerance = 8 * float(np.finfo(dtype).eps)
    np.testing.assert_allclose(found, EXPECTED_EDGES[name], rtol=tolerance)
