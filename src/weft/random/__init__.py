"""Random numbers: a function of (seed, counter), the same on every target."""

from __future__ import annotations

from weft.random.distributions import (
    bernoulli,
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
from weft.random.generator import SeedGenerator, make_default_seed, set_seed

__all__ = [
    "SeedGenerator", "bernoulli", "beta", "binomial", "categorical", "dropout", "gamma",
    "make_default_seed", "normal", "randint", "set_seed", "shuffle", "truncated_normal",
    "uniform",
]  # fmt: skip
