"""What tensors do for users of TensorFlow's names: its operators, shapes and displays.

weft has one Tensor class, and its operators promote dtypes as Keras 3 does. While these
semantics are on, a line of the user's code gets TensorFlow's: `int32 + float32` is an error,
`int32 / int32` is float64, `x.shape` is a TensorShape, `print(x)` says `tf.Tensor`. Lines
inside of the weft package keep weft's own meaning; who calls is seen from the frame.

`import weft.compat.tensorflow` turns them on; `enable` and `disable` are for tests.
"""

from __future__ import annotations

import contextlib
import os
import sys
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import weft
from weft.compat import arithmetic
from weft.compat.conversion import tensor
from weft.compat.shapes import TensorShape
from weft.core.tensor import Tensor, TracedTensor
from weft.core.variable import Variable
from weft.data import Dataset
from weft.dtypes import DType
from weft.errors import ArgumentError, ArgumentTypeError
from weft.function.autograph.builtins import SETTINGS
from weft.function.function import Function
from weft.function.signature import TensorSpec
from weft.ops import operators, text

PACKAGE = str(Path(weft.__file__).resolve().parent) + os.sep

_frame = sys._getframe

# -- operators ---------------------------------------------------------------------------

_STRICT: dict[str, Callable] = {
    "add": arithmetic.add,
    "sub": arithmetic.subtract,
    "mul": arithmetic.multiply,
    "truediv": arithmetic.truediv,
    "floordiv": arithmetic.floordiv,
    "mod": arithmetic.mod,
    "pow": arithmetic.pow,
    "matmul": arithmetic.matmul_operator,
    "and": arithmetic.bitwise_and,
    "or": arithmetic.bitwise_or,
    "xor": arithmetic.bitwise_xor,
}

_COMPARISONS: dict[str, Callable] = {
    "eq": arithmetic.equals,
    "ne": arithmetic.unequals,
    "lt": arithmetic.less,
    "le": arithmetic.less_equal,
    "gt": arithmetic.greater,
    "ge": arithmetic.greater_equal,
}


def _accepts(self: Any, other: Any) -> bool:
    if isinstance(other, str | bytes):
        return self.dtype == "string"
    return operators._is_operand(other)


def _operator(plain: Callable, strict: Callable, is_reflected: bool) -> Callable:
    def method(self: Any, other: Any) -> Any:
        if _frame(1).f_code.co_filename.startswith(PACKAGE):
            return plain(self, other)
        if type(self) is Tensor and type(other) is Tensor:
            # Floats of one dtype and shape: both meanings agree.
            a, b = self._array, other._array
            if a.dtype is b.dtype and a.dtype.kind == "f" and a.shape == b.shape:
                return plain(self, other)
        if not _accepts(self, other):
            return plain(self, other)
        if not is_reflected:
            return strict(self, other)
        return strict(tensor("operator", other, _reflected_dtype(other, self)), self)

    return method


def _reflected_dtype(other: Any, self: Any) -> Any:
    """`2 * x` takes the dtype of x; a tensor keeps its own, and is refused if it differs."""
    return None if isinstance(other, Tensor | Variable) else self.dtype


def _operator_replacements(kind: type) -> dict[str, Callable]:
    found = {}
    for name, strict in (_STRICT | _COMPARISONS).items():
        for spelled, is_reflected in ((f"__{name}__", False), (f"__r{name}__", True)):
            plain = kind.__dict__.get(spelled)
            if plain is not None:
                found[spelled] = _operator(plain, strict, is_reflected)
    return found


# -- shapes, slices, references ----------------------------------------------------------


def _tensor_shape(self: Any) -> tuple:
    shape = self._array.shape
    if _frame(1).f_code.co_filename.startswith(PACKAGE):
        return shape
    return tuple.__new__(TensorShape, shape)


def _spec_shape(self: Any) -> tuple:
    shape = self._spec.shape
    if _frame(1).f_code.co_filename.startswith(PACKAGE):
        return shape
    return tuple.__new__(TensorShape, shape)


def _get_shape(self: Any) -> TensorShape:
    return TensorShape(self.shape)


def _set_shape(self: Any, shape: Any) -> None:
    """Check that the shape is one that this tensor has; it is always known."""
    wanted = TensorShape(shape)
    if not wanted.is_compatible_with(self.shape):
        raise ArgumentError(
            f"set_shape: the shape must be compatible with the tensor's; received {wanted} "
            f"for {self.spec}"
        )


