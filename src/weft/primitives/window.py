"""Windows that slide over tensors: views of their elements, and the largest of each.

Along a windowed axis, window number o has its elements at the places

    o * stride + k * dilation - low        with 0 <= k < size

of the axis, after `interior` gaps have been put between neighbours. `low` and `high` are how
far windows reach out of it; below 0 they cut elements off. What is not there is `fill`.

The axes of a result are those of x, with the windows in place of the windowed axes; behind
the last of them stand the elements of a window:

    x [n, h, w, c], axes=(1, 2)   →   [n, rows, columns, kernel rows, kernel columns, c]
"""

from __future__ import annotations

import builtins
import itertools
import math
from typing import Any

import numpy as np

from weft.core.primitive import Primitive
from weft.core.spec import Spec
from weft.core.tensor import Tensor
from weft.dtypes import from_numpy
from weft.errors import ShapeError
from weft.primitives import constants, elementwise, reduction
from weft.primitives.indexing import iota
from weft.primitives.quiet import quiet
from weft.primitives.rules import REALS, require_axes, require_dtype, require_equal_dtypes
from weft.primitives.shape import broadcast, reshape, slice, transpose

Numbers = tuple[int, ...]

_maximum = quiet(np.maximum)
_keep_maximum = quiet(lambda best, other: np.maximum(best, other, out=best))

# -- layout ------------------------------------------------------------------------------


