"""Tensors out of nothing: zeros, ones, ranges, grids, identity matrices, windows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from weft import config, dtypes
from weft.core.state import STATE
from weft.core.tensor import Tensor
from weft.dtypes import DType, canonical
from weft.errors import ArgumentError, OutOfMemoryError, ShapeError
from weft.ops import elementwise as e
from weft.ops.axes import one_axis
from weft.ops.convert import as_tensor, cast, convert_to_tensor, integer, numbers, scalar
from weft.ops.promotion import broadcast_tensor, common_dtype, promote
from weft.primitives.indexing import iota
from weft.primitives.shape import reshape

# -- constant ----------------------------------------------------------------------------


def _extents(who: str, shape: Any) -> tuple[int, ...]:
    extents = numbers(shape, who, "shape")
    if any(extent < 0 for extent in extents):
        raise ShapeError(f"{who}: extents must be >= 0; received shape {extents}")
    return extents


def _filled(who: str, shape: Any, value: Any, dtype: DType) -> Tensor:
    shape = _extents(who, shape)
    if STATE.trace is None:
        try:
            return Tensor(np.full(shape, value, dtype.numpy))
        except (MemoryError, ValueError) as error:
            # NumPy's ValueError: more bytes than can be counted.
            raise OutOfMemoryError(
                f"{who}: the tensor must fit into memory; received shape {shape} and dtype "
                f"{dtype.name}; use a smaller shape ({error})"
            ) from error
    return broadcast_tensor(scalar(value, dtype), shape)


def zeros(shape: Any, dtype: Any = None) -> Tensor:
    """A tensor of zeros, by default floats.

    Example:
        >>> from weft import ops
        >>> ops.zeros((2,)).tolist()
        [0.0, 0.0]
    """
    return _filled("zeros", shape, 0, canonical(dtype))


def ones(shape: Any, dtype: Any = None) -> Tensor:
    """A tensor of ones, by default floats."""
    return _filled("ones", shape, 1, canonical(dtype))


def empty(shape: Any, dtype: Any = None) -> Tensor:
    """A tensor whose values do not matter: zeros."""
    return _filled("empty", shape, 0, canonical(dtype))


def full(shape: Any, fill_value: Any, dtype: Any = None) -> Tensor:
    """A tensor of equal elements, by default floats; `fill_value` may be broadcast."""
    value = convert_to_tensor(fill_value, canonical(dtype))
    shape = _extents("full", shape)
    from weft.ops.layout import broadcast_to

    return broadcast_to(value, shape)


def zeros_like(x: Any, dtype: Any = None) -> Tensor:
    """Zeros of the shape and dtype of `x`."""
    x = as_tensor(x)
    return _filled("zeros_like", x.shape, 0, x.dtype if dtype is None else canonical(dtype))


def ones_like(x: Any, dtype: Any = None) -> Tensor:
    """Ones of the shape and dtype of `x`."""
    x = as_tensor(x)
    return _filled("ones_like", x.shape, 1, x.dtype if dtype is None else canonical(dtype))


def empty_like(x: Any, dtype: Any = None) -> Tensor:
    """Zeros of the shape and dtype of `x`."""
    return zeros_like(x, dtype)


def full_like(x: Any, fill_value: Any, dtype: Any = None) -> Tensor:
    """Equal elements in the shape and dtype of `x`."""
    x = as_tensor(x)
    return full(x.shape, fill_value, x.dtype if dtype is None else dtype)


def array(x: Any, dtype: Any = None) -> Tensor:
    """`convert_to_tensor`."""
    return convert_to_tensor(x, dtype)


asarray = array


def copy(x: Any) -> Tensor:
    """`x` itself: tensors never change."""
    return as_tensor(x)


# -- ranges ------------------------------------------------------------------------------


def index_grid(shape: tuple[int, ...], axis: int, dtype: DType = dtypes.int32) -> Tensor:
    """The position along `axis` of each element of a tensor of this shape."""
    return iota.bind(shape=tuple(shape), axis=axis, dtype=dtype)


def arange(start: Any, stop: Any = None, step: Any = None, dtype: Any = None) -> Tensor:
    """start, start + step, … before stop; one number is stop, and start 0.

    Example:
        >>> from weft import ops
        >>> ops.arange(2, 8, 3).tolist()
        [2, 5]
    """
    bounds = [bound for bound in (start, stop, step) if bound is not None]
    values = [_known("arange", bound) for bound in bounds]
    if dtype is None:
        kinds = [b.dtype if hasattr(b, "dtype") else type(b) for b in bounds]
        dtype = common_dtype(*kinds)
    dtype = canonical(dtype)
    if step is not None and values[-1] == 0:
        raise ArgumentError("arange: step must not be 0; received step=0")
    if stop is None:
        values = [0, *values]
    return Tensor(np.arange(*values).astype(dtype.numpy))


def _known(who: str, x: Any) -> Any:
    """A Python number that decides a shape."""
    if isinstance(x, int | float):
        return x
    from weft.ops.convert import constant_value

    value = constant_value(x)
    if value is None or value.ndim:
        raise ArgumentError(
            f"{who}: its bounds must be numbers that are known now; received {x!r}; "
            "pass Python numbers"
        )
    return value.item()


def linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False,
    dtype: Any = None, axis: int = 0,
) -> Any:  # fmt: skip
    """`num` evenly spaced numbers from start to stop (which is included or not).

    Example:
        >>> from weft import ops
        >>> ops.linspace(0, 1, 5).tolist()
        [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    start, stop = promote(start, stop, also=(float,))
    result = start.dtype if dtype is None else canonical(dtype)
    num = integer(num, "linspace", "num")
    if num < 0:
        raise ArgumentError(f"linspace: num must be >= 0; received {num}")
    gaps = max(num - 1 if endpoint else num, 0)
    step = (stop - start) / float(gaps) if gaps else (stop - start) * math.nan
    points = _points(start, stop, num, gaps, endpoint)
    if result.is_integer:
        points = e.floor(points)
    points = _axis_to(cast(points, result), axis)
    return (points, step) if retstep else points


def _points(start: Tensor, stop: Tensor, num: int, gaps: int, endpoint: bool) -> Tensor:
    ndim = max(start.ndim, stop.ndim)
    # Fractions in float64 hit the middle; weighting both ends hits both exactly.
    fractions = np.arange(num) / max(gaps, 1)
    shape = (num,) + (1,) * ndim
    rising = Tensor(fractions.reshape(shape).astype(start.dtype.numpy))
    falling = Tensor((1.0 - fractions).reshape(shape).astype(start.dtype.numpy))
    return start * falling + stop * rising


def _axis_to(x: Tensor, axis: int) -> Tensor:
    from weft.ops.layout import moveaxis

    return moveaxis(x, 0, one_axis("linspace", axis, x.ndim))


def logspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10,
    dtype: Any = None, axis: int = 0,
) -> Tensor:  # fmt: skip
    """base to the power of evenly spaced numbers."""
    exponents = linspace(start, stop, num, endpoint, axis=axis)
    return cast(e.power(base, exponents), exponents.dtype if dtype is None else dtype)


def geomspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True,
    dtype: Any = None, axis: int = 0,
) -> Tensor:  # fmt: skip
    """`num` numbers from start to stop, each the same multiple of the one before."""
    start, stop = promote(start, stop, also=(float,))
    signs = e.sign(start)
    points = linspace(e.log(e.absolute(start)), e.log(e.absolute(stop)), num, endpoint)
    points = _axis_to(e.exp(points) * signs, axis)
    return points if dtype is None else cast(points, dtype)


# -- grids and matrices ------------------------------------------------------------------


def meshgrid(*x: Any, indexing: str = "xy") -> list[Tensor]:
    """The coordinates of all points of a grid, given the coordinates along each axis.

    Args:
        indexing: "xy" (the first two axes exchanged, as in pictures) or "ij".
    """
    if indexing not in ("xy", "ij"):
        raise ArgumentError(
            f"meshgrid: indexing must be 'xy' or 'ij'; received {indexing!r}"
        )
    vectors = [reshape.bind(t, shape=(t.size,)) for t in map(as_tensor, x)]
    order = list(range(len(vectors)))
    if indexing == "xy" and len(vectors) > 1:
        order[0], order[1] = 1, 0
    shape = [0] * len(vectors)
    for vector, axis in zip(vectors, order):
        shape[axis] = vector.size
    grids = []
    for vector, axis in zip(vectors, order):
        column = [vector.size if one == axis else 1 for one in range(len(vectors))]
        column_tensor = reshape.bind(vector, shape=tuple(column))
        grids.append(broadcast_tensor(column_tensor, tuple(shape)))
    return grids


def tri(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Tensor:
    """Ones on and below the k-th diagonal of an N x M matrix, else zeros."""
    rows = integer(N, "tri", "N")
    columns = rows if M is None else integer(M, "tri", "M")
    shape = _extents("tri", (rows, columns))
    return cast(index_grid(shape, 1) <= index_grid(shape, 0) + k, canonical(dtype))


def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Tensor:
    """Ones on the k-th diagonal of an N x M matrix, else zeros."""
    rows = integer(N, "eye", "N")
    columns = rows if M is None else integer(M, "eye", "M")
    shape = _extents("eye", (rows, columns))
    return cast(index_grid(shape, 1) == index_grid(shape, 0) + k, canonical(dtype))


def identity(n: int, dtype: Any = None) -> Tensor:
    """The n x n identity matrix."""
    return eye(n, dtype=dtype)


def vander(x: Any, N: int | None = None, increasing: bool = False) -> Tensor:
    """The powers of each element of a vector, along a new last axis."""
    x = as_tensor(x)
    if x.ndim != 1:
        raise ShapeError(f"vander: a vector is needed; received {x.spec}")
    count = x.shape[0] if N is None else integer(N, "vander", "N")
    exponents = np.arange(count) if increasing else np.arange(count)[::-1]
    column = reshape.bind(x, shape=(x.shape[0], 1))
    return e.power(column, cast(exponents.astype(np.int32), x.dtype))


# -- windows -----------------------------------------------------------------------------


def _window(who: str, x: Any, make: Any) -> Tensor:
    return Tensor(make(integer(x, who, "x")).astype(canonical(config.floatx()).numpy))


def bartlett(x: Any) -> Tensor:
    """The triangular window of x points."""
    return _window("bartlett", x, np.bartlett)


def blackman(x: Any) -> Tensor:
    """The Blackman window of x points."""
    return _window("blackman", x, np.blackman)


def hamming(x: Any) -> Tensor:
    """The Hamming window of x points."""
    return _window("hamming", x, np.hamming)


def hanning(x: Any) -> Tensor:
    """The Hann window of x points."""
    return _window("hanning", x, np.hanning)


def kaiser(x: Any, beta: float) -> Tensor:
    """The Kaiser window of x points."""
    return _window("kaiser", x, lambda points: np.kaiser(points, float(beta)))
