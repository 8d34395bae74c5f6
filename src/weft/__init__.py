"""weft: tensors, derivatives, a compiler, and Keras's API on top.

    import weft
    from weft import keras, ops

Importing weft loads NumPy and the engine; everything else comes when it is first named.
"""

from __future__ import annotations

import importlib
import sys
import types
from typing import Any

from weft.core.tensor import Tensor as Tensor
from weft.core.tensor import is_tensor as is_tensor
from weft.dtypes import ALL as _DTYPES
from weft.dtypes import DType as DType
from weft.errors import WeftError as WeftError
from weft.errors import did_you_mean as _did_you_mean
from weft.ops.convert import cast as cast
from weft.ops.convert import convert_to_tensor as convert_to_tensor
from weft.ops.variable import Variable as Variable
from weft.targets.eager import install as _install_large

__version__ = "0.1.0"

_install_large()

# Where public names live that are loaded when first used: (module, name or None for the
# module itself).
_LAZY: dict[str, tuple[str, str | None]] = {
    **{
        name: (f"weft.{name}", None)
        for name in ("ops", "keras", "data", "random", "viz", "debug", "compat", "autodiff",
                     "config", "dtypes", "errors", "tree", "targets")
    },
    **{
        name: ("weft.function.control", name)
        for name in ("cond", "while_loop", "scan", "fori_loop", "map", "vectorized_map",
                     "switch", "associative_scan")
    },
    "GradientTape": ("weft.autodiff", "GradientTape"),
    "custom_gradient": ("weft.autodiff", "custom_gradient"),
    "stop_gradient": ("weft.autodiff", "stop_gradient"),
    "TensorSpec": ("weft.function.signature", "TensorSpec"),
    "set_random_seed": ("weft.random", "set_seed"),
    "where": ("weft.ops", "where"),
}  # fmt: skip


class _Weft(types.ModuleType):
    """A module some of whose functions have the names of its rooms.

    Importing `weft.function` would set the attribute `function` to that package. These
    properties keep the function there.
    """

    @property
    def function(self) -> Any:
        return _from_room("weft.function.function", "function")

    @function.setter
    def function(self, room: types.ModuleType) -> None:
        pass

    @property
    def explain(self) -> Any:
        return _from_room("weft.explain", "explain")

    @explain.setter
    def explain(self, room: types.ModuleType) -> None:
        pass


def _from_room(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)


def __getattr__(name: str) -> Any:
    if name == "bool" or name in _DTYPES:
        return _DTYPES[name]
    known = _LAZY.get(name)
    if known is None:
        names = [*globals(), *_LAZY, *_DTYPES]
        hint = _did_you_mean(name, names)
        raise AttributeError(f"module 'weft' has no attribute {name!r}.{hint}")
    module_name, attribute = known
    module = importlib.import_module(module_name)
    found = module if attribute is None else getattr(module, attribute)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(
        {*globals(), *_LAZY, *_DTYPES} - {"_LAZY", "_DTYPES"} | {"function", "explain"}
    )


sys.modules[__name__].__class__ = _Weft
