"""Optimizers: rules of one step, and learning-rate schedules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from weft.errors import ArgumentError
from weft.keras.optimizers import schedules
from weft.keras.optimizers.adam import (
    Adam,
    Adamax,
    AdamW,
    Lamb,
    Lion,
    Nadam,
    ScheduleFreeAdamW,
)
from weft.keras.optimizers.descent import SGD, Adadelta, Adagrad, Ftrl, RMSprop
from weft.keras.optimizers.loss_scale import LossScaleOptimizer
from weft.keras.optimizers.matrix import Adafactor, Muon
from weft.keras.optimizers.multi import MultiOptimizer, OptimizerMap
from weft.keras.optimizers.optimizer import Optimizer
from weft.keras.utils import older
from weft.keras.utils.families import Family

CLASSES = (
    Adadelta, Adafactor, Adagrad, Adam, Adamax, AdamW, Ftrl, Lamb, Lion, LossScaleOptimizer,
    MultiOptimizer, Muon, Nadam, Optimizer, RMSprop, SGD, ScheduleFreeAdamW,
)  # fmt: skip

FAMILY = Family("optimizer", "keras.optimizers", CLASSES, any_case=True)


def get(identifier: Any) -> Any:
    """An optimizer out of a name in any case, a config, a class or an optimizer.

    Raises:
        ArgumentError: for unknown names; the message names the nearest.

    Example:
        >>> from weft.keras import optimizers
        >>> type(optimizers.get("rmsprop")).__name__
        'RMSprop'
    """
    found = FAMILY.get(identifier)
    if found is not None and not isinstance(found, Optimizer):
        raise ArgumentError(
            f"keras.optimizers: Could not interpret optimizer identifier: {identifier!r} (a "
            f"{type(identifier).__name__}); give a name, or a weft.keras optimizer"
        )
    return found


def serialize(optimizer: Optimizer) -> Any:
    """A config out of an optimizer."""
    return FAMILY.serialize(optimizer)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """An optimizer out of what `serialize` gave."""
    return FAMILY.deserialize(config, custom_objects)


__all__ = [
    "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lamb", "Lion",
    "LossScaleOptimizer", "MultiOptimizer", "Muon", "Nadam", "Optimizer", "OptimizerMap",
    "RMSprop", "SGD", "ScheduleFreeAdamW", "deserialize", "get", "schedules", "serialize",
]  # fmt: skip
__dir__ = __all__.copy

older.accept(__name__)

# Imported last: its classes are made of those above.
from weft.keras.optimizers import legacy  # noqa: E402, F401
