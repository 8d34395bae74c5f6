"""keras.ops: weft's operations, which also take KerasTensors.

On data an operation is weft's own. On symbolic tensors its call is remembered as a node, so
that a Functional model can be made of it.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from weft import ops as _ops
from weft.core.tensor import Tensor
from weft.core.variable import Variable
from weft.errors import did_you_mean
from weft.keras.backend.keras_tensor import KerasTensor, any_symbolic
from weft.keras.backend.names import to_snake_case
from weft.keras.backend.operation import Operation
from weft.ops.getitem import get_item as _get_item

# Arguments that are data even where a plain number is given for them.
_DATA = frozenset((
    "x", "x1", "x2", "xs", "y", "inputs", "key", "condition", "target", "output", "tensors",
    "a", "b", "operands", "indices", "updates", "start_indices",
))  # fmt: skip

# Keras' module of an operation's class, where it is not `numpy`.
_NN = frozenset((
    "relu", "relu6", "sigmoid", "sparse_sigmoid", "softplus", "softsign", "soft_shrink",
    "sparse_plus", "silu", "squareplus", "log_sigmoid", "leaky_relu", "hard_sigmoid",
    "hard_silu", "elu", "selu", "gelu", "celu", "glu", "tanh_shrink", "hard_tanh",
    "hard_shrink", "threshold", "softmax", "log_softmax", "sparsemax", "one_hot",
    "multi_hot", "moments", "batch_normalization", "normalize", "layer_normalization",
    "rms_normalization", "dot_product_attention", "conv", "max_pool", "average_pool",
))  # fmt: skip
_CORE = frozenset(("cast", "scatter", "scatter_update", "slice", "slice_update", "shape",
                   "stop_gradient", "convert_to_tensor", "unstack", "while_loop", "cond",
                   "scan", "map", "switch", "fori_loop"))  # fmt: skip
_MATH = frozenset(("segment_sum", "segment_max", "top_k", "in_top_k", "logsumexp", "qr",
                   "extract_sequences", "rsqrt", "erf", "erfinv"))  # fmt: skip

_NEVER_SYMBOLIC = frozenset((
    "is_tensor", "convert_to_numpy", "custom_gradient", "dtype", "result_type",
))  # fmt: skip


def _camel(name: str) -> str:
    return "".join(word[:1].upper() + word[1:] for word in name.split("_"))


class FunctionOperation(Operation):
    """An operation of `keras.ops` applied to symbolic tensors.

    Its settings are the arguments that are no data, such as `axis`.
    """

    function: Callable
    function_name: str

    def __init__(self, name: str | None = None, **settings: Any) -> None:
        super().__init__(name=name)
        self.settings = settings

    def call(self, *args: Any, **kwargs: Any) -> Any:
        names = list(_signature(type(self).function).parameters)
        bound = dict(zip(names, args))
        function = type(self).function
        if any(name in self.settings for name in bound):
            # Data that follows a setting goes by name.
            free = [name for name in names if name not in self.settings]
            bound = dict(zip(free, args))
        elif not self.settings:
            return function(*args, **kwargs)
        return function(**bound, **kwargs, **self.settings)

    def get_config(self) -> dict:
        return {"name": self.name, **self.settings}

    @classmethod
    def from_config(cls, config: dict) -> FunctionOperation:
        return cls(**config)


@functools.lru_cache(maxsize=512)
def _signature(function: Callable) -> inspect.Signature:
    return inspect.signature(function)


@functools.cache
def operation_class(name: str) -> Any:
    """The class of symbolic calls of an operation, by `function_name` or `ClassName`.

    None where there is no such operation.
    """
    function_name = to_snake_case(name) if name[:1].isupper() else name
    function = _LOCAL.get(function_name) or getattr(_ops, function_name, None)
    if function is None or not callable(function):
        return None
    if name[:1].isupper():
        return operation_class(function_name)
    members = {
        "function": staticmethod(function),
        "function_name": function_name,
        "__module__": __name__,
        "keras_module": f"keras.src.ops.{_module_of(function_name)}",
    }
    return type(_camel(function_name), (FunctionOperation,), members)


def _module_of(name: str) -> str:
    for module, names in (("nn", _NN), ("core", _CORE), ("math", _MATH)):
        if name in names:
            return module
    return "numpy"


def _is_data(name: str, value: Any) -> bool:
    if name in _DATA or isinstance(value, Tensor | Variable):
        return True
    return any_symbolic(value)


def _apply_symbolically(name: str, function: Callable, args: tuple, kwargs: dict) -> Any:
    signature = _signature(function)
    bound = signature.bind(*args, **kwargs)
    data, settings, named, in_order = [], {}, {}, True
    for parameter, value in bound.arguments.items():
        kind = signature.parameters[parameter].kind
        if kind is inspect.Parameter.VAR_POSITIONAL:
            data.extend(value)
        elif kind is inspect.Parameter.VAR_KEYWORD:
            named.update(value)
        elif _is_data(parameter, value):
            data.append(value) if in_order else named.update({parameter: value})
        else:
            in_order = False
            if value is not signature.parameters[parameter].default:
                settings[parameter] = value
    return operation_class(name)(**settings).symbolic_call(*data, **named)


def symbolic_function(name: str, function: Callable) -> Callable:
    """`function`, which remembers its call where it is given KerasTensors."""

    @functools.wraps(function)
    def on_both(*args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and not kwargs and type(args[0]) is Tensor:
            return function(args[0])
        if any_symbolic(*args, *kwargs.values()):
            return _apply_symbolically(name, function, args, kwargs)
        return function(*args, **kwargs)

    return on_both


# -- operations whose symbolic form differs ------------------------------------------------


def _item(x: Any, key: Any) -> Any:
    """`x[key]`; a key that went through a file has lists for tuples."""
    if isinstance(key, list) and any(isinstance(k, slice | type(...)) for k in key):
        key = tuple(key)
    return _get_item(x, key)


def shape(x: Any) -> tuple:
    """The shape of `x`; None where it is not known."""
    return x.shape if isinstance(x, KerasTensor) else _ops.shape(x)


def cast(x: Any, dtype: Any) -> Any:
    """`x` in another dtype."""
    if isinstance(x, KerasTensor):
        return operation_class("cast")(dtype=str(dtype)).symbolic_call(x)
    return _ops.cast(x, dtype)


def convert_to_tensor(
    x: Any, dtype: Any = None, sparse: bool | None = None, ragged: bool | None = None
) -> Any:
    """`x` as a tensor; a symbolic tensor stays one."""
    if isinstance(x, KerasTensor):
        return x if dtype is None or x.dtype == dtype else cast(x, dtype)
    return _ops.convert_to_tensor(x, dtype, sparse, ragged)


def is_tensor(x: Any) -> bool:
    """Whether `x` is a tensor with values (a KerasTensor is none)."""
    return _ops.is_tensor(x)


_LOCAL: dict[str, Callable] = {"get_item": _item}

get_item = symbolic_function("get_item", _item)


_FOUND: dict[str, Any] = {}


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(name)
    if name in _FOUND:
        return _FOUND[name]
    found = getattr(_ops, name, None)
    if found is None:
        raise AttributeError(
            "module 'weft.keras.ops' has no attribute "
            f"{name!r}.{did_you_mean(name, __all__)}"
        )
    if callable(found) and not inspect.isclass(found) and name not in _NEVER_SYMBOLIC:
        found = symbolic_function(name, found)
    # Not among the module's globals: `any` and `sum` there would hide Python's own.
    _FOUND[name] = found
    return found


def __dir__() -> list[str]:
    return __all__


__all__ = sorted(
    {
        "get_item",
        "shape",
        "cast",
        "convert_to_tensor",
        "is_tensor",
        *getattr(_ops, "__all__", ()),
    }
)
