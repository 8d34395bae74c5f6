"""TensorFlow's arithmetic on two operands: of one dtype, broadcast, never promoted."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from weft import dtypes, ops
from weft.compat.conversion import matching, require, tensor
from weft.core.tensor import Tensor, TracedTensor
from weft.errors import ArgumentError, DTypeError
from weft.ops.promotion import INTEGERS, NUMBERS, REALS, named, together

_BOOL = (dtypes.bool_,)
_STRING = dtypes.string

# What true division makes of integers: the float that holds all their values.
_QUOTIENT = {
    name: dtypes.float32 if name in ("int8", "uint8", "int16", "uint16") else dtypes.float64
    for name in (dtype.name for dtype in INTEGERS)
}


def _binary(
    name: str,
    doc: str,
    operation: Callable,
    accepted: Collection = NUMBERS,
    on_text: Any = None,
) -> Callable:
    who = f"tf.{name}"

    def function(x: Any, y: Any, name: str | None = None) -> Tensor:
        x, y = matching(who, x, y)
        if on_text is not None and x.dtype is _STRING:
            return on_text(x, y)
        if x.dtype.kind != "complex":
            require(who, x, accepted)
        return operation(x, y)

    return named(function, name, doc)


def _joined_text(x: Tensor, y: Tensor) -> Tensor:
    join = np.frompyfunc(lambda a, b: a + b, 2, 1)
    return Tensor(_objects(join(x._array, y._array)))


def _objects(found: Any) -> np.ndarray:
    """An object array, also of a single result."""
    if isinstance(found, np.ndarray):
        return found.astype(np.object_, copy=False)
    array = np.empty((), np.object_)
    array[()] = found
    return array


add = _binary("add", "x + y; text is joined.", ops.add, on_text=_joined_text)
subtract = _binary("subtract", "x - y.", ops.subtract)
multiply = _binary("multiply", "x * y.", ops.multiply)
floordiv = _binary("floordiv", "The largest integer not above x / y.", ops.floor_divide)
mod = _binary("mod", "The rest of `floordiv`: it has the sign of y.", ops.mod)
maximum = _binary("maximum", "The larger one, element by element.", ops.maximum, REALS)
minimum = _binary("minimum", "The smaller one, element by element.", ops.minimum, REALS)


def truediv(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x / y. Integers of 8 and 16 bits give float32, longer ones float64."""
    x, y = matching("tf.truediv", x, y)
    quotient = _QUOTIENT.get(x.dtype.name)
    if quotient is not None:
        x, y = ops.cast(x, quotient), ops.cast(y, quotient)
    elif not x.dtype.is_differentiable:
        require("tf.truediv", x, NUMBERS)
    return ops.divide(x, y)


