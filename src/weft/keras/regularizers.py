"""Regularizers: what large weights cost, added to the loss."""

from __future__ import annotations

import math
from typing import Any

from weft import ops
from weft.core.tensor import Tensor
from weft.errors import ArgumentError
from weft.keras.utils.families import Family


class Regularizer:
    """Base of all regularizers: a function `(weight) -> scalar`, with a config."""

    def __call__(self, x: Any) -> Any:
        return 0.0

    def get_config(self) -> dict:
        raise NotImplementedError(
            f"{type(self).__name__} must define get_config(): the constructor's arguments"
        )

    @classmethod
    def from_config(cls, config: dict) -> Regularizer:
        return cls(**config)


def _factor(who: str, name: str, value: Any, default: float) -> float:
    value = default if value is None else value
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or math.isnan(value) or math.isinf(value) or value < 0:
        raise ArgumentError(
            f"{who}: {name} must be a finite number that is not negative; received "
            f"{value!r}"
        )
    return float(value)


class L1L2(Regularizer):
    """l1 · sum(|w|) + l2 · sum(w²)."""

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1, self.l2 = _factor("L1L2", "l1", l1, 0.0), _factor("L1L2", "l2", l2, 0.0)

    def __call__(self, x: Any) -> Tensor:
        cost = ops.zeros((), dtype=x.dtype)
        if self.l1:
            cost = cost + self.l1 * ops.sum(ops.absolute(x))
        if self.l2:
            cost = cost + self.l2 * ops.sum(ops.square(x))
        return cost

    def get_config(self) -> dict:
        return {"l1": self.l1, "l2": self.l2}


class L1(Regularizer):
    """l1 · sum(|w|): drives weights to zero."""

    def __init__(self, l1: float = 0.01) -> None:
        self.l1 = _factor("L1", "l1", l1, 0.01)

    def __call__(self, x: Any) -> Tensor:
        return self.l1 * ops.sum(ops.absolute(x))

    def get_config(self) -> dict:
        return {"l1": self.l1}


class L2(Regularizer):
    """l2 · sum(w²): keeps weights small.

    Example:
        >>> import weft.keras as keras
        >>> float(keras.regularizers.L2(0.5)(keras.ops.ones((2, 3))))
        3.0
    """

    def __init__(self, l2: float = 0.01) -> None:
        self.l2 = _factor("L2", "l2", l2, 0.01)

    def __call__(self, x: Any) -> Tensor:
        return self.l2 * ops.sum(ops.square(x))

    def get_config(self) -> dict:
        return {"l2": self.l2}


class OrthogonalRegularizer(Regularizer):
    """Makes the rows (or columns) of a matrix orthogonal to each other.

    Args:
        factor: the weight of the cost.
        mode: 'rows' or 'columns'.
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        self.factor = _factor("OrthogonalRegularizer", "factor", factor, 0.01)
        if mode not in ("rows", "columns"):
            raise ArgumentError(
                "OrthogonalRegularizer: mode must be 'rows' or 'columns'; received "
                f"{mode!r}"
            )
        self.mode = mode

    def __call__(self, x: Any) -> Tensor:
        if len(x.shape) != 2:
            raise ArgumentError(
                f"OrthogonalRegularizer: the weight must have two axes; received {x.shape}"
            )
        axis = 1 if self.mode == "rows" else 0
        length = ops.sqrt(ops.maximum(ops.sum(ops.square(x), axis, keepdims=True), 1e-12))
        unit = x / length
        vectors = unit if self.mode == "rows" else ops.transpose(unit)
        products = ops.matmul(vectors, ops.transpose(vectors))
        size = vectors.shape[0]
        off = products * (1.0 - ops.eye(size, dtype=products.dtype))
        pairs = size * (size - 1.0) / 2.0
        return self.factor * 0.5 * ops.sum(ops.absolute(off)) / pairs

    def get_config(self) -> dict:
        return {"factor": self.factor, "mode": self.mode}


l1, l2, l1_l2, orthogonal_regularizer = L1, L2, L1L2, OrthogonalRegularizer

_FAMILY = Family(
    "regularizer", "keras.regularizers", (L1, L1L2, L2, OrthogonalRegularizer),
    {"l1_l2": L1L2},
)  # fmt: skip

get = _FAMILY.get


def serialize(regularizer: Any) -> Any:
    """The config of a regularizer."""
    return _FAMILY.serialize(regularizer)


deserialize = _FAMILY.deserialize

__all__ = [
    "L1", "L1L2", "L2", "OrthogonalRegularizer", "Regularizer", "deserialize", "get", "l1",
    "l1_l2", "l2", "orthogonal_regularizer", "serialize",
]  # fmt: skip
__dir__ = __all__.copy
