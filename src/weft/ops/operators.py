"""Operators, indexing and Python's protocols, attached to Tensor and Variable in one place.

`core` defines what a tensor is; what can be done with it is made of operations, which are
defined above that room. The tables below are the whole list.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from weft.core import variable as core
from weft.core.tensor import Tensor, TracedTensor
from weft.core.trace import user_source
from weft.core.variable import Variable
from weft.errors import ArgumentTypeError, ShapeError, TraceError
from weft.ops import contraction, elementwise, layout, text
from weft.ops.convert import cast, convert_to_tensor
from weft.ops.getitem import get_item

# -- operators ---------------------------------------------------------------------------

BINARY: dict[str, Callable] = {
    "add": elementwise.add,
    "sub": elementwise.subtract,
    "mul": elementwise.multiply,
    "truediv": elementwise.divide,
    "floordiv": elementwise.floor_divide,
    "mod": elementwise.mod,
    "pow": elementwise.power,
    "matmul": contraction.matmul,
    "and": elementwise.bitwise_and,
    "or": elementwise.bitwise_or,
    "xor": elementwise.bitwise_xor,
    "lshift": elementwise.bitwise_left_shift,
    "rshift": elementwise.bitwise_right_shift,
}
"""Operators that exist reflected too: 1 - t calls t.__rsub__(1)."""

COMPARISONS: dict[str, Callable] = {
    "eq": elementwise.equal,
    "ne": elementwise.not_equal,
    "lt": elementwise.less,
    "le": elementwise.less_equal,
    "gt": elementwise.greater,
    "ge": elementwise.greater_equal,
}

UNARY: dict[str, Callable] = {
    "neg": elementwise.negative,
    "pos": elementwise.positive,
    "abs": elementwise.absolute,
    "invert": elementwise.bitwise_not,
    "round": elementwise.round,
}

_OPERANDS = (Tensor, Variable, bool, int, float, np.ndarray, np.generic, list, tuple)


def _is_operand(x: Any) -> bool:
    if isinstance(x, _OPERANDS):
        return True
    return hasattr(x, "__array__") or hasattr(x, "__dlpack__") or _holds_value(x)


def _holds_value(x: Any) -> bool:
    return isinstance(getattr(x, "value", None), Tensor | Variable)


def _method(operation: Callable) -> Callable:
    def method(self: Any, other: Any) -> Any:
        if type(other) is Tensor or _is_operand(other):
            return operation(self, other)
        return NotImplemented

    return method


def _reflected(operation: Callable) -> Callable:
    def method(self: Any, other: Any) -> Any:
        return operation(other, self) if _is_operand(other) else NotImplemented

    return method


def _attach_operators(kind: type) -> None:
    for name, operation in BINARY.items():
        setattr(kind, f"__{name}__", _method(operation))
        setattr(kind, f"__r{name}__", _reflected(operation))
    for name, operation in COMPARISONS.items():
        setattr(kind, f"__{name}__", _method(operation))
    for name, operation in UNARY.items():
        setattr(kind, f"__{name}__", operation)
    kind.__hash__ = object.__hash__  # type: ignore[method-assign,assignment]


# -- one value as a Python number --------------------------------------------------------


def _only_value(x: Any, what: str) -> Any:
    """The only element as a Python number."""
    if isinstance(x, Variable):
        x = x.value
    if isinstance(x, TracedTensor):
        raise _no_value_yet(x, what)
    if math.prod(x.shape) != 1:
        raise ArgumentTypeError(
            f"{what}: only a tensor with one element can become a Python number; received "
            f"{x.spec}; use .numpy(), or reduce it first"
        )
    return x._array.item()


def _no_value_yet(x: TracedTensor, what: str) -> TraceError:
    source = user_source()
    where = f" at line {source[1]} of {source[0]}" if source else ""
    remedies = {
        "bool": "use weft.cond or weft.where, or let @weft.function rewrite the `if` "
        "(autograph=True)",
        "int": "use the tensor itself, weft.cast, or weft.while_loop",
        "float": "use the tensor itself, or weft.cast",
    }
    remedy = remedies.get(what, "keep to weft operations, or return it from the function")
    return TraceError(
        f"{what} of a traced tensor ({x.spec}){where}: its value is not known while the "
        f"function is traced; {remedy}"
    )


def _bool(self: Any) -> bool:
    if not isinstance(self, TracedTensor | Variable) and self.size != 1:
        raise ArgumentTypeError(
            "bool: the truth of a tensor with several elements (or none) is not defined; "
            f"received {self.spec}; use ops.any or ops.all"
        )
    return bool(_only_value(self, "bool"))


def _int(self: Any) -> int:
    return int(_only_value(self, "int"))


def _float(self: Any) -> float:
    return float(_only_value(self, "float"))


def _complex(self: Any) -> complex:
    return complex(_only_value(self, "complex"))


def _index(self: Any) -> int:
    if not self.dtype.is_integer or self.shape != ():
        raise ArgumentTypeError(
            "index: only an integer tensor without axes can stand for a Python int; "
            f"received {self.spec}"
        )
    return int(_only_value(self, "int"))


def _format(self: Any, specification: str) -> str:
    if not specification:
        return str(self)
    return format(_only_value(self, "format"), specification)


def item(self: Any) -> Any:
    """The only element as a Python number."""
    return _only_value(self, "item")


def block_until_ready(self: Any) -> Any:
    """The tensor itself: results are there when an operation returns."""
    return self


def tolist(self: Any) -> Any:
    """The values as nested lists of Python numbers."""
    return self._array.tolist() if isinstance(self, Tensor) else self.value.tolist()


# -- containers --------------------------------------------------------------------------


def _iterate(self: Any) -> Iterator[Tensor]:
    tensor = convert_to_tensor(self)
    if not tensor.shape:
        raise ArgumentTypeError(
            "iteration: a tensor without axes has nothing to go through; "
            f"received {self.spec}"
        )
    return (get_item(tensor, i) for i in range(tensor.shape[0]))


def _contains(self: Any, value: Any) -> bool:
    return bool(elementwise.equal(self, value)._array.any())


def _no_assignment(self: Any, key: Any, value: Any) -> None:
    raise ArgumentTypeError(
        "a tensor can't be changed: `x[key] = value` was used on a "
        f"{type(self).__name__} ({self.spec}); make a new one with ops.slice_update, "
        "ops.scatter_update or ops.where, or keep a weft.Variable and assign to it"
    )


def _transposed(self: Any) -> Tensor:
    return layout.transpose(self)


def _matrix_transposed(self: Any) -> Tensor:
    return layout.matrix_transpose(self)


def astype(self: Any, dtype: Any) -> Tensor:
    """`cast(self, dtype)`."""
    return cast(self, dtype)


def _device(self: Any) -> str:
    return "/job:localhost/replica:0/task:0/device:CPU:0"


# -- NumPy, DLPack, the array API --------------------------------------------------------


def _array(self: Any, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
    """A view that can't be written; NumPy copies it where it wants its own."""
    array = self._array if isinstance(self, Tensor) else self.value._array
    if copy or (dtype is not None and np.dtype(dtype) != array.dtype):
        if copy is False:
            raise ArgumentTypeError(
                f"array: another dtype needs a copy; received dtype={dtype}, copy=False"
            )
        return array.astype(array.dtype if dtype is None else dtype)
    view = array.view()
    view.setflags(write=False)
    return view


