"""Primitives that read and write at computed places: gather, scatter, dynamic slices, iota.

`gather` and `scatter` share one layout. The last axis of `indices` (extent k) holds
positions along the k axes of x named by `axes`; what stands at such a position has the
other axes of x. A gather of `rows[i]` is `axes=(0,)` with indices of shape [..., 1].
"""

from __future__ import annotations

import builtins
import math
from typing import Any

import numpy as np

from weft.core.primitive import Primitive
from weft.core.spec import Spec
from weft.core.tensor import Tensor
from weft.dtypes import DType, bfloat16, canonical, float16, int32
from weft.errors import ArgumentError, ShapeError
from weft.primitives import constants, elementwise, reduction
from weft.primitives.quiet import quiet
from weft.primitives.rules import (
    INTEGERS,
    NUMBERS,
    REALS,
    require_axes,
    require_axis,
    require_dtype,
    require_equal_dtypes,
    without_axes,
)
from weft.primitives.shape import broadcast, check_extents, concatenate, reshape

# -- layout ------------------------------------------------------------------------------


def _check_indices(who: str, x: Spec, indices: Spec, axes: tuple[int, ...]) -> None:
    require_dtype(who, indices, INTEGERS, "indices")
    require_axes(who, x, axes)
    if not indices.shape or indices.shape[-1] != len(axes):
        raise ShapeError(
            f"{who}: the last axis of indices must hold one position for each of axes="
            f"{axes}; received indices {indices} for {x}; reshape the indices to "
            f"[..., {len(axes)}]"
        )


