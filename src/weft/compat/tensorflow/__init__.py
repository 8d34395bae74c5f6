"""TensorFlow 2's names for weft's objects.

    import weft.compat.tensorflow as tf

    x = tf.constant([[1.0, 2.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(x ** 2)
    tape.gradient(y, x)

Where TensorFlow and NumPy or Keras disagree (dtypes are never promoted, the mean of integers
is an integer, argmax looks along the first axis) these functions do what TensorFlow does.
"""

from __future__ import annotations

import importlib
import types
from typing import Any

from weft import dtypes as _dtypes
from weft.autodiff import GradientTape as GradientTape
from weft.autodiff import custom_gradient as custom_gradient
from weft.compat import semantics as _semantics
from weft.compat.advice import explain_missing as _explain_missing
from weft.compat.advice import missing as _missing
from weft.compat.conversion import as_dtype as as_dtype
from weft.compat.shapes import TensorShape as TensorShape
from weft.compat.tensorflow import _arrays, _control, _scopes, _sorting
from weft.compat.tensorflow import bitwise as bitwise
from weft.compat.tensorflow import config as config
from weft.compat.tensorflow import debugging as debugging
from weft.compat.tensorflow import errors as errors
from weft.compat.tensorflow import linalg as linalg
from weft.compat.tensorflow import math as math
from weft.compat.tensorflow import nn as nn
from weft.compat.tensorflow import random as random
from weft.compat.tensorflow import strings as strings
from weft.compat.tensorflow._function import function as function
from weft.compat.tensorflow._printing import tf_print as _tf_print
from weft.compat.tensorflow._symbolic import accept_symbolic as _accept_symbolic
from weft.compat.tensorflow._variable import IndexedSlices as IndexedSlices
from weft.compat.tensorflow._variable import Module as Module
from weft.compat.tensorflow._variable import Variable as Variable
from weft.compat.tensorflow._variable import VariableAggregation as VariableAggregation
from weft.compat.tensorflow._variable import (
    VariableSynchronization as VariableSynchronization,
)
from weft.core.tensor import Tensor as Tensor
from weft.dtypes import DType as _DType
from weft.function.signature import TensorSpec as TensorSpec

__version__ = "2.20.0+weft"
newaxis = None

for _module in (bitwise, config, debugging, errors, linalg, math, nn, random, strings):
    _explain_missing(f"tf.{_module.__name__.rpartition('.')[2]}", _module)
_accept_symbolic(_arrays, _sorting, math, nn, linalg, bitwise)

# -- names that are functions of the modules above ---------------------------------------

_FROM: dict[types.ModuleType, str] = {
    _arrays: " ".join(_arrays.__all__),
    _sorting: " ".join(_sorting.__all__),
    _control: """cond case switch_case while_loop map_fn vectorized_map scan foldl foldr
        device control_dependencies init_scope executing_eagerly inside_function
        group no_op numpy_function py_function recompute_grad stop_gradient
        grad_pass_through is_symbolic_tensor identity_n""",
    _scopes: "name_scope",
    math: """abs acos acosh add add_n argmax argmin asin asinh atan atan2 atanh
        clip_by_global_norm clip_by_norm clip_by_value complex cos cosh cumsum divide equal
        exp floor greater greater_equal less less_equal logical_and logical_not logical_or
        maximum minimum multiply negative not_equal pow reduce_all reduce_any
        reduce_logsumexp reduce_max reduce_mean reduce_min reduce_prod reduce_sum round
        realdiv scalar_mul sigmoid sign sin sinh sqrt square subtract tan tanh truediv
        truncatediv truncatemod""",
    linalg: "eig eigvals einsum matmul norm tensordot",
    strings: "as_string",
    debugging: "Assert assert_equal assert_greater assert_less assert_rank",
}  # fmt: skip
for _module, _names in _FROM.items():
    for _name in _names.split():
        globals()[_name] = getattr(_module, _name)

tuple = _control.tuple_of
print = _tf_print

for _dtype in _dtypes.ALL.values():
    globals()[_dtype.name] = _dtype
double, half = _dtypes.float64, _dtypes.float16
del _module, _names, _name, _dtype


class dtypes(types.SimpleNamespace):
    """tf.dtypes: the element types, and the class they are of."""

    DType = _DType
    as_dtype = staticmethod(as_dtype)
    cast = staticmethod(_arrays.cast)
    saturate_cast = staticmethod(_arrays.saturate_cast)


