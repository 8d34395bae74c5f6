"""Elementwise primitives: arithmetic, comparisons, bits, functions, select, cast.

Inputs have equal shapes and dtypes (`ops` inserts broadcasts and casts), and so a
derivative rule is one line. Integers wrap around; an integer divided by zero is 0; floats
follow IEEE 754, and no warnings are given. float16 and bfloat16 are computed in float32
and rounded once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from weft import dtypes
from weft.core.primitive import Primitive
from weft.core.spec import Spec
from weft.dtypes import DType, bool_
from weft.errors import ArgumentError, DTypeError
from weft.primitives import constants, special
from weft.primitives.quiet import quiet
from weft.primitives.rules import (
    BITS,
    BOOL,
    FLOATS,
    INTEGERS,
    NUMBERS,
    REALS,
    elementwise,
    listed,
    require_dtype,
    require_equal_dtypes,
    require_equal_shapes,
)


def _define(
    name: str, evaluate: Callable, accepted: tuple[DType, ...], result: Any = None
) -> Primitive:
    return Primitive(name, spec=elementwise(name, accepted, result), evaluate=evaluate)


def _in_float32(function: Callable) -> Callable:
    """Compute float16 and bfloat16 in float32, and round once."""

    def evaluate(*arrays: np.ndarray) -> np.ndarray:
        dtype = arrays[0].dtype
        if dtype.itemsize != 2:
            return function(*arrays)
        return function(*[array.astype(np.float32) for array in arrays]).astype(dtype)

    return evaluate


# -- arithmetic --------------------------------------------------------------------------


def _power(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    if x.dtype.kind != "i":
        return np.power(x, y)
    # NumPy refuses negative exponents of integers. The quotient 1 / x**|y| is cut to an
    # integer like any other: 1 and -1 stay, all else (0 too) becomes 0.
    negative = y < 0
    unit = np.where(np.abs(x) == 1, x, 0).astype(x.dtype, copy=False)
    # An odd or even exponent keeps the unit's sign; it is never 0, which would make 0 a 1.
    exponent = np.where(y % 2 == 0, 2, 1).astype(y.dtype)
    return np.power(np.where(negative, unit, x), np.where(negative, exponent, y))


add = _define("add", quiet(np.add), NUMBERS)
subtract = _define("subtract", quiet(np.subtract), NUMBERS)
multiply = _define("multiply", quiet(np.multiply), NUMBERS)
divide = _define("divide", quiet(np.divide), FLOATS)
floor_divide = _define("floor_divide", quiet(np.floor_divide), NUMBERS)
remainder = _define("remainder", quiet(np.remainder), NUMBERS)
"""The rest of `floor_divide`, with the sign of the divisor, as Python's %."""
power = _define("power", quiet(_power), NUMBERS)
maximum = _define("maximum", quiet(np.maximum), REALS)
"""The larger one; NaN if either is NaN."""
minimum = _define("minimum", quiet(np.minimum), REALS)
"""The smaller one; NaN if either is NaN."""
arctan2 = _define("arctan2", quiet(np.arctan2), FLOATS)
nextafter = _define("nextafter", quiet(np.nextafter), FLOATS)
negative = _define("negative", quiet(np.negative), NUMBERS)
absolute = _define("absolute", quiet(np.absolute), NUMBERS)
sign = _define("sign", quiet(np.sign), NUMBERS)
floor = _define("floor", quiet(np.floor), FLOATS)
ceil = _define("ceil", quiet(np.ceil), FLOATS)
round = _define("round", quiet(np.rint), FLOATS)
"""To the nearest integer, halves to the even one."""
trunc = _define("trunc", quiet(np.trunc), FLOATS)


@add.vjp
def _(ct, out, x, y):
    return ct, ct


@subtract.vjp
def _(ct, out, x, y):
    return ct, -ct


@multiply.vjp
def _(ct, out, x, y):
    return ct * y, ct * x


@divide.vjp
def _(ct, out, x, y):
    share = ct / y
    return share, -share * out


@remainder.vjp
def _(ct, out, x, y):
    return ct, -ct * floor_divide.bind(x, y)


@power.vjp
def _(ct, out, x, y):
    zero, one = constants.full_like(x, 0), constants.full_like(x, 1)
    # Where y = 0 the slope is 0, also at x = 0, where the formula would say 0 * inf.
    lower = select.bind(equal.bind(y, zero), one, y - one)
    # Where x <= 0 the power is a function of whole y only: nothing flows to y.
    positive = greater.bind(x, zero)
    logarithm = log.bind(select.bind(positive, x, one))
    return ct * y * power.bind(x, lower), ct * out * logarithm


def _share_of_winner(ct, wins, even):
    """The cotangent of an input that wins alone, half of it where both are equal."""
    zero = constants.full_like(ct, 0)
    return select.bind(wins, ct, select.bind(even, ct * 0.5, zero))


@maximum.vjp
def _(ct, out, x, y):
    even = equal.bind(x, y)
    return (
        _share_of_winner(ct, greater.bind(x, y), even),
        _share_of_winner(ct, greater.bind(y, x), even),
    )


