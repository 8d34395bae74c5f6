"""x[key]: NumPy's rules of indexing, on primitives.

    basic       ints, slices, None, ...            → slice, reverse, reshape
    dynamic     integer tensors without axes        → dynamic_slice
    advanced    integer arrays, bool arrays          → gather

Outside of traces and tapes NumPy does it all by itself.
"""

from __future__ import annotations

import builtins
import operator
from typing import Any

import numpy as np

from weft import dtypes
from weft.core.state import STATE
from weft.core.tensor import Tensor, TracedTensor
from weft.core.variable import Variable
from weft.errors import ArgumentTypeError, IndexError, TraceError
from weft.ops.convert import as_tensor, cast, constant_value
from weft.ops.promotion import broadcast_together
from weft.primitives import elementwise as e
from weft.primitives import indexing
from weft.primitives import shape as p

_BASIC = (int, builtins.slice, type(None), type(...))


def get_item(x: Any, key: Any) -> Tensor:
    """x[key], by NumPy's rules.

    Raises:
        IndexError: for an int out of range, or more indices than axes.
        TraceError: for a mask whose values are not known while tracing.

    Example:
        >>> from weft import ops
        >>> ops.get_item(ops.arange(10), slice(None, None, -3)).tolist()
        [9, 6, 3, 0]
    """
    x = as_tensor(x)
    if STATE.trace is None and not STATE.tapes:
        return _now(x, key)
    items = _expanded(x, key)
    if any(isinstance(item, np.ndarray | Tensor) for item in items):
        dynamic = [item for item in items if isinstance(item, np.ndarray | Tensor)]
        if all(item.ndim == 0 for item in dynamic):
            return _with_dynamic_ints(x, items)
        return _advanced(x, items)
    return _basic(x, items)


def _now(x: Tensor, key: Any) -> Tensor:
    """Indexing by NumPy; views where it gives views."""
    kind = type(key)
    if kind is not int and kind is not builtins.slice:
        items = key if kind is tuple else (key,)
        key = tuple([item if isinstance(item, _BASIC) else _plain(item) for item in items])
    try:
        found = x._array[key]
    except builtins.IndexError:
        _check_ranges(x, _expanded(x, key))  # Raises with our words.
        raise
    if x.dtype is dtypes.string and not isinstance(found, np.ndarray):
        array = np.empty((), np.object_)
        array[()] = found
        return Tensor(array)
    return Tensor(found)


def _plain(item: Any) -> Any:
    """An index of another kind, as NumPy takes it."""
    if isinstance(item, Tensor):
        array = item._array
    elif isinstance(item, Variable):
        array = item.buffer()
    elif isinstance(item, builtins.slice):
        return item
    elif isinstance(item, list | tuple | range):
        array = as_tensor(list(item))._array if len(item) else np.zeros(0, np.int32)
    else:
        array = _array_of(item)
    _require_index_dtype(array)
    return array


def _array_of(item: Any) -> np.ndarray:
    if isinstance(item, np.ndarray | np.generic):
        return np.asarray(item)
    if hasattr(item, "__array__") or isinstance(getattr(item, "value", None), Tensor):
        return as_tensor(item)._array
    try:
        return np.asarray(operator.index(item))
    except TypeError:
        raise _bad_index(item) from None


def _require_index_dtype(array: Any) -> None:
    kind = dtypes.from_numpy(array.dtype) if isinstance(array, np.ndarray) else array.dtype
    if not (kind.is_integer or kind.is_bool):
        raise ArgumentTypeError(
            f"index: indices must be ints or bools; received {kind} values; cast to int32"
        )


def _bad_index(item: Any) -> ArgumentTypeError:
    return ArgumentTypeError(
        "index: an index must be an int, a slice, None, ..., or a list, array or tensor of "
        f"ints or bools; received {type(item).__name__}: {str(item)[:60]}"
    )


# -- the key, item by item ---------------------------------------------------------------


