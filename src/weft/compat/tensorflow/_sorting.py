"""Sorting, searching and counting: TensorFlow's names, order of arguments, dtypes."""

from __future__ import annotations

import builtins
import collections
from typing import Any

import numpy as np

from weft import dtypes, ops
from weft.compat.conversion import (
    as_dtype,
    known_int,
    known_ints,
    matching,
    require,
    tensor,
)
from weft.core.tensor import Tensor
from weft.errors import ArgumentError
from weft.ops.convert import constant_value
from weft.ops.promotion import REALS

_INT32 = dtypes.int32


def _is_falling(who: str, direction: str) -> bool:
    if direction not in ("ASCENDING", "DESCENDING"):
        raise ArgumentError(
            f"{who}: direction must be 'ASCENDING' or 'DESCENDING'; received {direction!r}"
        )
    return direction == "DESCENDING"


def sort(
    values: Any, axis: int = -1, direction: str = "ASCENDING", name: str | None = None
) -> Tensor:
    """The elements in order along an axis."""
    found = ops.sort(tensor("tf.sort", values), axis)
    return ops.flip(found, axis) if _is_falling("tf.sort", direction) else found


def argsort(
    values: Any, axis: int = -1, direction: str = "ASCENDING", stable: bool = False,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The positions that would sort along an axis; equal elements keep their order."""
    x = tensor("tf.argsort", values)
    if not _is_falling("tf.argsort", direction):
        return ops.argsort(x, axis)
    # Turned round twice, equal elements still keep their order.
    extent = x.shape[axis]
    order = ops.flip(ops.argsort(ops.flip(x, axis), axis), axis)
    return ops.subtract(extent - 1, order)


def searchsorted(
    sorted_sequence: Any, values: Any, side: str = "left", out_type: Any = _INT32,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Where each value would be inserted to keep the order; row by row."""
    sequence, wanted = matching("tf.searchsorted", sorted_sequence, values)
    if sequence.ndim == 1:
        return ops.cast(ops.searchsorted(sequence, wanted, side), as_dtype(out_type))
    below = ops.less if side == "left" else ops.less_equal
    marks = below(ops.expand_dims(sequence, -2), ops.expand_dims(wanted, -1))
    return ops.sum(ops.cast(marks, as_dtype(out_type)), axis=-1)


Unique = collections.namedtuple("Unique", ["y", "idx"])
UniqueWithCounts = collections.namedtuple("UniqueWithCounts", ["y", "idx", "count"])


def unique_with_counts(
    x: Any, out_idx: Any = _INT32, name: str | None = None
) -> UniqueWithCounts:
    """The different elements in the order of their first place, and how often they occur."""
    array = constant_value(tensor("tf.unique", x))
    if array is None or array.ndim != 1:
        raise ArgumentError("tf.unique: a vector whose values are known is needed")
    places: dict[Any, int] = {}
    index = [places.setdefault(item, len(places)) for item in array.tolist()]
    values = np.empty(len(places), array.dtype)
    values[:] = list(places)
    kind = as_dtype(out_idx).numpy
    counts = np.bincount(index, minlength=len(places))
    return UniqueWithCounts(
        Tensor(values), Tensor(np.array(index, kind)), Tensor(counts.astype(kind))
    )


def unique(x: Any, out_idx: Any = _INT32, name: str | None = None) -> Unique:
    """The different elements in the order of their first place, and each one's number."""
    return Unique(*unique_with_counts(x, out_idx)[:2])


def histogram_fixed_width(
    values: Any, value_range: Any, nbins: Any = 100, dtype: Any = _INT32,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """How many values fall into each of `nbins` equal bins; outside ones into the last."""
    places = histogram_fixed_width_bins(values, value_range, nbins)
    flat = ops.reshape(places, (-1,))
    return ops.cast(
        ops.bincount(flat, minlength=known_int("nbins", nbins)), as_dtype(dtype)
    )


def histogram_fixed_width_bins(
    values: Any, value_range: Any, nbins: Any = 100, dtype: Any = _INT32,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The number of the bin into which each value falls."""
    values, bounds = matching("tf.histogram_fixed_width_bins", values, value_range)
    require("tf.histogram_fixed_width_bins", values, REALS)
    count = known_int("nbins", nbins)
    low, high = bounds[0], bounds[1]
    share = ops.divide(ops.subtract(values, low), ops.subtract(high, low))
    places = ops.floor(ops.multiply(share, float(count)))
    return ops.cast(ops.clip(places, 0, count - 1), as_dtype(dtype))


# -- parts -------------------------------------------------------------------------------


def unravel_index(indices: Any, dims: Any, name: str | None = None) -> Tensor:
    """Flat positions as rows of positions along each axis; one column for each index."""
    extents = known_ints("tf.unravel_index", dims)
    x = tensor("tf.unravel_index", indices)
    found = [ops.cast(one, x.dtype) for one in ops.unravel_index(x, extents)]
    return ops.stack(found, axis=0)


def dynamic_partition(
    data: Any, partitions: Any, num_partitions: int, name: str | None = None
) -> list[Tensor]:
    """The rows of each part, by the number of its part; the numbers must be known."""
    x, parts = tensor("tf.dynamic_partition", data), tensor("partitions", partitions)
    known = constant_value(parts)
    if known is None:
        raise ArgumentError("tf.dynamic_partition: partitions must be known while tracing")
    return [ops.get_item(x, known == number) for number in builtins.range(num_partitions)]


def dynamic_stitch(indices: Any, data: Any, name: str | None = None) -> Tensor:
    """Rows of several tensors put at their indices into one; later ones win."""
    places = [tensor("tf.dynamic_stitch", one) for one in indices]
    rows = matching("tf.dynamic_stitch", *data)
    known = [one for one in map(constant_value, places) if one is not None]
    if len(known) < len(places):
        raise ArgumentError("tf.dynamic_stitch: indices must be known while tracing")
    count = max((int(one.max()) + 1 for one in known if one.size), default=0)
    rest = rows[0].shape[places[0].ndim :]
    out = ops.zeros((count, *rest), rows[0].dtype)
    for place, part in zip(places, rows):
        flat = ops.reshape(part, (-1, *rest))
        out = ops.scatter_update(out, ops.reshape(place, (-1, 1)), flat)
    return out


__all__ = [
    "argsort", "dynamic_partition", "dynamic_stitch", "histogram_fixed_width",
    "histogram_fixed_width_bins", "searchsorted", "sort", "unique", "unique_with_counts",
    "unravel_index",
]  # fmt: skip
