"""tf.math: element by element, and along axes."""

from __future__ import annotations

import collections
from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from weft import dtypes, ops
from weft.compat.arithmetic import (
    add as add,
)
from weft.compat.arithmetic import (
    divide as divide,
)
from weft.compat.arithmetic import (
    divide_no_nan as divide_no_nan,
)
from weft.compat.arithmetic import (
    equal as equal,
)
from weft.compat.arithmetic import (
    floordiv as floordiv,
)
from weft.compat.arithmetic import (
    greater as greater,
)
from weft.compat.arithmetic import (
    greater_equal as greater_equal,
)
from weft.compat.arithmetic import (
    less as less,
)
from weft.compat.arithmetic import (
    less_equal as less_equal,
)
from weft.compat.arithmetic import (
    logical_and as logical_and,
)
from weft.compat.arithmetic import (
    logical_not as logical_not,
)
from weft.compat.arithmetic import (
    logical_or as logical_or,
)
from weft.compat.arithmetic import (
    logical_xor as logical_xor,
)
from weft.compat.arithmetic import (
    maximum as maximum,
)
from weft.compat.arithmetic import (
    minimum as minimum,
)
from weft.compat.arithmetic import (
    mod as mod,
)
from weft.compat.arithmetic import (
    multiply as multiply,
)
from weft.compat.arithmetic import (
    not_equal as not_equal,
)
from weft.compat.arithmetic import (
    pow as pow,
)
from weft.compat.arithmetic import (
    subtract as subtract,
)
from weft.compat.arithmetic import (
    truediv as truediv,
)
from weft.compat.conversion import (
    as_dtype,
    convert_to_tensor,
    floating,
    known_int,
    known_ints,
    matching,
    require,
    tensor,
)
from weft.compat.tensorflow._segments import segment_max as segment_max
from weft.compat.tensorflow._segments import segment_mean as segment_mean
from weft.compat.tensorflow._segments import segment_min as segment_min
from weft.compat.tensorflow._segments import segment_prod as segment_prod
from weft.compat.tensorflow._segments import segment_sum as segment_sum
from weft.compat.tensorflow._segments import unsorted_segment_max as unsorted_segment_max
from weft.compat.tensorflow._segments import unsorted_segment_mean as unsorted_segment_mean
from weft.compat.tensorflow._segments import unsorted_segment_min as unsorted_segment_min
from weft.compat.tensorflow._segments import unsorted_segment_prod as unsorted_segment_prod
from weft.compat.tensorflow._segments import (
    unsorted_segment_sqrt_n as unsorted_segment_sqrt_n,
)
from weft.compat.tensorflow._segments import unsorted_segment_sum as unsorted_segment_sum
from weft.core.tensor import Tensor
from weft.dtypes import canonical
from weft.errors import ArgumentError, DTypeError, ShapeError
from weft.ops.convert import constant_value
from weft.ops.promotion import INTEGERS, NUMBERS, REALS, named
from weft.primitives import elementwise as primitives
from weft.primitives import reduction as reductions

floormod = mod

# -- one operand, floats -----------------------------------------------------------------


def _of_floats(name: str, doc: str, operation: Callable) -> Callable:
    who = f"tf.math.{name}"

    def function(x: Any, name: str | None = None) -> Tensor:
        return operation(floating(who, x))

    return named(function, name, doc)


