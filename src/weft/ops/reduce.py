"""Reductions: sums, means, extremes, norms, and their cousins that step over NaN.

`axis` is None (all axes), an int or several; `keepdims` leaves an extent of 1 in place of
a reduced axis. float16 and bfloat16 are summed in float32.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from weft import dtypes
from weft.core.primitive import Primitive
from weft.core.tensor import Tensor
from weft.dtypes import DType, canonical
from weft.errors import ArgumentError, ShapeError
from weft.ops import elementwise as e
from weft.ops.axes import one_axis, some_axes
from weft.ops.convert import as_tensor, cast
from weft.ops.promotion import (
    REALS,
    as_float,
    broadcast_tensor,
    named,
    promote,
    require,
)
from weft.primitives import reduction as p
from weft.primitives.shape import reshape

_HALVES = (dtypes.float16, dtypes.bfloat16)

# -- helpers -----------------------------------------------------------------------------


def kept_shape(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape with an extent of 1 at the reduced axes."""
    return tuple([1 if axis in axes else extent for axis, extent in enumerate(shape)])


def reduced(
    primitive: Primitive, x: Tensor, axes: tuple[int, ...], keepdims: bool
) -> Tensor:
    """A reduction with normalised axes."""
    out = primitive.bind(x, axes=axes) if axes else x
    return reshape.bind(out, shape=kept_shape(x.shape, axes)) if keepdims and axes else out


def count_along(shape: tuple[int, ...], axes: tuple[int, ...]) -> int:
    """How many elements are reduced into one."""
    return math.prod([shape[axis] for axis in axes])


def summed_dtype(dtype: DType) -> DType:
    """The dtype of a sum: small integers are summed as int32 or uint32."""
    if dtype.is_bool or dtype.name in ("int8", "int16"):
        return dtypes.int32
    return dtypes.uint32 if dtype.name in ("uint8", "uint16") else dtype


def _require_elements(who: str, x: Tensor, axes: tuple[int, ...]) -> None:
    if count_along(x.shape, axes) == 0:
        raise ShapeError(
            f"{who}: at least one element is needed; received {x.spec} reduced over "
            f"axis {axes}; give `initial`, or check the size first"
        )


# -- sums and products -------------------------------------------------------------------


def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The sum over axes.

    Example:
        >>> from weft import ops
        >>> ops.sum([[1, 2], [3, 4]], axis=0).tolist()
        [4, 6]
    """
    x = as_tensor(x)
    require("sum", x, REALS)
    x = cast(x, summed_dtype(x.dtype))
    return reduced(p.reduce_sum, x, some_axes("sum", axis, x.ndim), keepdims)


def prod(x: Any, axis: Any = None, keepdims: bool = False, dtype: Any = None) -> Tensor:
    """The product over axes."""
    x = as_tensor(x)
    require("prod", x, REALS)
    x = cast(x, summed_dtype(x.dtype) if dtype is None else canonical(dtype))
    return reduced(p.reduce_prod, x, some_axes("prod", axis, x.ndim), keepdims)


def _wide(x: Tensor) -> Tensor:
    """Halves as float32: their sums would overflow before they are divided."""
    return cast(x, dtypes.float32) if x.dtype in _HALVES else x


def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The mean over axes; NaN of no elements.

    Example:
        >>> from weft import ops
        >>> float(ops.mean([1, 2, 4]))
        2.3333332538604736
    """
    x = as_float(x)
    axes = some_axes("mean", axis, x.ndim)
    total = reduced(p.reduce_sum, _wide(x), axes, keepdims)
    return cast(total / float(count_along(x.shape, axes)), x.dtype)


