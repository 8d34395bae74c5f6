"""Special functions in NumPy: error functions, log-gamma and its derivatives.

All compute in float64, to within a few units of the fifteenth digit; other dtypes are
computed through float64 and rounded once. Where a function has a polynomial, its
coefficients are those of a Chebyshev series, fitted with sixty digits (see each table).
Arguments outside of a function's domain give NaN, poles give inf (NaN where the sign would
depend on the side).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

_HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)

# erf(x) / x over x * x in [0, 1].
_ERF = (
    0.9754769393826541, -0.14226120510371365, 0.010035582187599796,
    -0.0005768764699767485, 2.741993125219606e-05, -1.1043175507344507e-06,
    3.8488755420345036e-08, -1.1808582533875466e-09, 3.2334215826050907e-11,
    -7.991015947004549e-13, 1.7990725113961456e-14, -3.718635487818693e-16,
    7.103599003714253e-18,
)  # fmt: skip

# exp(x * x) * erfc(x) * (x + 1) over (x - 4) / (x + 4), for x in [0, 28].
_ERFCX = (
    0.7560043885827696, -0.2103815502543336, 0.04070049889282933,
    0.00021684735576760658, -0.004069177626447925, 0.0020015615473286293,
    -0.0006279397072708322, 0.00014426149369063814, -2.410435834422046e-05,
    2.545819001652185e-06, -4.282123013495071e-08, -3.757855493381895e-08,
    5.639261985678277e-09, 9.027363539908233e-11, -1.2254276775851348e-10,
    8.234793599995696e-12, 2.1168622434138608e-12, -3.1000029679409615e-13,
    -3.560584703328615e-14, 8.848517407152403e-15, 6.668455510730066e-16,
    -2.4049635046418354e-16, -1.593033003896981e-17, 6.5659423760734584e-18,
)  # fmt: skip

# log(gamma(x)) / ((x - 1) * (x - 2)) over x in [1, 3].
_LGAMMA = (
    0.44148902545501423, -0.11119580321752523, 0.01951044826068884,
    -0.003922461463025264, 0.0008478989895953857, -0.00019153855341365593,
    4.454470184975607e-05, -1.05728743735943e-05, 2.5474336873408417e-06,
    -6.208535880776316e-07, 1.5268677399071546e-07, -3.782637660291326e-08,
    9.428100823624284e-09, -2.361999702184645e-09, 5.943541905817546e-10,
    -1.501312977072867e-10, 3.8050196458110534e-11, -9.672485299656325e-12,
    2.465348198355661e-12, -6.298868140791711e-13, 1.6128460030283787e-13,
    -4.137949206814042e-14, 1.0635701227757898e-14, -2.7382420786652826e-15,
    7.060670507214892e-16, -1.8232177141662118e-16, 4.714169006756272e-17,
    -1.2204107319639856e-17, 3.1630451661790255e-18,
)  # fmt: skip

# Bernoulli numbers B2, B4, …, of the asymptotic series (Abramowitz and Stegun, 6.1.40,
# 6.3.18, 6.4.11).
_BERNOULLI = (
    1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798,
    -174611 / 330,
)  # fmt: skip

# From here on the asymptotic series give all digits of float64.
_LARGE = 10.0


def through_float64(function: Callable) -> Callable:
    """The function for any float dtype: computed in float64, rounded once."""

    def evaluate(x: np.ndarray, **parameters) -> np.ndarray:
        x = np.asarray(x)
        with np.errstate(all="ignore"):
            wide = np.atleast_1d(x).astype(np.float64, copy=False)
            return function(wide, **parameters).astype(x.dtype, copy=False).reshape(x.shape)

    return evaluate


def _chebyshev(coefficients: tuple[float, ...], u: np.ndarray) -> np.ndarray:
    """The Chebyshev series at u in [-1, 1], by Clenshaw's recurrence."""
    twice = u + u
    last, before = np.zeros_like(u), np.zeros_like(u)
    for coefficient in coefficients[:0:-1]:
        # In place: one pass less over memory for each term.
        np.subtract(twice * last, before, out=before)
        before += coefficient
        last, before = before, last
    return u * last - before + coefficients[0]


def _by_region(x: np.ndarray, regions: list[tuple[np.ndarray, Callable]]) -> np.ndarray:
    """Evaluate each function at the elements of its mask only; NaN where no mask holds."""
    result = np.full_like(x, np.nan)
    for mask, function in regions:
        if mask.all():
            return function(x)
        if mask.any():
            result[mask] = function(x[mask])
    return result


