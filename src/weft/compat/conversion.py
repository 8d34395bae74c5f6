"""Values into tensors by TensorFlow's rules: no promotion, one dtype for all operands.

The first tensor among the operands decides. NumPy arrays and Python's numbers are brought
to its dtype, except that a float never becomes an integer silently. Two tensors of unequal
dtypes are an error.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from weft import config, dtypes
from weft.core.tensor import Tensor
from weft.core.variable import Variable
from weft.dtypes import DType, canonical, from_numpy, result_type
from weft.errors import ArgumentTypeError, DTypeError, InvalidArgumentError, ShapeError
from weft.ops.convert import as_tensor, cast
from weft.ops.convert import convert_to_tensor as _convert
from weft.ops.promotion import FLOATS, INTEGERS, NUMBERS, REALS

__all__ = [
    "FLOATS", "INTEGERS", "NUMBERS", "REALS", "as_dtype", "constant", "convert_to_tensor",
    "matching", "require", "tensor",
]  # fmt: skip


class ConversionError(DTypeError, ValueError):
    """A tensor of another dtype than the one asked for; ValueError and TypeError alike."""


def as_dtype(type_value: Any) -> DType:
    """The dtype meant by a name, a NumPy dtype, or a Python type."""
    return canonical(type_value)


# -- one value ---------------------------------------------------------------------------


def tensor(who: str, value: Any, dtype: Any = None) -> Tensor:
    """`value` as a tensor; of `dtype`, if that is given.

    Raises:
        ConversionError: for a tensor of another dtype.
        DTypeError: for Python floats where integers are wanted, and numbers for bools.
    """
    wanted = None if dtype is None else canonical(dtype)
    if isinstance(value, Tensor):
        return _checked(who, value, wanted)
    if isinstance(value, Variable):
        return _checked(who, value.value, wanted)
    kind = type(value)
    if kind is complex and wanted is None:
        return Tensor(np.array(value, np.complex128))
    if wanted is None:
        if kind in (list, tuple):
            _require_one_dtype(who, value)
            if _holds_complex(value):
                return Tensor(np.array(value, np.complex128))
        return as_tensor(value)
    if kind in (bool, int, float, complex, list, tuple):
        _require_fitting(who, value, wanted)
    return _convert(value, wanted)


def _checked(who: str, value: Tensor, wanted: DType | None) -> Tensor:
    if wanted is None or value.dtype is wanted:
        return value
    raise ConversionError(
        f"{who}: expected a tensor of dtype {wanted.name}; received {value.spec}; "
        f"convert it with tf.cast(x, tf.{wanted.name})"
    )


def _leaves(value: Any, found: list) -> list:
    for item in value:
        if isinstance(item, list | tuple):
            _leaves(item, found)
        else:
            found.append(item)
    return found


def _holds_complex(value: Any) -> bool:
    return complex in set(map(type, _leaves(value, [])))


def _require_one_dtype(who: str, value: Any) -> None:
    """Tensors in one list must agree: nothing is promoted."""
    found = {x.dtype for x in _leaves(value, []) if isinstance(x, Tensor | Variable)}
    if len(found) > 1:
        raise DTypeError(
            f"{who}: tensors in a list must have one dtype; received "
            f"{', '.join(sorted(dtype.name for dtype in found))}; use tf.cast"
        )


def _require_fitting(who: str, value: Any, wanted: DType) -> None:
    kinds = {type(value)} if not isinstance(value, list | tuple) else {
        type(leaf) for leaf in _leaves(value, [])
    }  # fmt: skip
    refused: tuple = ()
    if wanted.is_integer:
        refused = (float, complex, str, bytes)
    elif wanted.is_bool:
        refused = (int, float, complex, str, bytes)
    elif wanted.is_floating:
        refused = (complex, str, bytes)
    elif wanted is dtypes.string:
        refused = (bool, int, float, complex)
    odd = [kind for kind in kinds if kind in refused]
    if odd:
        raise DTypeError(
            f"{who}: Cannot convert {str(value)[:60]} ({odd[0].__name__}) to a tensor of "
            f"dtype {wanted.name}; nothing is cast silently: use tf.cast, or give numbers "
            "of that kind"
        )


def convert_to_tensor(
    value: Any, dtype: Any = None, dtype_hint: Any = None, name: str | None = None
) -> Tensor:
    """A tensor with the values of `value`.

    Args:
        dtype_hint: taken where the values allow it, if `dtype` is not given.

    Raises:
        ConversionError: for a tensor of another dtype than `dtype`.
    """
    if dtype is None and dtype_hint is not None:
        try:
            return tensor("tf.convert_to_tensor", value, dtype_hint)
        except InvalidArgumentError:
            pass
    return tensor("tf.convert_to_tensor", value, dtype)


def constant(
    value: Any, dtype: Any = None, shape: Any = None, name: str = "Const"
) -> Tensor:
    """A tensor with these values, in `shape` if it is given; one value fills any shape.

    Python's ints become int32, floats float32, complex numbers complex128; NumPy arrays
    keep their dtype.

    Example:
        >>> import weft.compat.tensorflow as tf
        >>> tf.constant([1, 2, 3, 4], shape=(2, 2)).numpy().tolist()
        [[1, 2], [3, 4]]
    """
    result = tensor("tf.constant", value, dtype)
    if shape is None:
        return result
    from weft import ops

    extents = tuple(int(extent) for extent in shape)
    if result.size == 1 and result.shape != extents:
        return ops.broadcast_to(ops.reshape(result, ()), extents)
    if int(np.prod(extents)) != result.size:
        raise ShapeError(
            f"tf.constant: the values must fill the shape; received {result.size} values "
            f"for shape {extents}"
        )
    return ops.reshape(result, extents)


# -- several operands --------------------------------------------------------------------


def _dtype_of(values: tuple) -> DType | None:
    """What tensors say; else what arrays say; else None."""
    for value in values:
        if isinstance(value, Tensor | Variable):
            return value.dtype
    for value in values:
        if isinstance(value, np.ndarray | np.generic):
            return from_numpy(value.dtype)
        if hasattr(value, "dtype") and hasattr(value, "__array__"):
            return canonical(value.dtype)
    return None


def matching(who: str, *values: Any) -> list[Tensor]:
    """All values as tensors of one dtype.

    Raises:
        DTypeError: for tensors of unequal dtypes, and numbers that do not fit.
    """
    dtype = _dtype_of(values)
    if dtype is None:
        tensors = [tensor(who, value) for value in values]
        found = {one.dtype for one in tensors}
        if len(found) > 1:
            joint = _joint(who, tensors)
            tensors = [cast(one, joint) for one in tensors]
        return tensors
    return [_to(who, value, dtype, values) for value in values]


def _joint(who: str, tensors: list[Tensor]) -> DType:
    """Python's numbers alone: floats win over ints."""
    if any(one.dtype is dtypes.string for one in tensors):
        raise DTypeError(
            f"{who}: text and numbers do not go together; received "
            f"{', '.join(str(one.spec) for one in tensors)}"
        )
    return result_type(*[one.dtype for one in tensors])


