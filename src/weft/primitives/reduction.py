"""Reductions over axes, positions of extremes, and cumulative operations.

`axes` are dropped from the shape. A sum or product of float16 or bfloat16 is accumulated
in float32 and rounded once. Of no elements at all, the sum is 0, the product 1, the
maximum the smallest value of the dtype and the minimum the largest.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from weft.core.primitive import Primitive
from weft.core.spec import Spec
from weft.core.tensor import Tensor
from weft.dtypes import DType, bfloat16, float16, from_numpy, int32
from weft.errors import ShapeError
from weft.primitives import constants, elementwise
from weft.primitives import shape as _shape
from weft.primitives.quiet import quiet
from weft.primitives.rules import (
    BOOL,
    NUMBERS,
    REALS,
    reduction,
    require_axis,
    require_dtype,
    without_axes,
)

_SHORT_FLOATS = (float16.numpy, bfloat16.numpy)


def lowest(dtype: DType) -> float | int | bool:
    """The smallest value of a dtype: -inf for floats."""
    if dtype.is_floating:
        return -np.inf
    return False if dtype.is_bool else int(np.iinfo(dtype.numpy).min)


def highest(dtype: DType) -> float | int | bool:
    """The largest value of a dtype: inf for floats."""
    if dtype.is_floating:
        return np.inf
    return True if dtype.is_bool else int(np.iinfo(dtype.numpy).max)


# -- evaluation --------------------------------------------------------------------------


def _accumulating(method: Callable) -> Callable:
    """`np.add.reduce` and its like, in the input's dtype; short floats in float32."""

    @quiet
    def evaluate(x: np.ndarray, axes: tuple[int, ...] | int) -> np.ndarray:
        dtype = x.dtype
        if dtype.itemsize == 2 and dtype in _SHORT_FLOATS:
            # float16 cannot count past 2048, bfloat16 not past 256.
            return method(x, axes, np.float32).astype(dtype)
        return method(x, axes, dtype)

    return evaluate


def _extreme(ufunc: np.ufunc, identity: Callable) -> Callable:
    """The reduction of `np.maximum` or `np.minimum`; the identity where nothing is."""
    reduce = quiet(ufunc.reduce)

    def evaluate(x: np.ndarray, *, axes: tuple[int, ...]) -> np.ndarray:
        if x.size == 0:
            shape = without_axes(x.shape, axes)
            return np.full(shape, identity(from_numpy(x.dtype)), x.dtype)
        return reduce(x, axes)

    return evaluate


def _along(accumulate: Callable) -> Callable:
    """A cumulative operation along one axis, from its end if `reverse`."""

    def evaluate(x: np.ndarray, *, axis: int, reverse: bool) -> np.ndarray:
        if not reverse:
            return accumulate(x, axis)
        return np.flip(accumulate(np.flip(x, axis), axis), axis)

    return evaluate


_sum, _product = _accumulating(np.add.reduce), _accumulating(np.multiply.reduce)

# -- reductions --------------------------------------------------------------------------

reduce_sum = Primitive(
    "reduce_sum",
    spec=reduction("reduce_sum", NUMBERS),
    evaluate=lambda x, *, axes: _sum(x, axes),
)
reduce_prod = Primitive(
    "reduce_prod",
    spec=reduction("reduce_prod", NUMBERS),
    evaluate=lambda x, *, axes: _product(x, axes),
)
reduce_max = Primitive(
    "reduce_max",
    spec=reduction("reduce_max", REALS),
    evaluate=_extreme(np.maximum, lowest),
)
"""The largest element; NaN if there is one."""
reduce_min = Primitive(
    "reduce_min",
    spec=reduction("reduce_min", REALS),
    evaluate=_extreme(np.minimum, highest),
)
"""The smallest element; NaN if there is one."""
reduce_any = Primitive(
    "reduce_any",
    spec=reduction("reduce_any", BOOL),
    evaluate=lambda x, *, axes: np.logical_or.reduce(x, axes),
)
reduce_all = Primitive(
    "reduce_all",
    spec=reduction("reduce_all", BOOL),
    evaluate=lambda x, *, axes: np.logical_and.reduce(x, axes),
)


def _spread(tensor: Tensor, shape: tuple[int, ...], axes: tuple[int, ...]) -> Tensor:
    """Put the dropped axes back, and repeat the elements along them."""
    kept = tuple([1 if axis in axes else extent for axis, extent in enumerate(shape)])
    return _shape.broadcast.bind(_shape.reshape.bind(tensor, shape=kept), shape=shape)


@reduce_sum.vjp
def _(ct, out, x, *, axes):
    return _spread(ct, x.shape, axes)


@reduce_prod.vjp
def _(ct, out, x, *, axes):
    return _spread(ct, x.shape, axes) * _product_of_others(x, axes)


def _extreme_vjp(ct, out, x, *, axes):
    """The cotangent is split evenly among the elements that are the extreme."""
    winners = elementwise.equal.bind(x, _spread(out, x.shape, axes))
    count = reduce_sum.bind(elementwise.cast.bind(winners, dtype=x.dtype), axes=axes)
    # Next to a NaN nobody wins.
    count = elementwise.maximum.bind(count, constants.full_like(count, 1))
    share = _spread(ct / count, x.shape, axes)
    return elementwise.select.bind(winners, share, constants.full_like(x, 0))


