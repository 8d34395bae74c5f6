"""The short way of calling a layer: for eager calls like one that went the long way.

The long way (`Layer.__call__`) converts and checks inputs, builds, and looks for masks and
symbolic tensors. None of that finds anything new when a layer of weft's own is called with
one tensor of a shape and dtype that went through before.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from weft.core.state import STATE
from weft.core.tensor import Tensor
from weft.keras.backend.scopes import SCOPES
from weft.keras.layers import calling
from weft.ops.convert import convert_to_tensor

_MOST_SHAPES = 64


class QuickCalls:
    """The calls that a layer knows by now.

    Kept in the layer's `_quick`, which setting any of the layer's attributes forgets.
    """

    __slots__ = ("dtype", "shapes", "training", "training_default")

    def __init__(self, dtype: np.dtype, signature: calling.Signature) -> None:
        self.dtype = dtype
        self.training, self.training_default = signature.training, signature.training_default
        self.shapes: set[tuple[int, ...]] = set()

    def fits(self, x: Any, kwargs: dict) -> bool:
        """Whether this call is like one before."""
        return (
            type(x) is Tensor
            and x._array.dtype is self.dtype
            and x._array.shape in self.shapes
            and STATE.trace is None
            and not calling._MASKS
            and SCOPES.is_plain
            and (not kwargs or (len(kwargs) == 1 and "training" in kwargs))
        )

    def call(self, layer: Any, x: Tensor, training: Any) -> Any:
        """What the layer gives."""
        calls = calling.CALLS
        before = calls.entry, calls.training
        if training is None:
            training = calls.training
        if training is None and self.training:
            training = self.training_default
        calls.training = training
        if calls.entry is None:
            calls.entry = layer
            layer._clear_losses()
        try:
            if self.training and training is not None:
                return layer.call(x, training=training)
            return layer.call(x)
        finally:
            calls.entry, calls.training = before


def as_input(x: Any) -> Any:
    """Arrays as tensors; all else as it is."""
    return convert_to_tensor(x) if type(x) is np.ndarray else x


def remember(layer: Any, signature: calling.Signature, x: Any) -> None:
    """Note a call with one tensor that went the long way; the next one like it need not."""
    if type(x) is not Tensor or STATE.trace is not None or not _is_simple(layer):
        return
    array = x._array
    known = layer.__dict__.get("_quick")
    if known is None or known.dtype is not array.dtype:
        known = layer.__dict__["_quick"] = QuickCalls(array.dtype, signature)
    if len(known.shapes) < _MOST_SHAPES:
        known.shapes.add(array.shape)


def _is_simple(layer: Any) -> bool:
    """Whether calling the layer is no more than its `call`."""
    policy = layer._dtype_policy
    return (
        layer.built
        and type(layer).__module__.startswith("weft.keras.")
        and "call" not in layer.__dict__
        and layer.activity_regularizer is None
        and not layer._makes_masks
        and policy.compute_dtype == policy.variable_dtype
    )