def _expanded(x: Tensor, key: Any) -> list:
    """One item for each axis of x, with None for new axes between them.

    Items are ints (in range), slices, None, and integer arrays or tensors; bool arrays
    have become the positions of their true elements.
    """
    items: list = []
    for item in key if isinstance(key, tuple) else (key,):
        items.extend(_item(item))
    used = builtins.sum(1 for item in items if item is not None and item is not ...)
    if used > x.ndim:
        raise IndexError(
            f"index: a tensor of rank {x.ndim} takes at most {x.ndim} indices; received "
            f"{used} for {x.spec}"
        )
    dots = [position for position, item in enumerate(items) if item is ...]
    if len(dots) > 1:
        raise IndexError("index: `...` may stand once in a key; received it twice")
    missing = [builtins.slice(None)] * (x.ndim - used)
    at = dots[0] if dots else len(items)
    items[at : at + 1] = missing
    axis = 0
    for position, item in enumerate(items):
        if item is None:
            continue
        if isinstance(item, int):
            items[position] = _in_range(x, axis, item)
        elif isinstance(item, _MaskAxis):
            items[position] = item.positions(x, axis)
        axis += 1
    return items


def _item(item: Any) -> list:
    if isinstance(item, bool | np.bool_):
        raise _bad_index(item)
    if isinstance(item, int) or item is ... or item is None:
        return [item]
    if isinstance(item, builtins.slice):
        return [builtins.slice(*map(_bound, (item.start, item.stop, item.step)))]
    if isinstance(item, Variable):
        item = item.value
    if not isinstance(item, TracedTensor):
        item = _plain(item)
    _require_index_dtype(item)
    if item.dtype == np.bool_ or item.dtype is dtypes.bool_:
        return _mask_axes(item)
    if isinstance(item, np.ndarray) and item.ndim == 0:
        return [int(item)]
    return [item]


def _bound(bound: Any) -> int | None:
    if bound is None or type(bound) is int:
        return bound
    if isinstance(bound, TracedTensor):
        known = constant_value(bound)
        if known is None:
            raise TraceError(
                "index: the bounds of a slice decide its shape, so they must be known "
                f"while tracing; received a traced tensor ({bound.spec}); use "
                "weft.ops.slice(x, start, size), or take with indices"
            )
        return int(known)
    try:
        return operator.index(bound)
    except TypeError:
        raise _bad_index(bound) from None


def _mask_axes(mask: Any) -> list:
    """A bool array stands for the positions of its true elements, axis by axis."""
    known = constant_value(mask)
    if known is None:
        raise TraceError(
            "index: how many elements a mask selects decides the shape, so its values must "
            f"be known while tracing; received a traced tensor ({mask.spec}); use "
            "weft.where(mask, x, other), or multiply by the mask"
        )
    if not known.ndim:
        raise _bad_index(known)
    return [_MaskAxis(known, axis) for axis in range(known.ndim)]


class _MaskAxis:
    """One axis of a bool array that stands in a key."""

    def __init__(self, mask: np.ndarray, axis: int) -> None:
        self.mask, self.axis = mask, axis

    def positions(self, x: Tensor, axis: int) -> np.ndarray:
        extent, wanted = self.mask.shape[self.axis], x.shape[axis]
        if extent != wanted:
            raise IndexError(
                "index: a mask must have the size of the axis it stands for; received "
                f"size {extent} for axis {axis} with size {wanted} of {x.spec}"
            )
        return np.nonzero(self.mask)[self.axis].astype(np.int32)


def _in_range(x: Tensor, axis: int, index: int) -> int:
    extent = x.shape[axis]
    if not -extent <= index < extent:
        raise IndexError(
            f"index {index} is out of range for axis {axis} with size {extent} of {x.spec}"
        )
    return index % extent


def _check_ranges(x: Tensor, items: list) -> None:
    """Raise IndexError for integer arrays out of range, where their values are known."""
    axis = 0
    for item in items:
        if isinstance(item, np.ndarray) and item.size:
            low, high = int(item.min()), int(item.max())
            for value in (low, high):
                _in_range(x, axis, value)
        axis += item is not None


# -- basic -------------------------------------------------------------------------------


