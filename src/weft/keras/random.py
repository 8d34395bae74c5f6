"""keras.random: random tensors, by SeedGenerator, int seed or the global seed."""

from __future__ import annotations

from weft.keras.backend.seeds import SeedGenerator
from weft.random import (
    beta,
    binomial,
    categorical,
    dropout,
    gamma,
    normal,
    randint,
    shuffle,
    truncated_normal,
    uniform,
)

__all__ = [
    "SeedGenerator", "beta", "binomial", "categorical", "dropout", "gamma", "normal",
    "randint", "shuffle", "truncated_normal", "uniform",
]  # fmt: skip
__dir__ = __all__.copy