reduce_max.vjp(_extreme_vjp)
reduce_min.vjp(_extreme_vjp)


def _product_of_others(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """For each element the product of all others that are reduced with it.

    `out / x` would fail at zeros: the products of those before and of those after don't.
    """
    others = tuple([axis for axis in range(len(x.shape)) if axis not in axes])
    permutation = others + axes
    moved = _shape.transpose.bind(x, permutation=permutation)
    length = int(np.prod([x.shape[axis] for axis in axes], dtype=np.int64))
    rows = _shape.reshape.bind(moved, shape=without_axes(x.shape, axes) + (length,))
    last = len(others)
    one = {"axis": last, "distance": 1, "fill": 1}
    before = cumulative_prod.bind(
        _shift(rows, reverse=False, **one), axis=last, reverse=False
    )
    after = cumulative_prod.bind(_shift(rows, reverse=True, **one), axis=last, reverse=True)
    product = _shape.reshape.bind(before * after, shape=moved.shape)
    inverse = tuple(int(axis) for axis in np.argsort(permutation))
    return _shape.transpose.bind(product, permutation=inverse)


# -- positions of extremes ---------------------------------------------------------------


def _position_spec(name: str) -> Callable:
    def rule(x: Spec, *, axis: int) -> Spec:
        require_dtype(name, x, REALS)
        require_axis(name, x, axis)
        if x.shape[axis] == 0:
            raise ShapeError(
                f"{name}: the axis must have elements; received axis={axis} of {x}; "
                "there is no position to give"
            )
        return Spec(without_axes(x.shape, (axis,)), int32)

    return rule


argmax = Primitive(
    "argmax",
    spec=_position_spec("argmax"),
    evaluate=lambda x, *, axis: np.asarray(np.argmax(x, axis)).astype(np.int32),
)
"""The position of the largest element, the first one on ties; of the first NaN if any."""
argmin = Primitive(
    "argmin",
    spec=_position_spec("argmin"),
    evaluate=lambda x, *, axis: np.asarray(np.argmin(x, axis)).astype(np.int32),
)
"""The position of the smallest element, the first one on ties; of the first NaN if any."""

# -- cumulative operations ---------------------------------------------------------------


def _define_cumulative(name: str, accumulate: Callable, accepted: tuple) -> Primitive:
    def rule(x: Spec, *, axis: int, reverse: bool) -> Spec:
        require_dtype(name, x, accepted)
        require_axis(name, x, axis)
        return x

    return Primitive(name, spec=rule, evaluate=_along(accumulate))


cumulative_sum = _define_cumulative(
    "cumulative_sum", _accumulating(np.add.accumulate), NUMBERS
)
cumulative_prod = _define_cumulative(
    "cumulative_prod", _accumulating(np.multiply.accumulate), NUMBERS
)
cumulative_max = _define_cumulative("cumulative_max", quiet(np.maximum.accumulate), REALS)
cumulative_min = _define_cumulative("cumulative_min", quiet(np.minimum.accumulate), REALS)


def _shift(x: Tensor, *, axis: int, distance: int, fill: float, reverse: bool) -> Tensor:
    """Move elements towards the end of an axis (the beginning, if `reverse`)."""
    extent = x.shape[axis]
    distance = min(distance, extent)
    rank = len(x.shape)
    start, stop = [0] * rank, list(x.shape)
    low, high = [0] * rank, [0] * rank
    if reverse:
        start[axis], high[axis] = distance, distance
    else:
        stop[axis], low[axis] = extent - distance, distance
    kept = _shape.slice.bind(x, start=tuple(start), stop=tuple(stop), step=(1,) * rank)
    value = constants.full((), x.dtype, fill)
    return _shape.pad.bind(
        kept, value, low=tuple(low), high=tuple(high), interior=(0,) * rank
    )


@cumulative_sum.vjp
def _(ct, out, x, *, axis, reverse):
    return cumulative_sum.bind(ct, axis=axis, reverse=not reverse)


def _cumulative_vjp(combine: Primitive, identity: Callable[[DType], float]) -> Callable:
    """The rule of a cumulative operation, from the rule of its elementwise operation.

    The results are also had in log2(n) steps, each combining every element with the one
    1, 2, 4, … places before it. The steps are taken again here and then walked backwards.
    Nothing is divided, so zeros in a product are like other numbers.
    """

    def rule(ct, out, x, *, axis, reverse):
        fill = identity(x.dtype)
        steps = []
        distance = 1
        while distance < x.shape[axis]:
            moved = _shift(x, axis=axis, distance=distance, fill=fill, reverse=reverse)
            combined = combine.bind(x, moved)
            steps.append((distance, combined, x, moved))
            x, distance = combined, 2 * distance
        for distance, combined, straight, moved in reversed(steps):
            ct, ct_moved = combine.vjp_rule(ct, combined, straight, moved)
            back = _shift(
                ct_moved, axis=axis, distance=distance, fill=0, reverse=not reverse
            )
            ct = ct + back
        return ct

    return rule


cumulative_prod.vjp(_cumulative_vjp(elementwise.multiply, lambda dtype: 1))
cumulative_max.vjp(_cumulative_vjp(elementwise.maximum, lowest))
cumulative_min.vjp(_cumulative_vjp(elementwise.minimum, highest))
