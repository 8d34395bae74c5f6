"""Pickles and deep copies of models: settings and values, no files.

A pickle of Python runs code when it is read, one of a model like any other: read pickles of
your own only, and exchange `.keras` files.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from weft.keras.utils.serialization import (
    ObjectSharingScope,
    deserialize_keras_object,
    serialize_keras_object,
)


def reduced(model: Any) -> tuple[Callable, tuple]:
    """What `pickle` and `copy.deepcopy` keep of a model: see `object.__reduce__`.

    Raises:
        ArgumentError, NotImplementedError: the model has no `get_config()`, or holds
            functions without a name.
    """
    with ObjectSharingScope():
        config = serialize_keras_object(model)
    layers = [model, *model._flatten_layers()]
    own = {type(layer).__name__: type(layer) for layer in layers if _is_users(type(layer))}
    values = [np.asarray(variable.numpy()) for variable in model.variables]
    optimizer = getattr(model, "optimizer", None)
    state = [] if optimizer is None else [v.numpy() for v in optimizer.variables]
    return restored, (config, own, values, state)


def _is_users(kind: type) -> bool:
    return not kind.__module__.startswith("weft.")


def restored(config: dict, own: dict[str, type], values: list, state: list) -> Any:
    """The model that `reduced` took apart."""
    with ObjectSharingScope():
        model = deserialize_keras_object(config, custom_objects=own)
    _assign(model.variables, values)
    if state and model.optimizer is not None:
        if not model.optimizer.built and model.built:
            model.optimizer.build(model.trainable_variables)
        _assign(model.optimizer.variables, state)
    return model


def _assign(variables: list, values: list) -> None:
    # A model that is not built yet has no variables, here as there.
    for variable, value in zip(variables, values):
        variable.assign(value)
