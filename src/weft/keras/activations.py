"""Activation functions: the nonlinear part of a layer, by function or by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from weft.errors import ArgumentTypeError
from weft.keras import ops
from weft.keras.utils.families import Family
from weft.keras.utils.registration import get_registered_name

# -- those that are operations of the same name and arguments ------------------------------

celu, elu, glu, selu = ops.celu, ops.elu, ops.glu, ops.selu
hard_shrink, hard_sigmoid, hard_silu, hard_tanh = (
    ops.hard_shrink, ops.hard_sigmoid, ops.hard_silu, ops.hard_tanh)  # fmt: skip
leaky_relu, relu6 = ops.leaky_relu, ops.relu6
log_sigmoid, sigmoid, silu = ops.log_sigmoid, ops.sigmoid, ops.silu
log_softmax, softmax, sparsemax = ops.log_softmax, ops.softmax, ops.sparsemax
soft_shrink, softplus, softsign = ops.soft_shrink, ops.softplus, ops.softsign
sparse_plus, sparse_sigmoid, squareplus = (
    ops.sparse_plus,
    ops.sparse_sigmoid,
    ops.squareplus,
)
tanh, tanh_shrink, threshold = ops.tanh, ops.tanh_shrink, ops.threshold
hard_swish, swish = hard_silu, silu

# -- those with other arguments ------------------------------------------------------------


def linear(x: Any) -> Any:
    """x itself."""
    return x


def exponential(x: Any) -> Any:
    """exp(x)."""
    return ops.exp(x)


def gelu(x: Any, approximate: bool = False) -> Any:
    """x times the normal distribution function of x (Hendrycks and Gimpel, 2016)."""
    return ops.gelu(x, approximate=approximate)


def mish(x: Any) -> Any:
    """x tanh(softplus(x)) (Misra, 2019)."""
    x = ops.convert_to_tensor(x)
    return x * ops.tanh(ops.softplus(x))


def relu(
    x: Any,
    negative_slope: float = 0.0,
    max_value: float | None = None,
    threshold: float = 0.0,
) -> Any:
    """max(x, 0), with a slope below the threshold and a ceiling if wanted.

    Example:
        >>> import weft.keras as keras
        >>> keras.activations.relu([-2.0, 3.0], negative_slope=0.5).tolist()
        [-1.0, 3.0]
    """
    if negative_slope == 0.0 and max_value is None and threshold == 0.0:
        return ops.relu(x)
    x = ops.convert_to_tensor(x)
    above = ops.relu(x) if threshold == 0 else ops.where(x > threshold, x, 0.0)
    if max_value is not None:
        above = ops.clip(above, 0.0, max_value)
    if negative_slope == 0.0:
        return above
    return above - negative_slope * ops.relu(threshold - x)


_MEMBERS = (
    celu, elu, exponential, gelu, glu, hard_shrink, hard_sigmoid, hard_silu, hard_tanh,
    leaky_relu, linear, log_sigmoid, log_softmax, mish, relu, relu6, selu, sigmoid, silu,
    soft_shrink, softmax, softplus, softsign, sparse_plus, sparse_sigmoid, sparsemax,
    squareplus, tanh, tanh_shrink, threshold,
)  # fmt: skip

_FAMILY = Family(
    "activation", "keras.activations", _MEMBERS, {"swish": silu, "hard_swish": hard_silu}
)
_OURS = frozenset(_MEMBERS)


def get(identifier: Any) -> Callable:
    """The activation meant by a name, a config, a layer or a function; None is `linear`.

    Example:
        >>> import weft.keras as keras
        >>> keras.activations.get("relu") is keras.activations.relu
        True
    """
    if identifier is None:
        return linear
    if inspect.isclass(identifier):
        raise ArgumentTypeError(
            f"activation: must be a function or a layer object; received the class "
            f"{identifier.__name__}; call it first: {identifier.__name__}()"
        )
    return _FAMILY.get(identifier)


def serialize(activation: Callable) -> Any:
    """The name of an activation, or the config of a layer or function of one's own."""
    if activation in _OURS:
        return activation.__name__
    if inspect.isfunction(activation) and activation.__name__ != "<lambda>":
        return get_registered_name(activation)
    return _FAMILY.serialize(activation)


def deserialize(config: Any, custom_objects: dict | None = None) -> Callable:
    """The activation that a config describes."""
    return _FAMILY.deserialize(config, custom_objects)


__all__ = [
    *sorted(f.__name__ for f in _MEMBERS), "deserialize", "get", "hard_swish", "serialize",
    "swish",
]  # fmt: skip
__dir__ = __all__.copy
