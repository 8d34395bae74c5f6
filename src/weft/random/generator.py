"""Seeds: where the states of random functions come from.

A state is two words, (seed, counter). A `SeedGenerator` keeps one in a variable and counts
up at each draw, so that a compiled function draws new numbers at each call. One generator
serves all functions that are called without a seed; `set_seed` starts it anew.
"""

from __future__ import annotations

import random
import threading
from typing import Any

import numpy as np

from weft import dtypes
from weft.core.state import eager
from weft.core.tensor import Tensor
from weft.errors import ArgumentError, ArgumentTypeError
from weft.ops.convert import as_tensor, cast, convert_to_tensor
from weft.ops.variable import Variable

_LARGEST_DEFAULT = 2**31 - 1


class SeedGenerator:
    """A source of states: each `next()` gives one that was not given before.

    Args:
        seed: an int; None draws one (which `weft.set_random_seed` makes repeatable).
        name: of the variable that holds the state.

    Example:
        >>> from weft.random import SeedGenerator
        >>> source = SeedGenerator(seed=3)
        >>> source.next().tolist(), source.next().tolist()
        ([3, 0], [3, 1])
    """

    variable_type: type = Variable

    def __init__(self, seed: int | None = None, name: str | None = None, **kwargs: Any):
        kwargs.pop("backend", None)
        if kwargs:
            raise ArgumentTypeError(
                f"SeedGenerator: unknown arguments {sorted(kwargs)}; it takes seed and name"
            )
        if seed is None:
            seed = make_default_seed()
        if isinstance(seed, bool) or not hasattr(seed, "__index__"):
            raise ArgumentError(
                f"SeedGenerator: the seed must be an int or None; received {seed!r}"
            )
        self.name = "seed_generator" if name is None else name
        self._initial_seed = int(seed)
        self.state = self.variable_type(
            _first_state(self._initial_seed),
            trainable=False,
            name="seed_generator_state",
            dtype="uint32",
        )

    def next(self, ordered: bool = True) -> Tensor:
        """The next state; the counter goes up by one."""
        state = convert_to_tensor(self.state)
        self.state.assign(state + np.array([0, 1], np.uint32))
        return state

    def get_config(self) -> dict:
        return {"seed": self._initial_seed}

    @classmethod
    def from_config(cls, config: dict) -> SeedGenerator:
        return cls(**config)

    def __repr__(self) -> str:
        return f"<SeedGenerator seed={self._initial_seed}>"


def _first_state(seed: int) -> np.ndarray:
    """(low word, high word folded in as a distant start of the counter)."""
    return np.array([seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF], np.uint32)


class _Defaults(threading.local):
    """The process's source of seeds; each thread draws from its own."""

    def __init__(self) -> None:
        self.seeds = random.Random()
        self.generator: SeedGenerator | None = None


_DEFAULTS = _Defaults()


def set_seed(seed: int) -> None:
    """Make all random numbers of weft that come from here on repeatable.

    Example:
        >>> import weft
        >>> weft.random.set_seed(7)
        >>> first = weft.random.normal(())
        >>> weft.random.set_seed(7)
        >>> bool(weft.random.normal(()) == first)
        True
    """
    if isinstance(seed, bool) or not hasattr(seed, "__index__"):
        raise ArgumentTypeError(f"set_seed: the seed must be an int; received {seed!r}")
    _DEFAULTS.seeds = random.Random(int(seed))
    generator = _DEFAULTS.generator
    if generator is None:
        return
    # The generator may be part of compiled programs: it stays, and starts anew.
    generator._initial_seed = make_default_seed()
    with eager():
        generator.state.assign(_first_state(generator._initial_seed))


def make_default_seed() -> int:
    """A seed for whoever was given none."""
    return _DEFAULTS.seeds.randint(1, _LARGEST_DEFAULT)


def global_generator() -> SeedGenerator:
    """The generator of the functions that are called without a seed."""
    if _DEFAULTS.generator is None:
        _DEFAULTS.generator = SeedGenerator(name="global_seed_generator")
    return _DEFAULTS.generator


def draw_state(seed: Any) -> Tensor:
    """The state meant by a `seed` argument: None, an int, a SeedGenerator, or a state."""
    if seed is None:
        return global_generator().next()
    if isinstance(seed, SeedGenerator):
        return seed.next()
    if isinstance(seed, int | np.integer) and not isinstance(seed, bool):
        return Tensor(_first_state(int(seed)))
    if isinstance(seed, Tensor | np.ndarray | list | tuple):
        state = as_tensor(seed)
        if state.shape == (2,) and state.dtype.is_integer:
            return cast(state, dtypes.uint32)
    raise ArgumentError(
        "seed: must be an int, None, a SeedGenerator or a state of two integers; "
        f"received {seed!r}"
    )