# -- error functions ---------------------------------------------------------------------


def _erf_small(x: np.ndarray) -> np.ndarray:
    return x * _chebyshev(_ERF, 2.0 * (x * x) - 1.0)


def _erfc_positive(x: np.ndarray) -> np.ndarray:
    """erfc for x >= 0."""
    x = np.minimum(x, 28.0)
    # exp(-x * x) would lose digits in the rounding of x * x; a short part of x has an
    # exact square.
    short = np.round(x * 16.0) / 16.0
    rest = (x - short) * (x + short)
    low, high = -1.0, (28.0 - 4.0) / (28.0 + 4.0)
    u = (2.0 * (x - 4.0) / (x + 4.0) - (low + high)) / (high - low)
    decay = np.exp(-short * short) * np.exp(-rest)
    return decay * _chebyshev(_ERFCX, u) / (x + 1.0)


def _erf(x: np.ndarray) -> np.ndarray:
    size = np.abs(x)
    large = size > 1.0

    def outer(x):
        return np.copysign(1.0 - _erfc_positive(np.abs(x)), x)

    return _by_region(x, [(size <= 1.0, _erf_small), (large, outer)])


def _erfc(x: np.ndarray) -> np.ndarray:
    def inner(x):
        return 1.0 - _erf_small(x)

    def negative(x):
        return 2.0 - _erfc_positive(-x)

    middle = np.abs(x) < 0.5
    return _by_region(
        x, [(middle, inner), (x >= 0.5, _erfc_positive), (x <= -0.5, negative)]
    )


def _erfinv(x: np.ndarray) -> np.ndarray:
    """Winitzki's estimate (three digits), then two steps of Halley's method."""
    size = np.abs(x)
    left = 1.0 - size
    logarithm = np.log1p(-size * size)
    a = 0.147
    half = 2.0 / (math.pi * a) + 0.5 * logarithm
    # sqrt(sqrt(half² - log/a) - half), without cancellation for small x.
    square = -logarithm / a
    z = np.sqrt(square / (np.sqrt(half * half + square) + half))
    for _ in range(2):
        # Near 1 the distance from 1 has the digits.
        error = np.where(size < 0.5, _erf(z) - size, left - _erfc_positive(z))
        step = error / (2.0 / math.sqrt(math.pi) * np.exp(-z * z))
        z = z - step / (1.0 + z * step)
    z = np.where(left == 0.0, np.inf, np.where(left >= 0.0, z, np.nan))
    return np.copysign(z, x)


# -- log-gamma and its derivatives -------------------------------------------------------


def _stirling(x: np.ndarray) -> np.ndarray:
    """log(gamma(x)) for large x."""
    series = np.zeros_like(x)
    square = 1.0 / (x * x)
    for k in range(len(_BERNOULLI), 0, -1):
        series = series * square + _BERNOULLI[k - 1] / (2 * k * (2 * k - 1))
    result = (x - 0.5) * np.log(x) - x + (_HALF_LOG_TWO_PI + series / x)
    return np.where(np.isinf(x), np.inf, result)


def _lgamma_one_to_three(x: np.ndarray) -> np.ndarray:
    return (x - 1.0) * (x - 2.0) * _chebyshev(_LGAMMA, x - 2.0)


def _lgamma_below_one(x: np.ndarray) -> np.ndarray:
    # lgamma(x + 1) without rounding x + 1, which would lose the digits of 1 - x.
    return x * (x - 1.0) * _chebyshev(_LGAMMA, x - 1.0) - np.log(x)


def _lgamma_to_ten(x: np.ndarray) -> np.ndarray:
    """For x in [3, 10): step down to [2, 3) by gamma(x) = (x - 1) gamma(x - 1)."""
    factor = np.ones_like(x)
    for _ in range(7):
        above = x >= 3.0
        factor = np.where(above, factor * (x - 1.0), factor)
        x = np.where(above, x - 1.0, x)
    return _lgamma_one_to_three(x) + np.log(factor)


def _lgamma_positive(x: np.ndarray) -> np.ndarray:
    return _by_region(
        x,
        [
            (x >= _LARGE, _stirling),
            ((x >= 3.0) & (x < _LARGE), _lgamma_to_ten),
            ((x >= 1.0) & (x < 3.0), _lgamma_one_to_three),
            ((x > 0.0) & (x < 1.0), _lgamma_below_one),
        ],
    )


