"""SeedGenerator whose state is a Keras variable, with a path that files can hold."""

from __future__ import annotations

from typing import Any

from weft import random
from weft.keras.backend.names import name_scope
from weft.keras.backend.variable import Variable


class SeedGenerator(random.SeedGenerator):
    """A source of seeds for random operations: each draw gives new numbers.

    Args:
        seed: an int; None draws one (which `keras.utils.set_random_seed` makes repeatable).
        name: the name of the scope of its variable.

    Example:
        >>> import weft.keras as keras
        >>> seeds = keras.random.SeedGenerator(seed=1)
        >>> a = keras.random.normal((2,), seed=seeds)
        >>> b = keras.random.normal((2,), seed=seeds)
        >>> bool(keras.ops.any(a == b))
        False
    """

    variable_type = Variable

    def __init__(self, seed: int | None = None, name: str | None = None, **kwargs: Any):
        with name_scope("seed_generator" if name is None else name):
            super().__init__(seed, name, **kwargs)