def _to(who: str, value: Any, dtype: DType, values: tuple) -> Tensor:
    if isinstance(value, Variable):
        value = value.value
    if isinstance(value, Tensor):
        if value.dtype is dtype:
            return value
        raise DTypeError(
            f"{who}: all tensors must have one dtype; received "
            f"{' and '.join(_describe(one) for one in values)}; "
            f"cast one, for example tf.cast(x, tf.{dtype.name})"
        )
    return tensor(who, value, dtype)


def _describe(value: Any) -> str:
    if isinstance(value, Tensor | Variable):
        return str(value.spec)
    return type(value).__name__


def require(who: str, x: Tensor, accepted: Collection[DType]) -> None:
    """Raise DTypeError unless the dtype is one of `accepted`."""
    if x.dtype in accepted:
        return
    remedy = "tf.cast(x, tf.float32)" if accepted is FLOATS else "tf.cast"
    raise DTypeError(
        f"{who}: the dtype must be one of "
        f"{', '.join(dtype.name for dtype in accepted)}; received {x.spec}; use {remedy}"
    )


def floating(who: str, value: Any) -> Tensor:
    """A tensor of floats; Python's ints are taken for floats, integer tensors refused."""
    if type(value) is int:
        value = float(value)
    x = tensor(who, value)
    if not x.dtype.is_differentiable:
        if not isinstance(value, Tensor | Variable | np.ndarray | np.generic):
            return cast(x, config.floatx())
        require(who, x, FLOATS)
    return x


def known_ints(who: str, value: Any) -> tuple[int, ...]:
    """A shape, or axes: Python ints out of whatever holds them."""
    from weft.ops.convert import numbers

    if isinstance(value, Variable):
        value = value.value
    return numbers(value, who, "a size")


def known_int(who: str, value: Any) -> int:
    """One Python int, for an axis or a count."""
    found = known_ints(who, value)
    if len(found) != 1:
        raise ArgumentTypeError(f"{who}: one int is needed; received {value!r}")
    return found[0]


def on_host(who: str, function: Callable, *values: Tensor) -> Any:
    """`function` of the values as arrays, where they must be known."""
    return function(*[value._array for value in values])
