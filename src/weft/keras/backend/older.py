"""Functions of Keras 2's backend: `keras.backend.mean(x)` and its like.

Each is a function of `keras.ops` under its older name and with its older arguments, and
says once how it is written now.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from weft.errors import ArgumentError
from weft.keras.utils.older import tell


def _ops() -> Any:
    from weft.keras import ops

    return ops


# The same arguments, by place: the older name, and the one in keras.ops.
_SAME = {
    "abs": "abs", "arange": "arange", "cast": "cast", "clip": "clip", "cos": "cos",
    "elu": "elu", "equal": "equal", "exp": "exp", "expand_dims": "expand_dims",
    "greater": "greater", "greater_equal": "greater_equal", "hard_sigmoid": "hard_sigmoid",
    "less": "less", "less_equal": "less_equal", "log": "log", "maximum": "maximum",
    "minimum": "minimum", "not_equal": "not_equal", "one_hot": "one_hot", "ones": "ones",
    "ones_like": "ones_like", "pow": "power", "relu": "relu", "reshape": "reshape",
    "round": "round", "shape": "shape", "sigmoid": "sigmoid", "sign": "sign", "sin": "sin",
    "softmax": "softmax", "softplus": "softplus", "softsign": "softsign", "sqrt": "sqrt",
    "square": "square", "squeeze": "squeeze", "stack": "stack", "tanh": "tanh",
    "tile": "tile", "transpose": "transpose", "zeros": "zeros", "zeros_like": "zeros_like",
    "concatenate": "concatenate", "permute_dimensions": "transpose", "eye": "eye",
    "stop_gradient": "stop_gradient", "is_tensor": "is_tensor", "dot": "dot",
    "repeat_elements": "repeat", "reverse": "flip", "cumsum": "cumsum",
    "cumprod": "cumprod", "logsumexp": "logsumexp", "map_fn": "map",
}  # fmt: skip
# Of (x, axis=None, keepdims=False).
_REDUCED = {
    "all": "all", "any": "any", "max": "max", "mean": "mean", "min": "min", "prod": "prod",
    "std": "std", "sum": "sum", "var": "var",
}  # fmt: skip
# Of (x, axis=-1).
_ALONG = {"argmax": "argmax", "argmin": "argmin"}


def _told(name: str, now: str, function: Callable) -> Callable:
    @functools.wraps(function)
    def older(*args: Any, **kwargs: Any) -> Any:
        tell(f"keras.backend.{name}", f"write {now}")
        return function(*args, **kwargs)

    older.__name__ = older.__qualname__ = name
    return older


def _renamed(now: str) -> Callable:
    return lambda *args, **kwargs: getattr(_ops(), now)(*args, **kwargs)


def _reduced(now: str) -> Callable:
    def reduce(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        x = _ops().convert_to_tensor(x)
        if now in ("mean", "std", "var") and not x.dtype.is_floating:
            x = _ops().cast(x, "float32")
        return getattr(_ops(), now)(x, axis=axis, keepdims=keepdims)

    return reduce


def _along(now: str) -> Callable:
    return lambda x, axis=-1: getattr(_ops(), now)(x, axis=axis)


# -- functions that are written in another way now -------------------------------------------


def _variable(
    value: Any, dtype: Any = None, name: str | None = None, constraint: Any = None
):
    from weft.keras.backend.variable import Variable

    return Variable(value, dtype=dtype, name=name, constraint=constraint)


def _get_value(x: Any) -> np.ndarray:
    return np.asarray(x.numpy() if hasattr(x, "numpy") else x)


def _set_value(x: Any, value: Any) -> None:
    x.assign(value)


def _batch_set_value(pairs: Any) -> None:
    for variable, value in pairs:
        variable.assign(value)


def _int_shape(x: Any) -> tuple | None:
    shape = getattr(x, "shape", None)
    return None if shape is None else tuple(shape)


def _flatten(x: Any) -> Any:
    return _ops().reshape(x, (-1,))


def _batch_flatten(x: Any) -> Any:
    x = _ops().convert_to_tensor(x)
    return _ops().reshape(x, (x.shape[0], int(np.prod(x.shape[1:]))))


def _gather(reference: Any, indices: Any) -> Any:
    return _ops().take(reference, indices, axis=0)


def _switch(condition: Any, then_expression: Any, else_expression: Any) -> Any:
    if callable(then_expression):
        return _ops().cond(condition, then_expression, else_expression)
    return _ops().where(condition, then_expression, else_expression)


def _crossentropy(name: str) -> Callable:
    def crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1):
        return getattr(_ops(), name)(target, output, from_logits=from_logits, axis=axis)

    return crossentropy


def _binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    return _ops().binary_crossentropy(target, output, from_logits=from_logits)


def _l2_normalize(x: Any, axis: Any = None) -> Any:
    ops = _ops()
    total = ops.sum(ops.square(x), axis=axis, keepdims=True)
    return x * ops.rsqrt(ops.maximum(total, 1e-12))


def _bias_add(x: Any, bias: Any, data_format: str | None = None) -> Any:
    ops = _ops()
    bias = ops.convert_to_tensor(bias)
    if data_format == "channels_first":
        rank = len(ops.shape(x))
        bias = ops.reshape(bias, (-1, *([1] * (rank - 2))))
    return x + bias


def _random(name: str) -> Callable:
    def draw(shape: Any, first: float = 0.0, second: float = 1.0, dtype: Any = None,
             seed: Any = None, **kwargs: Any) -> Any:  # fmt: skip
        from weft.keras import random

        first = kwargs.get("mean", kwargs.get("minval", first))
        second = kwargs.get("stddev", kwargs.get("maxval", second))
        return getattr(random, name)(shape, first, second, dtype=dtype, seed=seed)

    return draw


def _dropout(x: Any, level: float, noise_shape: Any = None, seed: Any = None) -> Any:
    from weft.keras import random

    return random.dropout(x, level, noise_shape=noise_shape, seed=seed)


def _placeholder(
    shape: Any = None, ndim: int | None = None, dtype: Any = None, sparse: bool = False,
    name: str | None = None,
) -> Any:  # fmt: skip
    from weft.keras.layers import Input

    shape = tuple(shape) if shape is not None else (None,) * (ndim or 0)
    return Input(batch_shape=shape, dtype=dtype, name=name)


def _function(inputs: Any, outputs: Any, updates: Any = None, name: Any = None) -> Callable:
    """A function from lists of arrays to a list of arrays, or to one array."""
    from weft.keras.models import Model

    model = Model(inputs, outputs)

    def run(values: Any) -> Any:
        values = list(values) if isinstance(inputs, list | tuple) else values
        # One input goes in without a list.
        values = values[0] if isinstance(values, list) and len(values) == 1 else values
        found = model(values)
        if isinstance(found, list | tuple):
            return [np.asarray(one) for one in found]
        return (
            [np.asarray(found)] if isinstance(outputs, list | tuple) else np.asarray(found)
        )

    return run


def _gone(name: str, remedy: str) -> Callable:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise ArgumentError(f"keras.backend.{name}: it is not there any more; {remedy}")

    refuse.__name__ = name
    return refuse


_WRITTEN: dict[str, tuple[str, Callable]] = {
    "variable": ("keras.Variable", _variable),
    "constant": ("keras.ops.convert_to_tensor", _renamed("convert_to_tensor")),
    "get_value": ("variable.numpy()", _get_value),
    "eval": ("x.numpy()", _get_value),
    "set_value": ("variable.assign(value)", _set_value),
    "batch_get_value": ("[v.numpy() for v in variables]", lambda xs: [*map(_get_value, xs)]),
    "batch_set_value": ("variable.assign(value)", _batch_set_value),
    "int_shape": ("x.shape", _int_shape),
    "ndim": ("x.ndim", lambda x: len(x.shape)),
    "dtype": ("x.dtype", lambda x: str(x.dtype)),
    "flatten": ("keras.ops.ravel", _flatten),
    "batch_flatten": ("keras.ops.reshape", _batch_flatten),
    "gather": ("keras.ops.take", _gather),
    "switch": ("keras.ops.cond or keras.ops.where", _switch),
    "binary_crossentropy": ("keras.ops.binary_crossentropy", _binary_crossentropy),
    "categorical_crossentropy": (
        "keras.ops.categorical_crossentropy", _crossentropy("categorical_crossentropy")),
    "sparse_categorical_crossentropy": (
        "keras.ops.sparse_categorical_crossentropy",
        _crossentropy("sparse_categorical_crossentropy")),
    "l2_normalize": ("keras.ops.normalize", _l2_normalize),
    "bias_add": ("x + bias", _bias_add),
    "random_normal": ("keras.random.normal", _random("normal")),
    "random_uniform": ("keras.random.uniform", _random("uniform")),
    "truncated_normal": ("keras.random.truncated_normal", _random("truncated_normal")),
    "dropout": ("keras.random.dropout", _dropout),
    "placeholder": ("keras.Input", _placeholder),
    "function": ("keras.Model(inputs, outputs)", _function),
    "learning_phase": ("training= in call()", lambda: 0),
    "set_learning_phase": ("training= in call()", lambda value: None),
    "manual_variable_initialization": ("nothing", lambda value: None),
}  # fmt: skip
_GONE = {
    "get_session": "tensors have their values at once; leave the session out",
    "set_session": "tensors have their values at once; leave the session out",
    "gradients": "use GradientTape: tape.gradient(value, variables)",
}

FUNCTIONS: dict[str, Callable] = {
    **{old: _told(old, f"keras.ops.{now}", _renamed(now)) for old, now in _SAME.items()},
    **{old: _told(old, f"keras.ops.{now}", _reduced(now)) for old, now in _REDUCED.items()},
    **{old: _told(old, f"keras.ops.{now}", _along(now)) for old, now in _ALONG.items()},
    **{old: _told(old, now, function) for old, (now, function) in _WRITTEN.items()},
    **{old: _gone(old, remedy) for old, remedy in _GONE.items()},
}
"""By the older name."""