def var(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The variance over axes: the mean of the squared distances from the mean."""
    return _mean_square_distance(mean, x, axis, keepdims)


def _mean_square_distance(mean: Callable, x: Any, axis: Any, keepdims: bool) -> Tensor:
    x = as_float(x)
    wide = _wide(x)
    distance = wide - mean(wide, axis, keepdims=True)
    return cast(mean(distance * distance, axis, keepdims), x.dtype)


def std(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The standard deviation over axes."""
    x = as_float(x)
    return cast(e.sqrt(var(_wide(x), axis, keepdims)), x.dtype)


def average(x: Any, axis: Any = None, weights: Any = None) -> Tensor:
    """The mean over an axis, weighted if there are weights.

    `weights` has the shape of `x`, or is a vector along `axis`.
    """
    if weights is None:
        return mean(x, axis)
    x, weights = promote(x, weights, also=(float,))
    if weights.shape != x.shape:
        if axis is None or weights.ndim != 1:
            raise ShapeError(
                "average: weights must have the shape of x, or be a vector along one axis; "
                f"received weights {weights.spec} for {x.spec} and axis={axis}"
            )
        axis = one_axis("average", axis, x.ndim)
        if weights.shape[0] != x.shape[axis]:
            raise ShapeError(
                "average: there must be a weight for each position of the axis; received "
                f"weights {weights.spec} for {x.spec} and axis={axis}"
            )
        shape = tuple([n if one == axis else 1 for one, n in enumerate(x.shape)])
        weights = reshape.bind(weights, shape=shape)
        weights = broadcast_tensor(weights, x.shape)
    return sum(x * weights, axis) / sum(weights, axis)


def count_nonzero(x: Any, axis: Any = None) -> Tensor:
    """How many elements are not zero."""
    return sum(cast(e.as_bool(x), dtypes.int32), axis)


def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Tensor:
    """The integral of y along an axis by the trapezoidal rule.

    Example:
        >>> from weft import ops
        >>> float(ops.trapezoid([1.0, 2.0, 3.0]))
        4.0
    """
    from weft.ops.layout import diff, moveaxis

    y = moveaxis(as_float(y), one_axis("trapezoid", axis, as_tensor(y).ndim), -1)
    if x is None:
        widths = dx
    else:
        x = as_float(x)
        widths = diff(x if x.ndim == 1 else moveaxis(x, axis, -1))
    return sum((y[..., 1:] + y[..., :-1]) * widths * 0.5, -1)


# -- extremes ----------------------------------------------------------------------------


def _extreme(who: str, doc: str, primitive: Primitive, pair: Callable) -> Callable:
    def operation(
        x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None
    ) -> Tensor:
        x = as_tensor(x)
        require(who, x, REALS)
        axes = some_axes(who, axis, x.ndim)
        if initial is None:
            _require_elements(who, x, axes)
            return reduced(primitive, x, axes, keepdims)
        start = cast(initial, x.dtype)
        if count_along(x.shape, axes) == 0:
            kept = kept_shape(x.shape, axes)
            rest = tuple([n for axis, n in enumerate(x.shape) if axis not in axes])
            return broadcast_tensor(start, kept if keepdims else rest)
        return pair(reduced(primitive, x, axes, keepdims), start)

    return named(operation, who, doc)


max = _extreme(
    "max", "The largest element over axes; NaN if there is one. `initial` bounds it.",
    p.reduce_max, e.maximum,
)  # fmt: skip
min = _extreme(
    "min", "The smallest element over axes; NaN if there is one. `initial` bounds it.",
    p.reduce_min, e.minimum,
)  # fmt: skip


def amax(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The largest element over axes; NaN if there is one."""
    return max(x, axis, keepdims)


def amin(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The smallest element over axes; NaN if there is one."""
    return min(x, axis, keepdims)


def ptp(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The largest minus the smallest element over axes."""
    return max(x, axis, keepdims) - min(x, axis, keepdims)


def _position(who: str, doc: str, primitive: Primitive) -> Callable:
    def operation(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
        x = as_tensor(x)
        require(who, x, REALS)
        axes = some_axes(who, axis, x.ndim)
        _require_elements(who, x, axes)
        flat = x if axis is not None else reshape.bind(x, shape=(x.size,))
        found = primitive.bind(flat, axis=axes[0] if axis is not None else 0)
        if not keepdims:
            return found
        return reshape.bind(found, shape=kept_shape(x.shape, axes))

    return named(operation, who, doc)


argmax = _position(
    "argmax", "Where the largest element is, as int32; the first of equal ones.", p.argmax
)
argmin = _position(
    "argmin", "Where the smallest element is, as int32; the first of equal ones.", p.argmin
)


def all(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Whether all elements are true (not zero)."""
    x = e.as_bool(x)
    return reduced(p.reduce_all, x, some_axes("all", axis, x.ndim), keepdims)


def any(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Whether any element is true (not zero)."""
    x = e.as_bool(x)
    return reduced(p.reduce_any, x, some_axes("any", axis, x.ndim), keepdims)


def allclose(
    x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """Whether all elements are close, as `isclose` says."""
    return all(e.isclose(x1, x2, rtol, atol, equal_nan))


# -- logarithms of sums, norms -----------------------------------------------------------


def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """log(sum(exp(x))) over axes, without overflow.

    Example:
        >>> from weft import ops
        >>> float(ops.logsumexp([1000.0, 1000.0]))
        1000.6931762695312
    """
    x = as_float(x)
    axes = some_axes("logsumexp", axis, x.ndim)
    wide = _wide(x)
    largest = max(wide, axes, keepdims=True, initial=-math.inf)
    # An infinite largest element must not give inf - inf.
    shift = e.where(e.isfinite(largest), largest, 0.0)
    from weft.primitives.elementwise import stop_gradient

    shift = stop_gradient.bind(shift)
    total = sum(e.exp(wide - shift), axes, keepdims=True)
    found = e.log(total) + shift
    if not keepdims:
        kept = tuple([n for one, n in enumerate(x.shape) if one not in axes])
        found = reshape.bind(found, shape=kept)
    return cast(found, x.dtype)


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Tensor:
    """A norm of vectors or matrices.

    Args:
        ord: of vectors any number, inf, -inf, or 0 (count); of matrices "fro", 1, -1,
            inf, -inf. None is the square root of the sum of squares.
        axis: one axis for vectors, two for matrices; None takes a tensor of rank 1 or 2
            whole (and any rank if `ord` is None).

    Example:
        >>> from weft import ops
        >>> float(ops.norm([3.0, 4.0]))
        5.0
    """
    x = as_float(x)
    axes = some_axes("norm", axis, x.ndim) if axis is None else _in_given_order(axis, x)
    if ord is None or (ord in ("euclidean", 2) and len(axes) == 1):
        return e.sqrt(sum(x * x, axes, keepdims))
    if len(axes) == 1:
        return _vector_norm(x, ord, axes, keepdims)
    if len(axes) == 2:
        return _matrix_norm(x, ord, axes, keepdims)
    raise ArgumentError(
        f"norm: with ord={ord!r} it is taken over one or two axes; received {x.spec} and "
        f"axis={axis}; name the axes"
    )


def _in_given_order(axis: Any, x: Tensor) -> tuple[int, ...]:
    some_axes("norm", axis, x.ndim)
    given = axis if isinstance(axis, tuple | list) else (axis,)
    return tuple([one_axis("norm", one, x.ndim) for one in given])


def _vector_norm(x: Tensor, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    size = e.absolute(x)
    if ord == math.inf:
        return max(size, axes, keepdims)
    if ord == -math.inf:
        return min(size, axes, keepdims)
    if ord == 0:
        return cast(sum(cast(e.not_equal(x, 0.0), dtypes.int32), axes, keepdims), x.dtype)
    if ord == 1:
        return sum(size, axes, keepdims)
    if isinstance(ord, str):
        raise ArgumentError(f"norm: of vectors ord must be a number; received {ord!r}")
    return e.power(sum(e.power(size, ord), axes, keepdims), 1.0 / ord)


def _matrix_norm(x: Tensor, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    if ord == "fro":
        return e.sqrt(sum(x * x, axes, keepdims))
    sums = {1: 0, -1: 0, math.inf: 1, -math.inf: 1}
    if isinstance(ord, str) or ord not in sums:
        raise ArgumentError(
            "norm: of matrices ord must be None, 'fro', 1, -1, inf or -inf; "
            f"received {ord!r}"
        )
    rows = sum(e.absolute(x), axes[sums[ord]], keepdims=True)
    found = (max if ord > 0 else min)(rows, axes, keepdims=True)
    if keepdims:
        return found
    return reshape.bind(
        found, shape=tuple([n for i, n in enumerate(x.shape) if i not in axes])
    )


# -- stepping over NaN -------------------------------------------------------------------


def _without_nan(x: Tensor, instead: float) -> Tensor:
    return e.where(e.isnan(x), instead, x) if x.dtype.is_floating else x


def nansum(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The sum over axes; NaN counts as 0."""
    return sum(_without_nan(as_tensor(x), 0.0), axis, keepdims)


def nanprod(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The product over axes; NaN counts as 1."""
    return prod(_without_nan(as_tensor(x), 1.0), axis, keepdims)


def _nan_extreme(
    x: Any, axis: Any, keepdims: bool, operation: Callable, worst: float
) -> Tensor:
    x = as_tensor(x)
    if not x.dtype.is_floating:
        return operation(x, axis, keepdims)
    found = operation(_without_nan(x, worst), axis, keepdims)
    return e.where(all(e.isnan(x), axis, keepdims), math.nan, found)


def nanmax(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The largest element that is not NaN; NaN where all are."""
    return _nan_extreme(x, axis, keepdims, max, -math.inf)


def nanmin(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The smallest element that is not NaN; NaN where all are."""
    return _nan_extreme(x, axis, keepdims, min, math.inf)


def _nan_position(
    x: Any, axis: Any, keepdims: bool, operation: Callable, worst: float
) -> Tensor:
    x = as_tensor(x)
    if not x.dtype.is_floating:
        return operation(x, axis, keepdims)
    found = operation(_without_nan(x, worst), axis, keepdims)
    return e.where(all(e.isnan(x), axis, keepdims), -1, found)


def nanargmax(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Where the largest element that is not NaN is; -1 where all are NaN."""
    return _nan_position(x, axis, keepdims, argmax, -math.inf)


def nanargmin(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Where the smallest element that is not NaN is; -1 where all are NaN."""
    return _nan_position(x, axis, keepdims, argmin, math.inf)


def nanmean(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The mean of the elements that are not NaN."""
    x = as_float(x)
    wide = _wide(x)
    count = sum(cast(e.logical_not(e.isnan(x)), wide.dtype), axis, keepdims)
    return cast(nansum(wide, axis, keepdims) / count, x.dtype)


def nanvar(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The variance of the elements that are not NaN."""
    return _mean_square_distance(nanmean, x, axis, keepdims)


def nanstd(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The standard deviation of the elements that are not NaN."""
    x = as_float(x)
    return cast(e.sqrt(nanvar(_wide(x), axis, keepdims)), x.dtype)


# -- running sums ------------------------------------------------------------------------


def _running(who: str, doc: str, primitive: Primitive) -> Callable:
    def operation(x: Any, axis: Any = None, dtype: Any = None) -> Tensor:
        x = as_tensor(x)
        require(who, x, REALS)
        if dtype is not None:
            x = cast(x, dtype)
        elif x.dtype.is_bool:
            x = cast(x, dtypes.int32)
        if axis is None:
            x, axis = reshape.bind(x, shape=(x.size,)), 0
        return primitive.bind(x, axis=one_axis(who, axis, x.ndim), reverse=False)

    return named(operation, who, doc)


cumsum = _running("cumsum", "The running sum along an axis (None: of all, flat).",
                  p.cumulative_sum)  # fmt: skip
cumprod = _running("cumprod", "The running product along an axis (None: of all, flat).",
                   p.cumulative_prod)  # fmt: skip


def nancumsum(x: Any, axis: Any = None, dtype: Any = None) -> Tensor:
    """The running sum along an axis; NaN counts as 0."""
    return cumsum(_without_nan(as_tensor(x), 0.0), axis, dtype)


def nancumprod(x: Any, axis: Any = None, dtype: Any = None) -> Tensor:
    """The running product along an axis; NaN counts as 1."""
    return cumprod(_without_nan(as_tensor(x), 1.0), axis, dtype)
