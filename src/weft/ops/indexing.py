"""Reading and writing at computed places: take, scatter, slices, segments, one-hot codes.

An index may count from the end (-1 is the last). Where the values of indices are known, an
index out of range raises IndexError; inside of a traced function reads are clamped and
writes dropped.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from weft import dtypes
from weft.core.tensor import Tensor, TracedTensor
from weft.dtypes import canonical
from weft.errors import ArgumentError, ArgumentTypeError, IndexError, ShapeError
from weft.ops import elementwise as e
from weft.ops.axes import one_axis
from weft.ops.convert import as_tensor, cast, constant_value, integer, numbers
from weft.ops.creation import index_grid
from weft.ops.layout import expand_dims, reshape, transpose
from weft.ops.promotion import broadcast_tensor, named, together
from weft.primitives import indexing as p
from weft.primitives import shape as moves

# -- indices -----------------------------------------------------------------------------


def normalized(who: str, indices: Any, extents: tuple[int, ...], x: Tensor) -> Tensor:
    """Integer indices counted from the start.

    The last axis of `indices` holds one position for each of `extents`; a single extent
    is for all of them.
    """
    indices = as_tensor(indices)
    if indices.size == 0 and not indices.dtype.is_integer:
        indices = cast(indices, dtypes.int32)
    if not indices.dtype.is_integer:
        raise ArgumentTypeError(
            f"{who}: indices must be integers; received {indices.spec}; cast to int32"
        )
    known = constant_value(indices) if not isinstance(indices, TracedTensor) else None
    bounds = np.array(extents if len(extents) > 1 else extents[0])
    if known is not None:
        wide = known.astype(np.int64, copy=False)
        wrong = (wide < -bounds) | (wide >= bounds)
        if wrong.any():
            raise IndexError(
                f"{who}: index {wide[wrong].flat[0]} is out of range for extents "
                f"{list(extents)} of {x.spec}"
            )
        if (wide >= 0).all():
            return indices if indices.dtype.size >= 4 else cast(indices, dtypes.int32)
    if indices.dtype.kind == "uint":
        return indices
    if indices.dtype.size < 4:
        indices = cast(indices, dtypes.int32)
    return e.where(indices < 0, indices + bounds.astype(np.int32), indices)


# -- reading -----------------------------------------------------------------------------


def take(x: Any, indices: Any, axis: int | None = None) -> Tensor:
    """The slabs of `x` at `indices` along an axis (None: of all elements, flat).

    Example:
        >>> from weft import ops
        >>> ops.take([10, 20, 30], [2, 0, -1]).tolist()
        [30, 10, 30]
    """
    x = as_tensor(x)
    if axis is None:
        x, axis = reshape(x, (-1,)), 0
    axis = one_axis("take", axis, x.ndim)
    indices = normalized("take", indices, (x.shape[axis],), x)
    count = indices.ndim
    out = p.gather.bind(x, expand_dims(indices, -1), axes=(axis,))
    if axis == 0 or count == 0:
        return out
    order = (*range(count, count + axis), *range(count), *range(count + axis, out.ndim))
    return transpose(out, order)


def take_along_axis(x: Any, indices: Any, axis: int | None = None) -> Tensor:
    """The elements of `x` at `indices` along an axis; other positions are their own.

    Example:
        >>> from weft import ops
        >>> ops.take_along_axis([[1, 2], [3, 4]], [[1], [0]], axis=1).tolist()
        [[2], [3]]
    """
    x, indices = as_tensor(x), as_tensor(indices)
    if axis is None:
        x, axis = reshape(x, (-1,)), 0
        indices = reshape(indices, (-1,))
    axis = one_axis("take_along_axis", axis, x.ndim)
    if indices.ndim != x.ndim:
        raise ShapeError(
            "take_along_axis: indices must have the rank of x; received indices "
            f"{indices.spec} for {x.spec}"
        )
    indices = normalized("take_along_axis", indices, (x.shape[axis],), x)
    rest = together((_with(x.shape, axis, 1), _with(indices.shape, axis, 1)))
    if rest is None:
        raise ShapeError(
            f"take_along_axis: shapes must broadcast except along axis {axis}; received "
            f"indices {indices.spec} for {x.spec}"
        )
    x = broadcast_tensor(x, _with(rest, axis, x.shape[axis]))
    indices = broadcast_tensor(indices, _with(rest, axis, indices.shape[axis]))
    return p.take_along(x, indices, axis=axis)


def _with(shape: tuple[int, ...], axis: int, extent: int) -> tuple[int, ...]:
    return (*shape[:axis], extent, *shape[axis + 1 :])


def slice(inputs: Any, start_indices: Any, shape: Any) -> Tensor:
    """A block of this shape; its place may be computed. -1 means: to the end.

    Raises:
        IndexError: if the place is known and the block does not fit.

    Example:
        >>> from weft import ops
        >>> ops.slice([[1, 2, 3], [4, 5, 6]], [0, 1], [2, 2]).tolist()
        [[2, 3], [5, 6]]
    """
    x = as_tensor(inputs)
    sizes = numbers(shape, "slice", "shape")
    starts = _starts("slice", x, start_indices)
    if len(sizes) != x.ndim:
        raise ArgumentError(
            f"slice: one size for each axis is needed; received shape={sizes} for {x.spec}"
        )
    if isinstance(starts, list):
        if -1 in sizes:
            raise ArgumentError("slice: a size of -1 needs starts that are known")
        return p.dynamic_slice.bind(x, *starts, sizes=sizes)
    sizes = tuple([x.shape[i] - starts[i] if n == -1 else n for i, n in enumerate(sizes)])
    _require_inside("slice", x, starts, sizes)
    stops = tuple([start + n for start, n in zip(starts, sizes)])
    return moves.slice.bind(x, start=starts, stop=stops, step=(1,) * x.ndim)


def slice_update(inputs: Any, start_indices: Any, updates: Any) -> Tensor:
    """`inputs` with the block at `start_indices` replaced.

    Example:
        >>> from weft import ops
        >>> ops.slice_update(ops.zeros(4), [1], [5, 6]).tolist()
        [0.0, 5.0, 6.0, 0.0]
    """
    x = as_tensor(inputs)
    updates = cast(updates, x.dtype)
    if updates.ndim != x.ndim:
        raise ShapeError(
            "slice_update: updates must have the rank of the inputs; received "
            f"{updates.spec} for {x.spec}"
        )
    starts = _starts("slice_update", x, start_indices)
    if isinstance(starts, tuple):
        _require_inside("slice_update", x, starts, updates.shape)
        starts = [as_tensor(start) for start in starts]
    return p.dynamic_update_slice.bind(x, updates, *starts)


def _starts(who: str, x: Tensor, starts: Any) -> Any:
    """A tuple of ints where all are known, else a list of int32 tensors."""
    if isinstance(starts, Tensor | np.ndarray) and starts.ndim == 1:
        starts = [starts[i] for i in range(starts.shape[0])]
    if not isinstance(starts, list | tuple):
        starts = [starts]
    if len(starts) != x.ndim:
        raise ArgumentError(
            f"{who}: one start for each axis is needed; received {len(starts)} for {x.spec}"
        )
    if not builtins.any(isinstance(start, TracedTensor) for start in starts):
        return tuple([integer(start, who, "a start") for start in starts])
    return [cast(start, dtypes.int32) for start in starts]


def _require_inside(who: str, x: Tensor, starts: tuple, sizes: tuple) -> None:
    for axis, (start, size) in enumerate(zip(starts, sizes)):
        if start < 0 or size < 0 or start + size > x.shape[axis]:
            raise IndexError(
                f"{who}: the block {start}:{start + size} must lie inside axis {axis} with "
                f"size {x.shape[axis]} of {x.spec}"
            )


# -- writing -----------------------------------------------------------------------------

_COMBINES = {
    None: "set",
    "add": "add",
    "mul": "multiply",
    "max": "maximum",
    "min": "minimum",
}


def scatter_update(
    inputs: Any, indices: Any, updates: Any, reduction: Any = None
) -> Tensor:
    """`inputs` with updates brought in at indices.

    Args:
        indices: int[..., k]: positions along the first k axes.
        updates: of shape indices.shape[:-1] + inputs.shape[k:], or broadcast to it.
        reduction: None (replace), "add", "mul", "max" or "min".

    Example:
        >>> from weft import ops
        >>> ops.scatter_update([1, 2, 3], [[0], [2]], [10, 30]).tolist()
        [10, 2, 30]
    """
    x, indices = as_tensor(inputs), as_tensor(indices)
    if reduction not in _COMBINES:
        raise ArgumentError(
            "scatter_update: reduction must be None, 'add', 'mul', 'max' or 'min'; "
            f"received {reduction!r}"
        )
    return _scatter(
        "scatter_update", x, indices, cast(updates, x.dtype), _COMBINES[reduction]
    )


def scatter(indices: Any, values: Any, shape: Any) -> Tensor:
    """Values added up at indices in a tensor of zeros.

    Example:
        >>> from weft import ops
        >>> ops.scatter([[0], [2], [2]], [1, 2, 3], (4,)).tolist()
        [1, 0, 5, 0]
    """
    values = as_tensor(values)
    if values.dtype.is_bool:
        values = cast(values, dtypes.int32)
    shape = numbers(shape, "scatter", "shape")
    zeros = broadcast_tensor(cast(0, values.dtype), shape)
    return _scatter("scatter", zeros, as_tensor(indices), values, "add")


def _scatter(who: str, x: Tensor, indices: Tensor, updates: Tensor, combine: str) -> Tensor:
    if not indices.ndim or indices.shape[-1] > x.ndim:
        raise ShapeError(
            f"{who}: the last axis of indices must hold positions along at most {x.ndim} "
            f"axes; received indices {indices.spec} for {x.spec}"
        )
    axes = tuple(range(indices.shape[-1]))
    if axes:
        extents = tuple([x.shape[axis] for axis in axes])
        indices = normalized(who, indices, extents, x)
    expected = (*indices.shape[:-1], *x.shape[len(axes) :])
    if together((updates.shape, expected)) != expected:
        raise ShapeError(
            f"{who}: updates must have the shape {expected}, or broadcast to it; received "
            f"updates {updates.spec} with indices {indices.spec} for {x.spec}"
        )
    updates = broadcast_tensor(updates, expected)
    return p.scatter.bind(x, indices, updates, axes=axes, combine=combine)


# -- segments ----------------------------------------------------------------------------


def _segment(name: str, doc: str, combine: str, start: Callable) -> Callable:
    def operation(
        data: Any,
        segment_ids: Any,
        num_segments: int | None = None,
        sorted: bool = False,
    ) -> Tensor:
        data, ids = as_tensor(data), as_tensor(segment_ids)
        if not ids.dtype.is_integer or ids.shape != data.shape[: ids.ndim]:
            raise ShapeError(
                f"{name}: segment_ids must be integers whose shape begins the shape of "
                f"data; received {ids.spec} for {data.spec}"
            )
        if num_segments is None:
            num_segments = _segment_count(name, ids)
        if data.dtype.is_bool:
            data = cast(data, dtypes.int32)
        rest = data.shape[ids.ndim :]
        first = cast(start(data.dtype), data.dtype)
        out = broadcast_tensor(first, (integer(num_segments, name, "num_segments"), *rest))
        return p.scatter.bind(out, expand_dims(ids, -1), data, axes=(0,), combine=combine)

    return named(operation, name, doc + " Ids out of range are left out.")


def _segment_count(who: str, ids: Tensor) -> int:
    known = constant_value(ids)
    if known is None:
        raise ArgumentError(
            f"{who}: num_segments decides the shape, so it must be given while tracing; "
            "received num_segments=None"
        )
    return int(known.max()) + 1 if known.size else 0


def _lowest(dtype: Any) -> Any:
    return -math.inf if dtype.is_floating else int(np.iinfo(dtype.numpy).min)


def _highest(dtype: Any) -> Any:
    return math.inf if dtype.is_floating else int(np.iinfo(dtype.numpy).max)


segment_sum = _segment("segment_sum", "The sum of the data of each segment.", "add",
                       lambda dtype: 0)  # fmt: skip
segment_prod = _segment("segment_prod", "The product of the data of each segment.",
                        "multiply", lambda dtype: 1)  # fmt: skip
segment_max = _segment("segment_max", "The largest data of each segment.", "maximum",
                       _lowest)  # fmt: skip
segment_min = _segment("segment_min", "The smallest data of each segment.", "minimum",
                       _highest)  # fmt: skip

# -- codes of classes --------------------------------------------------------------------


def one_hot(
    x: Any, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False
) -> Tensor:
    """1 at the place of each class along a new axis, else 0; zeros for no class (-1).

    Example:
        >>> from weft import ops
        >>> ops.one_hot([1, -1], 3).tolist()
        [[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    """
    return cast(is_class("one_hot", x, num_classes, axis, sparse), canonical(dtype))


def is_class(
    who: str, x: Any, num_classes: int, axis: int = -1, sparse: bool = False
) -> Tensor:
    """Whether the place along a new axis is the class."""
    if sparse:
        raise ArgumentError(f"{who}: weft has no sparse tensors; received sparse=True")
    classes = as_tensor(x)
    if classes.dtype is not dtypes.int64:
        classes = cast(classes, dtypes.int32)
    axis = one_axis(who, axis, classes.ndim + 1)
    extent = integer(num_classes, who, "num_classes")
    shape = (*classes.shape[:axis], extent, *classes.shape[axis:])
    column = broadcast_tensor(expand_dims(classes, axis), shape)
    return e.equal(column, index_grid(shape, axis, classes.dtype))


def multi_hot(
    inputs: Any, num_classes: int | None = None, axis: int = -1, dtype: Any = None,
    sparse: bool = False, **kwargs: Any,
) -> Tensor:  # fmt: skip
    """1 at the places of all classes of a sample, else 0.

    Example:
        >>> from weft import ops
        >>> ops.multi_hot([[0, 2], [1, 1]], 3).tolist()
        [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    """
    from weft.ops.reduce import any as any_of

    num_classes = kwargs.pop("num_tokens", num_classes)
    if kwargs or num_classes is None:
        raise ArgumentError(f"multi_hot: needs num_classes; received {sorted(kwargs)} more")
    classes = as_tensor(inputs)
    hot = is_class("multi_hot", classes, num_classes, axis, sparse)
    return cast(any_of(hot, axis=1 if classes.ndim > 1 else 0), canonical(dtype))


def unravel_index(indices: Any, shape: Any) -> tuple[Tensor, ...]:
    """The positions along each axis of flat indices into a tensor of this shape."""
    indices, shape = as_tensor(indices), numbers(shape, "unravel_index", "shape")
    indices = e.where(indices < 0, indices + math.prod(shape), indices)
    positions = []
    for extent in reversed(shape):
        positions.append(indices % extent)
        indices = indices // extent
    return tuple(reversed(positions))