for _dtype in _dtypes.ALL.values():
    setattr(dtypes, _dtype.name, _dtype)
DType = _DType


class UnconnectedGradients:
    """What `GradientTape.gradient` gives for sources that a target does not depend on."""

    NONE, ZERO = "none", "zero"


class version:
    """tf.version."""

    VERSION = __version__
    GIT_VERSION = COMPILER_VERSION = "weft"


class sysconfig:
    """tf.sysconfig: how it was built."""

    @staticmethod
    def get_build_info() -> dict:
        """Nothing is built in: programs are compiled when they run."""
        return {"is_cuda_build": False, "is_rocm_build": False}


class test:
    """tf.test: what the machine has."""

    @staticmethod
    def is_gpu_available(*args: Any, **kwargs: Any) -> bool:
        """Always False."""
        return False

    @staticmethod
    def is_built_with_cuda() -> bool:
        """Always False."""
        return False

    @staticmethod
    def gpu_device_name() -> str:
        """No GPU: an empty text."""
        return ""


class nest:
    """tf.nest: structures of tuples, lists and dicts."""

    @staticmethod
    def flatten(structure: Any, expand_composites: bool = False) -> list:
        """The leaves in order."""
        from weft import tree

        return tree.leaves(structure)

    @staticmethod
    def map_structure(func: Any, *structure: Any, **kwargs: Any) -> Any:
        """A function applied leaf by leaf."""
        from weft import tree

        return tree.map(func, *structure)

    @staticmethod
    def pack_sequence_as(structure: Any, flat_sequence: Any, **kwargs: Any) -> Any:
        """The leaves in a structure."""
        from weft import tree

        return tree.unflatten(tree.flatten(structure)[1], flat_sequence)

    @staticmethod
    def is_nested(structure: Any) -> bool:
        """Whether it is a tuple, a list or a dict."""
        from weft import tree

        return tree.is_container(structure)

    @staticmethod
    def assert_same_structure(nest1: Any, nest2: Any, **kwargs: Any) -> None:
        """Raise ValueError unless both have one structure."""
        from weft import tree

        tree.map(lambda a, b: None, nest1, nest2)


def get_logger() -> Any:
    """Python's logger of that name."""
    import logging

    return logging.getLogger("tensorflow")


def timestamp(name: str | None = None) -> Tensor:
    """The time now, in seconds since 1970."""
    import time

    return _arrays.constant(time.time(), _dtypes.float64)


# -- parts that are loaded when they are named -------------------------------------------

_LAZY = {
    "compat": "weft.compat.tensorflow.compat",
    "experimental": "weft.compat.tensorflow.experimental",
    "keras": "weft.keras",
    **{
        name: f"weft.keras.{name}"
        for name in ("initializers", "losses", "metrics", "optimizers")
    },
    "autograph": "weft.compat.tensorflow.autograph",
    "io": "weft.compat.tensorflow.io",
    "image": "weft.compat.tensorflow.image",
    "data": "weft.compat.tensorflow.data",
    "lookup": "weft.compat.tensorflow.lookup",
    "saved_model": "weft.compat.tensorflow.saved_model",
    "summary": "weft.compat.tensorflow.summary",
    "train": "weft.compat.tensorflow.train",
    "TensorArray": "weft.compat.tensorflow._tensor_array",
}  # fmt: skip
_ATTRIBUTES = {"TensorArray"}

# Older names of initializers, which are Keras' classes.
_INITIALIZERS = {
    "constant_initializer": "Constant",
    "ones_initializer": "Ones",
    "random_normal_initializer": "RandomNormal",
    "random_uniform_initializer": "RandomUniform",
    "zeros_initializer": "Zeros",
}


def __getattr__(name: str) -> Any:
    if name in _INITIALIZERS:
        return getattr(
            importlib.import_module("weft.keras.initializers"), _INITIALIZERS[name]
        )
    module = _LAZY.get(name)
    if module is None:
        raise _missing("tensorflow", name, __dir__())
    found = importlib.import_module(module)
    if module.startswith(__name__):
        _explain_missing(f"tf.{name}", found)
    value = getattr(found, name) if name in _ATTRIBUTES else found
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(
        {*[one for one in globals() if not one.startswith("_")], *_LAZY, *_INITIALIZERS}
    )


_semantics.enable()
