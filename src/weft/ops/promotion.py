"""Bringing operands together: one dtype by promotion, one shape by broadcasting.

Primitives demand equal dtypes and shapes. Here stand the few functions that get there, and
the makers of elementwise operations, whose first lines are the way that most calls take.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

from weft import config, dtypes
from weft.core.primitive import LARGE, Primitive
from weft.core.state import STATE
from weft.core.tensor import Tensor
from weft.core.variable import Variable
from weft.dtypes import DType, result_type
from weft.errors import DTypeError, ShapeError
from weft.ops.convert import as_tensor, cast, convert_to_tensor, scalar
from weft.primitives import rules
from weft.primitives import shape as moves

FLOATS = frozenset(rules.FLOATS)
INTEGERS = frozenset(rules.INTEGERS)
NUMBERS = frozenset(rules.NUMBERS)
REALS = frozenset(rules.REALS)

_WEAK = frozenset((bool, int, float))

# -- dtypes ------------------------------------------------------------------------------


@functools.lru_cache(maxsize=4096)
def _joined(operands: tuple, floatx: str) -> DType:
    return result_type(*operands)


def common_dtype(*operands: Any) -> DType:
    """The dtype in which tensors, dtypes and Python types (weak) come together."""
    return _joined(operands, config.floatx())


def promote(*xs: Any, also: tuple = ()) -> tuple[Tensor, ...]:
    """Tensors of one dtype; Python numbers are weak, and take part as `also` does."""
    # A number that does not fit int32 is no weak int any more.
    taken = [x if type(x) in _WEAK and not _is_long(x) else as_tensor(x) for x in xs]
    operands = [x.dtype if isinstance(x, Tensor) else type(x) for x in taken]
    dtype = common_dtype(*operands, *also)
    return tuple(
        [cast(x, dtype) if isinstance(x, Tensor) else scalar(x, dtype) for x in taken]
    )


def _is_long(x: Any) -> bool:
    return type(x) is int and not -(2**31) <= x < 2**31


def as_float(x: Any) -> Tensor:
    """`x` as a float tensor: floats as they are, all else as `floatx()`."""
    x = as_tensor(x)
    if x.dtype.is_floating:
        return x
    if x.dtype.kind == "string":
        raise DTypeError(f"a number is needed; received text: {x.spec}; convert it first")
    return cast(x, common_dtype(x.dtype, float))


def as_number(x: Any, who: str) -> Tensor:
    """`x` as an integer or float tensor; bools become int32."""
    x = as_tensor(x)
    if x.dtype.is_bool:
        return cast(x, dtypes.int32)
    require(who, x, NUMBERS)
    return x


def require(who: str, x: Tensor, accepted: frozenset[DType]) -> None:
    """Raise DTypeError unless the dtype of `x` is one of `accepted`."""
    if x.dtype in accepted:
        return
    names = ", ".join(dtype.name for dtype in dtypes.ALL.values() if dtype in accepted)
    raise DTypeError(
        f"{who}: the dtype must be one of {names}; received {x.spec}; cast it first"
    )


# -- shapes ------------------------------------------------------------------------------


@functools.lru_cache(maxsize=4096)
def together(shapes: tuple[tuple[int, ...], ...]) -> tuple[int, ...] | None:
    ndim = max(map(len, shapes))
    result = [1] * ndim
    for shape in shapes:
        for axis, extent in enumerate(shape, ndim - len(shape)):
            if extent == 1 or extent == result[axis]:
                continue
            if result[axis] != 1:
                return None
            result[axis] = extent
    return tuple(result)


def broadcast_shape(who: str, *tensors: Tensor) -> tuple[int, ...]:
    """The shape to which all can be repeated.

    Raises:
        ShapeError: if there is none.
    """
    shape = together(tuple([tensor.shape for tensor in tensors]))
    if shape is None:
        specs = " and ".join(str(tensor.spec) for tensor in tensors)
        raise ShapeError(
            f"{who}: shapes must broadcast: counted from the last axis, extents must be "
            f"equal or 1; received {specs}; reshape one, or add an axis with [:, None]"
        )
    return shape


def broadcast_tensor(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """`x` repeated to `shape`, to which it is known to broadcast."""
    before = x.shape
    if before == shape:
        return x
    if len(before) < len(shape):
        x = moves.reshape.bind(x, shape=(1,) * (len(shape) - len(before)) + before)
    return x if x.shape == shape else moves.broadcast.bind(x, shape=shape)


def broadcast_together(who: str, *tensors: Tensor) -> tuple[Tensor, ...]:
    """All tensors repeated to one shape."""
    shape = broadcast_shape(who, *tensors)
    return tuple([broadcast_tensor(tensor, shape) for tensor in tensors])


def apply(who: str, primitive: Primitive, *tensors: Tensor) -> Tensor:
    """An elementwise primitive on tensors whose shapes may have to be broadcast."""
    first = tensors[0].shape
    if all(tensor.shape == first for tensor in tensors):
        return primitive.bind(*tensors)
    shape = broadcast_shape(who, *tensors)
    if STATE.trace is None and not STATE.tapes:
        # NumPy and programs broadcast by themselves; only graphs and tapes need to see it.
        arrays = [tensor._array for tensor in tensors]
        if primitive.large is not None and math.prod(shape) >= LARGE:
            return Tensor(primitive.large(primitive, arrays, {}))
        return Tensor(primitive.evaluate(*arrays))
    return primitive.bind(*[broadcast_tensor(tensor, shape) for tensor in tensors])


# -- makers of elementwise operations ----------------------------------------------------


def named(function: Callable, name: str, doc: str) -> Callable:
    """Give a function that was made from a table its name and docstring."""
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    function.__module__ = "weft.ops"
    return function


def binary(
    name: str,
    doc: str,
    primitive: Primitive,
    *,
    accepted: frozenset[DType] = REALS,
    also: tuple = (),
    on_bool: Any = None,
) -> Callable:
    """An operation of two operands, which are promoted and broadcast.

    Args:
        accepted: the dtypes that the primitive takes.
        also: takes part in the promotion, such as `(float,)`.
        on_bool: the primitive for bools, or the dtype to cast them to.
    """
    bind = primitive.bind
    direct = frozenset(dtype.numpy for dtype in accepted)
    floats = frozenset(dtype.numpy for dtype in accepted & FLOATS)

    def operation(x1: Any, x2: Any) -> Tensor:
        # The common cases by the shortest way: equal dtypes, or a float and a number.
        kind1, kind2 = type(x1), type(x2)
        if kind1 is Tensor:
            if kind2 is float or kind2 is int:
                if x1._array.dtype in floats:
                    return join(x1, scalar(x2, x1.dtype))
            elif kind2 is Tensor:
                a, b = x1._array, x2._array
                dtype = a.dtype
                if dtype is b.dtype and dtype in direct:
                    if a.shape != b.shape:
                        return join(x1, x2)
                    if a.size < LARGE and STATE.trace is None and not STATE.tapes:
                        return Tensor(primitive.evaluate(a, b))
                    return bind(x1, x2)
            elif isinstance(x2, Variable):
                return operation(x1, x2.value)
        elif kind2 is Tensor and (kind1 is float or kind1 is int):
            if x2._array.dtype in floats:
                return join(scalar(x1, x2.dtype), x2)
        return general(x1, x2)

    def join(x1: Tensor, x2: Tensor) -> Tensor:
        if STATE.trace is None and not STATE.tapes:
            a, b = x1._array, x2._array
            if primitive.large is not None and (a.size >= LARGE or b.size >= LARGE):
                return apply(name, primitive, x1, x2)
            try:
                return Tensor(primitive.evaluate(a, b))
            except ValueError:
                broadcast_shape(name, x1, x2)  # Raises with our words.
                raise
        return apply(name, primitive, x1, x2)

    def general(x1: Any, x2: Any) -> Tensor:
        x1, x2 = promote(x1, x2, also=also)
        chosen = primitive
        if x1.dtype not in accepted:
            if not x1.dtype.is_bool or on_bool is None:
                require(name, x1, accepted)
            if isinstance(on_bool, Primitive):
                chosen = on_bool
            else:
                x1, x2 = cast(x1, on_bool), cast(x2, on_bool)
        return apply(name, chosen, x1, x2)

    return named(operation, name, doc)


def float_unary(name: str, doc: str, primitive: Primitive) -> Callable:
    """An operation of one operand that is computed in floats."""
    bind = primitive.bind
    direct = frozenset(dtype.numpy for dtype in FLOATS)

    def operation(x: Any) -> Tensor:
        if type(x) is Tensor and x._array.dtype in direct:
            return bind(x)
        return bind(as_float(x))

    return named(operation, name, doc)


def number_unary(
    name: str, doc: str, primitive: Primitive, *, same: frozenset[DType] = frozenset()
) -> Callable:
    """An operation of one number; tensors with a dtype in `same` stay as they are."""

    def operation(x: Any) -> Tensor:
        x = as_tensor(x)
        if x.dtype in same:
            return x
        require(name, x, NUMBERS)
        return primitive.bind(x)

    return named(operation, name, doc)


__all__ = [
    "FLOATS", "INTEGERS", "NUMBERS", "REALS", "apply", "as_float", "as_number", "binary",
    "broadcast_shape", "broadcast_tensor", "broadcast_together", "common_dtype",
    "convert_to_tensor", "float_unary", "named", "number_unary", "promote", "require",
    "together",
]  # fmt: skip
