"""Order: sort, argsort, the largest elements, positions in a sorted sequence."""

from __future__ import annotations

from typing import Any

import numpy as np

from weft import dtypes
from weft.core.tensor import Tensor
from weft.errors import ArgumentError, ShapeError
from weft.ops import elementwise as e
from weft.ops.axes import one_axis
from weft.ops.convert import as_tensor, cast, constant_value, integer
from weft.ops.indexing import take, take_along_axis
from weft.ops.layout import cut, expand_dims, flip, reshape
from weft.ops.promotion import REALS, broadcast_tensor, promote, require
from weft.primitives import sorting as p


def _along(who: str, x: Any, axis: int | None) -> tuple[Tensor, int]:
    x = as_tensor(x)
    require(who, x, REALS)
    if axis is None or not x.ndim:
        return reshape(x, (-1,)), 0
    return x, one_axis(who, axis, x.ndim)


def sort(x: Any, axis: int | None = -1) -> Tensor:
    """The elements in ascending order along an axis (None: flat); NaN last."""
    x, axis = _along("sort", x, axis)
    return p.sort.bind(x, axis=axis)


def argsort(x: Any, axis: int | None = -1) -> Tensor:
    """The positions of the elements in ascending order; equal ones keep theirs."""
    x, axis = _along("argsort", x, axis)
    return p.argsort.bind(x, axis=axis)


def argpartition(x: Any, kth: int, axis: int | None = -1) -> Tensor:
    """Positions that bring the kth smallest element to its place, smaller ones before."""
    x, axis = _along("argpartition", x, axis)
    one_axis("argpartition", kth, x.shape[axis], "kth")
    return p.argsort.bind(x, axis=axis)


def _falling_key(x: Tensor) -> Tensor:
    """What sorts x in descending order."""
    if x.dtype.is_bool:
        return cast(e.logical_not(x), dtypes.int32)
    # Of integers all bits turned: -x would overflow at the smallest one.
    return e.bitwise_not(x) if x.dtype.is_integer else e.negative(x)


def top_k(x: Any, k: int, sorted: bool = True) -> tuple[Tensor, Tensor]:
    """The k largest elements of the last axis, in descending order, and their positions.

    Example:
        >>> from weft import ops
        >>> values, indices = ops.top_k([3, 9, 5], 2)
        >>> values.tolist(), indices.tolist()
        ([9, 5], [1, 2])
    """
    x, k = as_tensor(x), integer(k, "top_k", "k")
    require("top_k", x, REALS)
    if not x.ndim or not 0 <= k <= x.shape[-1]:
        raise ArgumentError(
            "top_k: k must be at most the size of the last axis; "
            f"received k={k} for {x.spec}"
        )
    order = p.argsort.bind(_falling_key(x), axis=x.ndim - 1)
    indices = cut(order, x.ndim - 1, 0, k)
    return take_along_axis(x, indices, axis=-1), indices


def in_top_k(targets: Any, predictions: Any, k: int) -> Tensor:
    """Whether the prediction of the target class is among the k largest.

    Targets that name no class are not.

    Example:
        >>> from weft import ops
        >>> ops.in_top_k([1, 0], [[0.1, 0.9], [0.2, 0.8]], k=1).tolist()
        [True, False]
    """
    from weft.ops.reduce import sum as total

    targets, predictions = as_tensor(targets), as_tensor(predictions)
    if predictions.shape[:-1] != targets.shape or not predictions.ndim:
        raise ShapeError(
            "in_top_k: targets must have the shape of predictions without the last axis; "
            f"received {targets.spec} and {predictions.spec}"
        )
    classes = predictions.shape[-1]
    is_class = e.logical_and(targets >= 0, targets < classes)
    known = e.where(is_class, targets, 0)
    own = take_along_axis(predictions, expand_dims(known, -1), axis=-1)
    own = e.where(e.isnan(own), -np.inf, own)
    larger = total(cast(predictions > own, dtypes.int32), axis=-1)
    return e.logical_and(is_class, larger < integer(k, "in_top_k", "k"))


def searchsorted(sorted_sequence: Any, values: Any, side: str = "left") -> Tensor:
    """Where values would have to stand in a sorted vector.

    Args:
        side: "left" puts a value before equal ones, "right" behind them.

    Example:
        >>> from weft import ops
        >>> ops.searchsorted([1, 3, 5], [3, 4], side="left").tolist()
        [1, 2]
    """
    if side not in ("left", "right"):
        raise ArgumentError(
            f"searchsorted: side must be 'left' or 'right'; received {side!r}"
        )
    line, values = promote(as_tensor(sorted_sequence), as_tensor(values))
    if line.ndim != 1:
        raise ShapeError(
            f"searchsorted: the sequence must be a vector; received {line.spec}"
        )
    count = line.shape[0]
    low = broadcast_tensor(cast(0, dtypes.int32), values.shape)
    high = broadcast_tensor(cast(count, dtypes.int32), values.shape)
    # NaN stands behind all numbers.
    lost = e.isnan(values)
    for _ in range(count.bit_length()):
        open_ = low < high
        middle = (low + high) // 2
        found = take(line, e.minimum(middle, count - 1))
        goes_right = found < values if side == "left" else found <= values
        behind = e.logical_not(e.isnan(found)) if side == "left" else True
        goes_right = e.logical_or(goes_right, e.logical_and(lost, behind))
        low, high = (
            e.where(e.logical_and(open_, goes_right), middle + 1, low),
            e.where(e.logical_and(open_, e.logical_not(goes_right)), middle, high),
        )
    return low


def digitize(x: Any, bins: Any) -> Tensor:
    """The number of the bin of each value: bins[i - 1] <= x < bins[i].

    Example:
        >>> from weft import ops
        >>> ops.digitize([0.5, 2.0], [1.0, 2.0, 3.0]).tolist()
        [0, 2]
    """
    bins = as_tensor(bins)
    known = constant_value(bins)
    if known is not None and known.size > 1 and known[0] > known[-1]:
        return bins.shape[0] - searchsorted(flip(bins), x, side="left")
    return searchsorted(bins, x, side="right")


def isin(x1: Any, x2: Any, assume_unique: bool = False, invert: bool = False) -> Tensor:
    """Whether each element of x1 is among those of x2."""
    x1, x2 = promote(as_tensor(x1), as_tensor(x2))
    if not x2.size:
        found = e.not_equal(x1, x1)
    else:
        line = sort(x2, axis=None)
        place = e.minimum(searchsorted(line, x1), line.shape[0] - 1)
        found = e.equal(take(line, place), x1)
    return e.logical_not(found) if invert else found