_FLOAT_FUNCTIONS: dict[str, tuple[str, Callable]] = {
    "exp": ("e to the power of x.", ops.exp),
    "expm1": ("exp(x) - 1, exact for small x.", ops.expm1),
    "log": ("The natural logarithm.", ops.log),
    "log1p": ("log(1 + x), exact for small x.", ops.log1p),
    "sqrt": ("The square root.", ops.sqrt),
    "rsqrt": ("1 / sqrt(x).", ops.rsqrt),
    "sin": ("The sine.", ops.sin),
    "cos": ("The cosine.", ops.cos),
    "tan": ("The tangent.", ops.tan),
    "asin": ("The inverse of the sine.", ops.arcsin),
    "acos": ("The inverse of the cosine.", ops.arccos),
    "atan": ("The inverse of the tangent.", ops.arctan),
    "sinh": ("The hyperbolic sine.", ops.sinh),
    "cosh": ("The hyperbolic cosine.", ops.cosh),
    "tanh": ("The hyperbolic tangent.", ops.tanh),
    "asinh": ("The inverse of the hyperbolic sine.", ops.arcsinh),
    "acosh": ("The inverse of the hyperbolic cosine.", ops.arccosh),
    "atanh": ("The inverse of the hyperbolic tangent.", ops.arctanh),
    "sigmoid": ("1 / (1 + exp(-x)).", ops.sigmoid),
    "log_sigmoid": ("log(sigmoid(x)).", ops.log_sigmoid),
    "erf": ("The error function.", ops.erf),
    "erfc": ("1 - erf(x).", ops.erfc),
    "erfinv": ("The inverse of the error function.", ops.erfinv),
    "lgamma": ("The logarithm of the absolute gamma function.", ops.lgamma),
    "digamma": ("The derivative of lgamma.", ops.digamma),
    "floor": ("The largest whole number not above x.", ops.floor),
    "ceil": ("The smallest whole number not below x.", ops.ceil),
    "rint": ("The nearest whole number, the even one of two.", ops.round),
    "reciprocal": ("1 / x.", ops.reciprocal),
}
exp, expm1, log, log1p, sqrt, rsqrt = (
    _of_floats(name, *_FLOAT_FUNCTIONS[name])
    for name in ("exp", "expm1", "log", "log1p", "sqrt", "rsqrt")
)
sin, cos, tan, asin, acos, atan = (
    _of_floats(name, *_FLOAT_FUNCTIONS[name])
    for name in ("sin", "cos", "tan", "asin", "acos", "atan")
)
sinh, cosh, tanh, asinh, acosh, atanh = (
    _of_floats(name, *_FLOAT_FUNCTIONS[name])
    for name in ("sinh", "cosh", "tanh", "asinh", "acosh", "atanh")
)
sigmoid, log_sigmoid, erf, erfc, erfinv, lgamma, digamma = (
    _of_floats(name, *_FLOAT_FUNCTIONS[name])
    for name in ("sigmoid", "log_sigmoid", "erf", "erfc", "erfinv", "lgamma", "digamma")
)
floor, ceil, rint, reciprocal = (
    _of_floats(name, *_FLOAT_FUNCTIONS[name])
    for name in ("floor", "ceil", "rint", "reciprocal")
)


def softplus(features: Any, name: str | None = None) -> Tensor:
    """log(1 + exp(x))."""
    return ops.softplus(floating("tf.math.softplus", features))


def softsign(features: Any, name: str | None = None) -> Tensor:
    """x / (1 + |x|)."""
    return ops.softsign(floating("tf.math.softsign", features))


def ndtri(x: Any, name: str | None = None) -> Tensor:
    """The quantile of the standard normal distribution."""
    return ops.multiply(ops.erfinv(ops.subtract(ops.multiply(x, 2.0), 1.0)), 2.0**0.5)


# -- one operand, numbers ----------------------------------------------------------------


def _of_numbers(name: str, doc: str, operation: Callable) -> Callable:
    who = f"tf.math.{name}"

    def function(x: Any, name: str | None = None) -> Tensor:
        x = tensor(who, x)
        if x.dtype.kind != "complex":
            require(who, x, NUMBERS)
        return operation(x)

    return named(function, name, doc)


def _absolute(x: Tensor) -> Tensor:
    # Complex numbers are evaluated by NumPy, where they are known.
    return ops.absolute(x) if x.dtype.kind != "complex" else Tensor(np.abs(x._array))


abs = _of_numbers("abs", "The absolute value.", _absolute)
negative = _of_numbers("negative", "-x.", ops.negative)
square = _of_numbers("square", "x * x.", ops.square)
sign = _of_numbers("sign", "-1, 0 or 1.", ops.sign)


def round(x: Any, name: str | None = None) -> Tensor:
    """The nearest whole number, the even one of two; integers as they are."""
    x = tensor("tf.round", x)
    return x if x.dtype.is_integer else ops.round(x)