def _dlpack(
    self: Any, *, stream: Any = None, max_version: Any = None, dl_device: Any = None,
    copy: bool | None = None,
) -> Any:  # fmt: skip
    array = self._array if isinstance(self, Tensor) else self.value._array
    shared = max_version is not None and max_version[0] >= 1 and not copy
    if not shared:
        # Old versions can't say that memory must not be written: they get a copy.
        return array.copy().__dlpack__()
    view = array.view()
    view.flags.writeable = False
    return view.__dlpack__(max_version=max_version)


def _dlpack_device(self: Any) -> tuple[int, int]:
    return np.empty(0).__dlpack_device__()


def _namespace(self: Any, *, api_version: str | None = None) -> Any:
    from weft import ops

    return ops


# -- copies and pickles ------------------------------------------------------------------


def _itself(self: Any, memo: Any = None) -> Any:
    return self


def _from_array(array: np.ndarray) -> Tensor:
    return Tensor(array)


def _reduce(self: Tensor) -> tuple:
    return _from_array, (np.array(self._array),)


def _rebuilt(kind: type, array: np.ndarray, state: dict) -> Variable:
    variable: Variable = object.__new__(kind)
    core.Variable.__init__(
        variable,
        core.aligned_copy(array),
        trainable=state["_trainable"],
        name=state["name"],
        constraint=state["constraint"],
    )
    variable.__dict__.update(state)
    return variable