def window_counts(
    who: str, extents: Numbers, sizes: Numbers, strides: Numbers, dilations: Numbers,
    low: Numbers, high: Numbers, interior: Numbers,
) -> Numbers:  # fmt: skip
    """How many windows there are along each axis.

    Raises:
        ShapeError: if numbers are missing or too small, or no window fits.
    """
    given = {"sizes": sizes, "strides": strides, "dilations": dilations,
             "low": low, "high": high, "interior": interior}  # fmt: skip
    for name, numbers in given.items():
        if len(numbers) != len(extents):
            raise ShapeError(
                f"{who}: {name} must hold one number for each of {len(extents)} axes; "
                f"received {name}={numbers}"
            )
    if min((*sizes, *strides, *dilations), default=1) < 1 or min(interior, default=0) < 0:
        raise ShapeError(
            f"{who}: sizes, strides and dilations must be >= 1 and interior >= 0; received "
            f"sizes={sizes}, strides={strides}, dilations={dilations}, interior={interior}"
        )
    counts = []
    rows = zip(extents, sizes, strides, dilations, low, high, interior)
    for extent, size, stride, dilation, before, after, gap in rows:
        room = _spread_out(extent, gap) + before + after
        reach = (size - 1) * dilation + 1
        if reach > room:
            raise ShapeError(
                f"{who}: a window must fit the padded axis; received windows that reach "
                f"over {reach} elements, for extents {extents} padded by {low} and {high}; "
                "choose a smaller window or more padding"
            )
        counts.append((room - reach) // stride + 1)
    return tuple(counts)


def _spread_out(extent: int, gap: int) -> int:
    """The extent with `gap` places between neighbours."""
    return extent + max(extent - 1, 0) * gap


def _check_axes(who: str, x: Spec, axes: Numbers) -> None:
    require_axes(who, x, axes)
    if not axes or axes != tuple(range(axes[0], axes[0] + len(axes))):
        raise ShapeError(
            f"{who}: the axes must be neighbours, in order; received axes={axes} for {x}; "
            "transpose the tensor first"
        )


def _padded(
    x: np.ndarray, fill: Any, axes: Numbers, low: Numbers, high: Numbers, interior: Numbers
) -> np.ndarray:
    """`x` with gaps and margins along `axes`; below zero, margins cut off."""
    if not any((*low, *high, *interior)):
        return x
    shape, inside, kept = list(x.shape), [], []
    for axis, before, after, gap in zip(axes, low, high, interior):
        first, last = max(before, 0), max(after, 0)
        room = _spread_out(x.shape[axis], gap)
        shape[axis] = room + first + last
        inside.append(builtins.slice(first, first + room, gap + 1))
        kept.append(builtins.slice(max(-before, 0), shape[axis] + min(after, 0)))
    out = np.empty(shape, x.dtype)
    out.fill(fill)
    leading = (builtins.slice(None),) * axes[0]
    out[(*leading, *inside)] = x
    return out[(*leading, *kept)]


# -- windows -----------------------------------------------------------------------------


def _windows_spec(x: Spec, fill: Spec, *, axes: Numbers, **geometry: Numbers) -> Spec:
    require_equal_dtypes("windows", x, fill)
    if fill.shape:
        raise ShapeError(f"windows: the fill must be a scalar; received {fill} for {x}")
    _check_axes("windows", x, axes)
    first, last = axes[0], axes[-1] + 1
    counts = window_counts("windows", x.shape[first:last], **geometry)
    return x.with_shape(x.shape[:first] + counts + geometry["sizes"] + x.shape[last:])


def windows_view(
    x: np.ndarray, fill: Any, *, axes: Numbers, sizes: Numbers, strides: Numbers,
    dilations: Numbers, low: Numbers, high: Numbers, interior: Numbers,
) -> np.ndarray:  # fmt: skip
    """The windows of an array, as a view of the array or of a padded copy."""
    first, last = axes[0], axes[-1] + 1
    counts = window_counts(
        "windows", x.shape[first:last], sizes, strides, dilations, low, high, interior
    )
    room = _padded(x, fill, axes, low, high, interior)
    steps = room.strides[first:last]
    return np.lib.stride_tricks.as_strided(
        room,
        room.shape[:first] + counts + sizes + room.shape[last:],
        (
            *room.strides[:first],
            *[step * by for step, by in zip(steps, strides)],
            *[step * by for step, by in zip(steps, dilations)],
            *room.strides[last:],
        ),
        writeable=False,
    )


def _windows_evaluate(x: np.ndarray, fill: np.ndarray, **parameters: Numbers) -> np.ndarray:
    return windows_view(x, fill[()], **parameters)


windows = Primitive("windows", spec=_windows_spec, evaluate=_windows_evaluate)
"""(x, fill scalar; axes, sizes, strides, dilations, low, high, interior): the elements of
each window, as the page's head says. The axes are neighbours."""


@windows.vjp
def _(
    ct: Tensor, out: Tensor, x: Tensor, fill: Tensor, *, axes: Numbers, **geometry: Numbers
) -> tuple[Tensor, Tensor]:
    parameters = {"axes": axes, **geometry}
    # Masked, because sum(ct) - sum(ct inside) would cancel, and make NaN of inf.
    inside = constants.full(x.shape, x.dtype, 0)
    is_fill = windows.bind(inside, constants.full((), x.dtype, 1), **parameters)
    is_fill = elementwise.equal.bind(is_fill, constants.full_like(is_fill, 1))
    outside = elementwise.select.bind(is_fill, ct, constants.full_like(ct, 0))
    every = tuple(range(ct.ndim))
    return overlap_add(ct, x.shape, **parameters), reduction.reduce_sum.bind(outside, axes=every)


def overlap_add(
    ct: Tensor, shape: Numbers, *, axes: Numbers, sizes: Numbers, strides: Numbers,
    dilations: Numbers, low: Numbers, high: Numbers, interior: Numbers,
) -> Tensor:  # fmt: skip
    """The sum, for each element of a tensor of `shape`, of what its windows hold.

    `ct` has the layout of windows of such a tensor.
    """
    total = None
    if set(dilations) == {1}:
        # A stride's elements of each window, side by side, are a tensor.
        blocks, steps = strides, (1,) * len(axes)
    else:
        blocks, steps = (1,) * len(axes), strides
    starts = [range(0, size, block) for size, block in zip(sizes, blocks)]
    for start in itertools.product(*starts):
        moved_low = tuple([by - k * d for by, k, d in zip(low, start, dilations)])
        piece = _side_by_side(_block(ct, start, blocks, axes[0]), axes)
        term = _at_elements(piece, shape, axes, moved_low, interior, steps)
        total = term if total is None else total + term
    assert total is not None
    return total


def _block(ct: Tensor, begin: Numbers, extents: Numbers, first: int) -> Tensor:
    """Some elements of each window from `begin` on; zeros behind the last ones."""
    before = first + len(begin)
    after = before + len(begin)
    sizes = ct.shape[before:after]
    end = tuple([min(b + n, size) for b, n, size in zip(begin, extents, sizes)])
    piece = slice.bind(
        ct, start=(0,) * before + begin + (0,) * (ct.ndim - after),
        stop=ct.shape[:before] + end + ct.shape[after:], step=(1,) * ct.ndim,
    )  # fmt: skip
    shape = ct.shape[:before] + extents + ct.shape[after:]
    if piece.shape == shape:
        return piece
    none, one = (0,) * len(begin), (1,) * len(begin)
    return _at_elements(piece, shape, tuple(range(before, after)), none, none, one)


def _side_by_side(ct: Tensor, axes: Numbers) -> Tensor:
    """The elements of each window, behind those of the one before it."""
    first, count = axes[0], len(axes)
    windowed, elements = range(first, first + count), range(first + count, first + 2 * count)
    pairs = itertools.chain.from_iterable(zip(windowed, elements))
    moved = transpose.bind(
        ct, permutation=(*range(first), *pairs, *range(first + 2 * count, ct.ndim))
    )
    extents = tuple([ct.shape[i] * ct.shape[j] for i, j in zip(windowed, elements)])
    tail = ct.shape[first + 2 * count :]
    return reshape.bind(moved, shape=(*ct.shape[:first], *extents, *tail))


def _at_elements(
    x: Tensor, shape: Numbers, axes: Numbers, low: Numbers, interior: Numbers, strides: Numbers
) -> Tensor:
    """x, whose elements stand `strides` apart, where a tensor of `shape` has its elements
    once they are spread out by `interior` and begin at `low`; 0 where x has none."""
    high = [
        (shape[axis] - 1) * (gap + 1) + before - (x.shape[axis] - 1) * step
        for axis, before, gap, step in zip(axes, low, interior, strides)
    ]
    found = windows.bind(
        x, constants.full((), x.dtype, 0), axes=axes, sizes=(1,) * len(axes),
        strides=tuple([gap + 1 for gap in interior]), dilations=(1,) * len(axes),
        low=tuple([-before for before in low]), high=tuple(high),
        interior=tuple([step - 1 for step in strides]),
    )  # fmt: skip
    return reshape.bind(found, shape=shape)


def _with(shape: Numbers, axes: Numbers, extents: Numbers) -> Numbers:
    return shape[: axes[0]] + extents + shape[axes[-1] + 1 :]


# -- the largest of each window ----------------------------------------------------------


def plain_windows(
    axes: Numbers, sizes: Numbers, strides: Numbers, low: Numbers, high: Numbers
) -> dict[str, Numbers]:
    """The parameters of windows without dilation."""
    return {
        "axes": axes, "sizes": sizes, "strides": strides, "dilations": (1,) * len(axes),
        "low": low, "high": high, "interior": (0,) * len(axes),
    }  # fmt: skip


def _window_max_spec(
    x: Spec, *, axes: Numbers, sizes: Numbers, strides: Numbers, low: Numbers, high: Numbers
) -> Spec:
    require_dtype("window_max", x, REALS)
    _check_axes("window_max", x, axes)
    geometry = plain_windows(axes, sizes, strides, low, high)
    del geometry["axes"]
    counts = window_counts("window_max", x.shape[axes[0] : axes[-1] + 1], **geometry)
    return x.with_shape(_with(x.shape, axes, counts))


def _window_max_evaluate(
    x: np.ndarray, *, axes: Numbers, sizes: Numbers, strides: Numbers, low: Numbers,
    high: Numbers,
) -> np.ndarray:  # fmt: skip
    lowest = reduction.lowest(from_numpy(x.dtype))
    geometry = plain_windows(axes, sizes, strides, low, high)
    found = windows_view(x, lowest, **geometry)
    leading: tuple[Any, ...] = (builtins.slice(None),) * (axes[-1] + 1)
    pieces = [found[(*leading, *place)] for place in itertools.product(*map(range, sizes))]
    if len(pieces) == 1:
        return pieces[0]
    best = _maximum(pieces[0], pieces[1])
    for piece in pieces[2:]:
        _keep_maximum(best, piece)
    return best


window_max = Primitive("window_max", spec=_window_max_spec, evaluate=_window_max_evaluate)
"""(x; axes, sizes, strides, low, high): the largest element of each window; NaN if there is
one. The cotangent goes to the first of equals."""


@window_max.vjp
def _(
    ct: Tensor, out: Tensor, x: Tensor, *, axes: Numbers, sizes: Numbers, strides: Numbers,
    low: Numbers, high: Numbers,
) -> Tensor:  # fmt: skip
    geometry = plain_windows(axes, sizes, strides, low, high)
    fill = constants.full((), x.dtype, reduction.lowest(x.dtype))
    found = windows.bind(x, fill, **geometry)
    after = axes[-1] + 1
    length = math.prod(sizes)
    flat = found.shape[:after] + (length,) + found.shape[after + len(axes) :]
    place = reduction.argmax.bind(reshape.bind(found, shape=flat), axis=after)
    kept = flat[:after] + (1,) + flat[after + 1 :]
    place = broadcast.bind(reshape.bind(place, shape=kept), shape=flat)
    number = iota.bind(shape=flat, axis=after, dtype=place.dtype)
    wins = elementwise.equal.bind(place, number)
    spread = broadcast.bind(reshape.bind(ct, shape=kept), shape=flat)
    share = elementwise.select.bind(wins, spread, constants.full(flat, ct.dtype, 0))
    return overlap_add(reshape.bind(share, shape=found.shape), x.shape, **geometry)
