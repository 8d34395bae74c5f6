"""Variable: a named tensor that can be assigned.

Eagerly, a variable owns one aligned array. Reading hands out a tensor that shares it;
assigning, and compiled programs that update in place, first make sure that nobody else
still holds the old array, and take a fresh one otherwise: tensors never change.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from weft.core.primitive import Primitive
from weft.core.spec import Spec
from weft.core.state import STATE
from weft.core.tensor import Tensor
from weft.core.typed import Operators
from weft.dtypes import DType, from_numpy
from weft.errors import DTypeError, ShapeError

ALIGNMENT = 64


class _Memory(np.ndarray):
    """The owner of an aligned array's bytes.

    NumPy shortens chains of views of one type. This type ends the chain, so that views of
    an aligned array refer to that array itself, and its reference count tells who looks.
    """


def aligned_empty(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """An uninitialised array whose first byte lies at a multiple of 64."""
    size = dtype.itemsize
    for extent in shape:
        size *= extent
    raw = np.empty(size + ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % ALIGNMENT
    memory = raw[start : start + size].view(dtype, _Memory).reshape(shape)
    return memory.view(np.ndarray)


def aligned_copy(array: np.ndarray) -> np.ndarray:
    """A contiguous copy that starts at a multiple of 64 bytes."""
    copy = aligned_empty(array.shape, array.dtype)
    copy[...] = array
    return copy


class _Holder:
    array: np.ndarray


def _references_when_alone() -> int:
    """What getrefcount says of an array that only one attribute holds."""
    holder = _Holder()
    holder.array = np.zeros(1)
    return sys.getrefcount(holder.array)


ALONE = _references_when_alone()


def _read_evaluate(array: np.ndarray) -> np.ndarray:
    return array


read_variable = Primitive("read_variable", spec=lambda spec: spec, evaluate=_read_evaluate)
"""Only ever recorded by tapes: it ties the tensor that was read to its variable."""


@read_variable.vjp
def _(ct: Tensor, out: Tensor, variable: Any) -> Tensor:
    return ct


class Variable(Operators):
    """A mutable tensor with a name.

    Args:
        array: the first value; taken over, not copied, if it can be written.
        trainable: whether optimizers and tapes see it.
        name: shown in summaries and errors.
        constraint: function applied to the value after an optimizer's update.
    """

    if TYPE_CHECKING:
        # Attached by ops/operators.py too.
        def assign(self, value: Any) -> Variable: ...
        def assign_add(self, value: Any) -> Variable: ...
        def assign_sub(self, value: Any) -> Variable: ...

    __array_priority__ = 1000

    def __init__(
        self,
        array: np.ndarray,
        *,
        trainable: bool = True,
        name: str = "variable",
        constraint: Callable | None = None,
    ) -> None:
        # Programs write over it.
        self._array = array if array.flags.writeable else aligned_copy(array)
        self._spec = Spec(array.shape, from_numpy(array.dtype))
        self._trainable = trainable
        self.name = name
        self.constraint = constraint
        if STATE.trace is not None:
            STATE.trace.created(self)

    # -- facts ---------------------------------------------------------------------

    @property
    def spec(self) -> Spec:
        return self._spec

    @property
    def shape(self) -> tuple[int, ...]:
        return self._spec.shape

    @property
    def dtype(self) -> DType:
        return self._spec.dtype

    @property
    def ndim(self) -> int:
        return len(self._spec.shape)

    @property
    def trainable(self) -> bool:
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)

    # -- value ---------------------------------------------------------------------

    @property
    def value(self) -> Tensor:
        """The current value as a tensor."""
        trace = STATE.trace
        tensor = Tensor(self._array) if trace is None else trace.read(self)
        for tape in STATE.tapes:
            tape.record(read_variable, (self,), tensor, {})
        return tensor

    def read_value(self) -> Tensor:
        """The current value as a tensor."""
        return self.value

    def numpy(self) -> Any:
        """A NumPy copy of the current value."""
        return self.value.numpy()

    def set_tensor(self, tensor: Tensor) -> None:
        """Take `tensor` (of this shape and dtype) as the value from here on."""
        if tensor.shape != self.shape:
            raise ShapeError(
                f"Variable.assign: the value must keep the shape of {self.name!r}; "
                f"received {tensor.spec} for {self.spec}"
            )
        if tensor.dtype is not self.dtype:
            raise DTypeError(
                f"Variable.assign: the value must keep the dtype of {self.name!r}; received "
                f"{tensor.spec} for {self.spec}; cast it first"
            )
        if STATE.trace is not None:
            STATE.trace.write(self, tensor)
        else:
            np.copyto(self.buffer_to_overwrite(), tensor._array)

    def set_zeros(self) -> None:
        """Take zeros as the value from here on."""
        if STATE.trace is None:
            self.buffer_to_overwrite().fill(0)
        else:
            self.set_tensor(Tensor(np.zeros(self.shape, self.dtype.numpy)))

    def buffer(self) -> np.ndarray:
        """The array that holds the value, for reading by programs."""
        return self._array

    def buffer_to_overwrite(self) -> np.ndarray:
        """An array to write the next value into; old tensors keep the old values."""
        if not self._is_alone():
            self._array = aligned_empty(self.shape, self._array.dtype)
        return self._array

    def buffer_to_update(self) -> np.ndarray:
        """Like `buffer_to_overwrite`, but holding the current value."""
        if not self._is_alone():
            self._array = aligned_copy(self._array)
        return self._array

    def _is_alone(self) -> bool:
        return sys.getrefcount(self._array) <= ALONE
