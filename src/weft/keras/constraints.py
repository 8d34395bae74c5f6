"""Constraints: what weights must satisfy after each update."""

from __future__ import annotations

from typing import Any

from weft import config, ops
from weft.core.tensor import Tensor
from weft.keras.utils.families import Family


class Constraint:
    """Base of all constraints: a function `(weight) -> weight`, with a config."""

    def __call__(self, w: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define __call__(self, w)")

    def get_config(self) -> dict:
        return {}

    @classmethod
    def from_config(cls, config: dict) -> Constraint:
        return cls(**config)


def _length(w: Any, axis: Any) -> Tensor:
    return ops.sqrt(ops.sum(ops.square(w), axis=axis, keepdims=True))


class MaxNorm(Constraint):
    """Vectors along `axis` are not longer than `max_value`."""

    def __init__(self, max_value: float = 2, axis: Any = 0) -> None:
        self.max_value, self.axis = max_value, axis

    def __call__(self, w: Any) -> Tensor:
        w = ops.convert_to_tensor(w)
        length = _length(w, self.axis)
        return w * (ops.clip(length, 0, self.max_value) / (config.epsilon() + length))

    def get_config(self) -> dict:
        return {"max_value": self.max_value, "axis": self.axis}


class NonNeg(Constraint):
    """No value is negative."""

    def __call__(self, w: Any) -> Tensor:
        w = ops.convert_to_tensor(w)
        return w * ops.cast(w >= 0.0, w.dtype)


class UnitNorm(Constraint):
    """Vectors along `axis` have length 1."""

    def __init__(self, axis: Any = 0) -> None:
        self.axis = axis

    def __call__(self, w: Any) -> Tensor:
        w = ops.convert_to_tensor(w)
        return w / (config.epsilon() + _length(w, self.axis))

    def get_config(self) -> dict:
        return {"axis": self.axis}


class MinMaxNorm(Constraint):
    """Vectors along `axis` have a length between two values.

    Args:
        min_value, max_value: the limits.
        rate: how far each update goes towards them; 1 is all the way.
        axis: the axis of the vectors.
    """

    def __init__(
        self,
        min_value: float = 0.0,
        max_value: float = 1.0,
        rate: float = 1.0,
        axis: Any = 0,
    ) -> None:
        self.min_value, self.max_value = min_value, max_value
        self.rate, self.axis = rate, axis

    def __call__(self, w: Any) -> Tensor:
        w = ops.convert_to_tensor(w)
        length = _length(w, self.axis)
        inside = ops.clip(length, self.min_value, self.max_value)
        wanted = self.rate * inside + (1 - self.rate) * length
        return w * (wanted / (config.epsilon() + length))

    def get_config(self) -> dict:
        return {
            "min_value": self.min_value,
            "max_value": self.max_value,
            "rate": self.rate,
            "axis": self.axis,
        }


max_norm, min_max_norm, non_neg, unit_norm = MaxNorm, MinMaxNorm, NonNeg, UnitNorm

_FAMILY = Family("constraint", "keras.constraints", (MaxNorm, MinMaxNorm, NonNeg, UnitNorm))

get = _FAMILY.get


def serialize(constraint: Any) -> Any:
    """The config of a constraint."""
    return _FAMILY.serialize(constraint)


deserialize = _FAMILY.deserialize

__all__ = [
    "Constraint", "MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm", "deserialize", "get",
    "max_norm", "min_max_norm", "non_neg", "serialize", "unit_norm",
]  # fmt: skip
__dir__ = __all__.copy
