"""Axes as users write them, made non-negative and checked."""

from __future__ import annotations

from typing import Any

from weft.errors import ArgumentError, ShapeError
from weft.ops.convert import integer, numbers


def one_axis(who: str, axis: Any, ndim: int, what: str = "axis") -> int:
    """A non-negative axis.

    Raises:
        ShapeError: if the tensor has no such axis.
    """
    given = integer(axis, who, what)
    if not -ndim <= given < ndim:
        allowed = f"between {-ndim} and {ndim - 1}" if ndim else "left out: there are none"
        raise ShapeError(
            f"{who}: {what} must be {allowed}; received {what}={given} for a tensor of "
            f"rank {ndim}"
        )
    return given % ndim


def some_axes(who: str, axis: Any, ndim: int) -> tuple[int, ...]:
    """Non-negative axes, in order; None means all of them.

    Raises:
        ShapeError: if the tensor has no such axis.
        ArgumentError: if one is named twice.
    """
    if axis is None:
        return tuple(range(ndim))
    if type(axis) is int and -ndim <= axis < ndim:
        return (axis % ndim,)
    axes = tuple([one_axis(who, one, ndim) for one in numbers(axis, who, "axis")])
    if len(set(axes)) != len(axes):
        raise ArgumentError(f"{who}: an axis may be named once; received axis={axis}")
    return tuple(sorted(axes))
