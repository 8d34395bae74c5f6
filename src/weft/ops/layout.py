"""Operations that rearrange elements: reshape, transpose, stack, split, tile, pad, …"""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable, Sequence
from typing import Any

from weft import dtypes
from weft.core.tensor import Tensor
from weft.errors import ArgumentError, ShapeError
from weft.ops import elementwise as e
from weft.ops.axes import one_axis, some_axes
from weft.ops.convert import as_tensor, cast, integer, numbers
from weft.ops.promotion import (
    broadcast_tensor,
    broadcast_together,
    named,
    promote,
    together,
)
from weft.primitives import shape as p

# -- shapes ------------------------------------------------------------------------------


def full_shape(who: str, x: Tensor, newshape: Any) -> tuple[int, ...]:
    """`newshape` with -1 (or None) worked out."""
    if isinstance(newshape, Sequence):
        newshape = [-1 if extent is None else extent for extent in newshape]
    given = numbers(newshape, who, "shape")
    unknown = [axis for axis, extent in enumerate(given) if extent == -1]
    known = math.prod([extent for extent in given if extent != -1])
    if len(unknown) > 1 or builtins.any(extent < -1 for extent in given):
        raise ShapeError(
            f"{who}: extents must be >= 0, and one may be -1; received shape {given}"
        )
    if not unknown and known == x.size:
        return given
    if unknown and (x.size % known == 0 if known else x.size == 0):
        extent = x.size // known if known else 0
        return tuple([extent if old == -1 else old for old in given])
    raise ShapeError(
        f"{who}: the number of elements must stay the same; received {x.spec} with "
        f"{x.size} elements for shape {given}, which has "
        + (f"a multiple of {known}" if unknown else f"{known}")
    )


def reshape(x: Any, newshape: Any) -> Tensor:
    """The same elements, in row-major order, in another shape; one extent may be -1.

    Raises:
        ShapeError: if the number of elements differs.

    Example:
        >>> from weft import ops
        >>> ops.reshape([1, 2, 3, 4], (2, -1)).tolist()
        [[1, 2], [3, 4]]
    """
    x = as_tensor(x)
    shape = full_shape("reshape", x, newshape)
    return x if shape == x.shape else p.reshape.bind(x, shape=shape)


def ravel(x: Any) -> Tensor:
    """All elements along one axis."""
    return reshape(x, (-1,))


def ndim(x: Any) -> int:
    """The number of axes."""
    return as_tensor(x).ndim


def size(x: Any) -> int:
    """The number of elements."""
    return as_tensor(x).size


def broadcast_to(x: Any, shape: Any) -> Tensor:
    """`x` repeated to `shape` by the rules of broadcasting.

    Raises:
        ShapeError: if extents differ that are not 1.
    """
    x, shape = as_tensor(x), numbers(shape, "broadcast_to", "shape")
    if x.ndim > len(shape) or together((x.shape, shape)) != shape:
        raise ShapeError(
            f"broadcast_to: extents of the tensor must be 1 or agree with the shape's, "
            f"counted from the last axis; received {x.spec} and shape {shape}"
        )
    return broadcast_tensor(x, shape)


def broadcast_arrays(*xs: Any) -> tuple[Tensor, ...]:
    """All tensors repeated to one shape."""
    return broadcast_together("broadcast_arrays", *[as_tensor(x) for x in xs])


def expand_dims(x: Any, axis: Any) -> Tensor:
    """`x` with new axes of extent 1 at these places of the result.

    Example:
        >>> from weft import ops
        >>> ops.expand_dims([1, 2, 3], 0).shape
        (1, 3)
    """
    x = as_tensor(x)
    given = numbers(axis, "expand_dims", "axis")
    rank = x.ndim + len(given)
    axes = {one_axis("expand_dims", one, rank) for one in given}
    if len(axes) != len(given):
        raise ArgumentError(f"expand_dims: an axis may be named once; received axis={axis}")
    extents = iter(x.shape)
    return p.reshape.bind(
        x, shape=tuple([1 if i in axes else next(extents) for i in range(rank)])
    )


