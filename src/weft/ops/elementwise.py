"""Elementwise operations: arithmetic, comparisons, logic, bits, functions of numbers.

Operands are promoted as in Keras 3 and broadcast as in NumPy. What is one primitive stands
in the tables; what is composed of several is written out below them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from weft import dtypes
from weft.core.tensor import Tensor
from weft.dtypes import canonical
from weft.errors import ArgumentError
from weft.ops.convert import as_tensor, cast
from weft.ops.promotion import (
    FLOATS,
    INTEGERS,
    NUMBERS,
    REALS,
    apply,
    as_float,
    binary,
    broadcast_shape,
    broadcast_tensor,
    float_unary,
    named,
    number_unary,
    promote,
    require,
)
from weft.primitives import elementwise as p

_BITS = INTEGERS | {dtypes.bool_}
_INT32 = dtypes.int32

# -- two operands ------------------------------------------------------------------------

add = binary("add", "x1 + x2; logical or of bools.", p.add,
             accepted=NUMBERS, on_bool=p.bitwise_or)  # fmt: skip
subtract = binary("subtract", "x1 - x2.", p.subtract, accepted=NUMBERS)
multiply = binary("multiply", "x1 * x2; logical and of bools.", p.multiply,
                  accepted=NUMBERS, on_bool=p.bitwise_and)  # fmt: skip
divide = binary("divide", "x1 / x2, in floats.", p.divide, accepted=FLOATS, also=(float,))
true_divide = divide
floor_divide = binary("floor_divide", "The largest integer not above x1 / x2.",
                      p.floor_divide, accepted=NUMBERS, on_bool=_INT32)  # fmt: skip
mod = binary("mod", "The rest of `floor_divide`: it has the sign of x2.",
             p.remainder, accepted=NUMBERS, on_bool=_INT32)  # fmt: skip
power = binary("power", "x1 to the power of x2.", p.power,
               accepted=NUMBERS, on_bool=_INT32)  # fmt: skip
maximum = binary("maximum", "The larger one; NaN if either is NaN.", p.maximum)
minimum = binary("minimum", "The smaller one; NaN if either is NaN.", p.minimum)
arctan2 = binary("arctan2", "The angle of the point (x2, x1), in -pi … pi.", p.arctan2,
                 accepted=FLOATS, also=(float,))  # fmt: skip
nextafter = binary("nextafter", "The next float after x1 towards x2.", p.nextafter,
                   accepted=FLOATS, also=(float,))  # fmt: skip

equal = binary("equal", "x1 == x2, element by element.", p.equal)
not_equal = binary("not_equal", "x1 != x2, element by element.", p.not_equal)
less = binary("less", "x1 < x2, element by element.", p.less)
less_equal = binary("less_equal", "x1 <= x2, element by element.", p.less_equal)
greater = binary("greater", "x1 > x2, element by element.", p.greater)
greater_equal = binary("greater_equal", "x1 >= x2, element by element.", p.greater_equal)

_and = binary("bitwise_and", "", p.bitwise_and, accepted=_BITS)
_or = binary("bitwise_or", "", p.bitwise_or, accepted=_BITS)
_xor = binary("bitwise_xor", "", p.bitwise_xor, accepted=_BITS)
_left = binary("bitwise_left_shift", "", p.shift_left, accepted=INTEGERS, on_bool=_INT32)
_right = binary("bitwise_right_shift", "", p.shift_right, accepted=INTEGERS, on_bool=_INT32)


def bitwise_and(x: Any, y: Any) -> Tensor:
    """The bits that both have; logical and of bools."""
    return _and(x, y)


def bitwise_or(x: Any, y: Any) -> Tensor:
    """The bits that either has; logical or of bools."""
    return _or(x, y)


def bitwise_xor(x: Any, y: Any) -> Tensor:
    """The bits that just one has; logical exclusive or of bools."""
    return _xor(x, y)


def bitwise_left_shift(x: Any, y: Any) -> Tensor:
    """The bits of x moved y places up."""
    return _left(x, y)


def bitwise_right_shift(x: Any, y: Any) -> Tensor:
    """The bits of x moved y places down; the sign stays."""
    return _right(x, y)


def left_shift(x: Any, y: Any) -> Tensor:
    """The bits of x moved y places up."""
    return _left(x, y)


def right_shift(x: Any, y: Any) -> Tensor:
    """The bits of x moved y places down; the sign stays."""
    return _right(x, y)


# -- one operand, in floats --------------------------------------------------------------

exp = float_unary("exp", "e to the power of x.", p.exp)
expm1 = float_unary("expm1", "exp(x) - 1, exact for small x.", p.expm1)
log = float_unary("log", "The natural logarithm.", p.log)
log1p = float_unary("log1p", "log(1 + x), exact for small x.", p.log1p)
sqrt = float_unary("sqrt", "The square root.", p.sqrt)
rsqrt = float_unary("rsqrt", "1 / sqrt(x).", p.rsqrt)
sin = float_unary("sin", "The sine; x in radians.", p.sin)
cos = float_unary("cos", "The cosine; x in radians.", p.cos)
tan = float_unary("tan", "The tangent; x in radians.", p.tan)
arcsin = float_unary("arcsin", "The inverse of sin, in -pi/2 … pi/2.", p.arcsin)
arccos = float_unary("arccos", "The inverse of cos, in 0 … pi.", p.arccos)
arctan = float_unary("arctan", "The inverse of tan, in -pi/2 … pi/2.", p.arctan)
sinh = float_unary("sinh", "The hyperbolic sine.", p.sinh)
cosh = float_unary("cosh", "The hyperbolic cosine.", p.cosh)
tanh = float_unary("tanh", "The hyperbolic tangent.", p.tanh)
arcsinh = float_unary("arcsinh", "The inverse of sinh.", p.arcsinh)
arccosh = float_unary("arccosh", "The inverse of cosh.", p.arccosh)
arctanh = float_unary("arctanh", "The inverse of tanh.", p.arctanh)
sigmoid = float_unary("sigmoid", "1 / (1 + exp(-x)).", p.sigmoid)
erf = float_unary("erf", "The error function.", p.erf)
erfc = float_unary("erfc", "1 - erf(x), exact where it is small.", p.erfc)
erfinv = float_unary("erfinv", "The inverse of erf.", p.erfinv)
lgamma = float_unary("lgamma", "log(|gamma(x)|).", p.lgamma)
digamma = float_unary("digamma", "The derivative of lgamma.", p.digamma)
floor = float_unary("floor", "The largest whole number not above x.", p.floor)
ceil = float_unary("ceil", "The smallest whole number not below x.", p.ceil)

# -- one operand, any number -------------------------------------------------------------

negative = number_unary("negative", "-x.", p.negative)
absolute = number_unary("absolute", "|x|.", p.absolute, same=frozenset([dtypes.bool_]))
sign = number_unary("sign", "-1, 0 or 1: the sign of x.", p.sign)
trunc = named(number_unary("trunc", "", p.trunc, same=_BITS), "trunc",
              "x without its fraction.")  # fmt: skip


def abs(x: Any) -> Tensor:
    """|x|."""
    return absolute(x)


def round(x: Any, decimals: int = 0) -> Tensor:
    """To the nearest number with so many decimals; halves go to the even one."""
    x = as_tensor(x)
    if x.dtype.is_bool:
        x = cast(x, _INT32)
    if x.dtype.is_integer and decimals >= 0:
        return x
    require("round", x, NUMBERS)
    if decimals == 0:
        return p.round.bind(x)
    factor = float(10 ** max(decimals, -decimals))
    wide = as_float(x)
    found = p.round.bind(wide * factor if decimals > 0 else wide / factor)
    return cast(found / factor if decimals > 0 else found * factor, x.dtype)


def bitwise_not(x: Any) -> Tensor:
    """All bits turned; logical not of bools."""
    x = as_tensor(x)
    require("bitwise_not", x, _BITS)
    return p.bitwise_not.bind(x)


def bitwise_invert(x: Any) -> Tensor:
    """All bits turned; logical not of bools."""
    return bitwise_not(x)


def positive(x: Any) -> Tensor:
    """+x: x itself."""
    return as_tensor(x)


# -- logic -------------------------------------------------------------------------------


def as_bool(x: Any) -> Tensor:
    """x != 0."""
    return cast(x, dtypes.bool_)


def logical_and(x1: Any, x2: Any) -> Tensor:
    """Whether both are true (not zero)."""
    return apply("logical_and", p.bitwise_and, as_bool(x1), as_bool(x2))


def logical_or(x1: Any, x2: Any) -> Tensor:
    """Whether either is true (not zero)."""
    return apply("logical_or", p.bitwise_or, as_bool(x1), as_bool(x2))


def logical_xor(x1: Any, x2: Any) -> Tensor:
    """Whether just one is true (not zero)."""
    return apply("logical_xor", p.bitwise_xor, as_bool(x1), as_bool(x2))


def logical_not(x: Any) -> Tensor:
    """Whether x is false (zero)."""
    return p.bitwise_not.bind(as_bool(x))


def where(condition: Any, x1: Any = None, x2: Any = None) -> Any:
    """x1 where the condition holds, else x2; with the condition alone, `nonzero`.

    Example:
        >>> from weft import ops
        >>> ops.where([True, False], 1, [10, 20]).tolist()
        [1, 20]
    """
    if x1 is None and x2 is None:
        from weft.ops.sets import nonzero

        return nonzero(condition)
    if x1 is None or x2 is None:
        raise ArgumentError("where: needs both x1 and x2, or neither; received only one")
    x1, x2 = promote(x1, x2)
    return apply("where", p.select, as_bool(condition), x1, x2)


def select(condlist: Any, choicelist: Any, default: Any = 0) -> Tensor:
    """From the first choice whose condition holds, else `default`.

    Example:
        >>> from weft import ops
        >>> x = ops.arange(5)
        >>> ops.select([x < 2, x > 3], [x, 10 * x], -1).tolist()
        [0, 1, -1, -1, 40]
    """
    if len(condlist) != len(choicelist):
        raise ArgumentError(
            "select: as many choices as conditions are needed; received "
            f"{len(condlist)} conditions and {len(choicelist)} choices"
        )
    *choices, result = promote(*choicelist, default)
    for condition, choice in zip(reversed(condlist), reversed(choices)):
        result = where(condition, choice, result)
    return result


# -- composed ----------------------------------------------------------------------------


def square(x: Any) -> Tensor:
    """x * x."""
    x = as_tensor(x)
    if x.dtype.is_bool:
        x = cast(x, _INT32)
    require("square", x, NUMBERS)
    return p.multiply.bind(x, x)


def reciprocal(x: Any) -> Tensor:
    """1 / x."""
    return divide(1.0, as_float(x))


def cbrt(x: Any) -> Tensor:
    """The cube root, also of negative numbers."""
    x = as_float(x)
    root = p.sign.bind(x) * power(p.absolute.bind(x), 1.0 / 3.0)
    # One step of Newton's method repairs the last digits that pow leaves.
    safe = where(equal(root, 0.0), 1.0, root)
    exact = logical_or(equal(root, 0.0), logical_not(isfinite(root)))
    return where(exact, root, root - (root - x / (safe * safe)) / 3.0)


def exp2(x: Any) -> Tensor:
    """2 to the power of x."""
    x = as_float(x)
    return power(2.0, x)


def log2(x: Any) -> Tensor:
    """The logarithm to base 2."""
    return log(x) * (1.0 / math.log(2.0))


def log10(x: Any) -> Tensor:
    """The logarithm to base 10."""
    return log(x) * (1.0 / math.log(10.0))


def logaddexp(x1: Any, x2: Any) -> Tensor:
    """log(exp(x1) + exp(x2)), without overflow."""
    x1, x2 = promote(x1, x2, also=(float,))
    larger, distance = maximum(x1, x2), x1 - x2
    # Equal infinities have no distance; then nothing may be added to them.
    return where(isnan(distance), x1 + x2, larger + log1p(exp(-absolute(distance))))


def logaddexp2(x1: Any, x2: Any) -> Tensor:
    """log2(2**x1 + 2**x2), without overflow."""
    x1, x2 = promote(x1, x2, also=(float,))
    return logaddexp(x1 * math.log(2.0), x2 * math.log(2.0)) * (1.0 / math.log(2.0))


def hypot(x1: Any, x2: Any) -> Tensor:
    """sqrt(x1² + x2²), without overflow."""
    x1, x2 = promote(x1, x2, also=(float,))
    a, b = absolute(x1), absolute(x2)
    large, small = maximum(a, b), minimum(a, b)
    plain = logical_or(equal(large, 0.0), isinf(large))
    ratio = small / where(plain, 1.0, large)
    return where(plain, large, large * sqrt(1.0 + ratio * ratio))


def fabs(x: Any) -> Tensor:
    """|x|, as a float."""
    return absolute(as_float(x))


def _ignoring_nan(x1: Any, x2: Any, operation: Any) -> Tensor:
    x1, x2 = promote(x1, x2)
    if not x1.dtype.is_floating:
        return operation(x1, x2)
    return where(isnan(x1), x2, where(isnan(x2), x1, operation(x1, x2)))


def fmax(x1: Any, x2: Any) -> Tensor:
    """The larger one; where one is NaN the other one."""
    return _ignoring_nan(x1, x2, maximum)


def fmin(x1: Any, x2: Any) -> Tensor:
    """The smaller one; where one is NaN the other one."""
    return _ignoring_nan(x1, x2, minimum)


def fmod(x1: Any, x2: Any) -> Tensor:
    """The rest of the division cut towards zero: it has the sign of x1."""
    x1, x2 = promote(x1, x2)
    if x1.dtype.is_bool:
        x1, x2 = cast(x1, _INT32), cast(x2, _INT32)
    rest = mod(absolute(x1), absolute(x2))
    return where(x1 < 0, -rest, rest) if x1.dtype.kind != "uint" else rest


def divide_no_nan(x1: Any, x2: Any) -> Tensor:
    """x1 / x2, and 0 where x2 is 0."""
    x1, x2 = promote(x1, x2, also=(float,))
    none = equal(x2, 0.0)
    return where(none, 0.0, x1 / where(none, 1.0, x2))


def heaviside(x1: Any, x2: Any) -> Tensor:
    """0 where x1 < 0, x2 where x1 is 0, 1 where x1 > 0."""
    x1, x2 = promote(x1, x2, also=(float,))
    step = where(x1 < 0, 0.0, where(equal(x1, 0.0), x2, 1.0))
    return where(isnan(x1), x1, step)


def ldexp(x1: Any, x2: Any) -> Tensor:
    """x1 * 2**x2."""
    x1 = as_float(x1)
    return x1 * power(cast(2.0, x1.dtype), cast(x2, x1.dtype))


def deg2rad(x: Any) -> Tensor:
    """Degrees into radians."""
    return as_float(x) * (math.pi / 180.0)


def rad2deg(x: Any) -> Tensor:
    """Radians into degrees."""
    return as_float(x) * (180.0 / math.pi)


def sinc(x: Any) -> Tensor:
    """sin(pi x) / (pi x), and 1 at 0."""
    x = as_float(x)
    at_zero = equal(x, 0.0)
    angle = where(at_zero, 1.0, x) * math.pi
    return where(at_zero, 1.0, sin(angle) / angle)


def clip(x: Any, x_min: Any, x_max: Any) -> Tensor:
    """x, but not below x_min nor above x_max.

    Example:
        >>> from weft import ops
        >>> ops.clip([-1.0, 0.5, 7.0], 0, 1).tolist()
        [0.0, 0.5, 1.0]
    """
    x = as_tensor(x)
    if x.dtype.is_bool:
        x = cast(x, _INT32)
    if x_min is not None:
        x = maximum(x, x_min)
    return x if x_max is None else minimum(x, x_max)


def gcd(x1: Any, x2: Any) -> Tensor:
    """The greatest common divisor of integers."""
    x1, x2 = promote(x1, x2)
    if x1.dtype.is_bool:
        x1, x2 = cast(x1, _INT32), cast(x2, _INT32)
    require("gcd", x1, INTEGERS)
    shape = broadcast_shape("gcd", x1, x2)
    a, b = (broadcast_tensor(absolute(x), shape) for x in (x1, x2))
    # Euclid's algorithm needs most steps for Fibonacci numbers: 1.44 for each bit.
    for _ in range(int(1.4405 * 8 * x1.dtype.size) + 2):
        a, b = where(b == 0, a, b), where(b == 0, 0, mod(a, where(b == 0, 1, b)))
    return a


def lcm(x1: Any, x2: Any) -> Tensor:
    """The least common multiple of integers."""
    x1, x2 = promote(x1, x2)
    if x1.dtype.is_bool:
        x1, x2 = cast(x1, _INT32), cast(x2, _INT32)
    divisor = gcd(x1, x2)
    return absolute(x1) // where(divisor == 0, 1, divisor) * absolute(x2)


# -- tests of floats ---------------------------------------------------------------------


def _of_floats(x: Any, primitive: Any, otherwise: bool) -> Tensor:
    x = as_tensor(x)
    if x.dtype.is_floating:
        return primitive.bind(x)
    require(primitive.name, x, REALS)
    same = p.equal.bind(x, x)
    return same if otherwise else p.bitwise_not.bind(same)


def isfinite(x: Any) -> Tensor:
    """Whether x is neither infinite nor NaN."""
    return _of_floats(x, p.is_finite, True)


def isinf(x: Any) -> Tensor:
    """Whether x is infinite."""
    return _of_floats(x, p.is_inf, False)


def isnan(x: Any) -> Tensor:
    """Whether x is NaN."""
    return _of_floats(x, p.is_nan, False)


def isposinf(x: Any) -> Tensor:
    """Whether x is +inf."""
    x = as_tensor(x)
    return logical_and(isinf(x), x > 0)


def isneginf(x: Any) -> Tensor:
    """Whether x is -inf."""
    x = as_tensor(x)
    return logical_and(isinf(x), x < 0)


def signbit(x: Any) -> Tensor:
    """Whether the sign of x is minus, also that of -0.0."""
    x = as_tensor(x)
    if not x.dtype.is_floating:
        return x < 0
    # Dividing by zero tells -0.0 from 0.0.
    return logical_or(x < 0, logical_and(equal(x, 0.0), divide(1.0, x) < 0))


def isclose(
    x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """Whether |x1 - x2| <= atol + rtol * |x2|."""
    x1, x2 = promote(x1, x2, also=(float,))
    near = absolute(x1 - x2) <= atol + rtol * absolute(x2)
    finite = logical_and(isfinite(x1), isfinite(x2))
    close = where(finite, near, equal(x1, x2))
    return logical_or(close, logical_and(isnan(x1), isnan(x2))) if equal_nan else close


def nan_to_num(
    x: Any, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """x with NaN and infinities replaced, by default by 0 and the largest floats."""
    x = as_tensor(x)
    if not x.dtype.is_floating:
        return x
    # NumPy's finfo does not know bfloat16.
    import ml_dtypes

    limits = ml_dtypes.finfo(x.dtype.numpy)
    high = float(limits.max) if posinf is None else posinf
    low = float(limits.min) if neginf is None else neginf
    x = where(isnan(x), cast(nan, x.dtype), x)
    return where(
        isposinf(x), cast(high, x.dtype), where(isneginf(x), cast(low, x.dtype), x)
    )


def saturate_cast(x: Any, dtype: Any) -> Tensor:
    """`cast` that takes numbers out of range to the nearest one in range.

    Example:
        >>> from weft import ops
        >>> ops.saturate_cast([-5, 300], "uint8").tolist()
        [0, 255]
    """
    x, dtype = as_tensor(x), canonical(dtype)
    if not dtype.is_integer or x.dtype.is_bool:
        return cast(x, dtype)
    if x.dtype.is_floating:  # The cast itself saturates, but makes 0 of NaN.
        return cast(x, dtype)
    source, target = np.iinfo(x.dtype.numpy), np.iinfo(dtype.numpy)
    low, high = max(source.min, target.min), min(source.max, target.max)
    return cast(minimum(maximum(x, int(low)), int(high)), dtype)


# -- complex numbers' names, for real ones -----------------------------------------------


def conjugate(x: Any) -> Tensor:
    """x itself, for real numbers."""
    x = as_tensor(x)
    require("conjugate", x, REALS)
    return x


def conj(x: Any) -> Tensor:
    """x itself, for real numbers."""
    return conjugate(x)


def real(x: Any) -> Tensor:
    """x itself, for real numbers."""
    return conjugate(x)


def imag(x: Any) -> Tensor:
    """0, for real numbers."""
    x = conjugate(x)
    return where(True, cast(0, x.dtype), x)


def angle(x: Any) -> Tensor:
    """0 for positive, pi for negative numbers."""
    x = as_float(x)
    return where(isnan(x), x, where(x < 0, math.pi, 0.0))


def isreal(x: Any) -> Tensor:
    """Whether there is no imaginary part: True, for real numbers."""
    x = conjugate(x)
    return where(True, True, cast(x, dtypes.bool_))