def _of_complex(name: str, doc: str, of_real: Callable, of_complex: Callable) -> Callable:
    """Complex numbers are evaluated by NumPy, where they are known."""
    who = f"tf.math.{name}"

    def function(input: Any, name: str | None = None) -> Tensor:
        x = tensor(who, input)
        if x.dtype.kind == "complex":
            return Tensor(np.asarray(of_complex(x._array)))
        return of_real(x)

    return named(function, name, doc)


real = _of_complex("real", "The real part.", ops.real, np.real)
imag = _of_complex("imag", "The imaginary part.", ops.imag, np.imag)
conj = _of_complex("conj", "The complex conjugate.", ops.conj, np.conj)
angle = _of_complex("angle", "The argument: 0 or pi of real numbers.", ops.angle, np.angle)


def is_nan(x: Any, name: str | None = None) -> Tensor:
    """Whether each element is NaN."""
    return ops.isnan(floating("tf.math.is_nan", x))


def is_inf(x: Any, name: str | None = None) -> Tensor:
    """Whether each element is infinite."""
    return ops.isinf(floating("tf.math.is_inf", x))


def is_finite(x: Any, name: str | None = None) -> Tensor:
    """Whether each element is neither NaN nor infinite."""
    return ops.isfinite(floating("tf.math.is_finite", x))


def is_non_decreasing(x: Any, name: str | None = None) -> Tensor:
    """Whether no element is below the one before it."""
    x = ops.reshape(tensor("tf.math.is_non_decreasing", x), (-1,))
    return ops.all(ops.less_equal(x[:-1], x[1:]))


def is_strictly_increasing(x: Any, name: str | None = None) -> Tensor:
    """Whether every element is above the one before it."""
    x = ops.reshape(tensor("tf.math.is_strictly_increasing", x), (-1,))
    return ops.all(ops.less(x[:-1], x[1:]))


# -- two operands ------------------------------------------------------------------------


def atan2(y: Any, x: Any, name: str | None = None) -> Tensor:
    """The angle of the point (x, y)."""
    y, x = matching("tf.math.atan2", y, x)
    return ops.arctan2(y, x)


def squared_difference(x: Any, y: Any, name: str | None = None) -> Tensor:
    """(x - y)²."""
    return ops.square(subtract(x, y))


