"""Products of tensors: matmul, dot, tensordot, outer and their kin, all on dot_general."""

from __future__ import annotations

from typing import Any

from weft import dtypes
from weft.core.tensor import Tensor
from weft.core.variable import Variable
from weft.errors import ArgumentError, ShapeError
from weft.ops.axes import one_axis
from weft.ops.convert import cast, numbers
from weft.ops.promotion import NUMBERS, apply, broadcast_tensor, promote, require, together
from weft.primitives import elementwise as p
from weft.primitives.contraction import MATMUL, dot_general
from weft.primitives.shape import reshape

_FLOATS = frozenset(dtype.numpy for dtype in (dtypes.float32, dtypes.float64))
_VECTOR = {"contract": ((0,), (0,)), "batch": ((), ())}


def _factors(who: str, x1: Any, x2: Any) -> tuple[Tensor, Tensor, bool]:
    """Two tensors of one dtype with numbers, and whether they were bools."""
    x1, x2 = promote(x1, x2)
    if x1.dtype.is_bool:
        return cast(x1, dtypes.int32), cast(x2, dtypes.int32), True
    require(who, x1, NUMBERS)
    return x1, x2, False


def _as_before(out: Tensor, were_bools: bool) -> Tensor:
    return cast(out, dtypes.bool_) if were_bools else out


# -- matmul ------------------------------------------------------------------------------


def matmul(x1: Any, x2: Any) -> Tensor:
    """The product of matrices; leading axes are batches and broadcast.

    A vector on the left is a row, on the right a column; its axis vanishes.

    Raises:
        ShapeError: if the inner sizes differ, or an operand has no axes.

    Example:
        >>> from weft import ops
        >>> ops.matmul([[1, 2], [3, 4]], [10, 1]).tolist()
        [12, 34]
    """
    if isinstance(x2, Variable):
        x2 = x2.value
    if type(x1) is Tensor and type(x2) is Tensor:
        a, b = x1._array, x2._array
        plain = a.ndim == b.ndim == 2 and a.shape[1] == b.shape[0]
        if plain and a.dtype is b.dtype and a.dtype in _FLOATS:
            return dot_general.bind(x1, x2, **MATMUL)
    x1, x2, were_bools = _factors("matmul", x1, x2)
    if x1.dtype is dtypes.int8:
        # Sums of products of bytes do not fit bytes.
        x1, x2 = cast(x1, dtypes.int32), cast(x2, dtypes.int32)
    if not x1.ndim or not x2.ndim:
        raise ShapeError(
            f"matmul: both operands need axes; received {x1.spec} @ {x2.spec}; "
            "use * to multiply by a number"
        )
    if x1.shape[-1] != x2.shape[-2 if x2.ndim > 1 else 0]:
        raise ShapeError(
            f"matmul: inner sizes must agree; received {x1.spec} @ {x2.spec}; "
            "transpose one operand?"
        )
    return _as_before(_matmul(x1, x2), were_bools)


def _matmul(x1: Tensor, x2: Tensor) -> Tensor:
    inner = ((x1.ndim - 1,), (max(x2.ndim - 2, 0),))
    if x1.ndim == 1 and x2.ndim > 2:
        out = _matmul(reshape.bind(x1, shape=(1, *x1.shape)), x2)
        return reshape.bind(out, shape=(*out.shape[:-2], out.shape[-1]))
    if x2.ndim <= 2:
        # One matrix (or vector) for all batches: their rows are rows of one product.
        return dot_general.bind(x1, x2, contract=inner, batch=((), ()))
    batch1, batch2 = x1.shape[:-2], x2.shape[:-2]
    shape = together((batch1, batch2))
    if shape is None:
        raise ShapeError(
            f"matmul: the batch axes {batch1} and {batch2} must broadcast; received "
            f"{x1.spec} @ {x2.spec}"
        )
    x1 = broadcast_tensor(x1, (*shape, *x1.shape[-2:]))
    x2 = broadcast_tensor(x2, (*shape, *x2.shape[-2:]))
    axes = tuple(range(len(shape)))
    inner = ((x1.ndim - 1,), (x2.ndim - 2,))
    return dot_general.bind(x1, x2, contract=inner, batch=(axes, axes))


# -- the other products ------------------------------------------------------------------


def dot(x1: Any, x2: Any) -> Tensor:
    """NumPy's dot: the last axis of x1 with the last but one of x2; numbers multiply."""
    x1, x2, were_bools = _factors("dot", x1, x2)
    if not x1.ndim or not x2.ndim:
        return _as_before(apply("dot", p.multiply, x1, x2), were_bools)
    _check_inner("dot", x1, x2, x1.ndim - 1, max(x2.ndim - 2, 0))
    inner = ((x1.ndim - 1,), (max(x2.ndim - 2, 0),))
    return _as_before(dot_general.bind(x1, x2, contract=inner, batch=((), ())), were_bools)


def _check_inner(who: str, x1: Tensor, x2: Tensor, axis1: int, axis2: int) -> None:
    if x1.shape[axis1] != x2.shape[axis2]:
        raise ShapeError(
            f"{who}: axis {axis1} of the first must agree with axis {axis2} of the second; "
            f"received {x1.spec} and {x2.spec}; transpose one operand?"
        )


