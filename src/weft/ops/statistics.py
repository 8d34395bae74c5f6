"""Quantiles, correlations, distances."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from weft import dtypes
from weft.core.tensor import Tensor
from weft.errors import ArgumentError, ShapeError
from weft.ops import elementwise as e
from weft.ops import reduce
from weft.ops.axes import some_axes
from weft.ops.contraction import matmul
from weft.ops.convert import as_tensor, cast
from weft.ops.indexing import take, take_along_axis
from weft.ops.layout import expand_dims, flip, moveaxis, pad, reshape, squeeze
from weft.ops.promotion import as_float, broadcast_tensor, promote
from weft.primitives.sorting import sort

# -- quantiles ---------------------------------------------------------------------------

_METHODS = ("linear", "lower", "higher", "midpoint", "nearest")


def _quantile(
    who: str, x: Any, q: Any, axis: Any, method: str, keepdims: bool, step_over_nan: bool
) -> Tensor:
    if method not in _METHODS:
        raise ArgumentError(f"{who}: method must be one of {_METHODS}; received {method!r}")
    x = as_float(x)
    axes = some_axes(who, axis, x.ndim)
    result, wide = x.dtype, x if x.dtype.size >= 4 else cast(x, dtypes.float32)
    q = cast(q, wide.dtype)
    kept = reduce.kept_shape(x.shape, axes)
    rest = tuple([n for i, n in enumerate(x.shape) if i not in axes])
    if q.ndim > 1:
        raise ShapeError(f"{who}: q must be a number or a vector; received {q.spec}")
    count = reduce.count_along(x.shape, axes)
    if count == 0:
        raise ShapeError(f"{who}: at least one element is needed; received {x.spec}")
    # The reduced axes become the last one, on which everything happens.
    line = moveaxis(wide, axes, tuple(range(x.ndim - len(axes), x.ndim)))
    line = sort.bind(reshape(line, (*rest, count)), axis=len(rest))
    is_nan = e.isnan(line)
    present = count - reduce.sum(cast(is_nan, dtypes.int32), -1, keepdims=True)
    last = (
        cast(e.maximum(present - 1, 0), wide.dtype) if step_over_nan else float(count - 1)
    )
    points = reshape(q, (1,) * len(rest) + (q.size,)) * last
    points = broadcast_tensor(points, (*rest, q.size))
    found = _between(line, points, count, method)
    if step_over_nan:
        found = e.where(e.equal(present, 0), math.nan, found)
    else:
        found = e.where(present < count, math.nan, found)
    found = cast(moveaxis(found, -1, 0), result)
    shape = kept if keepdims else rest
    return reshape(found, (*q.shape, *shape))


def _between(line: Tensor, points: Tensor, count: int, method: str) -> Tensor:
    """The values of sorted lines at points that may lie between positions."""
    if method == "nearest":
        return _at(line, e.round(points), count)
    below, above = _at(line, e.floor(points), count), _at(line, e.ceil(points), count)
    if method in ("lower", "higher"):
        return below if method == "lower" else above
    share = 0.5 if method == "midpoint" else points - e.floor(points)
    # Equal neighbours (infinite ones too) need no interpolation.
    return e.where(e.equal(below, above), below, below * (1.0 - share) + above * share)


def _at(line: Tensor, points: Tensor, count: int) -> Tensor:
    return take_along_axis(line, e.clip(cast(points, dtypes.int32), 0, count - 1), axis=-1)


def quantile(
    x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """The value below which the share q of the elements lies.

    Args:
        q: between 0 and 1; a vector adds a first axis to the result.
        method: between two elements "linear", "lower", "higher", "midpoint", "nearest".

    Example:
        >>> from weft import ops
        >>> float(ops.quantile([1.0, 2.0, 3.0, 4.0], 0.5))
        2.5
    """
    return _quantile("quantile", x, q, axis, method, keepdims, step_over_nan=False)


def percentile(
    x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """`quantile` with q between 0 and 100."""
    return _quantile(
        "percentile", x, _share(q), axis, method, keepdims, step_over_nan=False
    )


def median(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The middle element, or the mean of the two middle ones."""
    return _quantile("median", x, 0.5, axis, "linear", keepdims, step_over_nan=False)


def nanquantile(
    x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """`quantile` of the elements that are not NaN."""
    return _quantile("nanquantile", x, q, axis, method, keepdims, step_over_nan=True)


def nanpercentile(
    x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """`percentile` of the elements that are not NaN."""
    return _quantile(
        "nanpercentile", x, _share(q), axis, method, keepdims, step_over_nan=True
    )


def nanmedian(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The median of the elements that are not NaN."""
    return _quantile("nanmedian", x, 0.5, axis, "linear", keepdims, step_over_nan=True)


def _share(q: Any) -> Tensor:
    return as_float(q) / 100.0


# -- correlations ------------------------------------------------------------------------


def corrcoef(x: Any) -> Tensor:
    """The correlation coefficients between the rows of a matrix."""
    x = as_float(x)
    if x.ndim > 2:
        raise ShapeError(f"corrcoef: a vector or a matrix is needed; received {x.spec}")
    rows = x if x.ndim == 2 else reshape(x, (1, -1))
    distance = rows - reduce.mean(rows, axis=1, keepdims=True)
    covariance = matmul(distance, distance.T)
    size = e.sqrt(reduce.sum(distance * distance, axis=1))
    found = e.clip(covariance / expand_dims(size, 1) / expand_dims(size, 0), -1.0, 1.0)
    return found if x.ndim == 2 else squeeze(found)


def correlate(x1: Any, x2: Any, mode: str = "valid") -> Tensor:
    """The sums of products of a vector with another one moved along it.

    Args:
        mode: "valid" (where they overlap wholly), "same" (as many as the longer vector) or
            "full" (wherever they overlap).

    Example:
        >>> from weft import ops
        >>> ops.correlate([1, 2, 3], [0, 1], mode="valid").tolist()
        [2, 3]
    """
    x1, x2 = promote(as_tensor(x1), as_tensor(x2))
    if x1.ndim != 1 or x2.ndim != 1 or not x1.size or not x2.size:
        raise ShapeError(
            f"correlate: two vectors are needed; received {x1.spec}, {x2.spec}"
        )
    if mode not in ("valid", "same", "full"):
        raise ArgumentError(
            f"correlate: mode must be 'valid', 'same' or 'full'; received {mode!r}"
        )
    turned = x1.size < x2.size
    long, short = (x2, x1) if turned else (x1, x2)
    n, m = long.size, short.size
    before = {"valid": 0, "same": m // 2, "full": m - 1}[mode]
    after = {"valid": 0, "same": m - 1 - m // 2, "full": m - 1}[mode]
    padded = pad(long, (before, after))
    count = n + before + after - m + 1
    windows = take(padded, np.arange(count)[:, None] + np.arange(m)[None, :])
    found = matmul(windows, short)
    return flip(found) if turned else found


# -- distances ---------------------------------------------------------------------------


def cdist(x: Any, y: Any) -> Tensor:
    """The distances between the rows of x and the rows of y.

    Example:
        >>> from weft import ops
        >>> ops.cdist([[0.0, 0.0]], [[3.0, 4.0]]).tolist()
        [[5.0]]
    """
    x, y = promote(x, y, also=(float,))
    if x.ndim < 2 or y.ndim < 2 or x.shape[-1] != y.shape[-1]:
        raise ShapeError(
            f"cdist: rows of one size are needed; received {x.spec} and {y.spec}"
        )
    difference = expand_dims(x, -2) - expand_dims(y, -3)
    return e.sqrt(reduce.sum(difference * difference, -1))
