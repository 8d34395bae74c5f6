"""The mathematical functions of the compiled code, one row each, and how exact they are.

A row emits instructions for float or double, scalar or a vector of any number of lanes;
the same instructions whatever the lanes, so a number gives the same bits in every lane
and tail:

    f = Module().function("example", [("x", F32.vector(16))], F32.vector(16))
    f.ret(VECTOR_MATH["exp"](f, f.parameters[0]))

Nothing is called outside the module. Denormals, signed zeros, infinities and NaN behave
as IEEE 754 and C say. Without fused multiply-add (`module.has_fma = False`) products
and sums are rounded separately, with the bounds of `ULP_BOUND_NO_FMA`.
"""

from __future__ import annotations

from collections.abc import Callable

from weft.targets.llvm import vector_math_core as core
from weft.targets.llvm import vector_math_exponential as exponential
from weft.targets.llvm import vector_math_special as special
from weft.targets.llvm import vector_math_trigonometric as trigonometric
from weft.targets.llvm.ir import Function, Value


def _sqrt(f: Function, x: Value) -> Value:
    return core.square_root(x)


def _rsqrt(f: Function, x: Value) -> Value:
    return 1.0 / core.square_root(x)


def _abs(f: Function, x: Value) -> Value:
    return core.magnitude(x)


def _copysign(f: Function, x: Value, sign: Value) -> Value:
    return core.with_sign(x, sign)


VECTOR_MATH: dict[str, Callable[..., Value]] = {
    "exp": exponential.exp,
    "exp2": exponential.exp2,
    "expm1": exponential.expm1,
    "log": exponential.log,
    "log2": exponential.log2,
    "log10": exponential.log10,
    "log1p": exponential.log1p,
    "pow": exponential.pow,
    "sigmoid": exponential.sigmoid,
    "sinh": exponential.sinh,
    "cosh": exponential.cosh,
    "tanh": exponential.tanh,
    "asinh": exponential.asinh,
    "acosh": exponential.acosh,
    "atanh": exponential.atanh,
    "sin": trigonometric.sin,
    "cos": trigonometric.cos,
    "tan": trigonometric.tan,
    "asin": trigonometric.asin,
    "acos": trigonometric.acos,
    "atan": trigonometric.atan,
    "atan2": trigonometric.atan2,
    "erf": special.erf,
    "erfc": special.erfc,
    "erf_inv": special.erf_inv,
    "lgamma": special.lgamma,
    "digamma": special.digamma,
    "cbrt": special.cbrt,
    "sqrt": _sqrt,
    "rsqrt": _rsqrt,
    "floor": core.floor,
    "ceil": core.ceil,
    "round": core.round_even,
    "trunc": core.trunc,
    "remainder": core.remainder,
    "fmod": core.fmod,
    "sign": core.sign,
    "abs": _abs,
    "copysign": _copysign,
    "minimum": core.minimum,
    "maximum": core.maximum,
    "is_finite": core.is_finite,
    "is_nan": core.is_nan,
    "is_inf": core.is_inf,
}

# Largest errors in units in the last place of the true value (0.5 is correct rounding); for
# lgamma and digamma, which have zeros, in units of max(|value|, 1). The rest is exact.
ULP_BOUND: dict[str, dict[str, float]] = {
    "exp": {"float": 1.1, "double": 1.1},
    "exp2": {"float": 1.0, "double": 1.0},
    "expm1": {"float": 1.6, "double": 1.8},
    "log": {"float": 1.0, "double": 1.0},
    "log2": {"float": 1.1, "double": 1.1},
    "log10": {"float": 1.1, "double": 1.1},
    "log1p": {"float": 1.0, "double": 1.0},
    "sqrt": {"float": 0.5, "double": 0.5},
    "rsqrt": {"float": 1.5, "double": 1.5},
    "sin": {"float": 1.0, "double": 1.0},
    "cos": {"float": 1.0, "double": 1.0},
    "tan": {"float": 2.3, "double": 2.3},
    "asin": {"float": 1.3, "double": 1.3},
    "acos": {"float": 1.2, "double": 1.2},
    "atan": {"float": 1.4, "double": 1.4},
    "sinh": {"float": 1.5, "double": 1.5},
    "cosh": {"float": 1.5, "double": 1.5},
    "tanh": {"float": 1.8, "double": 1.8},
    "asinh": {"float": 0.51, "double": 1.6},
    "acosh": {"float": 0.51, "double": 1.8},
    "atanh": {"float": 0.51, "double": 1.5},
    "sigmoid": {"float": 1.7, "double": 1.7},
    "erf": {"float": 1.2, "double": 1.0},
    "erfc": {"float": 0.51, "double": 3.0},
    "erf_inv": {"float": 0.51, "double": 3.0},
    "lgamma": {"float": 0.51, "double": 4.0},
    "digamma": {"float": 0.51, "double": 10.0},
    "cbrt": {"float": 0.51, "double": 0.75},
    "pow": {"float": 0.51, "double": 1.2},
    "atan2": {"float": 1.7, "double": 1.7},
}

# The same without fused multiply-add: what differs.
ULP_BOUND_NO_FMA: dict[str, dict[str, float]] = ULP_BOUND | {
    "exp2": {"float": 1.2, "double": 1.3},
    "log2": {"float": 2.1, "double": 2.1},
    "log10": {"float": 2.2, "double": 2.2},
    "sinh": {"float": 1.9, "double": 2.0},
    "sigmoid": {"float": 1.9, "double": 1.9},
    "erf": {"float": 1.3, "double": 1.3},
    "erfc": {"float": 0.51, "double": 3.3},
    "atan2": {"float": 1.8, "double": 1.8},
}
