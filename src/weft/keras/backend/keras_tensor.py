"""KerasTensor: what is known of a tensor before there is data."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from weft.dtypes import DType, canonical
from weft.errors import ArgumentError, ArgumentTypeError
from weft.keras.backend.names import auto_name
from weft.keras.backend.shapes import standardize_shape


class KerasTensor:
    """A symbolic tensor: a shape, None where unknown, and a dtype.

    `keras.Input` makes them; layers, `keras.ops` and operators applied to them give new
    ones, which remember how they were made.

    Args:
        shape: a tuple of ints, None where unknown.
        dtype: the dtype's name.
        name: shown in errors.
    """

    def __init__(
        self,
        shape: Any,
        dtype: Any = "float32",
        sparse: bool = False,
        ragged: bool = False,
        record_history: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if sparse or ragged:
            raise ArgumentError(
                "KerasTensor: weft has dense tensors only; received "
                f"sparse={sparse}, ragged={ragged}; leave both out"
            )
        self._shape = standardize_shape(shape, "KerasTensor")
        self._dtype = canonical(dtype)
        self.sparse = self.ragged = False
        self.ragged_rank: int | None = None
        self.row_splits_dtype: str | None = None
        self.name = auto_name(type(self).__name__) if name is None else name
        self.record_history = record_history
        self._keras_history: Any = None
        self._keras_mask: Any = None

    @property
    def shape(self) -> tuple[int | None, ...]:
        return self._shape

    @property
    def dtype(self) -> DType:
        return self._dtype

    @property
    def ndim(self) -> int:
        return len(self._shape)

    @property
    def size(self) -> int | None:
        """The number of elements, None if unknown."""
        return None if None in self._shape else math.prod(self._shape)  # type: ignore[arg-type]

    @property
    def T(self) -> KerasTensor:
        return _operation("transpose")(self)

    def reshape(self, newshape: Any) -> KerasTensor:
        return _operation("reshape")(self, newshape)

    def squeeze(self, axis: Any = None) -> KerasTensor:
        return _operation("squeeze")(self, axis)

    def __getitem__(self, key: Any) -> KerasTensor:
        return _operation("get_item")(self, key)

    def __hash__(self) -> int:
        return id(self)

    def __len__(self) -> int:
        raise ArgumentTypeError(
            f"len() of a KerasTensor: {self} stands for data that is not there yet; "
            "its known sizes are in .shape"
        )

    def __iter__(self) -> Any:
        raise ArgumentTypeError(
            f"iteration over a KerasTensor: {self} stands for data that is not there yet; "
            "take slices of it, or use keras.ops.unstack"
        )

    def __bool__(self) -> bool:
        raise ArgumentTypeError(
            f"a KerasTensor has no truth value: {self} stands for data that is not there "
            "yet; use keras.ops.where, or write a Layer whose call() decides"
        )

    def _no_number(self) -> Any:
        raise ArgumentTypeError(
            f"a KerasTensor has no values: {self} stands for data that is not there yet; "
            "build a keras.Model with it and call that on data"
        )

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        self._no_number()

    def __int__(self) -> int:
        return self._no_number()

    def __float__(self) -> float:
        return self._no_number()

    def __repr__(self) -> str:
        return (
            f"<KerasTensor shape={self.shape}, dtype={self.dtype}, sparse={self.sparse}, "
            f"ragged={self.ragged}, name={self.name}>"
        )


def _operation(name: str) -> Callable:
    from weft.keras import ops

    return getattr(ops, name)


def _binary(name: str, reflected: bool) -> Callable:
    if reflected:
        return lambda self, other: _operation(name)(other, self)
    return lambda self, other: _operation(name)(self, other)


_OPERATORS = {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide",
    "floordiv": "floor_divide", "mod": "mod", "pow": "power", "matmul": "matmul",
    "and": "logical_and", "or": "logical_or", "xor": "logical_xor",
}  # fmt: skip
_COMPARISONS = {
    "eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal",
    "gt": "greater", "ge": "greater_equal",
}  # fmt: skip
_UNARY = {"neg": "negative", "abs": "absolute", "invert": "logical_not"}

for _symbol, _name in _OPERATORS.items():
    setattr(KerasTensor, f"__{_symbol}__", _binary(_name, False))
    setattr(KerasTensor, f"__r{_symbol}__", _binary(_name, True))
for _symbol, _name in _COMPARISONS.items():
    setattr(KerasTensor, f"__{_symbol}__", _binary(_name, False))
for _symbol, _name in _UNARY.items():
    setattr(KerasTensor, f"__{_symbol}__", lambda self, _n=_name: _operation(_n)(self))


def is_keras_tensor(x: Any) -> bool:
    """Whether `x` is a symbolic tensor.

    Example:
        >>> import weft.keras as keras
        >>> keras.backend.is_keras_tensor(keras.Input((3,)))
        True
    """
    return isinstance(x, KerasTensor)


def any_symbolic(*structures: Any) -> bool:
    """Whether there is a KerasTensor among the leaves."""
    for structure in structures:
        if isinstance(structure, KerasTensor):
            return True
        if isinstance(structure, tuple | list):
            if any_symbolic(*structure):
                return True
        elif isinstance(structure, dict) and any_symbolic(*structure.values()):
            return True
    return False