def squeeze(x: Any, axis: Any = None) -> Tensor:
    """`x` without its axes of extent 1, or without the given ones.

    Raises:
        ShapeError: if a given axis has another extent.
    """
    x = as_tensor(x)
    axes = tuple([i for i, n in enumerate(x.shape) if n == 1])
    if axis is not None:
        axes = some_axes("squeeze", axis, x.ndim)
        for one in axes:
            if x.shape[one] != 1:
                raise ShapeError(
                    f"squeeze: only an axis of extent 1 can go; received {one} of {x.spec}"
                )
    shape = tuple([n for i, n in enumerate(x.shape) if i not in axes])
    return x if shape == x.shape else p.reshape.bind(x, shape=shape)


# -- order of axes -----------------------------------------------------------------------


def transpose(x: Any, axes: Any = None) -> Tensor:
    """`x` with its axes in another order, by default in the reverse one.

    Example:
        >>> from weft import ops
        >>> ops.transpose(ops.zeros((2, 3, 4)), (1, 0, 2)).shape
        (3, 2, 4)
    """
    x = as_tensor(x)
    if axes is None:
        order = tuple(reversed(range(x.ndim)))
    else:
        given = numbers(axes, "transpose", "axes")
        order = tuple([one_axis("transpose", one, x.ndim, "axes") for one in given])
    if sorted(order) != list(range(x.ndim)):
        raise ShapeError(
            f"transpose: axes must name each of the {x.ndim} axes once; received {axes} "
            f"for {x.spec}"
        )
    return x if order == tuple(range(x.ndim)) else p.transpose.bind(x, permutation=order)


permute_dims = transpose


def matrix_transpose(x: Any) -> Tensor:
    """The last two axes exchanged."""
    return swapaxes(x, -1, -2)


def moveaxis(x: Any, source: Any, destination: Any) -> Tensor:
    """`x` with axes moved to other places; the others keep their order."""
    x = as_tensor(x)
    sources = [one_axis("moveaxis", one, x.ndim, "source")
               for one in numbers(source, "moveaxis", "source")]  # fmt: skip
    places = [one_axis("moveaxis", one, x.ndim, "destination")
              for one in numbers(destination, "moveaxis", "destination")]  # fmt: skip
    if len(sources) != len(places) or len(set(sources)) != len(set(places)):
        raise ArgumentError(
            "moveaxis: as many different sources as destinations are needed; received "
            f"source={source} and destination={destination}"
        )
    order = [axis for axis in range(x.ndim) if axis not in sources]
    for place, axis in sorted(zip(places, sources)):
        order.insert(place, axis)
    return transpose(x, order)


def swapaxes(x: Any, axis1: int, axis2: int) -> Tensor:
    """`x` with two axes exchanged."""
    x = as_tensor(x)
    one = one_axis("swapaxes", axis1, x.ndim, "axis1")
    other = one_axis("swapaxes", axis2, x.ndim, "axis2")
    order = list(range(x.ndim))
    order[one], order[other] = other, one
    return transpose(x, order)


# -- joining -----------------------------------------------------------------------------


def _sequence(who: str, xs: Any) -> list:
    """The tensors of a list, or the rows of a tensor."""
    if isinstance(xs, list | tuple):
        items = list(xs)
    else:
        items = unstack(xs)
    if not items:
        raise ArgumentError(f"{who}: at least one tensor is needed; received none")
    return items


