"""Operations whose result's shape depends on values: nonzero, unique, bincount, histogram.

They need values that are known: outside of traced functions, or of constants.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from weft import dtypes
from weft.core.tensor import Tensor
from weft.errors import ArgumentError, ShapeError, TraceError
from weft.ops.convert import as_tensor, cast, constant_value
from weft.ops.layout import reshape, stack
from weft.ops.promotion import REALS, as_float, broadcast_tensor, require
from weft.primitives.indexing import scatter


def _values(who: str, x: Any) -> np.ndarray:
    x = as_tensor(x)
    known = constant_value(x)
    if known is None:
        raise TraceError(
            f"{who}: the shape of its result depends on values, so they must be known "
            f"while tracing; received a traced tensor ({x.spec}); call it outside of the "
            "@weft.function"
        )
    return known


def nonzero(x: Any) -> tuple[Tensor, ...]:
    """The positions of the elements that are not zero, one int32 vector for each axis.

    Example:
        >>> from weft import ops
        >>> [p.tolist() for p in ops.nonzero([0, 3, 0, 4])]
        [[1, 3]]
    """
    found = np.nonzero(np.atleast_1d(_values("nonzero", x)))
    return tuple([Tensor(positions.astype(np.int32)) for positions in found])


def argwhere(x: Any) -> Tensor:
    """The positions of the elements that are not zero, as rows."""
    return Tensor(np.argwhere(_values("argwhere", x)).astype(np.int32))


def unique(
    x: Any, sorted: bool = True, return_index: bool = False,
    return_inverse: bool = False, return_counts: bool = False, axis: int | None = None,
    size: int | None = None, fill_value: Any = None,
) -> Any:  # fmt: skip
    """The different elements (or slabs along an axis), in ascending order.

    Args:
        return_index: also where each stands first.
        return_inverse: also which of them each element is.
        return_counts: also how often each occurs.
        size: cut or fill (with `fill_value`, or the smallest) to so many.

    Example:
        >>> from weft import ops
        >>> ops.unique([3, 1, 3]).tolist()
        [1, 3]
    """
    values, index, inverse, counts = np.unique(
        _values("unique", x),
        return_index=True, return_inverse=True, return_counts=True, axis=axis,
        equal_nan=False,
    )  # fmt: skip
    if size is not None:
        along = 0 if axis is None else axis
        values = _sized(values, size, along, fill_value)
        index, counts = _sized(index, size, 0, None), _sized(counts, size, 0, 0)
    wanted: list[tuple[bool, np.ndarray, Any]] = [
        (True, values, values.dtype),
        (return_index, index, np.int32),
        (return_inverse, inverse, np.int32),
        (return_counts, counts, np.int32),
    ]
    results = [Tensor(np.array(array, dtype)) for want, array, dtype in wanted if want]
    return results[0] if len(results) == 1 else tuple(results)


def _sized(array: np.ndarray, size: int, axis: int, fill_value: Any) -> np.ndarray:
    count = array.shape[axis]
    if count >= size:
        return array.take(np.arange(size), axis=axis)
    padding = array.take(np.zeros(size - count, np.int64), axis=axis)
    if fill_value is not None:
        padding = np.full_like(padding, fill_value)
    return np.concatenate([array, padding], axis=axis)


def bincount(
    x: Any, weights: Any = None, minlength: int = 0, sparse: bool = False
) -> Tensor:
    """How often each number 0, 1, … occurs; with weights the sum of their weights.

    Takes a vector, or a matrix whose rows are counted separately.

    Example:
        >>> from weft import ops
        >>> ops.bincount([1, 1, 3]).tolist()
        [0, 2, 0, 1]
    """
    if sparse:
        raise ArgumentError("bincount: weft has no sparse tensors; received sparse=True")
    x = as_tensor(x)
    if not (x.dtype.is_integer or x.dtype.is_bool) or x.ndim not in (1, 2):
        raise ShapeError(
            f"bincount: a vector or a matrix of integers is needed; received {x.spec}"
        )
    known = _values("bincount", cast(x, dtypes.int32))
    if known.size and known.min() < 0:
        raise ArgumentError(f"bincount: numbers must be >= 0; received {known.min()}")
    length = max(int(known.max()) + 1 if known.size else 0, int(minlength))
    weights = cast(1, dtypes.int32) if weights is None else as_tensor(weights)
    weights = broadcast_tensor(weights, x.shape)
    rows = [x] if x.ndim == 1 else [x[i] for i in range(x.shape[0])]
    row_weights = [weights] if x.ndim == 1 else [weights[i] for i in range(x.shape[0])]
    counts = [_counted(row, weight, length) for row, weight in zip(rows, row_weights)]
    return counts[0] if x.ndim == 1 else stack(counts)


def _counted(x: Tensor, weights: Tensor, length: int) -> Tensor:
    zeros = broadcast_tensor(cast(0, weights.dtype), (length,))
    indices = reshape(cast(x, dtypes.int32), (-1, 1))
    return scatter.bind(zeros, indices, weights, axes=(0,), combine="add")


def histogram(x: Any, bins: int = 10, range: Any = None) -> tuple[Tensor, Tensor]:
    """How many elements fall into each of `bins` equal intervals, and their edges.

    Args:
        bins: how many intervals, or their edges.
        range: (lowest, highest); by default those of the elements.

    Example:
        >>> from weft import ops
        >>> counts, edges = ops.histogram([0.0, 1.0, 1.0, 4.0], bins=2)
        >>> counts.tolist(), edges.tolist()
        ([3.0, 1.0], [0.0, 2.0, 4.0])
    """
    x = as_tensor(x)
    require("histogram", x, REALS)
    if isinstance(bins, int) and bins < 1:
        raise ArgumentError(f"histogram: bins must be >= 1; received {bins}")
    edges = bins if isinstance(bins, int) else _values("histogram", bins)
    limits = None if range is None else (float(range[0]), float(range[1]))
    counts, found = np.histogram(_values("histogram", as_float(x)), edges, limits)
    dtype = as_float(x).dtype.numpy
    return Tensor(counts.astype(x.dtype.numpy)), Tensor(np.asarray(found).astype(dtype))
