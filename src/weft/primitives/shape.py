"""Primitives that move elements without computing: reshape, transpose, slice, pad, …

Parameters are tuples of Python ints, normalised: axes are non-negative, extents known.
Evaluation gives views of the input wherever NumPy can: tensors never change, so nobody
sees that memory is shared.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from weft.core.primitive import Primitive
from weft.core.spec import Spec
from weft.core.tensor import Tensor
from weft.dtypes import bool_
from weft.errors import ShapeError

# Modules, not names: their rules use this module, and the rules here use them.
from weft.primitives import constants, elementwise, reduction
from weft.primitives.rules import (
    listed,
    require_axes,
    require_axis,
    require_equal_dtypes,
    without_axes,
)

# -- checks ------------------------------------------------------------------------------


def check_extents(who: str, shape: Iterable[int]) -> None:
    """Extents must be ints that are not negative."""
    shape = tuple(shape)
    if not all(isinstance(extent, int) and extent >= 0 for extent in shape):
        raise ShapeError(
            f"{who}: extents must be ints >= 0; received {shape}; "
            "work out -1 and None first"
        )


def check_rank(who: str, x: Spec, **parameters: tuple) -> None:
    """Each parameter must hold one number for each axis of `x`."""
    for name, numbers in parameters.items():
        if len(numbers) != x.ndim:
            raise ShapeError(
                f"{who}: {name} must hold one number for each axis; "
                f"received {name}={numbers} for {x} of rank {x.ndim}"
            )


# -- reshape -----------------------------------------------------------------------------


def _reshape_spec(x: Spec, *, shape: tuple[int, ...]) -> Spec:
    check_extents("reshape", shape)
    if math.prod(shape) != x.size:
        raise ShapeError(
            f"reshape: the number of elements must stay the same; received {x} "
            f"({x.size} elements) and shape {shape} ({math.prod(shape)} elements)"
        )
    return x.with_shape(shape)


def _reshape_evaluate(x: np.ndarray, *, shape: tuple[int, ...]) -> np.ndarray:
    return x.reshape(shape)


reshape = Primitive("reshape", spec=_reshape_spec, evaluate=_reshape_evaluate)
"""(x; shape): the same elements in row-major order under another shape."""


@reshape.vjp
def _(ct: Tensor, out: Tensor, x: Tensor, *, shape: tuple[int, ...]) -> Tensor:
    return reshape.bind(ct, shape=x.shape)


# -- transpose ---------------------------------------------------------------------------


def _transpose_spec(x: Spec, *, permutation: tuple[int, ...]) -> Spec:
    if sorted(permutation) != list(range(x.ndim)):
        raise ShapeError(
            f"transpose: the permutation must hold each axis from 0 to {x.ndim - 1} once; "
            f"received {permutation} for {x}"
        )
    return x.with_shape(tuple([x.shape[axis] for axis in permutation]))


def _transpose_evaluate(x: np.ndarray, *, permutation: tuple[int, ...]) -> np.ndarray:
    return x.transpose(permutation)


transpose = Primitive("transpose", spec=_transpose_spec, evaluate=_transpose_evaluate)
"""(x; permutation): axis i of the result is axis permutation[i] of x."""


def inverse_permutation(permutation: Iterable[int]) -> tuple[int, ...]:
    """The permutation that undoes `permutation`."""
    permutation = tuple(permutation)
    return tuple(sorted(range(len(permutation)), key=permutation.__getitem__))


@transpose.vjp
def _(ct: Tensor, out: Tensor, x: Tensor, *, permutation: tuple[int, ...]) -> Tensor:
    return transpose.bind(ct, permutation=inverse_permutation(permutation))


# -- broadcast ---------------------------------------------------------------------------


def _broadcast_spec(x: Spec, *, shape: tuple[int, ...]) -> Spec:
    check_extents("broadcast", shape)
    if len(shape) != x.ndim:
        raise ShapeError(
            f"broadcast: the rank must stay the same; received {x} and shape {shape}; "
            "reshape first"
        )
    for axis, (old, new) in enumerate(zip(x.shape, shape)):
        if old not in (1, new):
            raise ShapeError(
                f"broadcast: only an extent of 1 can be repeated; received {x} and shape "
                f"{shape}, where axis {axis} would go from {old} to {new}"
            )
    return x.with_shape(shape)


_BROADCAST_FLAGS: list[Any] = ["multi_index", "refs_ok", "zerosize_ok"]
_READ_ONLY: list[Any] = ["readonly"]


def _broadcast_evaluate(x: np.ndarray, *, shape: tuple[int, ...]) -> np.ndarray:
    if x.shape == shape:
        return x
    # What np.broadcast_to does inside, in half of the time.
    views = np.nditer((x,), _BROADCAST_FLAGS, _READ_ONLY, itershape=shape, order="C")
    return views.itviews[0]


broadcast = Primitive("broadcast", spec=_broadcast_spec, evaluate=_broadcast_evaluate)
"""(x; shape): extents of 1 repeated up to `shape`, which has the rank of x."""


@broadcast.vjp
def _(ct: Tensor, out: Tensor, x: Tensor, *, shape: tuple[int, ...]) -> Tensor:
    before = x.shape
    repeated = tuple([axis for axis, new in enumerate(shape) if before[axis] != new])
    if not repeated:
        return ct
    return reshape.bind(reduction.reduce_sum.bind(ct, axes=repeated), shape=before)


# -- slice -------------------------------------------------------------------------------


def _slice_spec(
    x: Spec, *, start: tuple[int, ...], stop: tuple[int, ...], step: tuple[int, ...]
) -> Spec:
    check_rank("slice", x, start=start, stop=stop, step=step)
    for axis, (first, last, by, extent) in enumerate(zip(start, stop, step, x.shape)):
        if not (0 <= first <= last <= extent and by >= 1):
            raise ShapeError(
                f"slice: 0 <= start <= stop <= extent and step >= 1 must hold; received "
                f"{first}:{last}:{by} for axis {axis} of {x}"
            )
    ranges = zip(start, stop, step)
    return x.with_shape(tuple([-((first - last) // by) for first, last, by in ranges]))


def _slice_evaluate(
    x: np.ndarray,
    *,
    start: tuple[int, ...],
    stop: tuple[int, ...],
    step: tuple[int, ...],
) -> np.ndarray:
    # With `...` the result of indexing stays an array when x has no axes.
    place: Any = (*map(builtins.slice, start, stop, step), ...)
    return x[place]


slice = Primitive("slice", spec=_slice_spec, evaluate=_slice_evaluate)
"""(x; start, stop, step): every step-th element from start to before stop, per axis."""


@slice.vjp
def _(
    ct: Tensor,
    out: Tensor,
    x: Tensor,
    *,
    start: tuple[int, ...],
    stop: tuple[int, ...],
    step: tuple[int, ...],
) -> Tensor:
    interior = tuple([by - 1 for by in step])
    _, ends, _ = _inside(out.shape, start, interior)
    high = tuple([extent - end for extent, end in zip(x.shape, ends)])
    zero = constants.full((), ct.dtype, 0)
    return pad.bind(ct, zero, low=start, high=high, interior=interior)


# -- pad ---------------------------------------------------------------------------------


def _pad_spec(
    x: Spec,
    value: Spec,
    *,
    low: tuple[int, ...],
    high: tuple[int, ...],
    interior: tuple[int, ...],
) -> Spec:
    check_rank("pad", x, low=low, high=high, interior=interior)
    require_equal_dtypes("pad", x, value)
    if value.shape:
        raise ShapeError(f"pad: the value must be a scalar; received {value} to pad {x}")
    if min((*low, *high, *interior), default=0) < 0:
        raise ShapeError(
            f"pad: paddings must not be negative; received low={low}, high={high}, "
            f"interior={interior} for {x}; use slice to cut"
        )
    extents = zip(low, high, interior, x.shape)
    return x.with_shape(
        tuple([lo + hi + n + max(n - 1, 0) * gap for lo, hi, gap, n in extents])
    )


def _inside(
    shape: tuple[int, ...], low: tuple[int, ...], interior: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """start, stop and step of the slice of a padded tensor that holds the original."""
    step = tuple([gap + 1 for gap in interior])
    taken = zip(low, shape, step)
    stop = tuple([first + (count - 1) * by + 1 if count else first
                  for first, count, by in taken])  # fmt: skip
    return low, stop, step


def _pad_evaluate(
    x: np.ndarray,
    value: np.ndarray,
    *,
    low: tuple[int, ...],
    high: tuple[int, ...],
    interior: tuple[int, ...],
) -> np.ndarray:
    extents = zip(low, high, interior, x.shape)
    shape = [lo + hi + n + max(n - 1, 0) * gap for lo, hi, gap, n in extents]
    out = np.empty(shape, x.dtype)
    out.fill(value[()])
    place: Any = (*map(builtins.slice, *_inside(x.shape, low, interior)), ...)
    out[place] = x
    return out


pad = Primitive("pad", spec=_pad_spec, evaluate=_pad_evaluate)
"""(x, value; low, high, interior): per axis `low` values before the elements, `interior`
between neighbours, `high` after them."""


@pad.vjp
def _(
    ct: Tensor,
    out: Tensor,
    x: Tensor,
    value: Tensor,
    *,
    low: tuple[int, ...],
    high: tuple[int, ...],
    interior: tuple[int, ...],
) -> tuple[Tensor, Tensor]:
    start, stop, step = _inside(x.shape, low, interior)
    # Masked, because sum(ct) - sum(ct inside) would cancel, and make NaN of inf.
    is_padding = pad.bind(
        constants.full(x.shape, bool_, False),
        constants.full((), bool_, True),
        low=low,
        high=high,
        interior=interior,
    )
    outside = elementwise.select.bind(is_padding, ct, constants.full_like(ct, 0))
    return (
        slice.bind(ct, start=start, stop=stop, step=step),
        reduction.reduce_sum.bind(outside, axes=tuple(range(ct.ndim))),
    )


# -- concatenate -------------------------------------------------------------------------


def _concatenate_spec(*xs: Spec, axis: int) -> Spec:
    if not xs:
        raise ShapeError("concatenate: at least one tensor is needed; received none")
    first = xs[0]
    require_axis("concatenate", first, axis)
    require_equal_dtypes("concatenate", *xs)
    others = without_axes(first.shape, (axis,))
    for x in xs:
        if x.ndim != first.ndim or without_axes(x.shape, (axis,)) != others:
            raise ShapeError(
                f"concatenate: shapes must agree except along axis {axis}; "
                f"received {listed(xs)}; reshape or slice them first"
            )
    total = sum([x.shape[axis] for x in xs])
    return first.with_shape((*first.shape[:axis], total, *first.shape[axis + 1 :]))


def _concatenate_evaluate(*xs: np.ndarray, axis: int) -> np.ndarray:
    return np.concatenate(xs, axis)


concatenate = Primitive(
    "concatenate", spec=_concatenate_spec, evaluate=_concatenate_evaluate
)
"""(*xs; axis): one tensor after the other along an axis."""


@concatenate.vjp
def _(ct: Tensor, out: Tensor, *xs: Tensor, axis: int) -> tuple[Tensor, ...]:
    rank, shape = ct.ndim, ct.shape
    step, cotangents, begin = (1,) * rank, [], 0
    for x in xs:
        end = begin + x.shape[axis]
        start = (*(0,) * axis, begin, *(0,) * (rank - axis - 1))
        stop = (*shape[:axis], end, *shape[axis + 1 :])
        cotangents.append(slice.bind(ct, start=start, stop=stop, step=step))
        begin = end
    return tuple(cotangents)


# -- reverse -----------------------------------------------------------------------------


def _reverse_spec(x: Spec, *, axes: tuple[int, ...]) -> Spec:
    require_axes("reverse", x, axes)
    return x


_FORWARD, _BACKWARD = builtins.slice(None), builtins.slice(None, None, -1)


def _reverse_evaluate(x: np.ndarray, *, axes: tuple[int, ...]) -> np.ndarray:
    steps = [_BACKWARD if axis in axes else _FORWARD for axis in range(x.ndim)]
    return x[(*steps, ...)]


reverse = Primitive("reverse", spec=_reverse_spec, evaluate=_reverse_evaluate)
"""(x; axes): the order of the elements turned round along these axes."""


@reverse.vjp
def _(ct: Tensor, out: Tensor, x: Tensor, *, axes: tuple[int, ...]) -> Tensor:
    return reverse.bind(ct, axes=axes)