@minimum.vjp
def _(ct, out, x, y):
    even = equal.bind(x, y)
    return (
        _share_of_winner(ct, less.bind(x, y), even),
        _share_of_winner(ct, less.bind(y, x), even),
    )


@arctan2.vjp
def _(ct, out, x, y):
    share = ct / (x * x + y * y)
    return share * y, -share * x


@negative.vjp
def _(ct, out, x):
    return -ct


@absolute.vjp
def _(ct, out, x):
    return ct * sign.bind(x)


# -- comparisons -------------------------------------------------------------------------

equal = _define("equal", quiet(np.equal), REALS, bool_)
not_equal = _define("not_equal", quiet(np.not_equal), REALS, bool_)
less = _define("less", quiet(np.less), REALS, bool_)
less_equal = _define("less_equal", quiet(np.less_equal), REALS, bool_)
greater = _define("greater", quiet(np.greater), REALS, bool_)
greater_equal = _define("greater_equal", quiet(np.greater_equal), REALS, bool_)
is_finite = _define("is_finite", quiet(np.isfinite), REALS, bool_)
is_nan = _define("is_nan", quiet(np.isnan), REALS, bool_)
is_inf = _define("is_inf", quiet(np.isinf), REALS, bool_)

# -- bits --------------------------------------------------------------------------------

bitwise_and = _define("bitwise_and", np.bitwise_and, BITS)
bitwise_or = _define("bitwise_or", np.bitwise_or, BITS)
bitwise_xor = _define("bitwise_xor", np.bitwise_xor, BITS)
bitwise_not = _define("bitwise_not", np.invert, BITS)
shift_left = _define("shift_left", np.left_shift, INTEGERS)
"""Bits moved up; 0 where the distance is negative or not less than the width."""
shift_right = _define("shift_right", np.right_shift, INTEGERS)
"""Bits moved down, copies of the sign moved in; all sign where the distance is negative or
not less than the width."""

# -- functions of one float --------------------------------------------------------------


def _rsqrt(x: np.ndarray) -> np.ndarray:
    return np.reciprocal(np.sqrt(x))


def _sigmoid(x: np.ndarray) -> np.ndarray:
    # exp(-|x|) never overflows, and keeps the digits of small results.
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, small) / (1 + small)


def _relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, np.zeros((), x.dtype))


exp = _define("exp", quiet(np.exp), FLOATS)
expm1 = _define("expm1", quiet(np.expm1), FLOATS)
log = _define("log", quiet(np.log), FLOATS)
log1p = _define("log1p", quiet(np.log1p), FLOATS)
sqrt = _define("sqrt", quiet(np.sqrt), FLOATS)
rsqrt = _define("rsqrt", quiet(_in_float32(_rsqrt)), FLOATS)
"""1 / sqrt(x)"""
sin = _define("sin", quiet(np.sin), FLOATS)
cos = _define("cos", quiet(np.cos), FLOATS)
tan = _define("tan", quiet(np.tan), FLOATS)
arcsin = _define("arcsin", quiet(np.arcsin), FLOATS)
arccos = _define("arccos", quiet(np.arccos), FLOATS)
arctan = _define("arctan", quiet(np.arctan), FLOATS)
sinh = _define("sinh", quiet(np.sinh), FLOATS)
cosh = _define("cosh", quiet(np.cosh), FLOATS)
tanh = _define("tanh", quiet(np.tanh), FLOATS)
arcsinh = _define("arcsinh", quiet(np.arcsinh), FLOATS)
arccosh = _define("arccosh", quiet(np.arccosh), FLOATS)
arctanh = _define("arctanh", quiet(np.arctanh), FLOATS)
relu = _define("relu", quiet(_relu), FLOATS)
"""max(x, 0); NaN stays NaN"""
sigmoid = _define("sigmoid", quiet(_in_float32(_sigmoid)), FLOATS)
"""1 / (1 + exp(-x))"""
erf = _define("erf", special.erf, FLOATS)
erfc = _define("erfc", special.erfc, FLOATS)
"""1 - erf(x), with all digits where it is small"""
erfinv = _define("erfinv", special.erfinv, FLOATS)
lgamma = _define("lgamma", special.lgamma, FLOATS)
"""log|gamma(x)|"""
digamma = _define("digamma", special.digamma, FLOATS)
"""The derivative of lgamma."""


def _polygamma_spec(x: Spec, *, n: int) -> Spec:
    require_dtype("polygamma", x, FLOATS)
    if n < 0:
        raise ArgumentError(f"polygamma: n must be at least 0; received n={n}")
    return x


polygamma = Primitive("polygamma", spec=_polygamma_spec, evaluate=special.polygamma)
"""The n-th derivative of digamma."""


@exp.vjp
def _(ct, out, x):
    return ct * out


@expm1.vjp
def _(ct, out, x):
    return ct * (out + 1)


@log.vjp
def _(ct, out, x):
    return ct / x


@log1p.vjp
def _(ct, out, x):
    return ct / (x + 1)


@sqrt.vjp
def _(ct, out, x):
    return ct * 0.5 / out


