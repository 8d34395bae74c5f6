"""Traced functions and control flow."""

from __future__ import annotations

import sys
import types
from typing import Any

from weft.function.concrete import ConcreteFunction
from weft.function.control import (
    associative_scan,
    cond,
    fori_loop,
    map,
    scan,
    switch,
    vectorized_map,
    while_loop,
)
from weft.function.function import (
    Function,
    TracedFunction,
    function,
    functions_run_eagerly,
    run_functions_eagerly,
)
from weft.function.signature import TensorSpec


class _CallableModule(types.ModuleType):
    """`weft.function` is this package and the decorator: importing binds the package."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)


sys.modules[__name__].__class__ = _CallableModule

__all__ = [
    "ConcreteFunction",
    "Function",
    "TensorSpec",
    "TracedFunction",
    "associative_scan",
    "cond",
    "fori_loop",
    "function",
    "functions_run_eagerly",
    "map",
    "run_functions_eagerly",
    "scan",
    "switch",
    "vectorized_map",
    "while_loop",
]