def inner(x1: Any, x2: Any) -> Tensor:
    """The sum of products over the last axes; numbers multiply."""
    x1, x2, were_bools = _factors("inner", x1, x2)
    if not x1.ndim or not x2.ndim:
        return _as_before(apply("inner", p.multiply, x1, x2), were_bools)
    _check_inner("inner", x1, x2, x1.ndim - 1, x2.ndim - 1)
    axes = ((x1.ndim - 1,), (x2.ndim - 1,))
    return _as_before(dot_general.bind(x1, x2, contract=axes, batch=((), ())), were_bools)


def vdot(x1: Any, x2: Any) -> Tensor:
    """The sum of products of all elements, both operands flat."""
    x1, x2, were_bools = _factors("vdot", x1, x2)
    if x1.size != x2.size:
        raise ShapeError(
            f"vdot: both need the same number of elements; received {x1.spec} and {x2.spec}"
        )
    flat1, flat2 = (reshape.bind(x, shape=(x.size,)) for x in (x1, x2))
    return _as_before(dot_general.bind(flat1, flat2, **_VECTOR), were_bools)


def outer(x1: Any, x2: Any) -> Tensor:
    """Each element of x1 times each of x2, both flat."""
    x1, x2, were_bools = _factors("outer", x1, x2)
    column = reshape.bind(x1, shape=(x1.size, 1))
    row = reshape.bind(x2, shape=(1, x2.size))
    return _as_before(apply("outer", p.multiply, column, row), were_bools)


def tensordot(x1: Any, x2: Any, axes: Any = 2) -> Tensor:
    """The sum of products over pairs of axes.

    Args:
        axes: a number n (the last n axes of x1 with the first n of x2), or two lists of
            axes that are paired in order.

    Example:
        >>> from weft import ops
        >>> ops.tensordot(ops.ones((2, 3)), ops.ones((3, 4)), axes=1).shape
        (2, 4)
    """
    x1, x2, were_bools = _factors("tensordot", x1, x2)
    axes1, axes2 = _paired_axes(axes, x1, x2)
    for axis1, axis2 in zip(axes1, axes2):
        _check_inner("tensordot", x1, x2, axis1, axis2)
    out = dot_general.bind(x1, x2, contract=(axes1, axes2), batch=((), ()))
    return _as_before(out, were_bools)


def _paired_axes(axes: Any, x1: Tensor, x2: Tensor) -> tuple[tuple[int, ...], ...]:
    if isinstance(axes, tuple | list):
        if len(axes) != 2:
            raise ArgumentError(
                f"tensordot: axes must be a number or two lists of axes; received {axes!r}"
            )
        given1, given2 = (numbers(one, "tensordot", "axes") for one in axes)
    else:
        (count,) = numbers(axes, "tensordot", "axes")
        if not 0 <= count <= min(x1.ndim, x2.ndim):
            raise ArgumentError(
                f"tensordot: axes={count} needs that many axes in both operands; received "
                f"{x1.spec} and {x2.spec}"
            )
        given1, given2 = tuple(range(x1.ndim - count, x1.ndim)), tuple(range(count))
    if len(given1) != len(given2):
        raise ArgumentError(
            f"tensordot: as many axes of one as of the other are needed; received {axes!r}"
        )
    return (
        tuple([one_axis("tensordot", axis, x1.ndim, "axes") for axis in given1]),
        tuple([one_axis("tensordot", axis, x2.ndim, "axes") for axis in given2]),
    )


def cross(
    x1: Any, x2: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: Any = None
) -> Tensor:
    """The cross product of vectors of 3 (or 2) components along an axis.

    Example:
        >>> from weft import ops
        >>> ops.cross([1, 0, 0], [0, 1, 0]).tolist()
        [0, 0, 1]
    """
    from weft.ops.layout import moveaxis, stack

    if axis is not None:
        axisa = axisb = axisc = axis
    x1, x2, _ = _factors("cross", x1, x2)
    x1, x2 = moveaxis(x1, axisa, -1), moveaxis(x2, axisb, -1)
    sizes = x1.shape[-1], x2.shape[-1]
    if not set(sizes) <= {2, 3}:
        raise ShapeError(
            f"cross: vectors must have 2 or 3 components; received {x1.spec} and {x2.spec}"
        )
    a, b = ([x[..., i] for i in range(x.shape[-1])] for x in (x1, x2))
    last = a[0] * b[1] - a[1] * b[0]
    if sizes == (2, 2):
        return last
    # A vector of 2 components lies in the plane: its third component is 0.
    a2, b2 = (v[2] if len(v) == 3 else v[0] * 0 for v in (a, b))
    parts = [a[1] * b2 - a2 * b[1], a2 * b[0] - a[0] * b2, last]
    return moveaxis(stack(parts, axis=-1), -1, axisc)


def kron(x1: Any, x2: Any) -> Tensor:
    """The Kronecker product: each element of x1 times the whole of x2."""
    x1, x2, were_bools = _factors("kron", x1, x2)
    ndim = max(x1.ndim, x2.ndim)
    shape1 = (1,) * (ndim - x1.ndim) + x1.shape
    shape2 = (1,) * (ndim - x2.ndim) + x2.shape
    wide1 = reshape.bind(x1, shape=tuple([n for extent in shape1 for n in (extent, 1)]))
    wide2 = reshape.bind(x2, shape=tuple([n for extent in shape2 for n in (1, extent)]))
    out = apply("kron", p.multiply, wide1, wide2)
    out = reshape.bind(out, shape=tuple([m * n for m, n in zip(shape1, shape2)]))
    return _as_before(out, were_bools)


__all__ = ["cross", "dot", "inner", "kron", "matmul", "outer", "tensordot", "vdot"]
