"""Helpers for spec rules: which shapes and dtypes a primitive takes, and what it gives.

A spec rule is `(*specs, **parameters) -> Spec`. The checks here raise ShapeError and
DTypeError with four parts: who, the rule, what was received, and a remedy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from weft import dtypes
from weft.core.spec import Spec
from weft.dtypes import DType
from weft.errors import DTypeError, ShapeError

FLOATS: tuple[DType, ...] = dtypes.FLOATING
INTEGERS: tuple[DType, ...] = dtypes.INTEGER
BOOL: tuple[DType, ...] = (dtypes.bool_,)
NUMBERS = FLOATS + INTEGERS
BITS = BOOL + INTEGERS
REALS = BOOL + NUMBERS

# How a group of dtypes is called in messages, and how to get there.
_CALLED = {
    FLOATS: ("a float dtype (float16, bfloat16, float32, float64)", "cast it to float32"),
    INTEGERS: ("an integer dtype", "cast it to int32"),
    BOOL: ("bool", "compare, for example `x != 0`"),
    NUMBERS: ("an integer or float dtype", "cast it to int32 or float32"),
    BITS: ("bool or an integer dtype", "cast it to int32"),
    REALS: ("bool, an integer or a float dtype", "cast it to float32"),
}


def listed(specs: Sequence[Spec]) -> str:
    """Specs as they stand in messages: `f32[2], i32[2]`."""
    return ", ".join(map(str, specs))


def require_dtype(
    name: str, spec: Spec, accepted: tuple[DType, ...], who: str = ""
) -> None:
    """Raise DTypeError unless the dtype of `spec` is accepted; `who` names the input."""
    if spec.dtype in accepted:
        return
    rule, remedy = _CALLED.get(accepted) or (
        " or ".join(accepted),
        f"cast to {accepted[0]}",
    )
    subject = f"the dtype of {who}" if who else "the dtype"
    raise DTypeError(f"{name}: {subject} must be {rule}; received {spec}; {remedy}")


def require_equal_dtypes(name: str, *specs: Spec) -> None:
    """Raise DTypeError unless all dtypes are the same."""
    if any(spec.dtype is not specs[0].dtype for spec in specs):
        raise DTypeError(
            f"{name}: dtypes must be equal; received {listed(specs)}; cast to one dtype"
        )


def require_equal_shapes(name: str, *specs: Spec) -> None:
    """Raise ShapeError unless all shapes are the same."""
    if any(spec.shape != specs[0].shape for spec in specs):
        raise ShapeError(
            f"{name}: shapes must be equal; received {listed(specs)}; broadcast them first"
        )


def require_axis(name: str, spec: Spec, axis: int) -> None:
    """Raise ShapeError unless 0 <= axis < rank."""
    if not 0 <= axis < spec.ndim:
        raise ShapeError(
            f"{name}: axis must be at least 0 and less than the rank; received axis={axis} "
            f"for {spec} of rank {spec.ndim}; choose an axis that the tensor has"
        )


def require_axes(name: str, spec: Spec, axes: tuple[int, ...]) -> None:
    """Raise ShapeError unless axes are in range, each at most once."""
    for axis in axes:
        require_axis(name, spec, axis)
    if len(set(axes)) != len(axes):
        raise ShapeError(
            f"{name}: an axis may be named once; received axes={axes}; "
            "remove the repeated one"
        )


def without_axes(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    """The extents of the other axes."""
    return tuple([extent for axis, extent in enumerate(shape) if axis not in axes])


def elementwise(name: str, accepted: tuple[DType, ...], result: Any = None) -> Callable:
    """A rule for inputs of equal shape and dtype; the result has them too.

    Args:
        accepted: the dtypes that the inputs may have.
        result: the dtype of the result, if it is not the inputs'.
    """

    def rule(*specs: Spec) -> Spec:
        first = specs[0]
        if len(specs) > 1:
            require_equal_dtypes(name, *specs)
            require_equal_shapes(name, *specs)
        require_dtype(name, first, accepted)
        return first if result is None else first.with_dtype(result)

    return rule


def reduction(name: str, accepted: tuple[DType, ...]) -> Callable:
    """A rule for (x; axes): the axes are dropped."""

    def rule(x: Spec, *, axes: tuple[int, ...]) -> Spec:
        require_dtype(name, x, accepted)
        require_axes(name, x, axes)
        return x.with_shape(without_axes(x.shape, axes))

    return rule