def concatenate(xs: Any, axis: int | None = 0) -> Tensor:
    """Tensors one after the other along an axis (None: flat).

    Raises:
        ShapeError: if their other extents differ.

    Example:
        >>> from weft import ops
        >>> ops.concatenate([[1, 2], [3]]).tolist()
        [1, 2, 3]
    """
    tensors = promote(*[as_tensor(x) for x in _sequence("concatenate", xs)])
    if axis is None:
        tensors, axis = tuple([ravel(x) for x in tensors]), 0
    first = tensors[0]
    axis = one_axis("concatenate", axis, first.ndim)
    for x in tensors:
        same_rank = x.ndim == first.ndim
        if not same_rank or _without(x.shape, axis) != _without(first.shape, axis):
            listed = ", ".join(str(x.spec) for x in tensors[:6])
            raise ShapeError(
                f"concatenate: shapes must agree except along axis {axis}; "
                f"received {listed}"
            )
    return tensors[0] if len(tensors) == 1 else p.concatenate.bind(*tensors, axis=axis)


def _without(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return shape[:axis] + shape[axis + 1 :]


def append(x1: Any, x2: Any, axis: int | None = None) -> Tensor:
    """x2 after x1 along an axis (None: flat)."""
    return concatenate([x1, x2], axis)


def stack(x: Any, axis: int = 0) -> Tensor:
    """Tensors of one shape along a new axis.

    Example:
        >>> from weft import ops
        >>> ops.stack([[1, 2], [3, 4]], axis=1).tolist()
        [[1, 3], [2, 4]]
    """
    items = _sequence("stack", x)
    tensors = promote(*[as_tensor(item) for item in items])
    first = tensors[0]
    for position, tensor in enumerate(tensors):
        if tensor.shape != first.shape:
            raise ShapeError(
                "stack: all tensors must have one shape; received "
                f"{first.spec} first and {tensor.spec} at position {position}"
            )
    axis = one_axis("stack", axis, first.ndim + 1)
    shape = (*first.shape[:axis], 1, *first.shape[axis:])
    slabs = [p.reshape.bind(tensor, shape=shape) for tensor in tensors]
    return slabs[0] if len(slabs) == 1 else p.concatenate.bind(*slabs, axis=axis)


def unstack(x: Any, num: int | None = None, axis: int = 0) -> list[Tensor]:
    """The slabs of `x` along an axis, without that axis."""
    x = as_tensor(x)
    axis = one_axis("unstack", axis, x.ndim)
    if num is not None and num != x.shape[axis]:
        raise ArgumentError(
            f"unstack: num must be the extent of axis {axis}; received {num} for {x.spec}"
        )
    shape = _without(x.shape, axis)
    return [
        p.reshape.bind(cut(x, axis, i, i + 1), shape=shape) for i in range(x.shape[axis])
    ]


def cut(x: Tensor, axis: int, start: int, stop: int, step: int = 1) -> Tensor:
    """The slice start:stop:step along one axis."""
    if start == 0 and stop == x.shape[axis] and step == 1:
        return x
    starts, stops, steps = [0] * x.ndim, list(x.shape), [1] * x.ndim
    starts[axis], stops[axis], steps[axis] = start, stop, step
    return p.slice.bind(x, start=tuple(starts), stop=tuple(stops), step=tuple(steps))


def hstack(xs: Any) -> Tensor:
    """Tensors side by side: along axis 1, vectors along axis 0."""
    tensors = [_at_least(x, 1) for x in _sequence("hstack", xs)]
    return concatenate(tensors, axis=0 if tensors[0].ndim == 1 else 1)


def vstack(xs: Any) -> Tensor:
    """Tensors one below the other: along axis 0, vectors as rows."""
    return concatenate([_at_least(x, 2) for x in _sequence("vstack", xs)], axis=0)


def dstack(xs: Any) -> Tensor:
    """Tensors one behind the other: along axis 2."""
    return concatenate([_at_least(x, 3) for x in _sequence("dstack", xs)], axis=2)


def _at_least(x: Any, rank: int) -> Tensor:
    """New axes of extent 1: in front up to rank 2, a third one behind."""
    x = as_tensor(x)
    while x.ndim < min(rank, 2):
        x = expand_dims(x, 0)
    return expand_dims(x, -1) if x.ndim < rank else x


# -- splitting ---------------------------------------------------------------------------


def split(x: Any, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    """The pieces of `x` along an axis: so many equal ones, or cut at these places.

    Raises:
        ArgumentError: if the axis can't be cut into so many equal pieces.

    Example:
        >>> from weft import ops
        >>> [piece.tolist() for piece in ops.split([1, 2, 3, 4], 2)]
        [[1, 2], [3, 4]]
    """
    x = as_tensor(x)
    axis = one_axis("split", axis, x.ndim)
    extent = x.shape[axis]
    if (
        not isinstance(indices_or_sections, Sequence | Tensor)
        or ndim(indices_or_sections) == 0
    ):
        sections = integer(indices_or_sections, "split", "indices_or_sections")
        if sections < 1 or extent % sections:
            raise ArgumentError(
                f"split: the axis must divide into equal sections; received {sections} "
                f"sections for axis {axis} of {x.spec}; use array_split for unequal ones"
            )
        return _pieces(x, axis, [extent // sections * i for i in range(1, sections)])
    return _pieces(x, axis, list(numbers(indices_or_sections, "split", "indices")))


def _pieces(x: Tensor, axis: int, places: list[int]) -> list[Tensor]:
    extent = x.shape[axis]
    inside = [max(0, min(extent, at + extent if at < 0 else at)) for at in places]
    bounds = zip([0, *inside], [*inside, extent])
    return [cut(x, axis, start, max(start, stop)) for start, stop in bounds]


def array_split(x: Any, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    """Like `split`, but the first sections may be longer by one."""
    x = as_tensor(x)
    if not isinstance(indices_or_sections, int):
        return split(x, indices_or_sections, axis)
    axis = one_axis("array_split", axis, x.ndim)
    if indices_or_sections < 1:
        raise ArgumentError(
            f"array_split: sections must be >= 1; received {indices_or_sections}"
        )
    short, longer = divmod(x.shape[axis], indices_or_sections)
    cuts = [short * i + min(i, longer) for i in range(1, indices_or_sections)]
    return _pieces(x, axis, cuts)


def hsplit(x: Any, indices_or_sections: Any) -> list[Tensor]:
    """`split` along axis 1, of vectors along axis 0."""
    return split(x, indices_or_sections, axis=0 if ndim(x) == 1 else 1)


def vsplit(x: Any, indices_or_sections: Any) -> list[Tensor]:
    """`split` along axis 0."""
    return split(x, indices_or_sections, axis=0)


def dsplit(x: Any, indices_or_sections: Any) -> list[Tensor]:
    """`split` along axis 2."""
    return split(x, indices_or_sections, axis=2)


# -- repeating ---------------------------------------------------------------------------


def tile(x: Any, repeats: Any) -> Tensor:
    """`x` laid side by side, so many times along each axis.

    Example:
        >>> from weft import ops
        >>> ops.tile([1, 2], 2).tolist()
        [1, 2, 1, 2]
    """
    x, times = as_tensor(x), numbers(repeats, "tile", "repeats")
    rank = max(x.ndim, len(times))
    times = (1,) * (rank - len(times)) + times
    if builtins.any(count < 0 for count in times):
        raise ArgumentError(f"tile: repeats must be >= 0; received {repeats}")
    old = (1,) * (rank - x.ndim) + x.shape
    pairs = p.reshape.bind(x, shape=tuple([n for extent in old for n in (1, extent)]))
    wide = [n for count, extent in zip(times, old) for n in (count, extent)]
    wide_x = broadcast_tensor(pairs, tuple(wide))
    return p.reshape.bind(wide_x, shape=tuple([c * n for c, n in zip(times, old)]))


def repeat(x: Any, repeats: Any, axis: int | None = None) -> Tensor:
    """Each element (or slab along an axis) so many times in a row.

    Example:
        >>> from weft import ops
        >>> ops.repeat([1, 2], [1, 3]).tolist()
        [1, 2, 2, 2]
    """
    x = as_tensor(x)
    if axis is None:
        x, axis = ravel(x), 0
    axis = one_axis("repeat", axis, x.ndim)
    counts = numbers(repeats, "repeat", "repeats")
    if builtins.any(count < 0 for count in counts):
        raise ArgumentError(f"repeat: repeats must be >= 0; received {repeats}")
    if len(counts) == 1:
        count, shape = counts[0], x.shape
        column = p.reshape.bind(x, shape=(*shape[: axis + 1], 1, *shape[axis + 1 :]))
        wide = broadcast_tensor(column, (*shape[: axis + 1], count, *shape[axis + 1 :]))
        result = (*shape[:axis], shape[axis] * count, *shape[axis + 1 :])
        return p.reshape.bind(wide, shape=result)
    if len(counts) != x.shape[axis]:
        raise ArgumentError(
            f"repeat: there must be one count, or one for each of the {x.shape[axis]} "
            f"positions of axis {axis}; received {len(counts)}"
        )
    from weft.ops.indexing import take

    return take(x, [i for i, count in enumerate(counts) for _ in range(count)], axis=axis)


# -- turning and rolling -----------------------------------------------------------------


def flip(x: Any, axis: Any = None) -> Tensor:
    """The order of the elements turned round along axes (None: all)."""
    x = as_tensor(x)
    axes = some_axes("flip", axis, x.ndim)
    return p.reverse.bind(x, axes=axes) if axes else x


def fliplr(x: Any) -> Tensor:
    """`flip` along axis 1."""
    return flip(x, 1)


def flipud(x: Any) -> Tensor:
    """`flip` along axis 0."""
    return flip(x, 0)


def rot90(array: Any, k: int = 1, axes: Any = (0, 1)) -> Tensor:
    """Turned by 90 degrees k times, from the first towards the second of two axes."""
    x = as_tensor(array)
    given = numbers(axes, "rot90", "axes")
    if x.ndim < 2 or len(given) != 2:
        raise ShapeError(
            f"rot90: needs two axes of a tensor; received axes={axes}, {x.spec}"
        )
    first, second = (one_axis("rot90", axis, x.ndim, "axes") for axis in given)
    if first == second:
        raise ArgumentError(f"rot90: the two axes must differ; received axes={axes}")
    turns: dict[int, Callable] = {
        0: lambda: x,
        1: lambda: flip(swapaxes(x, first, second), first),
        2: lambda: flip(x, (first, second)),
        3: lambda: flip(swapaxes(x, first, second), second),
    }
    return turns[k % 4]()


def roll(x: Any, shift: Any, axis: Any = None) -> Tensor:
    """The elements moved on along an axis; what falls off enters at the other end.

    Example:
        >>> from weft import ops
        >>> ops.roll([1, 2, 3], 1).tolist()
        [3, 1, 2]
    """
    x = as_tensor(x)
    if axis is None:
        return reshape(roll(ravel(x), shift, 0), x.shape)
    axes = [one_axis("roll", one, x.ndim) for one in numbers(axis, "roll", "axis")]
    shifts = numbers(shift, "roll", "shift")
    if len(shifts) == 1:
        shifts = shifts * len(axes)
    if len(axes) == 1:
        axes = axes * len(shifts)
    if len(axes) != len(shifts):
        raise ArgumentError(
            f"roll: one shift for each axis is needed; received shift={shift}, axis={axis}"
        )
    for one, by in zip(axes, shifts):
        extent = x.shape[one]
        start = -by % extent if extent else 0
        if start:
            x = p.concatenate.bind(
                cut(x, one, start, extent), cut(x, one, 0, start), axis=one
            )
    return x


# -- padding -----------------------------------------------------------------------------


def pad(
    x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = None
) -> Tensor:
    """`x` with a margin.

    Args:
        pad_width: (before, after) for each axis, one such pair for all, or one number.
        mode: "constant", "edge", "reflect", "symmetric" or "wrap".
        constant_values: the number of the margin in mode "constant", 0 by default.

    Example:
        >>> from weft import ops
        >>> ops.pad([1, 2, 3], (1, 2), mode="reflect").tolist()
        [2, 1, 2, 3, 2, 1]
    """
    x = as_tensor(x)
    widths = _pad_widths(pad_width, x.ndim)
    if constant_values is not None and mode != "constant":
        raise ArgumentError(
            f"pad: constant_values go with mode='constant'; received mode={mode!r}"
        )
    if mode == "constant":
        value = cast(0 if constant_values is None else constant_values, x.dtype)
        low, high = tuple([w[0] for w in widths]), tuple([w[1] for w in widths])
        return p.pad.bind(x, value, low=low, high=high, interior=(0,) * x.ndim)
    positions = _MARGINS.get(mode)
    if positions is None:
        known = ", ".join(["constant", *_MARGINS])
        raise ArgumentError(f"pad: mode must be one of {known}; received {mode!r}")
    from weft.ops.indexing import take

    for axis, (before, after) in enumerate(widths):
        if before or after:
            extent = x.shape[axis]
            if extent == 0:
                raise ShapeError(f"pad: mode {mode!r} needs elements; received {x.spec}")
            places = [positions(i, extent) for i in range(-before, extent + after)]
            x = take(x, places, axis=axis)
    return x


def _folded(i: int, extent: int) -> int:
    """Back and forth without repeating the edge: … 2 1 0 1 2 1 0 …"""
    period = max(2 * (extent - 1), 1)
    return extent - 1 - builtins.abs(extent - 1 - i % period)


def _mirrored(i: int, extent: int) -> int:
    """Back and forth with the edge twice: … 1 0 0 1 2 2 1 0 0 …"""
    i %= 2 * extent
    return min(i, 2 * extent - 1 - i)


_MARGINS: dict[str, Callable[[int, int], int]] = {
    "edge": lambda i, extent: min(max(i, 0), extent - 1),
    "reflect": _folded,
    "symmetric": _mirrored,
    "wrap": lambda i, extent: i % extent,
}


def _pad_widths(pad_width: Any, rank: int) -> list[tuple[int, int]]:
    if isinstance(pad_width, dict):
        raise ArgumentError("pad: pad_width must be a number or pairs; received a dict")
    if isinstance(pad_width, Tensor) or hasattr(pad_width, "tolist"):
        pad_width = pad_width.tolist()
    if not isinstance(pad_width, Sequence):
        width = integer(pad_width, "pad", "pad_width")
        pairs = [(width, width)] * rank
    elif pad_width and not isinstance(pad_width[0], Sequence | Tensor):
        given = numbers(pad_width, "pad", "pad_width")
        pairs = [given * 2 if len(given) == 1 else given] * rank  # type: ignore[list-item]
    else:
        pairs = [numbers(pair, "pad", "pad_width") for pair in pad_width]  # type: ignore[misc]
        pairs = [pair * 2 if len(pair) == 1 else pair for pair in pairs]  # type: ignore[misc]
        pairs = pairs * rank if len(pairs) == 1 else pairs
    good = len(pairs) == rank and builtins.all(len(p) == 2 and min(p) >= 0 for p in pairs)
    if not good:
        raise ArgumentError(
            f"pad: pad_width needs a pair (before, after) of numbers >= 0 for each of the "
            f"{rank} axes; received {pad_width}"
        )
    return pairs


# -- triangles and diagonals -------------------------------------------------------------


def _below(rows: int, columns: int, k: int) -> Tensor:
    """Where a matrix is on or below its k-th diagonal."""
    from weft.ops.creation import index_grid

    row, column = index_grid((rows, columns), 0), index_grid((rows, columns), 1)
    return column <= row + k


def _triangle(name: str, doc: str, keep_lower: bool) -> Callable:
    def operation(x: Any, k: int = 0) -> Tensor:
        x = as_tensor(x)
        if x.ndim < 2:
            raise ShapeError(f"{name}: a matrix is needed; received {x.spec}")
        k = integer(k, name, "k")
        rows, columns = x.shape[-2:]
        lower = _below(rows, columns, k if keep_lower else k - 1)
        zero = cast(0, x.dtype)
        return e.where(lower, x, zero) if keep_lower else e.where(lower, zero, x)

    return named(operation, name, doc)


tril = _triangle("tril", "The lower triangle up to the k-th diagonal, else 0.", True)
triu = _triangle("triu", "The upper triangle from the k-th diagonal on, else 0.", False)


def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The diagonal of the matrices along two axes, as a new last axis."""
    x = as_tensor(x)
    if x.ndim < 2:
        raise ShapeError(f"diagonal: at least two axes are needed; received {x.spec}")
    first = one_axis("diagonal", axis1, x.ndim, "axis1")
    second = one_axis("diagonal", axis2, x.ndim, "axis2")
    if first == second:
        raise ArgumentError(f"diagonal: the axes must differ; received {axis1} and {axis2}")
    x = moveaxis(x, (first, second), (-2, -1))
    rows, columns = x.shape[-2:]
    row, column = max(-offset, 0), max(offset, 0)
    count = max(min(rows - row, columns - column), 0)
    # In the flat matrix the diagonal is every (columns + 1)-th element.
    flat = reshape(x, (*x.shape[:-2], rows * columns))
    start = row * columns + column if count else 0
    stop = start + (count - 1) * (columns + 1) + 1 if count else start
    return cut(flat, flat.ndim - 1, start, stop, columns + 1)


def diag(x: Any, k: int = 0) -> Tensor:
    """The k-th diagonal of a matrix; of a vector the matrix that has it as diagonal."""
    x = as_tensor(x)
    if x.ndim == 2:
        return diagonal(x, k)
    if x.ndim != 1:
        raise ShapeError(f"diag: a vector or a matrix is needed; received {x.spec}")
    count, room = x.shape[0], x.shape[0] + builtins.abs(k)
    if count == 0:
        return broadcast_tensor(cast(0, x.dtype), (room, room))
    # The elements stand room + 1 apart in the flat matrix.
    start = max(k, 0) + max(-k, 0) * room
    used = start + (count - 1) * (room + 1) + 1
    flat = p.pad.bind(
        x, cast(0, x.dtype), low=(start,), high=(room * room - used,), interior=(room,)
    )
    return p.reshape.bind(flat, shape=(room, room))


def diagflat(x: Any, k: int = 0) -> Tensor:
    """A matrix with all elements of `x` as its k-th diagonal."""
    return diag(ravel(x), k)


def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The sum of the diagonal."""
    from weft.ops.reduce import sum as total

    return total(diagonal(x, offset, axis1, axis2), -1)


# -- differences -------------------------------------------------------------------------


def diff(a: Any, n: int = 1, axis: int = -1) -> Tensor:
    """The differences of neighbours along an axis, n times.

    Example:
        >>> from weft import ops
        >>> ops.diff([1, 4, 9]).tolist()
        [3, 5]
    """
    x = as_tensor(a)
    axis = one_axis("diff", axis, x.ndim)
    if n < 0:
        raise ArgumentError(f"diff: n must be >= 0; received {n}")
    for _ in range(n):
        extent = x.shape[axis]
        after, before = (
            cut(x, axis, min(1, extent), extent),
            cut(x, axis, 0, max(extent - 1, 0)),
        )
        x = e.not_equal(after, before) if x.dtype is dtypes.bool_ else after - before
    return x
