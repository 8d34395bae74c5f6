"""weft.keras: the API of Keras 3 on weft.

    from weft import keras

    model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(10)])

Every part is loaded when it is first named.
"""

from __future__ import annotations

import importlib
from typing import Any

from weft.errors import did_you_mean

__version__ = "3.15.1"

_NAMESPACES = frozenset((
    "activations", "backend", "callbacks", "config", "constraints",
    "datasets", "dtype_policies", "initializers", "layers", "legacy", "losses", "metrics",
    "mixed_precision", "models", "ops", "optimizers", "preprocessing", "random",
    "regularizers", "saving", "tree", "utils", "wrappers",
))  # fmt: skip

_HOMES = {
    "backend.keras_tensor": ("KerasTensor",),
    "backend.names": ("name_scope",),
    "backend.operation": ("Operation",),
    "backend.scopes": ("StatelessScope", "SymbolicScope"),
    "backend.variable": ("Variable",),
    "dtype_policies": ("DTypePolicy", "FloatDTypePolicy"),
    "initializers": ("Initializer",),
    "layers": ("Input", "InputSpec", "Layer"),
    "losses": ("Loss",),
    "metrics": ("Metric",),
    "models": ("Model", "Sequential"),
    "models.function": ("Function",),
    "optimizers": ("Optimizer",),
    "regularizers": ("Regularizer",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def version() -> str:
    """The version of Keras whose API this is."""
    return __version__


def __getattr__(name: str) -> Any:
    if name in _NAMESPACES:
        return importlib.import_module(f"weft.keras.{name}")
    if name in _HOME:
        found = getattr(importlib.import_module(f"weft.keras.{_HOME[name]}"), name)
        globals()[name] = found
        return found
    known = [*_NAMESPACES, *_HOME]
    raise AttributeError(
        f"module 'weft.keras' has no attribute {name!r}.{did_you_mean(name, known)}"
    )


def __dir__() -> list[str]:
    return sorted({*_NAMESPACES, *_HOME, "version", "__version__"})