def _variable_reduce(self: Variable) -> tuple:
    kept = {name: value for name, value in self.__dict__.items() if name != "_array"}
    return _rebuilt, (type(self), np.array(self.buffer()), kept)


# -- assigning to variables --------------------------------------------------------------


def assign(self: Variable, value: Any, *_: Any, **__: Any) -> Variable:
    """Take a new value of this variable's shape; numbers are cast to its dtype.

    Raises:
        ShapeError: if the shape differs.
    """
    tensor = convert_to_tensor(value, self.dtype)
    if tensor.shape != self.shape:
        raise ShapeError(
            f"Variable.assign: the value must have the shape of {self.name!r}; received "
            f"{tensor.spec} for {self.spec}"
        )
    self.set_tensor(tensor)
    return self


def assign_add(self: Variable, value: Any, *_: Any, **__: Any) -> Variable:
    """Add to the value."""
    return assign(self, elementwise.add(self.value, convert_to_tensor(value, self.dtype)))


def assign_sub(self: Variable, value: Any, *_: Any, **__: Any) -> Variable:
    """Subtract from the value."""
    return assign(
        self, elementwise.subtract(self.value, convert_to_tensor(value, self.dtype))
    )


def _no_item_assignment(self: Variable, key: Any, value: Any) -> None:
    raise ArgumentTypeError(
        f"`v[key] = value` on Variable {self.name!r} ({self.spec}): assign a whole value, "
        "v.assign(ops.slice_update(v, start, value)) or ops.scatter_update"
    )


# -- the tables --------------------------------------------------------------------------

PROTOCOLS: dict[str, Any] = {
    "__bool__": _bool,
    "__int__": _int,
    "__float__": _float,
    "__complex__": _complex,
    "__index__": _index,
    "__format__": _format,
    "__getitem__": get_item,
    "__iter__": _iterate,
    "__contains__": _contains,
    "__array__": _array,
    "__dlpack__": _dlpack,
    "__dlpack_device__": _dlpack_device,
    "__array_namespace__": _namespace,
    "item": item,
    "tolist": tolist,
    "block_until_ready": block_until_ready,
    "astype": astype,
    "T": property(_transposed),
    "mT": property(_matrix_transposed),
    "device": property(_device),
}
"""What tensors and variables share."""

TENSOR: dict[str, Any] = {
    "__setitem__": _no_assignment,
    "__repr__": text.tensor_repr,
    "__str__": text.tensor_str,
    "__copy__": _itself,
    "__deepcopy__": _itself,
    "__reduce__": _reduce,
}

VARIABLE: dict[str, Any] = {
    "__setitem__": _no_item_assignment,
    "__repr__": text.variable_repr,
    "__reduce__": _variable_reduce,
    "assign": assign,
    "assign_add": assign_add,
    "assign_sub": assign_sub,
}


def attach() -> None:
    """Give Tensor and Variable their operators and protocols."""
    for kind, own in ((Tensor, TENSOR), (Variable, VARIABLE)):
        _attach_operators(kind)
        for name, value in (PROTOCOLS | own).items():
            setattr(kind, name, value)


attach()
