"""TensorFlow's functions on symbolic Keras tensors: their calls become nodes of a model.

inputs = keras.Input((3,))
model = keras.Model(inputs, tf.nn.relu(inputs) + tf.reduce_mean(inputs, 1, keepdims=True))
"""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable
from typing import Any

from weft.errors import ArgumentTypeError

# Functions that were made from tables say that they are of weft.ops.
_MADE = ("weft.ops", "weft.compat.arithmetic")
_HELPERS = frozenset(("matmul_operands", "seeded"))


def _is_for_users(function: Any) -> bool:
    if not isinstance(function, types.FunctionType) or function.__name__ in _HELPERS:
        return False
    module = function.__module__
    return module in _MADE or module.startswith("weft.compat.tensorflow")


def accept_symbolic(*modules: types.ModuleType) -> None:
    """Let all public functions of these modules take KerasTensors."""
    wrapped: dict[Callable, Callable] = {}
    for module in modules:
        prefix = module.__name__.rpartition(".")[2]
        path = "tf" if prefix.startswith("_") else f"tf.{prefix}"
        for name, function in list(vars(module).items()):
            if name.startswith("_") or not _is_for_users(function):
                continue
            if function not in wrapped:
                wrapped[function] = _on_both(f"{path}.{name}", function)
            setattr(module, name, wrapped[function])


def _on_both(path: str, function: Callable) -> Callable:
    @functools.wraps(function)
    def on_both(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except ArgumentTypeError:
            # A symbolic tensor has no values: that is how it gets here.
            if not _holds_symbols(args, kwargs):
                raise
        return _operation_class()(path).symbolic_call(*args, **kwargs)

    return on_both


def _holds_symbols(args: tuple, kwargs: dict) -> bool:
    keras_tensor = sys.modules.get("weft.keras.backend.keras_tensor")
    return keras_tensor is not None and keras_tensor.any_symbolic(*args, *kwargs.values())


@functools.cache
def _operation_class() -> type:
    """Made when it is first needed: Keras is not loaded for TensorFlow's names alone."""
    from weft.keras.backend.operation import Operation
    from weft.keras.utils import register_keras_serializable

    @register_keras_serializable(package="tensorflow", name="TensorFlowOperation")
    class TensorFlowOperation(Operation):
        """One of TensorFlow's functions, by its path, such as "tf.math.reduce_mean"."""

        def __init__(self, function: str, name: str | None = None) -> None:
            from weft.keras.backend.names import unique_name

            super().__init__(name=unique_name(function) if name is None else name)
            self.function = function

        def call(self, *args: Any, **kwargs: Any) -> Any:
            found: Any = sys.modules["weft.compat.tensorflow"]
            for part in self.function.split(".")[1:]:
                found = getattr(found, part)
            return found(*args, **kwargs)

        def get_config(self) -> dict:
            return {"function": self.function, "name": self.name}

    return TensorFlowOperation