def _basic(x: Tensor, items: list) -> Tensor:
    """Ints, slices and None, all known."""
    starts, stops, steps, turned, shape = [], [], [], [], []
    axis = 0
    for item in items:
        if item is None:
            shape.append(1)
            continue
        extent = x.shape[axis]
        if isinstance(item, int):
            start, stop, step = item, item + 1, 1
        else:
            start, stop, step = _rising(item, extent)
            if step < 0:
                turned.append(axis)
            step = builtins.abs(step)
            shape.append(-((start - stop) // step))
        starts.append(start)
        stops.append(stop)
        steps.append(step)
        axis += 1
    if (
        tuple(stops) != x.shape
        or builtins.any(starts)
        or builtins.any(n > 1 for n in steps)
    ):
        x = p.slice.bind(x, start=tuple(starts), stop=tuple(stops), step=tuple(steps))
    if turned:
        x = p.reverse.bind(x, axes=tuple(turned))
    return x if tuple(shape) == x.shape else p.reshape.bind(x, shape=tuple(shape))


def _rising(item: builtins.slice, extent: int) -> tuple[int, int, int]:
    """start <= stop of the elements of a slice; a negative step says: then turn round."""
    if item.step == 0:
        raise ArgumentTypeError("index: the step of a slice must not be 0")
    positions = range(*item.indices(extent))
    if not len(positions):
        return 0, 0, 1
    if positions.step > 0:
        return positions.start, positions[-1] + 1, positions.step
    return positions[-1], positions.start + 1, positions.step


# -- dynamic ints ------------------------------------------------------------------------


def _from_start(index: Tensor, extent: int) -> Tensor:
    """A traced index counted from the start."""
    index = cast(index, dtypes.int32)
    return e.select.bind(index < 0, index + extent, index)


def _with_dynamic_ints(x: Tensor, items: list) -> Tensor:
    starts: list[Tensor] = []
    sizes: list[int] = []
    rest: list[Any] = []
    axis = 0
    for item in items:
        if item is None:
            rest.append(item)
            continue
        if isinstance(item, Tensor):
            starts.append(_from_start(item, x.shape[axis]))
            sizes.append(1)
            rest.append(0)
        else:
            starts.append(cast(0, dtypes.int32))
            sizes.append(x.shape[axis])
            rest.append(item)
        axis += 1
    return _basic(indexing.dynamic_slice.bind(x, *starts, sizes=tuple(sizes)), rest)


# -- advanced ----------------------------------------------------------------------------


def _advanced(x: Tensor, items: list) -> Tensor:
    """Slices and new axes first, then one gather; its axes go where NumPy puts them."""
    plain = [builtins.slice(None) if _is_advanced(item) else item for item in items]
    x = _basic(x, plain)
    positions = [axis for axis, item in enumerate(items) if _is_advanced(item)]
    indices = [_index_tensor(items[axis], x, axis) for axis in positions]
    indices = list(broadcast_together("index", *indices))
    columns = [p.reshape.bind(index, shape=(*index.shape, 1)) for index in indices]
    joined = columns[0]
    if len(columns) > 1:
        joined = p.concatenate.bind(*columns, axis=joined.ndim - 1)
    out = indexing.gather.bind(x, joined, axes=tuple(positions))
    first, count = positions[0], joined.ndim - 1
    together = positions == list(range(first, first + len(positions)))
    if not together or first == 0:
        return out
    # The indices stand side by side: their axes take that place.
    order = (*range(count, count + first), *range(count), *range(count + first, out.ndim))
    return p.transpose.bind(out, permutation=order)


def _is_advanced(item: Any) -> bool:
    return isinstance(item, int | np.ndarray | Tensor)


def _index_tensor(item: Any, x: Tensor, axis: int) -> Tensor:
    if isinstance(item, int):
        return as_tensor(item)
    extent = x.shape[axis]
    if isinstance(item, np.ndarray):
        if item.size:
            _in_range(x, axis, int(item.min()))
            _in_range(x, axis, int(item.max()))
        return as_tensor(np.where(item < 0, item + extent, item).astype(np.int32))
    return _from_start(item, extent)
