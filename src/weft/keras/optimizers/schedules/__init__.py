"""Learning-rate schedules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from weft.keras.optimizers.schedules.schedule import (
    CosineDecay,
    CosineDecayRestarts,
    ExponentialDecay,
    InverseTimeDecay,
    LearningRateSchedule,
    PiecewiseConstantDecay,
    PolynomialDecay,
)
from weft.keras.utils.families import Family

CLASSES = (
    CosineDecay, CosineDecayRestarts, ExponentialDecay, InverseTimeDecay,
    PiecewiseConstantDecay, PolynomialDecay,
)  # fmt: skip

FAMILY = Family("learning rate schedule", "keras.optimizers.schedules", CLASSES)


def serialize(learning_rate_schedule: LearningRateSchedule) -> Any:
    """A config out of a schedule."""
    return FAMILY.serialize(learning_rate_schedule)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """A schedule out of what `serialize` gave."""
    return FAMILY.deserialize(config, custom_objects)


__all__ = [
    "CosineDecay", "CosineDecayRestarts", "ExponentialDecay", "InverseTimeDecay",
    "LearningRateSchedule", "PiecewiseConstantDecay", "PolynomialDecay", "deserialize",
    "serialize",
]  # fmt: skip
__dir__ = __all__.copy