class Reference:
    """A key for dicts and sets that stands for one tensor; `deref()` gives it back."""

    __slots__ = ("_wrapped",)

    def __init__(self, wrapped: Any) -> None:
        self._wrapped = wrapped

    def deref(self) -> Any:
        return self._wrapped

    def __hash__(self) -> int:
        return id(self._wrapped)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reference) and other._wrapped is self._wrapped

    def __repr__(self) -> str:
        return f"<Reference wrapping {self._wrapped!r}>"


# Slices of variables remember where they come from: v[0].assign(9.0).
_slices: dict[int, tuple[weakref.ref, Variable, Any]] = {}


def _variable_item(plain: Callable) -> Callable:
    def method(self: Variable, key: Any) -> Tensor:
        found = plain(self, key)
        if not _frame(1).f_code.co_filename.startswith(PACKAGE):
            number = id(found)
            reference = weakref.ref(found, lambda _: _slices.pop(number, None))
            _slices[number] = (reference, self, key)
        return found

    return method


def _slice_assignment(name: str) -> property:
    """`assign` and its relatives, which only slices of variables have."""

    def method_of(self: Tensor) -> Callable:
        known = _slices.get(id(self))
        if known is None or known[0]() is not self:
            raise AttributeError(
                f"'Tensor' object has no attribute {name!r}: a tensor can't be changed; "
                "make a tf.Variable, and assign to it"
            )
        _, variable, key = known

        def assign(value: Any, *_: Any, **__: Any) -> Variable:
            return _assign_slice(variable, key, name, value)

        return assign

    return property(method_of)


def _assign_slice(variable: Variable, key: Any, name: str, value: Any) -> Variable:
    from weft import ops

    whole = variable.value
    part = ops.get_item(whole, key)
    value = tensor(f"slice.{name}", value, variable.dtype)
    if name != "assign":
        value = part + value if name == "assign_add" else part - value
    value = ops.broadcast_to(value, part.shape)
    # Positions of the slice in the flat variable, found by slicing the positions.
    positions = np.arange(whole.size, dtype=np.int32).reshape(whole.shape)
    chosen = ops.get_item(tensor("slice", positions), key)
    flat = ops.scatter_update(
        ops.reshape(whole, (-1,)),
        ops.reshape(chosen, (-1, 1)),
        ops.reshape(value, (-1,)),
    )
    variable.set_tensor(ops.reshape(flat, whole.shape))
    return variable


# -- displays ----------------------------------------------------------------------------


def _traced_repr(self: TracedTensor) -> str:
    node = self.value.node
    name = self.value.name or (node.primitive.name if node is not None else "x")
    shape = tuple(self._spec.shape)
    return f'Tensor("{name}:0", shape={shape}, dtype={self._spec.dtype.name})'


def _dtype_str(self: DType) -> str:
    name = str.__str__(self)
    if _frame(1).f_code.co_filename.startswith(PACKAGE):
        return name
    return f"<dtype: {name!r}>"


def _dtype_repr(self: DType) -> str:
    return f"tf.{self.name}"


_declared_shape = TensorSpec.__dict__["shape"]


def _declared(self: TensorSpec) -> Any:
    shape = _declared_shape.__get__(self)
    if _frame(1).f_code.co_filename.startswith(PACKAGE):
        return shape
    return TensorShape(shape)


def _spec_repr(self: TensorSpec) -> str:
    shape = TensorShape(self.shape)
    return f"TensorSpec(shape={shape}, dtype=tf.{self.dtype.name}, name={self.name!r})"


def _function_repr(self: Function) -> str:
    return f"<weft.function.Function object at {id(self):#x}>"


# Where TensorFlow calls the class of a dataset otherwise than by the step that made it.
_DATASETS = {
    "Slices": "_TensorSliceDataset", "Tensors": "_TensorDataset",
    "Lines": "TextLineDatasetV2", "Generated": "_FlatMapDataset",
    "Held": "_VariantDataset", "Select": "_DirectedInterleaveDataset",
}  # fmt: skip


def _dataset_repr(self: Dataset) -> str:
    step = self._node.name
    name = _DATASETS.get(step, f"_{step}Dataset")
    return f"<{name} element_spec={self.element_spec!r}>"


