"""The import alias: `import tensorflow`, `import keras` and their submodules mean weft.

A finder at the front of `sys.meta_path` answers for these two names. Modules are the same
objects under both names, so that `tensorflow.keras.layers.Dense is weft.keras.layers.Dense`.
A part that is an attribute in weft, not a module file, is found as an attribute.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
import types
from typing import Any

from weft.compat.advice import REPLACED
from weft.errors import did_you_mean
from weft.ops import text

_TARGETS = {"tensorflow": "weft.compat.tensorflow", "keras": "weft.keras"}
"""What stands for the top-level names."""

_MOVED = {
    "tensorflow.python.keras": "tensorflow.keras",
    "tensorflow.python.framework.ops": "tensorflow",
    "tensorflow.python.framework": "tensorflow",
    "tensorflow.python.ops.math_ops": "tensorflow.math",
    "tensorflow.python.ops": "tensorflow",
    "tensorflow.python.data": "tensorflow.data",
    "tensorflow.python": "tensorflow",
    "tensorflow.compat.v2": "tensorflow",
    "tensorflow.keras": "keras",
    "keras.api": "keras",
    "keras.src": "keras",
    "keras.engine.topology": "keras.layers",
    "keras.engine": "keras.models",
    "keras.layers.experimental.preprocessing": "keras.layers",
    "keras.layers.experimental": "keras.layers",
    "keras.layers.preprocessing": "keras.layers",
    "keras.optimizers.experimental": "keras.optimizers",
    "keras.utils.np_utils": "keras.utils",
    "keras.utils.vis_utils": "keras.utils",
    "keras.utils.data_utils": "keras.utils",
    "keras.utils.generic_utils": "keras.utils",
    "keras.utils.layer_utils": "keras.utils",
    **{
        f"keras.layers.{part}": "keras.layers"
        for part in (
            "core", "convolutional", "pooling", "recurrent", "normalization", "merge",
            "embeddings", "advanced_activations", "noise", "wrappers", "local",
            "convolutional_recurrent", "cudnn_recurrent", "attention", "activation",
            "regularization", "reshaping", "rnn",
        )
    },
}  # fmt: skip
"""Where older releases and longer paths kept things; the longest prefix that fits wins."""

_GONE = {
    "tensorflow.compat.v1": "TensorFlow 1 is not part of weft: use TensorFlow 2's names "
    "(eager tensors, tf.function), import tensorflow as tf",
    "tensorflow.contrib": "tf.contrib ended with TensorFlow 1: most of it is in tf.keras",
    "tensorflow.examples": "it ended with TensorFlow 1: MNIST is "
    "tf.keras.datasets.mnist.load_data()",
}
"""What is not there on purpose, and what to use instead."""


def _moved(name: str) -> str:
    """The name under which weft keeps what `name` means."""
    for _ in range(4):
        prefix = name
        while prefix and prefix not in _MOVED:
            prefix = prefix.rpartition(".")[0]
        if not prefix:
            break
        name = _MOVED[prefix] + name[len(prefix) :]
    return name


def _weft_name(name: str) -> str:
    top, dot, rest = _moved(name).partition(".")
    return _TARGETS[top] + dot + rest


def _resolve(weft_name: str) -> types.ModuleType | None:
    """The module of that name, be it a file or an attribute; None if there is none."""
    try:
        return importlib.import_module(weft_name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if weft_name != missing and not weft_name.startswith(missing + "."):
            raise
    parent_name, _, leaf = weft_name.rpartition(".")
    if not parent_name:
        return None
    parent = _resolve(parent_name)
    found = getattr(parent, leaf, None) if parent is not None else None
    return found if isinstance(found, types.ModuleType) else None


class _Loader(importlib.abc.Loader):
    """Hands out a module that is loaded already."""

    def __init__(self, module: types.ModuleType) -> None:
        self._module = module
        self._spec = getattr(module, "__spec__", None)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return self._module

    def exec_module(self, module: types.ModuleType) -> None:
        # The import system wrote its spec onto the module, which has one of its own.
        module.__spec__ = self._spec


class _Finder(importlib.abc.MetaPathFinder):
    """Answers imports of the aliased names."""

    def find_spec(
        self, name: str, path: Any = None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name.partition(".")[0] not in _TARGETS:
            return None
        module = _resolve(_weft_name(name))
        if module is None:
            raise _not_found(name)
        return importlib.machinery.ModuleSpec(name, _Loader(module), is_package=True)


def _not_found(name: str) -> ModuleNotFoundError:
    for gone, remedy in _GONE.items():
        if name == gone or name.startswith(gone + "."):
            return ModuleNotFoundError(f"No module named {name!r}: {remedy}", name=name)
    parent_name, _, leaf = name.rpartition(".")
    parent = sys.modules.get(parent_name)
    if parent_name == "tensorflow" and leaf in REPLACED:
        return ModuleNotFoundError(f"No module named {name!r}: {REPLACED[leaf]}", name=name)
    hint = did_you_mean(leaf, dir(parent)) if parent is not None else ""
    return ModuleNotFoundError(
        f"No module named {name!r} (here {name.partition('.')[0]} is weft, by "
        f"weft.compat.install() or `weft run`, and weft has no such module).{hint}",
        name=name,
    )


_FINDER = _Finder()
_set_aside: dict[str, types.ModuleType] = {}


def _is_aliased(name: str) -> bool:
    return name.partition(".")[0] in _TARGETS


def install() -> None:
    """From here on `import tensorflow`, `import keras` and their submodules mean weft.

    A real TensorFlow or Keras that was imported before stays with those who hold it;
    new imports get weft. Installing twice does nothing.

    Example:
        >>> import weft.compat
        >>> weft.compat.install()
        >>> import keras
        >>> weft.compat.uninstall()
        >>> keras.__name__
        'weft.keras'
    """
    if _FINDER in sys.meta_path:
        return
    for name in [name for name in sys.modules if _is_aliased(name)]:
        _set_aside[name] = sys.modules.pop(name)
    sys.meta_path.insert(0, _FINDER)
    # Tensors show as those of the framework that the script thinks it has.
    text.PREFIX = "tf"


def uninstall() -> None:
    """Give the names back: to the real TensorFlow and Keras, or to nobody."""
    if _FINDER not in sys.meta_path:
        return
    sys.meta_path.remove(_FINDER)
    for name in [name for name in sys.modules if _is_aliased(name)]:
        del sys.modules[name]
    sys.modules.update(_set_aside)
    _set_aside.clear()
    text.PREFIX = "weft"
    semantics = sys.modules.get("weft.compat.semantics")
    if semantics is not None:
        semantics.disable()


def is_installed() -> bool:
    """Whether `import tensorflow` means weft now."""
    return _FINDER in sys.meta_path