def _extents(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple([shape[axis] for axis in axes])


def _indexed_shape(x: Any, indices: Any, axes: tuple[int, ...]) -> tuple[int, ...]:
    """What `gather` gives and what `scatter` takes as updates."""
    return indices.shape[:-1] + without_axes(x.shape, axes)


def _axes_first(ndim: int, axes: tuple[int, ...]) -> tuple[int, ...]:
    return axes + tuple([axis for axis in range(ndim) if axis not in axes])


def _last_positions(extents: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """The greatest valid index of each axis, as far as `dtype` can count."""
    greatest = int(np.iinfo(dtype).max)
    return np.array([min(extent - 1, greatest) for extent in extents], dtype)


def _zeros(x: Tensor) -> Tensor:
    return constants.full_like(x, 0)


# -- gather ------------------------------------------------------------------------------


def _gather_spec(x: Spec, indices: Spec, *, axes: tuple[int, ...]) -> Spec:
    _check_indices("gather", x, indices, axes)
    result = x.with_shape(_indexed_shape(x, indices, axes))
    if 0 in _extents(x.shape, axes) and result.size:
        raise ShapeError(
            f"gather: an axis without elements has nothing to take; received {x} with "
            f"axes={axes} and indices {indices}"
        )
    return result


def _gather_evaluate(
    x: np.ndarray, indices: np.ndarray, *, axes: tuple[int, ...]
) -> np.ndarray:
    if len(axes) == 1 and indices.dtype.num != _UINT64:
        axis = axes[0]
        found = x.take(indices[..., 0], axis, mode="clip")
        if axis == 0:
            return found
        # NumPy leaves the new axes where the old one was: bring them to the front.
        new = range(axis, axis + indices.ndim - 1)
        return found.transpose(_axes_first(found.ndim, tuple(new)))
    extents = _extents(x.shape, axes)
    if 0 in extents:
        return np.empty(_indexed_shape(x, indices, axes), x.dtype)
    positions = _clipped(indices, extents)
    moved = x.transpose(_axes_first(x.ndim, axes))
    if not axes:
        return np.broadcast_to(moved, indices.shape[:-1] + moved.shape)
    if moved.flags.c_contiguous:
        table = moved.reshape((math.prod(extents), *moved.shape[len(axes) :]))
        return table.take(np.ravel_multi_index(positions, extents), 0)
    return moved[positions]


_UINT64 = np.dtype(np.uint64).num


def _clipped(indices: np.ndarray, extents: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    """One array of positions for each axis, inside of it."""
    low = np.zeros((), indices.dtype)
    inside = np.clip(indices, low, _last_positions(extents, indices.dtype))
    return tuple([inside[..., i].astype(np.intp) for i in range(len(extents))])


gather = Primitive("gather", spec=_gather_spec, evaluate=_gather_evaluate)
"""(x, indices int[..., k]; axes): what stands at each position of the k axes of x, as
indices.shape[:-1] + the other axes of x. Indices are clamped into range."""


@gather.vjp
def _(
    ct: Tensor, out: Tensor, x: Tensor, indices: Tensor, *, axes: tuple[int, ...]
) -> tuple[Tensor, None]:
    extents = _extents(x.shape, axes)
    if 0 not in extents:
        # gather clamps, scatter drops: the clamped elements have gradients too.
        indices = _clamped(indices, extents)
    return scatter.bind(_zeros(x), indices, ct, axes=axes, combine="add"), None


def _clamped(indices: Tensor, extents: tuple[int, ...]) -> Tensor:
    last = _positions_like(indices, _last_positions(extents, indices.dtype.numpy))
    clamped = elementwise.minimum.bind(indices, last)
    if indices.dtype.kind == "uint":
        return clamped
    return elementwise.maximum.bind(clamped, _zeros(indices))


def _positions_like(indices: Tensor, positions: np.ndarray) -> Tensor:
    """One number for each axis, repeated to the shape of `indices`."""
    shape = (1,) * (indices.ndim - 1) + positions.shape
    return broadcast.bind(Tensor(positions.reshape(shape)), shape=indices.shape)


def take_along(x: Tensor, indices: Tensor, *, axis: int) -> Tensor:
    """The elements of `x` at `indices` along `axis`; all other positions are their own.

    `indices` has the shape of `x` but along `axis`, where it may have any extent.

    Example:
        >>> import numpy as np
        >>> from weft.core.tensor import Tensor
        >>> x, order = Tensor(np.array([5, 6, 7])), Tensor(np.array([2, 0]))
        >>> take_along(x, order, axis=0).numpy().tolist()
        [7, 5]
    """
    column = (*indices.shape, 1)
    parts = []
    for each in range(x.ndim):
        if each == axis:
            part = indices
        else:
            part = iota.bind(shape=indices.shape, axis=each, dtype=indices.dtype)
        parts.append(reshape.bind(part, shape=column))
    whole = concatenate.bind(*parts, axis=x.ndim) if len(parts) > 1 else parts[0]
    return gather.bind(x, whole, axes=tuple(range(x.ndim)))


# -- scatter -----------------------------------------------------------------------------

_AT = {
    "add": quiet(np.add.at),
    "multiply": quiet(np.multiply.at),
    "maximum": quiet(np.maximum.at),
    "minimum": quiet(np.minimum.at),
}
COMBINES = ("set", *_AT)
"""How `scatter` brings an update together with what is there."""


def _scatter_spec(
    x: Spec, indices: Spec, updates: Spec, *, axes: tuple[int, ...], combine: str
) -> Spec:
    _check_indices("scatter", x, indices, axes)
    require_equal_dtypes("scatter", x, updates)
    if combine not in COMBINES:
        raise ArgumentError(
            f"scatter: combine must be one of {', '.join(COMBINES)}; received {combine!r}"
        )
    if combine in ("add", "multiply"):
        require_dtype(f"scatter {combine}", x, NUMBERS)
    elif combine != "set":
        require_dtype(f"scatter {combine}", x, REALS)
    expected = _indexed_shape(x, indices, axes)
    if updates.shape != expected:
        raise ShapeError(
            f"scatter: updates must have the shape {expected} (that of indices but their "
            f"last axis, then the axes of x other than {axes}); received updates {updates} "
            f"with indices {indices} for {x}"
        )
    return x


# Halves are combined in float32 and rounded once: bfloat16 cannot count past 256.
_WIDE = {float16.numpy.num: np.float32, bfloat16.numpy.num: np.float32}
_narrow = quiet(np.ndarray.astype)


def _scatter_evaluate(
    x: np.ndarray,
    indices: np.ndarray,
    updates: np.ndarray,
    *,
    axes: tuple[int, ...],
    combine: str,
) -> np.ndarray:
    dtype = x.dtype
    wide = dtype if combine == "set" else _WIDE.get(dtype.num, dtype)
    out = np.array(x, wide, order="C")
    count, rest = math.prod(indices.shape[:-1]), without_axes(x.shape, axes)
    updates = updates.reshape((count, *rest)).astype(wide, copy=False)
    indices = indices.reshape((count, len(axes)))
    valid = _in_range(indices, _extents(x.shape, axes))
    if not valid.all():
        indices, updates = indices[valid], updates[valid]
    positions = tuple([indices[:, i].astype(np.intp) for i in range(len(axes))])
    if combine == "set" and axes:
        # Repeated positions are assigned in index order: the last one stays.
        out.transpose(_axes_first(x.ndim, axes))[positions] = updates
    elif combine == "set":
        out[...] = updates[-1] if count else out
    else:
        places = _places(out, positions, axes, len(updates))
        _AT[combine](out.reshape(-1), places, updates.reshape(-1))
    return out if wide is dtype else _narrow(out, dtype)


def _in_range(indices: np.ndarray, extents: tuple[int, ...]) -> np.ndarray:
    """For each row of indices whether every position is inside."""
    valid = np.ones(len(indices), np.bool_)
    for i, extent in enumerate(extents):
        column = indices[:, i]
        valid &= (column >= 0) & (column < extent)
    return valid


def _places(
    out: np.ndarray, positions: tuple[np.ndarray, ...], axes: tuple[int, ...], count: int
) -> np.ndarray:
    """Where each element of the updates goes in the flat `out`.

    `ufunc.at` is several times faster on flat arrays than on rows.
    """
    strides = [stride // out.itemsize for stride in out.strides]
    begin = np.zeros(count, np.intp)
    for position, axis in zip(positions, axes):
        begin += position * strides[axis]
    offsets = np.zeros((), np.intp)
    for axis in range(out.ndim):
        if axis not in axes:
            offsets = np.add.outer(offsets, np.arange(out.shape[axis]) * strides[axis])
    return np.add.outer(begin, offsets.reshape(-1)).reshape(-1)


scatter = Primitive("scatter", spec=_scatter_spec, evaluate=_scatter_evaluate)
"""(x, indices int[..., k], updates; axes, combine): x with the updates brought in, in index
order; the layout is that of `gather`. Updates out of range are dropped. `combine` is set,
add, multiply, maximum or minimum; halves are combined in float32 and rounded once."""


@scatter.vjp
def _(
    ct: Tensor,
    out: Tensor,
    x: Tensor,
    indices: Tensor,
    updates: Tensor,
    *,
    axes: tuple[int, ...],
    combine: str,
) -> tuple[Tensor, None, Tensor]:
    if 0 in _extents(x.shape, axes) or 0 in updates.shape:
        return ct, None, _zeros(updates)
    of_x, of_updates = _SCATTER_VJP[combine](ct, out, x, indices, updates, axes)
    valid = _over_rest(_valid(indices, _extents(x.shape, axes)), updates)
    return of_x, None, elementwise.select.bind(valid, of_updates, _zeros(updates))


def _valid(indices: Tensor, extents: tuple[int, ...]) -> Tensor:
    """bool[...]: which updates are not dropped."""
    last = _positions_like(indices, _last_positions(extents, indices.dtype.numpy))
    valid = elementwise.less_equal.bind(indices, last)
    if indices.dtype.kind != "uint":
        least = elementwise.greater_equal.bind(indices, _zeros(indices))
        valid = elementwise.bitwise_and.bind(valid, least)
    return reduction.reduce_all.bind(valid, axes=(indices.ndim - 1,))


def _over_rest(x: Tensor, updates: Tensor) -> Tensor:
    """One value for each update, repeated to the shape of the updates."""
    shape = x.shape + (1,) * (updates.ndim - x.ndim)
    return broadcast.bind(reshape.bind(x, shape=shape), shape=updates.shape)


# Each rule gives the cotangents of x and of the updates; those of dropped updates are
# replaced by zeros afterwards.


def _set_vjp(ct, out, x, indices, updates, axes):
    of_x = scatter.bind(ct, indices, _zeros(updates), axes=axes, combine="set")
    of_updates = gather.bind(ct, indices, axes=axes)
    # Among updates of one place only the last had an effect: number them, let the numbers
    # compete in the same way, and see which ones are still there.
    count = math.prod(indices.shape[:-1])
    numbers = iota.bind(shape=(count,), axis=0, dtype=int32)
    numbers = reshape.bind(numbers, shape=indices.shape[:-1])
    table = constants.full(_extents(x.shape, axes), int32, 0)
    every = tuple(range(len(axes)))
    table = scatter.bind(table, indices, numbers, axes=every, combine="set")
    last = elementwise.equal.bind(gather.bind(table, indices, axes=every), numbers)
    last = _over_rest(last, updates)
    return of_x, elementwise.select.bind(last, of_updates, _zeros(updates))


def _add_vjp(ct, out, x, indices, updates, axes):
    return ct, gather.bind(ct, indices, axes=axes)


def _multiply_vjp(ct, out, x, indices, updates, axes):
    of_x = scatter.bind(ct, indices, updates, axes=axes, combine="multiply")
    # An update is multiplied by x and by the other updates of its place: by their product
    # without zeros, unless another one is zero. (Where there are zeros, this loses the
    # second derivative of several updates of one place.)
    one, zero = constants.full_like(updates, 1), _zeros(updates)
    is_zero = elementwise.equal.bind(updates, zero)
    nonzero = elementwise.select.bind(is_zero, one, updates)
    product = scatter.bind(x * ct, indices, nonzero, axes=axes, combine="multiply")
    zeros = elementwise.select.bind(is_zero, one, zero)
    counts = scatter.bind(_zeros(x), indices, zeros, axes=axes, combine="add")
    other_zeros = gather.bind(counts, indices, axes=axes) - zeros
    others = gather.bind(product, indices, axes=axes) / nonzero
    alone = elementwise.equal.bind(other_zeros, zero)
    return of_x, elementwise.select.bind(alone, others, zero)


def _extremum_vjp(ct, out, x, indices, updates, axes):
    # All that equal the result share its cotangent evenly.
    zero, no_update = _zeros(x), _zeros(updates)
    one = constants.full_like(updates, 1)
    x_wins = elementwise.equal.bind(x, out)
    update_wins = elementwise.equal.bind(updates, gather.bind(out, indices, axes=axes))
    winners = elementwise.select.bind(x_wins, constants.full_like(x, 1), zero)
    votes = elementwise.select.bind(update_wins, one, no_update)
    winners = scatter.bind(winners, indices, votes, axes=axes, combine="add")
    # Where NaN is the result nothing equals it.
    share = ct / elementwise.maximum.bind(winners, constants.full_like(x, 1))
    shares = gather.bind(share, indices, axes=axes)
    return (
        elementwise.select.bind(x_wins, share, zero),
        elementwise.select.bind(update_wins, shares, no_update),
    )


_SCATTER_VJP = {
    "set": _set_vjp,
    "add": _add_vjp,
    "multiply": _multiply_vjp,
    "maximum": _extremum_vjp,
    "minimum": _extremum_vjp,
}


# -- dynamic slices ----------------------------------------------------------------------


def _check_starts(
    who: str, x: Spec, starts: tuple[Spec, ...], sizes: tuple[int, ...]
) -> None:
    check_extents(who, sizes)
    if len(starts) != x.ndim or len(sizes) != x.ndim:
        raise ShapeError(
            f"{who}: one start and one size are needed for each axis; received "
            f"{len(starts)} starts and sizes {sizes} for {x} of rank {x.ndim}"
        )
    for start in starts:
        require_dtype(who, start, INTEGERS, "a start")
        if start.shape:
            raise ShapeError(
                f"{who}: starts must be scalars; received {start} for {x}; "
                "give each axis a start of its own"
            )
    if any(size > extent for size, extent in zip(sizes, x.shape)):
        raise ShapeError(
            f"{who}: the slice must not be larger than the tensor; received sizes {sizes} "
            f"for {x}; choose smaller sizes"
        )


def _window(
    shape: tuple[int, ...], starts: tuple[np.ndarray, ...], sizes: tuple[int, ...]
) -> tuple:
    """The slices of an array, moved inside where they would stick out."""
    window: list[Any] = []
    for extent, start, size in zip(shape, starts, sizes):
        begin = max(0, min(int(start), extent - size))
        window.append(builtins.slice(begin, begin + size))
    return (*window, ...)


def _dynamic_slice_spec(x: Spec, *starts: Spec, sizes: tuple[int, ...]) -> Spec:
    _check_starts("dynamic_slice", x, starts, sizes)
    return x.with_shape(sizes)


def _dynamic_slice_evaluate(
    x: np.ndarray, *starts: np.ndarray, sizes: tuple[int, ...]
) -> np.ndarray:
    return x[_window(x.shape, starts, sizes)]


dynamic_slice = Primitive(
    "dynamic_slice", spec=_dynamic_slice_spec, evaluate=_dynamic_slice_evaluate
)
"""(x, *starts; sizes): a block whose place is computed. Starts are clamped so that the
block is inside."""


@dynamic_slice.vjp
def _(
    ct: Tensor, out: Tensor, x: Tensor, *starts: Tensor, sizes: tuple[int, ...]
) -> tuple[Tensor | None, ...]:
    of_x = dynamic_update_slice.bind(_zeros(x), ct, *starts)
    return (of_x, *(None for _ in starts))


def _dynamic_update_slice_spec(x: Spec, update: Spec, *starts: Spec) -> Spec:
    require_equal_dtypes("dynamic_update_slice", x, update)
    _check_starts("dynamic_update_slice", x, starts, update.shape)
    return x


def _dynamic_update_slice_evaluate(
    x: np.ndarray, update: np.ndarray, *starts: np.ndarray
) -> np.ndarray:
    out = x.copy()
    out[_window(x.shape, starts, update.shape)] = update
    return out


dynamic_update_slice = Primitive(
    "dynamic_update_slice",
    spec=_dynamic_update_slice_spec,
    evaluate=_dynamic_update_slice_evaluate,
)
"""(x, update, *starts): x with the block at `starts` replaced; starts are clamped
as in `dynamic_slice`."""


@dynamic_update_slice.vjp
def _(
    ct: Tensor, out: Tensor, x: Tensor, update: Tensor, *starts: Tensor
) -> tuple[Tensor | None, ...]:
    of_x = dynamic_update_slice.bind(ct, _zeros(update), *starts)
    of_update = dynamic_slice.bind(ct, *starts, sizes=update.shape)
    return (of_x, of_update, *(None for _ in starts))


# -- iota --------------------------------------------------------------------------------


def _iota_spec(*, shape: tuple[int, ...], axis: int, dtype: DType) -> Spec:
    check_extents("iota", shape)
    result = Spec(shape, dtype)
    require_axis("iota", result, axis)
    require_dtype("iota", result, NUMBERS)
    return result


def _iota_evaluate(*, shape: tuple[int, ...], axis: int, dtype: DType) -> np.ndarray:
    line = np.arange(shape[axis]).astype(canonical(dtype).numpy)
    line = line.reshape((shape[axis],) + (1,) * (len(shape) - axis - 1))
    return np.broadcast_to(line, shape)


iota = Primitive("iota", spec=_iota_spec, evaluate=_iota_evaluate)
"""(; shape, axis, dtype): 0, 1, 2, … along `axis`, the same along the other axes."""


@iota.vjp
def _(ct: Tensor, out: Tensor, **parameters: Any) -> tuple[()]:
    return ()