def _tensor_bool(plain: Callable) -> Callable:
    def method(self: Any) -> bool:
        try:
            return plain(self)
        except ArgumentTypeError as error:
            raise AmbiguousTruthError(
                "The truth value of an array with more than one element is ambiguous. Use "
                f"tf.reduce_any or tf.reduce_all; received {self.spec}"
            ) from error

    return method


class AmbiguousTruthError(ArgumentTypeError, ValueError):
    """`if tensor:` with several elements."""


# -- on and off --------------------------------------------------------------------------


def _limits(self: Any) -> tuple:
    return (0, 1) if self.is_floating else (self.min, self.max)


def _extreme(which: str) -> property:
    def value(self: DType) -> Any:
        if self.is_integer:
            return getattr(np.iinfo(self.numpy), which)
        if self.is_floating:
            import ml_dtypes

            return getattr(ml_dtypes.finfo(self.numpy), which)
        raise TypeError(f"dtype {self.name} has no {which}imum")

    return property(value)


_DTYPE_FACTS: dict[str, Any] = {
    "min": _extreme("min"),
    "max": _extreme("max"),
    "limits": property(_limits),
    "base_dtype": property(lambda self: self),
    "real_dtype": property(
        lambda self: {"complex64": weft.float32, "complex128": weft.float64}.get(self.name, self)
    ),
    "is_complex": property(lambda self: self.kind == "complex"),
    "is_unsigned": property(lambda self: self.kind == "uint"),
    "is_numpy_compatible": property(lambda self: True),
    "is_quantized": property(lambda self: False),
    "is_compatible_with": lambda self, other: self == other,
}  # fmt: skip
"""Facts of dtypes that TensorFlow's users ask for."""

_originals: list[tuple[type, str, Any]] = []
_ABSENT = object()


def _replacements() -> list[tuple[type, str, Any]]:
    found: list[tuple[type, str, Any]] = []
    for kind in (Tensor, Variable):
        found += [(kind, name, new) for name, new in _operator_replacements(kind).items()]
        found += [
            (kind, "get_shape", _get_shape),
            (kind, "set_shape", _set_shape),
            (kind, "ref", lambda self: Reference(self)),
            (kind, "__bool__", _tensor_bool(kind.__dict__["__bool__"])),
        ]
    for name in ("assign", "assign_add", "assign_sub"):
        found.append((Tensor, name, _slice_assignment(name)))
    found += [
        (Tensor, "shape", property(_tensor_shape)),
        (TracedTensor, "shape", property(_spec_shape)),
        (Variable, "shape", property(_spec_shape)),
        (Variable, "__getitem__", _variable_item(Variable.__dict__["__getitem__"])),
        (TracedTensor, "__repr__", _traced_repr),
        (TracedTensor, "__str__", _traced_repr),
        (DType, "__str__", _dtype_str),
        (DType, "__repr__", _dtype_repr),
        (Function, "__repr__", _function_repr),
        (Dataset, "__repr__", _dataset_repr),
        (TensorSpec, "shape", property(_declared, _declared_shape.__set__)),
        (TensorSpec, "__repr__", _spec_repr),
    ]
    found += [(DType, name, fact) for name, fact in _DTYPE_FACTS.items()]
    return found


def enable() -> None:
    """Give the user's lines TensorFlow's meaning of tensors."""
    if _originals:
        return
    for kind, name, new in _replacements():
        _originals.append((kind, name, kind.__dict__.get(name, _ABSENT)))
        setattr(kind, name, new)
    text.PREFIX = "tf"
    SETTINGS["values_are_printed"] = False


def disable() -> None:
    """Give the user's lines weft's own meaning of tensors."""
    while _originals:
        kind, name, old = _originals.pop()
        if old is _ABSENT:
            delattr(kind, name)
        else:
            setattr(kind, name, old)
    text.PREFIX = "weft"
    SETTINGS["values_are_printed"] = True


def is_enabled() -> bool:
    """Whether TensorFlow's meaning is on."""
    return bool(_originals)


@contextlib.contextmanager
def tensorflow(on: bool = True) -> Iterator[None]:
    """TensorFlow's meaning inside of a `with` block (or weft's, with on=False)."""
    before = is_enabled()
    (enable if on else disable)()
    try:
        yield
    finally:
        (enable if before else disable)()