def _sine_pi(x: np.ndarray) -> np.ndarray:
    """sin(pi * x), exact in its zeros."""
    rest = x - 2.0 * np.round(0.5 * x)
    # |rest| <= 1; sin(pi - a) = sin(a) brings it to at most a half.
    rest = np.where(np.abs(rest) > 0.5, np.copysign(1.0, rest) - rest, rest)
    return np.sin(math.pi * rest)


def _cotangent_pi(x: np.ndarray) -> np.ndarray:
    """1 / tan(pi * x)."""
    return 1.0 / np.tan(math.pi * (x - np.round(x)))


def _lgamma(x: np.ndarray) -> np.ndarray:
    """log|gamma(x)|; for x <= 0 by reflection; inf at the poles."""

    def reflected(x):
        result = np.log(math.pi / np.abs(_sine_pi(x))) - _lgamma_positive(1.0 - x)
        return np.where(np.isinf(x) | (x == np.round(x)), np.inf, result)

    return _by_region(x, [(x > 0.0, _lgamma_positive), (x <= 0.0, reflected)])


def _digamma_positive(x: np.ndarray) -> np.ndarray:
    shift = np.zeros_like(x)
    for _ in range(int(_LARGE)):
        below = x < _LARGE
        if not below.any():
            break
        shift = np.where(below, shift + 1.0 / x, shift)
        x = np.where(below, x + 1.0, x)
    square = 1.0 / (x * x)
    series = np.zeros_like(x)
    for k in range(len(_BERNOULLI), 0, -1):
        series = (series + _BERNOULLI[k - 1] / (2 * k)) * square
    return np.log(x) - 0.5 / x - series - shift


def _digamma(x: np.ndarray) -> np.ndarray:
    def reflected(x):
        result = _digamma_positive(1.0 - x) - math.pi * _cotangent_pi(x)
        return np.where(x == np.round(x), np.nan, result)

    return _by_region(x, [(x > 0.0, _digamma_positive), (x <= 0.0, reflected)])


def _zeta(s: int, x: np.ndarray) -> np.ndarray:
    """Hurwitz zeta, the sum of (x + k) ** -s over k >= 0, for x > 0: Euler-Maclaurin."""
    total = np.zeros_like(x)
    for k in range(int(_LARGE)):
        total = total + (x + k) ** -float(s)
    x = x + _LARGE
    total = total + x ** (1.0 - s) / (s - 1) + 0.5 * x ** -float(s)
    # Terms B2j / (2j)! * s (s + 1) … (s + 2j - 2) * x ** (1 - s - 2j)
    factor = s / 2.0
    power = x ** (-1.0 - s)
    square = 1.0 / (x * x)
    for j, bernoulli in enumerate(_BERNOULLI, start=1):
        total = total + bernoulli * factor * power
        factor *= (s + 2 * j - 1) * (s + 2 * j) / ((2 * j + 1) * (2 * j + 2))
        power = power * square
    return total


def _cotangent_derivative(n: int) -> np.ndarray:
    """Coefficients, lowest first, of the n-th derivative of cot in powers of cot."""
    polynomial = np.array([0.0, 1.0])
    for _ in range(n):
        slope = polynomial[1:] * np.arange(1, len(polynomial))
        polynomial = -np.convolve(slope, [1.0, 0.0, 1.0])
    return polynomial


def _digamma_with_poles(x: np.ndarray) -> np.ndarray:
    # The pole at zero has a side, which the sign of zero tells.
    return np.where(x == 0.0, -np.copysign(np.inf, x), _digamma(x))


def _polygamma(x: np.ndarray, *, n: int) -> np.ndarray:
    """The n-th derivative of digamma."""
    if n == 0:
        return _digamma(x)
    sign = -1.0 if n % 2 == 0 else 1.0

    def positive(x):
        return sign * math.factorial(n) * _zeta(n + 1, x)

    def reflected(x):
        slope = np.zeros_like(x)
        cotangent = _cotangent_pi(x)
        for coefficient in _cotangent_derivative(n)[::-1]:
            slope = slope * cotangent + coefficient
        mirror = positive(1.0 - x) * (1.0 if n % 2 == 0 else -1.0)
        result = mirror - math.pi ** (n + 1) * slope
        # Odd derivatives rise to inf on both sides of a pole.
        pole = np.inf if n % 2 else np.nan
        return np.where(x == np.round(x), pole, result)

    return _by_region(x, [(x > 0.0, positive), (x <= 0.0, reflected)])


erf = through_float64(_erf)
erfc = through_float64(_erfc)
erfinv = through_float64(_erfinv)
lgamma = through_float64(_lgamma)
digamma = through_float64(_digamma_with_poles)
polygamma = through_float64(_polygamma)