def divide(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x / y, as Python divides: integers give floats.

    Example:
        >>> import weft.compat.tensorflow as tf
        >>> float(tf.divide(3, 2))
        1.5
    """
    return truediv(x, y)


def divide_no_nan(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x / y, and 0 where y is 0."""
    x, y = matching("tf.math.divide_no_nan", x, y)
    quotient = _QUOTIENT.get(x.dtype.name)
    if quotient is not None:
        x, y = ops.cast(x, quotient), ops.cast(y, quotient)
    return ops.divide_no_nan(x, y)


def pow(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x to the power of y; integers stay integers, and take no negative power."""
    x, y = matching("tf.pow", x, y)
    if not x.dtype.is_differentiable:
        require("tf.pow", x, NUMBERS)
        is_known = not isinstance(y, TracedTensor)
        if is_known and y.dtype.kind == "int" and (y._array < 0).any():
            raise ArgumentError(
                "tf.pow: integers to negative powers are no integers; received "
                f"{x.spec} ** a negative number; cast x to a float first"
            )
    return ops.power(x, y)


# -- comparisons -------------------------------------------------------------------------


def _compared_text(operation: Callable) -> Callable:
    compare = np.frompyfunc(operation, 2, 1)

    def on_text(x: Tensor, y: Tensor) -> Tensor:
        return Tensor(np.asarray(compare(x._array, y._array), np.bool_))

    return on_text


_EQUATABLE = (*REALS, dtypes.bool_)
equal = _binary("equal", "x == y, element by element.", ops.equal, _EQUATABLE,
                _compared_text(lambda a, b: a == b))  # fmt: skip
not_equal = _binary("not_equal", "x != y, element by element.", ops.not_equal, _EQUATABLE,
                    _compared_text(lambda a, b: a != b))  # fmt: skip
less = _binary("less", "x < y, element by element.", ops.less, REALS)
less_equal = _binary("less_equal", "x <= y, element by element.", ops.less_equal, REALS)
greater = _binary("greater", "x > y, element by element.", ops.greater, REALS)
greater_equal = _binary(
    "greater_equal", "x >= y, element by element.", ops.greater_equal, REALS
)


def _tells_shapes(operation: Callable, otherwise: bool) -> Callable:
    """`==` of tensors whose shapes do not fit: plainly unequal."""

    def function(x: Any, y: Any) -> Tensor:
        x, y = matching("==", x, y)
        if together((x.shape, y.shape)) is None:
            return tensor("==", otherwise)
        return operation(x, y)

    return function


equals = _tells_shapes(equal, False)
unequals = _tells_shapes(not_equal, True)

# -- logic and bits ----------------------------------------------------------------------


def _logical(name: str, doc: str, operation: Callable) -> Callable:
    who = f"tf.{name}"

    def function(x: Any, y: Any, name: str | None = None) -> Tensor:
        return operation(tensor(who, x, "bool"), tensor(who, y, "bool"))

    return named(function, name, doc)


logical_and = _logical("logical_and", "x and y, of bools.", ops.logical_and)
logical_or = _logical("logical_or", "x or y, of bools.", ops.logical_or)
logical_xor = _logical("logical_xor", "Just one of x and y, of bools.", ops.logical_xor)


def logical_not(x: Any, name: str | None = None) -> Tensor:
    """not x, of bools."""
    return ops.logical_not(tensor("tf.logical_not", x, "bool"))


def _bits(name: str, doc: str, operation: Callable) -> Callable:
    accepted = (dtypes.bool_, *INTEGERS)

    def function(x: Any, y: Any, name: str | None = None) -> Tensor:
        x, y = matching(f"tf.bitwise.{operation.__name__}", x, y)
        require(f"tf.bitwise.{operation.__name__}", x, accepted)
        return operation(x, y)

    return named(function, name, doc)


bitwise_and = _bits("bitwise_and", "The bits that both have.", ops.bitwise_and)
bitwise_or = _bits("bitwise_or", "The bits that either has.", ops.bitwise_or)
bitwise_xor = _bits("bitwise_xor", "The bits that just one has.", ops.bitwise_xor)
left_shift = _bits("left_shift", "The bits of x moved y places up.", ops.left_shift)
right_shift = _bits("right_shift", "The bits of x moved y places down.", ops.right_shift)


def matmul_operands(who: str, a: Any, b: Any) -> list[Tensor]:
    """Both as tensors of one dtype and rank two at least."""
    a, b = matching(who, a, b)
    if a.dtype.is_bool or a.dtype is _STRING:
        raise DTypeError(f"{who}: numbers are needed; received {a.spec} and {b.spec}")
    if a.ndim < 2 or b.ndim < 2:
        from weft.errors import ShapeError

        raise ShapeError(
            f"{who}: both operands need two axes at least; received {a.spec} and {b.spec}; "
            "use tf.linalg.matvec for a matrix by a vector, tf.tensordot(a, b, 1) for two "
            "vectors, or add an axis with tf.expand_dims"
        )
    return [a, b]


def matmul_operator(a: Any, b: Any) -> Tensor:
    """a @ b."""
    return ops.matmul(*matmul_operands("@", a, b))
