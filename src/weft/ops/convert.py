"""Turning what users hold into tensors, and tensors into what users want.

Python's ints become int32 (int64 where they need it), floats `floatx()`, bools bool. NumPy
arrays keep their dtype. Data is copied on the way in, because tensors never change.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from weft import config, dtypes
from weft.core.state import eager
from weft.core.tensor import Tensor, TracedTensor, is_tensor
from weft.core.variable import Variable
from weft.dtypes import DType, canonical, from_numpy, result_type
from weft.errors import ArgumentError, ArgumentTypeError, DTypeError, ShapeError
from weft.primitives import elementwise
from weft.primitives import shape as moves

SCALARS = (bool, int, float, complex)
_SCALAR_TYPES = frozenset(SCALARS)
_INT32 = np.iinfo(np.int32)


def convert_to_tensor(
    x: Any, dtype: Any = None, sparse: bool | None = None, ragged: bool | None = None
) -> Tensor:
    """A tensor with the values of `x`.

    Takes Python numbers, nested lists of them (and of tensors), NumPy arrays, Variables,
    and objects that know `__array__` or `__dlpack__` (pandas, PyTorch, …).

    Raises:
        ArgumentError: for ragged lists, and numbers that do not fit `dtype`.
        ArgumentTypeError: for objects that are no numbers.
        DTypeError: for dtypes that weft does not have.

    Example:
        >>> from weft import ops
        >>> ops.convert_to_tensor([1, 2]).dtype, ops.convert_to_tensor(0.5).dtype
        (weft.int32, weft.float32)
    """
    if sparse or ragged:
        kind = "sparse" if sparse else "ragged"
        raise ArgumentError(
            f"convert_to_tensor: weft has no {kind} tensors; received {kind}=True; "
            "leave it out to get a dense tensor"
        )
    if isinstance(x, Tensor):
        return x if dtype is None else cast(x, dtype)
    if isinstance(x, Variable):
        return x.value if dtype is None else cast(x.value, dtype)
    wanted = None if dtype is None else canonical(dtype)
    if type(x) in _SCALAR_TYPES:
        return Tensor(_number(x, wanted))
    if isinstance(x, np.ndarray | np.generic):
        return Tensor(_own_array(np.asarray(x), wanted))
    if isinstance(x, list | tuple | range):
        return _from_sequence(x, wanted)
    return _from_object(x, wanted)


def as_tensor(x: Any) -> Tensor:
    """`x` itself if it is a tensor, else `convert_to_tensor(x)`."""
    if isinstance(x, Tensor):
        return x
    return convert_to_tensor(x)


# -- numbers -----------------------------------------------------------------------------


def _weak_dtype(x: Any) -> DType:
    if isinstance(x, bool):
        return dtypes.bool_
    if isinstance(x, int):
        return dtypes.int32 if _INT32.min <= x <= _INT32.max else dtypes.int64
    if isinstance(x, float):
        return canonical(config.floatx())
    return canonical("complex64")


def _number(x: Any, wanted: DType | None) -> np.ndarray:
    """A 0-d array of a Python number."""
    dtype = _weak_dtype(x) if wanted is None else wanted
    if isinstance(x, float) and (dtype.is_integer or dtype.is_bool):
        return elementwise.cast.evaluate(np.array(x), dtype=dtype)
    try:
        return np.array(x, dtype.numpy)
    except OverflowError:
        raise _too_large(x, dtype) from None
    except TypeError as error:
        raise DTypeError(f"convert_to_tensor: {x!r} can't be a {dtype}; {error}") from None


def _too_large(x: Any, dtype: DType) -> ArgumentError:
    limits = np.iinfo(dtype.numpy) if dtype.is_integer else None
    rule = f"{limits.min} … {limits.max}" if limits else "its range"
    return ArgumentError(
        f"convert_to_tensor: a number must fit its dtype; received {str(x)[:40]} for "
        f"{dtype} ({rule}); give a wider dtype, or write it as a float"
    )


@functools.lru_cache(maxsize=4096, typed=True)
def _cached_scalar(value: Any, sign: str, dtype: DType) -> Tensor:
    return Tensor(_number(value, dtype))


def scalar(value: Any, dtype: DType) -> Tensor:
    """A tensor without axes of a Python number; the same tensor for the same number."""
    # -0.0 equals 0.0, but is another number; NaN is not found again, which does no harm.
    return _cached_scalar(value, "" if value else repr(value), dtype)


# -- arrays ------------------------------------------------------------------------------


def _own_array(array: np.ndarray, wanted: DType | None) -> np.ndarray:
    """A copy in native byte order, in the wanted dtype."""
    if array.dtype.kind in "OSU":
        return _text_array(array, wanted)
    found = from_numpy(array.dtype)
    if array.dtype != found.numpy:
        array = array.astype(found.numpy)  # From the other byte order.
    if wanted is None or wanted is found:
        return np.array(array, order="C")
    elementwise.cast.spec(Tensor(array).spec, dtype=wanted)
    return np.array(elementwise.cast.evaluate(array, dtype=wanted))


def _text_array(array: np.ndarray, wanted: DType | None) -> np.ndarray:
    """Text as an object array; object arrays that hold numbers become numbers."""
    flat = array.reshape(-1)
    if all(isinstance(item, str | bytes) for item in flat):
        if wanted not in (None, dtypes.string):
            raise DTypeError(
                f"convert_to_tensor: text can't be a {wanted}; received "
                f"{str(array)[:60]}; convert it to numbers first, for example with "
                f".astype('float32')"
            )
        return _as_bytes(array)
    odd = [item for item in flat if not isinstance(item, int | float | np.number)][:1]
    if not odd:
        return convert_to_tensor(array.tolist(), wanted)._array
    kind, shown = type(odd[0]).__name__, str(odd[0])[:60]
    raise ArgumentTypeError(
        "convert_to_tensor: an array of Python objects must hold only numbers or only "
        f"text; received an item of type {kind}: {shown}; fill or drop such items, then "
        "use .astype('float32')"
    )


def _as_bytes(array: np.ndarray) -> np.ndarray:
    """Text is held as UTF-8, in an array of objects."""
    out = np.empty(array.shape, np.object_)
    flat = out.reshape(-1)
    for place, item in enumerate(array.reshape(-1)):
        flat[place] = item.encode() if isinstance(item, str) else bytes(item)
    return out


# -- sequences ---------------------------------------------------------------------------


def _leaf_types(sequence: Any, found: set[type]) -> set[type]:
    types = set(map(type, sequence))
    if types & {list, tuple, range}:
        for item in sequence:
            if isinstance(item, list | tuple | range):
                _leaf_types(item, found)
            else:
                found.add(type(item))
    else:
        found |= types
    return found


def _from_sequence(x: Any, wanted: DType | None) -> Tensor:
    types = _leaf_types(x, set())
    if types <= _SCALAR_TYPES:
        return Tensor(_array_of_numbers(x, types, wanted))
    if any(_holds_tensor(kind) for kind in types):
        return _stack(list(x), wanted)
    if any(issubclass(kind, str | bytes) for kind in types):
        return Tensor(_text_array(_rectangular(x, np.object_), wanted))
    if not all(issubclass(kind, (np.ndarray, np.generic, *SCALARS)) for kind in types):
        return _stack(list(x), wanted)
    array = _rectangular(x, None)
    if wanted is None and array.dtype.kind != "O":
        # NumPy takes Python's floats for float64; here they are weak.
        strong = _strong_dtypes(x, set())
        array = array.astype(result_type(*strong).numpy)
    return Tensor(_own_array(array, wanted))


def _strong_dtypes(x: Any, found: set) -> set:
    for item in x:
        if isinstance(item, list | tuple | range):
            _strong_dtypes(item, found)
        elif isinstance(item, np.ndarray | np.generic):
            found.add(from_numpy(item.dtype))
        else:
            found.add(type(item))
    return found


def _array_of_numbers(x: Any, types: set[type], wanted: DType | None) -> np.ndarray:
    if wanted is not None and not (wanted.is_integer and float in types):
        try:
            return _rectangular(x, wanted.numpy)
        except OverflowError:
            raise _too_large("a list item", wanted) from None
    array = _rectangular(x, None)
    kind = array.dtype.kind
    if wanted is not None:
        return elementwise.cast.evaluate(array, dtype=wanted)
    if not types or kind == "f":
        return array.astype(canonical(config.floatx()).numpy)
    if kind == "c":
        return array.astype(np.complex64)
    if kind == "O":
        raise _too_large("a list item", dtypes.int64)
    if kind in "iu":
        fits = not array.size or (array.min() >= _INT32.min and array.max() <= _INT32.max)
        return array.astype(np.int32) if fits else array
    return array


def _rectangular(x: Any, dtype: Any) -> np.ndarray:
    try:
        array = np.array(x, dtype)
    except ValueError as error:
        if "inhomogeneous" not in str(error) and "setting an array" not in str(error):
            raise ArgumentError(f"convert_to_tensor: {error}") from None
        raise _ragged(x) from None
    if array.dtype == np.object_ and _is_ragged(x, array):
        raise _ragged(x)
    return array


def _is_ragged(x: Any, array: np.ndarray) -> bool:
    return any(isinstance(item, list | tuple) for item in array.reshape(-1)[:64])


def _ragged(x: Any) -> ArgumentError:
    lengths = [len(item) if isinstance(item, list | tuple) else "a number" for item in x]
    shown = ", ".join(map(str, lengths[:8])) + (", …" if len(lengths) > 8 else "")
    return ArgumentError(
        "convert_to_tensor: nested lists must be rectangular; received rows of unequal "
        f"sizes ({shown}); pad them, for example with keras.utils.pad_sequences"
    )


def _holds_tensor(kind: type) -> bool:
    return issubclass(kind, Tensor | Variable)


def _stack(items: list, wanted: DType | None) -> Tensor:
    """A tensor of the items along a new first axis; works while tracing too."""
    weak = [
        item if type(item) in _SCALAR_TYPES else convert_to_tensor(item) for item in items
    ]
    strong = [item.dtype if isinstance(item, Tensor) else type(item) for item in weak]
    dtype = result_type(*strong) if wanted is None else wanted
    tensors = [cast(convert_to_tensor(item), dtype) for item in weak]
    first = tensors[0].shape
    for position, tensor in enumerate(tensors):
        if tensor.shape != first:
            raise ShapeError(
                "convert_to_tensor: the tensors of a list must have one shape; received "
                f"{first} first and {tensor.shape} at position {position}"
            )
    rows = [moves.reshape.bind(tensor, shape=(1, *first)) for tensor in tensors]
    return rows[0] if len(rows) == 1 else moves.concatenate.bind(*rows, axis=0)


# -- other objects -----------------------------------------------------------------------


def _from_object(x: Any, wanted: DType | None) -> Tensor:
    if isinstance(x, str | bytes):
        array = np.empty((), np.object_)
        array[()] = x
        return Tensor(_text_array(array, wanted))
    if isinstance(x, SCALARS):  # Subclasses, such as IntEnum.
        return Tensor(_number(x, wanted))
    inner = getattr(x, "value", None)
    if isinstance(inner, Tensor | Variable):
        return convert_to_tensor(inner, wanted)
    if hasattr(x, "__array__"):
        return Tensor(_own_array(_asked_array(x), wanted))
    if hasattr(x, "__dlpack__"):
        return cast(from_dlpack(x), wanted) if wanted else from_dlpack(x)
    if hasattr(x, "__index__"):
        return Tensor(_number(int(x.__index__()), wanted))
    if isinstance(x, set | dict) or hasattr(x, "__next__"):
        remedy = "make it a list first"
    elif x is None:
        remedy = "was a value left out, or a `return` forgotten?"
    else:
        remedy = "give numbers, nested lists, NumPy arrays or tensors"
    raise ArgumentTypeError(
        "convert_to_tensor: needs numbers or something that holds them; "
        f"received {type(x).__name__}: {repr(x)[:60]}; {remedy}"
    )


def _asked_array(x: Any) -> np.ndarray:
    try:
        return np.asarray(x)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ArgumentTypeError(
            f"convert_to_tensor: {type(x).__name__} could not give its array: {error}"
        ) from error


def from_dlpack(x: Any) -> Tensor:
    """A tensor with a copy of the values of an object that speaks DLPack.

    Example:
        >>> import numpy as np
        >>> from weft.ops.convert import from_dlpack
        >>> from_dlpack(np.arange(3)).shape
        (3,)
    """
    try:
        array = np.from_dlpack(x)
    except (TypeError, ValueError, RuntimeError, BufferError, AttributeError) as error:
        raise ArgumentTypeError(
            f"from_dlpack: {type(x).__name__} could not be read: {error}; "
            "move it to the CPU, or convert it to a NumPy array"
        ) from error
    return Tensor(_own_array(array, None))


# -- out of tensors ----------------------------------------------------------------------


def convert_to_numpy(x: Any) -> np.ndarray:
    """The values of `x` as a NumPy array of its own.

    Example:
        >>> from weft import ops
        >>> ops.convert_to_numpy([1, 2])
        array([1, 2], dtype=int32)
    """
    if isinstance(x, np.ndarray):
        return np.array(x)
    return np.array(as_tensor(x)._array)


def cast(x: Any, dtype: Any) -> Tensor:
    """`x` in another dtype.

    Floats become integers by cutting off the fraction; numbers become bools by `x != 0`.

    Raises:
        DTypeError: if `x` holds text, or there is no such dtype.

    Example:
        >>> from weft import ops
        >>> ops.cast([1.9, -1.9], "int32").tolist()
        [1, -1]
    """
    x = as_tensor(x)
    dtype = canonical(dtype)
    if x.dtype is dtype:
        return x
    if dtypes.string in (x.dtype, dtype):
        elementwise.cast.spec(x.spec, dtype=dtype)
    return elementwise.cast.bind(x, dtype=dtype)


def shape(x: Any) -> tuple[int, ...]:
    """The shape of `x` as a tuple of ints.

    Example:
        >>> from weft import ops
        >>> ops.shape([[1, 2, 3]])
        (1, 3)
    """
    found = getattr(x, "shape", None)
    return found if type(found) is tuple else as_tensor(x).shape


def constant_value(x: Any) -> np.ndarray | None:
    """The values of `x` where they are known now; None for traced tensors."""
    if isinstance(x, TracedTensor):
        return _traced_constant(x)
    with eager():
        return as_tensor(x)._array


def _traced_constant(x: TracedTensor) -> np.ndarray | None:
    """The values of what is computed from constants alone, such as an extent times two."""
    node = x.value.node
    if node is not None and node.primitive.name == "constant":
        return node.parameters["value"]
    waiting, seen = [x.value], set()
    while waiting:
        node = waiting.pop().node
        # What calls Python must do so at every run.
        if node is None or node.primitive.effects or node.primitive.name == "host_call":
            return None
        if node not in seen:
            seen.add(node)
            waiting.extend(node.inputs)
    return x.trace.concrete(x)._array


def numbers(sizes: Any, who: str, what: str) -> tuple[int, ...]:
    """A tuple of Python ints out of an int, a list, an array or a tensor of ints.

    Raises:
        ArgumentTypeError: if they are no ints, or not known while tracing.
    """
    if isinstance(sizes, Sequence) and not isinstance(sizes, str):
        if all(type(size) is int for size in sizes):
            return tuple(sizes)
        return tuple([integer(size, who, what) for size in sizes])
    if isinstance(sizes, Tensor | np.ndarray) and sizes.ndim:
        return tuple([integer(size, who, what) for size in sizes])
    return (integer(sizes, who, what),)


def integer(x: Any, who: str, what: str) -> int:
    """A Python int out of anything that is one.

    Raises:
        ArgumentTypeError: if it is none, or not known while tracing.
    """
    if type(x) is int:
        return x
    if isinstance(x, TracedTensor):
        known = constant_value(x)
        if known is None or known.ndim or known.dtype.kind not in "iu":
            raise ArgumentTypeError(
                f"{who}: {what} must be known while tracing; received a traced tensor "
                f"({x.spec}); pass a Python int"
            )
        return int(known)
    try:
        return x.__index__()
    except (AttributeError, TypeError):
        raise ArgumentTypeError(
            f"{who}: {what} must be an int; received {type(x).__name__}: {str(x)[:60]}"
        ) from None


__all__ = [
    "as_tensor", "cast", "constant_value", "convert_to_numpy", "convert_to_tensor",
    "from_dlpack", "integer", "is_tensor", "numbers", "scalar", "shape",
]  # fmt: skip