@rsqrt.vjp
def _(ct, out, x):
    return ct * -0.5 * out / x


@sin.vjp
def _(ct, out, x):
    return ct * cos.bind(x)


@cos.vjp
def _(ct, out, x):
    return -ct * sin.bind(x)


@tan.vjp
def _(ct, out, x):
    return ct * (out * out + 1)


@arcsin.vjp
def _(ct, out, x):
    return ct * rsqrt.bind(1 - x * x)


@arccos.vjp
def _(ct, out, x):
    return -ct * rsqrt.bind(1 - x * x)


@arctan.vjp
def _(ct, out, x):
    return ct / (x * x + 1)


@sinh.vjp
def _(ct, out, x):
    return ct * cosh.bind(x)


@cosh.vjp
def _(ct, out, x):
    return ct * sinh.bind(x)


@tanh.vjp
def _(ct, out, x):
    return ct * (1 - out * out)


@relu.vjp
def _(ct, out, x):
    zero = constants.full_like(ct, 0)
    return select.bind(greater.bind(out, constants.full_like(out, 0)), ct, zero)


@arcsinh.vjp
def _(ct, out, x):
    return ct * rsqrt.bind(x * x + 1)


@arccosh.vjp
def _(ct, out, x):
    return ct * rsqrt.bind((x - 1) * (x + 1))


@arctanh.vjp
def _(ct, out, x):
    return ct / ((1 - x) * (1 + x))


@sigmoid.vjp
def _(ct, out, x):
    return ct * out * (1 - out)


@erf.vjp
def _(ct, out, x):
    return ct * (2 / math.sqrt(math.pi)) * exp.bind(-x * x)


@erfc.vjp
def _(ct, out, x):
    return ct * (-2 / math.sqrt(math.pi)) * exp.bind(-x * x)


@erfinv.vjp
def _(ct, out, x):
    return ct * (math.sqrt(math.pi) / 2) * exp.bind(out * out)


@lgamma.vjp
def _(ct, out, x):
    return ct * digamma.bind(x)


@digamma.vjp
def _(ct, out, x):
    return ct * polygamma.bind(x, n=1)


@polygamma.vjp
def _(ct, out, x, *, n):
    return ct * polygamma.bind(x, n=n + 1)


# -- select, cast, stop_gradient ---------------------------------------------------------


def _select_spec(condition: Spec, x: Spec, y: Spec) -> Spec:
    require_dtype("select", condition, BOOL, "the condition")
    require_equal_dtypes("select", x, y)
    require_equal_shapes("select", condition, x, y)
    return x


select = Primitive("select", spec=_select_spec, evaluate=np.where)
"""x where the condition holds, else y."""


@select.vjp
def _(ct, out, condition, x, y):
    zero = constants.full_like(ct, 0)
    return None, select.bind(condition, ct, zero), select.bind(condition, zero, ct)


def _cast_spec(x: Spec, *, dtype: DType) -> Spec:
    if dtypes.string in (x.dtype, dtype):
        raise DTypeError(
            f"cast: text can't be cast; received {listed([x])} to {dtype}; "
            "convert it to numbers in Python first"
        )
    return x.with_dtype(dtype)


def _saturating(x: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Floats to integers: cut towards zero, to the nearest integer there is; NaN to 0."""
    if x.dtype.itemsize < 4:
        x = x.astype(np.float32)
    limits = np.iinfo(dtype)
    found = x.astype(dtype)
    # The limit above the largest integer is a power of two, so a float has it exactly.
    above, below = x >= float(limits.max + 1), x <= float(limits.min)
    found = np.where(above, dtype.type(limits.max), found)
    found = np.where(below, dtype.type(limits.min), found)
    return np.where(x == x, found, dtype.type(0))


@quiet
def _cast_array(x: np.ndarray, dtype: np.dtype) -> np.ndarray:
    if x.dtype == dtype:
        return x
    if dtype.kind in "iu" and dtypes.from_numpy(x.dtype).is_floating:
        return _saturating(x, dtype)
    return x.astype(dtype)


cast = Primitive(
    "cast", spec=_cast_spec, evaluate=lambda x, *, dtype: _cast_array(x, dtype.numpy)
)
"""The same numbers in another dtype.

Floats become integers by cutting off the fraction; what is too large or too small becomes
the largest or smallest integer, NaN becomes 0. Integers wrap around. Numbers become bools
by `x != 0`. Everything becomes bfloat16, and integers become float16, by way of float32.
"""


@cast.vjp
def _(ct, out, x, *, dtype):
    flows = x.dtype.is_differentiable and dtype.is_differentiable
    return cast.bind(ct, dtype=x.dtype) if flows else None


stop_gradient = Primitive("stop_gradient", spec=lambda x: x, evaluate=lambda x: x)
"""x itself, as a constant for derivatives."""


def _nothing_flows(ct, out, *inputs):
    return None if len(inputs) == 1 else (None,) * len(inputs)


# Constant almost everywhere, or meant to be.
for _primitive in (floor_divide, sign, floor, ceil, round, trunc, nextafter, stop_gradient):
    _primitive.vjp(_nothing_flows)
