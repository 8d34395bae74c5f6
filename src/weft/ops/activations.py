"""Activation functions, with the names and numbers of keras.ops."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from weft.core.primitive import LARGE
from weft.core.state import STATE
from weft.core.tensor import Tensor
from weft.errors import ShapeError
from weft.ops import elementwise as e
from weft.ops.axes import one_axis, some_axes
from weft.ops.convert import as_tensor, cast
from weft.ops.promotion import as_float
from weft.primitives import elementwise as p
from weft.primitives.quiet import quiet

_SELU_ALPHA = 1.6732632423543772
_SELU_SCALE = 1.0507009873554805

# -- pieces of straight lines ------------------------------------------------------------


def relu(x: Any) -> Tensor:
    """max(x, 0).

    The gradient at 0 is 0.
    """
    x = as_tensor(x)
    if not x.dtype.is_floating:
        return e.maximum(x, 0)
    return _relu(x)


def _relu(x: Tensor) -> Tensor:
    # Not maximum: it would share the gradient at 0 between x and 0.
    return p.relu.bind(x)


def relu6(x: Any) -> Tensor:
    """min(max(x, 0), 6)."""
    x = as_tensor(x)
    if not x.dtype.is_floating:
        return e.minimum(e.maximum(x, 0), 6)
    return e.where(e.greater_equal(x, 6.0), 6.0, _relu(x))


def leaky_relu(x: Any, negative_slope: float = 0.2) -> Tensor:
    """x where it is positive, else negative_slope * x."""
    x = as_float(x)
    return e.where(x >= 0.0, x, x * negative_slope)


def hard_sigmoid(x: Any) -> Tensor:
    """relu6(x + 3) / 6."""
    return relu6(as_float(x) + 3.0) / 6.0


def hard_silu(x: Any) -> Tensor:
    """x * hard_sigmoid(x)."""
    x = as_float(x)
    return x * hard_sigmoid(x)


hard_swish = hard_silu


def hard_tanh(x: Any) -> Tensor:
    """x, but not below -1 nor above 1."""
    x = as_float(x)
    return e.where(x > 1.0, 1.0, e.where(x < -1.0, -1.0, x))


def hard_shrink(x: Any, threshold: float = 0.5) -> Tensor:
    """x where |x| > threshold, else 0."""
    x = as_float(x)
    return e.where(e.absolute(x) > threshold, x, 0.0)


def soft_shrink(x: Any, threshold: float = 0.5) -> Tensor:
    """x moved towards 0 by the threshold, 0 in between."""
    x = as_float(x)
    return e.where(
        x > threshold, x - threshold, e.where(x < -threshold, x + threshold, 0.0)
    )


def threshold(x: Any, threshold: float, default_value: float) -> Tensor:
    """x where it is above the threshold, else default_value."""
    x = as_tensor(x)
    return e.where(x > threshold, x, cast(default_value, x.dtype))


# -- smooth ones -------------------------------------------------------------------------


def elu(x: Any, alpha: float = 1.0) -> Tensor:
    """x where it is positive, else alpha * (exp(x) - 1)."""
    x = as_float(x)
    positive = x > 0.0
    return e.where(positive, x, alpha * e.expm1(e.where(positive, 0.0, x)))


def selu(x: Any) -> Tensor:
    """The scaled elu of self-normalising networks (Klambauer et al., 2017)."""
    return _SELU_SCALE * elu(x, _SELU_ALPHA)


def celu(x: Any, alpha: float = 1.0) -> Tensor:
    """x where it is positive, else alpha * (exp(x / alpha) - 1)."""
    x = as_float(x)
    positive = x > 0.0
    return e.where(positive, x, alpha * e.expm1(e.where(positive, 0.0, x) / alpha))


def gelu(x: Any, approximate: bool = True) -> Tensor:
    """x times the probability that a normal variable is below x.

    `approximate` takes a formula with tanh (Hendrycks and Gimpel, 2016).
    """
    x = as_float(x)
    if approximate:
        inner = math.sqrt(2.0 / math.pi) * (x + 0.044715 * (x * x * x))
        return 0.5 * x * (1.0 + e.tanh(inner))
    return 0.5 * x * e.erfc(x * -math.sqrt(0.5))


def silu(x: Any) -> Tensor:
    """x * sigmoid(x)."""
    x = as_float(x)
    return x * p.sigmoid.bind(x)


swish = silu


def softplus(x: Any) -> Tensor:
    """log(1 + exp(x)), without overflow."""
    x = as_float(x)
    return e.maximum(x, 0.0) + e.log1p(e.exp(-e.absolute(x)))


def log_sigmoid(x: Any) -> Tensor:
    """log(sigmoid(x)), without underflow."""
    return -softplus(-as_float(x))


def softsign(x: Any) -> Tensor:
    """x / (1 + |x|)."""
    x = as_float(x)
    return x / (1.0 + e.absolute(x))


def tanh_shrink(x: Any) -> Tensor:
    """x - tanh(x)."""
    x = as_float(x)
    return x - e.tanh(x)


def squareplus(x: Any, b: float = 4) -> Tensor:
    """(x + sqrt(x² + b)) / 2."""
    x = as_float(x)
    return (x + e.sqrt(x * x + float(b))) / 2.0


def sparse_plus(x: Any) -> Tensor:
    """0 up to -1, (x + 1)² / 4 up to 1, then x."""
    x = as_float(x)
    middle = (x + 1.0) * (x + 1.0) / 4.0
    return e.where(x <= -1.0, 0.0, e.where(x < 1.0, middle, x))


def sparse_sigmoid(x: Any) -> Tensor:
    """0 up to -1, (x + 1) / 2 up to 1, then 1."""
    x = as_float(x)
    return e.where(x <= -1.0, 0.0, e.where(x >= 1.0, 1.0, 0.5 * (x + 1.0)))


def glu(x: Any, axis: int = -1) -> Tensor:
    """The first half of an axis times the sigmoid of the second half."""
    from weft.ops.layout import split

    x = as_float(x)
    axis = one_axis("glu", axis, x.ndim)
    if x.shape[axis] % 2:
        raise ShapeError(f"glu: axis {axis} must have an even size; received {x.spec}")
    first, second = split(x, 2, axis)
    return first * p.sigmoid.bind(second)


# -- over an axis ------------------------------------------------------------------------


def _shifted(who: str, x: Any, axis: Any) -> tuple[Tensor, tuple[int, ...]]:
    """x minus its maximum over the axes, and the axes."""
    from weft.ops.reduce import max as largest

    x = as_float(x)
    axes = some_axes(who, axis, x.ndim)
    if 0 in x.shape or not axes:
        return x, axes
    return x - p.stop_gradient.bind(largest(x, axes, keepdims=True)), axes


# Up to here a transposed copy is quicker than NumPy's search along rows.
_FEW_CLASSES = 64


@quiet
def _softmax_now(x: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """The same operations as below in one go, where no graph and no tape looks on."""
    if x.ndim == 2 and axes == (1,) and x.shape[1] <= _FEW_CLASSES:
        # NumPy finds the greatest of few numbers slowly, but that of many rows together fast.
        greatest = np.maximum.reduce(np.ascontiguousarray(x.T), axis=0)[:, None]
    else:
        greatest = np.maximum.reduce(x, axis=axes, keepdims=True)
    powers = x - greatest
    np.exp(powers, out=powers)
    powers /= np.add.reduce(powers, axis=axes, keepdims=True)
    return powers


def softmax(x: Any, axis: Any = -1) -> Tensor:
    """exp(x) / sum(exp(x)) over axes (None: all), without overflow.

    Example:
        >>> from weft import ops
        >>> ops.softmax([0.0, 0.0]).tolist()
        [0.5, 0.5]
    """
    from weft.ops.reduce import sum as total

    if STATE.trace is None and not STATE.tapes and type(x) is Tensor:
        array = x._array
        if array.dtype.char in "fd" and 0 < array.size < LARGE:
            return Tensor(_softmax_now(array, some_axes("softmax", axis, array.ndim)))
    shifted, axes = _shifted("softmax", x, axis)
    powers = p.exp.bind(shifted)
    return powers / total(powers, axes, keepdims=True)


def log_softmax(x: Any, axis: Any = -1) -> Tensor:
    """log(softmax(x)), also where softmax underflows."""
    from weft.ops.reduce import sum as total

    shifted, axes = _shifted("log_softmax", x, axis)
    return shifted - e.log(total(p.exp.bind(shifted), axes, keepdims=True))


def sparsemax(x: Any, axis: int = -1) -> Tensor:
    """The nearest point of the probability simplex (Martins and Astudillo, 2016)."""
    from weft.ops.creation import index_grid
    from weft.ops.layout import flip
    from weft.ops.reduce import cumsum
    from weft.ops.reduce import sum as total
    from weft.ops.sorting import sort

    x = as_float(x)
    axis = one_axis("sparsemax", axis, x.ndim)
    ordered = flip(sort(x, axis), axis)
    ranks = cast(index_grid(x.shape, axis), x.dtype) + 1.0
    sums = cumsum(ordered, axis)
    inside = ranks * ordered > sums - 1.0
    count = total(cast(inside, x.dtype), axis, keepdims=True)
    bound = (total(e.where(inside, ordered, 0.0), axis, keepdims=True) - 1.0) / count
    return _relu(x - bound)
