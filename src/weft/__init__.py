"""weft: tensors, derivatives, a compiler, and Keras's API on top.

    import weft
    from weft import keras, ops

Importing weft loads next to nothing: every part comes when it is first named.
"""

from __future__ import annotations

import importlib
import sys
import types
from typing import TYPE_CHECKING, Any

from weft.errors import WeftError as WeftError
from weft.errors import did_you_mean as _did_you_mean

if TYPE_CHECKING:
    from weft.core.tensor import Tensor as Tensor
    from weft.core.tensor import is_tensor as is_tensor
    from weft.dtypes import DType as DType
    from weft.ops.convert import cast as cast
    from weft.ops.convert import convert_to_tensor as convert_to_tensor
    from weft.ops.variable import Variable as Variable

__version__ = "0.1.0"

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
    "Tensor": ("weft.core.tensor", "Tensor"),
    "is_tensor": ("weft.core.tensor", "is_tensor"),
    "DType": ("weft.dtypes", "DType"),
    "Variable": ("weft.ops.variable", "Variable"),
    "cast": ("weft.ops.convert", "cast"),
    "convert_to_tensor": ("weft.ops.convert", "convert_to_tensor"),
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
    known = _LAZY.get(name)
    if known is None:
        from weft.dtypes import ALL

        if name in ALL:
            globals()[name] = ALL[name]
            return ALL[name]
        hint = _did_you_mean(name, [*globals(), *_LAZY, *ALL])
        raise AttributeError(f"module 'weft' has no attribute {name!r}.{hint}")
    module_name, attribute = known
    module = importlib.import_module(module_name)
    found = module if attribute is None else getattr(module, attribute)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    from weft.dtypes import ALL

    return sorted({*globals(), *_LAZY, *ALL, "function", "explain"} - {"_LAZY"})


sys.modules[__name__].__class__ = _Weft