def multiply_no_nan(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x * y, and 0 where y is 0, also for infinite x."""
    x, y = matching("tf.math.multiply_no_nan", x, y)
    is_zero = ops.equal(y, ops.zeros_like(y))
    return ops.where(is_zero, ops.zeros_like(y), ops.multiply(x, y))


def reciprocal_no_nan(x: Any, name: str | None = None) -> Tensor:
    """1 / x, and 0 where x is 0."""
    x = floating("tf.math.reciprocal_no_nan", x)
    return ops.divide_no_nan(ops.ones_like(x), x)


def nextafter(x1: Any, x2: Any, name: str | None = None) -> Tensor:
    """The next float after x1 towards x2."""
    x1, x2 = matching("tf.math.nextafter", x1, x2)
    return ops.nextafter(x1, x2)


def realdiv(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x / y of floats."""
    x, y = matching("tf.realdiv", x, y)
    require("tf.realdiv", x, dtypes.FLOATING)
    return ops.divide(x, y)


def truncatediv(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x / y of integers, cut towards zero."""
    x, y = matching("tf.truncatediv", x, y)
    require("tf.truncatediv", x, INTEGERS)
    quotient = ops.floor_divide(ops.absolute(x), ops.absolute(y))
    return ops.multiply(ops.multiply(ops.sign(x), ops.sign(y)), quotient)


def truncatemod(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The rest of `truncatediv`: it has the sign of x."""
    x, y = matching("tf.truncatemod", x, y)
    return ops.fmod(x, y)


def xlogy(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x * log(y), and 0 where x is 0."""
    return _times(x, y, ops.log)


def xlog1py(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x * log(1 + y), and 0 where x is 0."""
    return _times(x, y, ops.log1p)


def xdivy(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x / y, and 0 where x is 0."""
    return _times(x, y, ops.reciprocal)


def _times(x: Any, y: Any, operation: Callable) -> Tensor:
    x, y = matching("tf.math", floating("tf.math", x), floating("tf.math", y))
    is_zero = ops.equal(x, ops.zeros_like(x))
    safe = ops.where(is_zero, ops.ones_like(y), y)
    return ops.where(is_zero, ops.zeros_like(x), ops.multiply(x, operation(safe)))


def add_n(inputs: Any, name: str | None = None) -> Tensor:
    """The sum of tensors of one shape and dtype."""
    tensors = matching("tf.add_n", *inputs)
    if any(one.shape != tensors[0].shape for one in tensors):
        raise ShapeError(
            "tf.add_n: all tensors must have one shape; received "
            f"{', '.join(str(one.spec) for one in tensors)}"
        )
    total = tensors[0]
    for one in tensors[1:]:
        total = ops.add(total, one)
    return total


def accumulate_n(
    inputs: Any, shape: Any = None, tensor_dtype: Any = None, name: str | None = None
) -> Tensor:
    """`add_n`."""
    return add_n(inputs)


def scalar_mul(scalar: Any, x: Any, name: str | None = None) -> Tensor:
    """A tensor times a number."""
    return multiply(x, scalar)


def approximate_equal(
    x: Any, y: Any, tolerance: float = 1e-5, name: str | None = None
) -> Tensor:
    """Whether |x - y| < tolerance."""
    return ops.less(ops.absolute(subtract(x, y)), tolerance)


def complex(real: Any, imag: Any, name: str | None = None) -> Tensor:
    """Complex numbers of real and imaginary parts; the parts must be known."""
    x, y = matching("tf.complex", real, imag)
    return Tensor(np.asarray(x._array + 1j * y._array))


def polyval(coeffs: Any, x: Any, name: str | None = None) -> Tensor:
    """The polynomial whose highest coefficient comes first, at x (Horner's rule)."""
    x = tensor("tf.math.polyval", x)
    total = ops.zeros_like(x)
    for coefficient in coeffs:
        total = ops.add(ops.multiply(total, x), tensor("polyval", coefficient, x.dtype))
    return total


def polygamma(a: Any, x: Any, name: str | None = None) -> Tensor:
    """The a-th derivative of digamma, at x; `a` must be one known integer."""
    order = constant_value(tensor("tf.math.polygamma", a))
    if order is None or order.size != 1:
        raise ArgumentError("tf.math.polygamma: `a` must be one known integer")
    x = floating("tf.math.polygamma", x)
    return primitives.polygamma.bind(x, n=int(order.item()))


def clip_by_value(
    t: Any, clip_value_min: Any, clip_value_max: Any, name: str | None = None
) -> Tensor:
    """`t` with what is outside of the bounds brought to them.

    Example:
        >>> import weft.compat.tensorflow as tf
        >>> tf.clip_by_value([-1.0, 0.5, 2.0], 0.0, 1.0).numpy().tolist()
        [0.0, 0.5, 1.0]
    """
    t, low, high = matching("tf.clip_by_value", t, clip_value_min, clip_value_max)
    return ops.maximum(ops.minimum(t, high), low)


def clip_by_norm(
    t: Any, clip_norm: Any, axes: Any = None, name: str | None = None
) -> Tensor:
    """`t` made shorter where its norm (over axes) is above `clip_norm`."""
    t = floating("tf.clip_by_norm", t)
    limit = tensor("tf.clip_by_norm", clip_norm, t.dtype) if not isinstance(
        clip_norm, int) else tensor("tf.clip_by_norm", float(clip_norm), t.dtype)  # fmt: skip
    squares = ops.sum(ops.square(t), axes, keepdims=True)
    is_positive = ops.greater(squares, 0.0)
    # The root has no derivative at 0.
    safe = ops.where(is_positive, squares, ops.ones_like(squares))
    norm = ops.where(is_positive, ops.sqrt(safe), squares)
    return ops.divide(ops.multiply(t, limit), ops.maximum(norm, limit))


def global_norm(t_list: Any, name: str | None = None) -> Tensor:
    """The norm of all elements of all tensors; None is left out."""
    present = [floating("tf.linalg.global_norm", t) for t in t_list if t is not None]
    squares = [ops.sum(ops.square(t)) for t in present]
    return ops.sqrt(add_n(squares))


def clip_by_global_norm(
    t_list: Any, clip_norm: Any, use_norm: Any = None, name: str | None = None
) -> tuple[list, Tensor]:
    """All tensors scaled by one factor, so that their norm together is at most that.

    Returns:
        The tensors, and the norm that they had.
    """
    norm = global_norm(t_list) if use_norm is None else tensor("use_norm", use_norm)
    limit = ops.cast(clip_norm, norm.dtype)
    scale = ops.divide(limit, ops.maximum(norm, limit))
    scaled = [
        None if t is None else ops.multiply(t, ops.cast(scale, t.dtype)) for t in t_list
    ]
    return scaled, norm


# -- reductions --------------------------------------------------------------------------


def _axes(who: str, axis: Any) -> Any:
    return None if axis is None else known_ints(who, axis)


def _reduction(
    name: str, doc: str, operation: Callable, accepted: Collection, dtype: Any = None
) -> Callable:
    who = f"tf.{name}"

    def function(
        input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
    ) -> Tensor:
        x = tensor(who, input_tensor, dtype)
        if x.dtype.kind != "complex":
            require(who, x, accepted)
        # Nothing is widened: a sum of int8 is int8.
        return ops.cast(operation(x, _axes(who, axis), keepdims), x.dtype)

    return named(function, name, doc)


_BOOL = (dtypes.bool_,)
reduce_sum = _reduction("reduce_sum", "The sum over axes, in the input's dtype.",
                        ops.sum, NUMBERS)  # fmt: skip
reduce_prod = _reduction("reduce_prod", "The product over axes, in the input's dtype.",
                         ops.prod, NUMBERS)  # fmt: skip
reduce_any = _reduction("reduce_any", "Whether any element is true; of bools.",
                        ops.any, _BOOL, "bool")  # fmt: skip
reduce_all = _reduction("reduce_all", "Whether all elements are true; of bools.",
                        ops.all, _BOOL, "bool")  # fmt: skip


def _extreme(name: str, doc: str, operation: Callable, start: Callable) -> Callable:
    who = f"tf.{name}"

    def function(
        input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
    ) -> Tensor:
        x = tensor(who, input_tensor)
        require(who, x, REALS)
        return operation(x, _axes(who, axis), keepdims, initial=_start(x, start))

    return named(function, name, doc)


def _start(x: Tensor, start: Callable) -> Any:
    """What the extreme of no elements is; only needed where there are none."""
    if x.size:
        return None
    if x.dtype.is_floating:
        return start(float("-inf"), float("inf"))
    info = np.iinfo(x.dtype.numpy)
    return start(int(info.min), int(info.max))


reduce_max = _extreme("reduce_max", "The largest element over axes.", ops.max,
                      lambda low, high: low)  # fmt: skip
reduce_min = _extreme("reduce_min", "The smallest element over axes.", ops.min,
                      lambda low, high: high)  # fmt: skip


def reduce_mean(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """The mean over axes; of integers an integer, cut towards zero.

    Example:
        >>> import weft.compat.tensorflow as tf
        >>> int(tf.reduce_mean([1, 2, 4])), float(tf.reduce_mean([1.0, 2.0]))
        (2, 1.5)
    """
    x = tensor("tf.reduce_mean", input_tensor)
    if x.dtype.is_differentiable:
        return ops.mean(x, _axes("tf.reduce_mean", axis), keepdims)
    require("tf.reduce_mean", x, NUMBERS)
    total = ops.sum(x, _axes("tf.reduce_mean", axis), keepdims)
    count = max(x.size // max(total.size, 1), 1)
    quotient = ops.floor_divide(ops.absolute(total), count)
    return ops.cast(ops.multiply(ops.sign(total), quotient), x.dtype)


def reduce_variance(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """The variance over axes; of floats."""
    x = tensor("tf.math.reduce_variance", input_tensor)
    require("tf.math.reduce_variance", x, dtypes.FLOATING)
    return ops.var(x, _axes("tf.math.reduce_variance", axis), keepdims)


def reduce_std(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """The standard deviation over axes; of floats."""
    return ops.sqrt(reduce_variance(input_tensor, axis, keepdims))


def reduce_logsumexp(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """log(sum(exp(x))) over axes, without overflow."""
    x = floating("tf.reduce_logsumexp", input_tensor)
    return ops.logsumexp(x, _axes("tf.reduce_logsumexp", axis), keepdims)


def reduce_euclidean_norm(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """The square root of the sum of squares over axes."""
    x = tensor("tf.math.reduce_euclidean_norm", input_tensor)
    axes = _axes("tf.math.reduce_euclidean_norm", axis)
    wide = x if x.dtype.is_floating else ops.cast(x, "float64")
    return ops.cast(ops.sqrt(ops.sum(ops.square(wide), axes, keepdims)), x.dtype)


def count_nonzero(
    input: Any, axis: Any = None, keepdims: Any = None, dtype: Any = dtypes.int64,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """How many elements are not zero."""
    x = tensor("tf.math.count_nonzero", input)
    if x.dtype is dtypes.string:
        marks = Tensor(np.asarray(np.frompyfunc(bool, 1, 1)(x._array), np.bool_))
    else:
        marks = ops.not_equal(x, ops.zeros_like(x))
    axes = _axes("tf.math.count_nonzero", axis)
    return ops.sum(ops.cast(marks, as_dtype(dtype)), axes, bool(keepdims))


def zero_fraction(value: Any, name: str | None = None) -> Tensor:
    """The share of elements that are zero."""
    x = tensor("tf.math.zero_fraction", value)
    return ops.mean(ops.cast(ops.equal(x, ops.zeros_like(x)), "float32"))


def _position(name: str, doc: str, operation: Callable) -> Callable:
    who = f"tf.{name}"

    def function(
        input: Any, axis: Any = None, output_type: Any = dtypes.int64,
        name: str | None = None,
    ) -> Tensor:  # fmt: skip
        x = tensor(who, input)
        # The first axis where none is named: not the flat tensor, as in NumPy.
        found = operation(x, 0 if axis is None else known_int(who, axis))
        return ops.cast(found, as_dtype(output_type))

    return named(function, name, doc)


argmax = _position(
    "argmax", "Where the largest element along an axis (by default the first) is, as int64.",
    ops.argmax,
)  # fmt: skip
argmin = _position(
    "argmin", "Where the smallest element along an axis (by default the first) is, as int64.",
    ops.argmin,
)  # fmt: skip

# -- running and segmented ---------------------------------------------------------------


def _running(name: str, doc: str, primitive: Any, neutral: int) -> Callable:
    who = f"tf.math.{name}"

    def function(
        x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False,
        name: str | None = None,
    ) -> Tensor:  # fmt: skip
        x = tensor(who, x)
        require(who, x, NUMBERS)
        axis = known_int(who, axis) % max(x.ndim, 1)
        found = primitive.bind(x, axis=axis, reverse=bool(reverse))
        if not exclusive or not x.shape[axis]:
            return found
        # Without the element itself: everything moves on by one.
        widths = [(0, 0)] * x.ndim
        widths[axis] = (0, 1) if reverse else (1, 0)
        wide = ops.pad(found, widths, "constant", neutral)
        cut = [slice(None)] * x.ndim
        cut[axis] = slice(1, None) if reverse else slice(0, -1)
        return wide[tuple(cut)]

    return named(function, name, doc)


cumsum = _running("cumsum", "The running sum along an axis.", reductions.cumulative_sum, 0)
cumprod = _running(
    "cumprod", "The running product along an axis.", reductions.cumulative_prod, 1
)


def cumulative_logsumexp(
    x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The running log(sum(exp(x))) along an axis."""
    x = floating("tf.math.cumulative_logsumexp", x)
    largest = primitives.stop_gradient.bind(ops.max(x, axis, keepdims=True))
    total = cumsum(ops.exp(ops.subtract(x, largest)), axis, exclusive, reverse)
    return ops.add(ops.log(total), largest)


def invert_permutation(x: Any, name: str | None = None) -> Tensor:
    """The permutation that undoes this one."""
    x = tensor("tf.math.invert_permutation", x)
    return ops.cast(ops.argsort(x), x.dtype)


# -- counting and ranking ----------------------------------------------------------------

TopKV2 = collections.namedtuple("TopKV2", ["values", "indices"])


def top_k(
    input: Any, k: Any = 1, sorted: bool = True, index_type: Any = dtypes.int32,
    name: str | None = None,
) -> TopKV2:  # fmt: skip
    """The k largest elements of each row, and where they are."""
    values, indices = ops.top_k(tensor("tf.math.top_k", input), known_int("k", k), sorted)
    return TopKV2(values, ops.cast(indices, as_dtype(index_type)))


def in_top_k(targets: Any, predictions: Any, k: Any, name: str | None = None) -> Tensor:
    """Whether each target is among the k largest predictions of its row."""
    return ops.in_top_k(targets, predictions, known_int("k", k))


def bincount(
    arr: Any, weights: Any = None, minlength: Any = None, maxlength: Any = None,
    dtype: Any = dtypes.int32, name: str | None = None, axis: Any = None,
    binary_output: bool = False,
) -> Tensor:  # fmt: skip
    """How often each number 0, 1, … occurs; with weights the sum of their weights."""
    numbers = tensor("tf.math.bincount", arr)
    rows = numbers if axis == -1 else ops.reshape(numbers, (-1,))
    counts = ops.bincount(rows, weights, 0 if minlength is None else int(minlength))
    if maxlength is not None:
        counts = counts[..., : int(maxlength)]
    if binary_output:
        counts = ops.cast(counts > 0, as_dtype(dtype))
    return counts if weights is not None else ops.cast(counts, as_dtype(dtype))


def confusion_matrix(
    labels: Any, predictions: Any, num_classes: Any = None, weights: Any = None,
    dtype: Any = dtypes.int32, name: str | None = None,
) -> Tensor:  # fmt: skip
    """How often label i was predicted as j, in row i and column j.

    Example:
        >>> import weft.compat.tensorflow as tf
        >>> tf.math.confusion_matrix([0, 1, 1], [0, 1, 0]).numpy().tolist()
        [[1, 0], [1, 1]]
    """
    labels = ops.cast(tensor("tf.math.confusion_matrix", labels), "int64")
    predictions = ops.cast(tensor("tf.math.confusion_matrix", predictions), "int64")
    labels, predictions = (ops.reshape(x, (-1,)) for x in (labels, predictions))
    if labels.shape != predictions.shape:
        raise ShapeError(
            "tf.math.confusion_matrix: as many labels as predictions are needed; received "
            f"{labels.spec} and {predictions.spec}"
        )
    if num_classes is None:
        found = map(constant_value, (labels, predictions))
        known = [values for values in found if values is not None]
        if len(known) < 2:
            raise ArgumentError("tf.math.confusion_matrix: give num_classes while tracing")
        num_classes = max(int(v.max()) + 1 if v.size else 0 for v in known)
    count = known_int("num_classes", num_classes)
    dtype = canonical(dtype)
    weights = 1 if weights is None else ops.reshape(convert_to_tensor(weights), (-1,))
    amounts = ops.broadcast_to(ops.cast(weights, dtype), labels.shape)
    places = ops.stack([labels, predictions], axis=1)
    return ops.scatter_update(ops.zeros((count, count), dtype), places, amounts, "add")


def l2_normalize(
    x: Any, axis: Any = None, epsilon: float = 1e-12, name: str | None = None
) -> Tensor:
    """x divided by its norm over axes, so that the norm becomes 1."""
    x = floating("tf.math.l2_normalize", x)
    squares = ops.sum(ops.square(x), _axes("tf.math.l2_normalize", axis), keepdims=True)
    return ops.multiply(x, ops.rsqrt(ops.maximum(squares, epsilon)))


def softmax(logits: Any, axis: Any = None, name: str | None = None) -> Tensor:
    """exp(x) / sum(exp(x)) over an axis, by default the last."""
    return ops.softmax(_logits("tf.nn.softmax", logits), -1 if axis is None else axis)


def log_softmax(logits: Any, axis: Any = None, name: str | None = None) -> Tensor:
    """log(softmax(x)) over an axis, by default the last."""
    return ops.log_softmax(
        _logits("tf.nn.log_softmax", logits), -1 if axis is None else axis
    )


def _logits(who: str, logits: Any) -> Tensor:
    x = tensor(who, logits)
    if not x.dtype.is_floating:
        raise DTypeError(
            f"{who}: logits must be floats; received {x.spec}; use tf.cast(x, tf.float32)"
        )
    return x
