"""The settings of layers: named once, by the constructor, and read, kept and used from there.

class Scale(Layer):
    def __init__(self, factor_initializer="ones", **kwargs):
        super().__init__(**kwargs)
        take(self, locals())                      # self.factor_initializer = Ones()

    settings = settings_of(__init__)              # what get_config gives

    def build(self, input_shape):
        self.factor = add_weight(self, "factor", input_shape[-1:])
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from weft.keras import activations, constraints, initializers, regularizers
from weft.keras.backend.settings import standardize_data_format
from weft.keras.layers.layer import Layer

# By the last word of a setting's name; other settings are kept as they are given.
_READERS: dict[str, Callable[[Any], Any]] = {
    "activation": activations.get,
    "initializer": initializers.get,
    "regularizer": regularizers.get,
    "constraint": constraints.get,
    "format": standardize_data_format,
}

# `Layer` keeps these, and writes them into configs itself.
_OF_ALL_LAYERS = ("self", "activity_regularizer", "name", "dtype", "kwargs")


def settings_of(constructor: Callable, without: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The arguments of a layer's constructor that are its settings."""
    left_out = {*_OF_ALL_LAYERS, *without}
    return tuple(
        [n for n in inspect.signature(constructor).parameters if n not in left_out]
    )


def take(layer: Layer, given: dict[str, Any]) -> None:
    """Set the settings among `given` as attributes: names and configs become objects."""
    for name in type(layer).settings:
        if name in given:
            read = _READERS.get(name.rpartition("_")[2])
            setattr(layer, name, given[name] if read is None else read(given[name]))


def add_weight(
    layer: Layer, kind: str, shape: Any, name: str | None = None, **more: Any
) -> Any:
    """A weight with the layer's `{kind}_initializer`, `_regularizer` and `_constraint`."""
    parts = ("initializer", "regularizer", "constraint")
    own = {part: getattr(layer, f"{kind}_{part}") for part in parts}
    return layer.add_weight(name=name or kind, shape=shape, **{**own, **more})
