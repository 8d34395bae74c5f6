"""tf.random: seeds, distributions, generators.

All numbers come from weft's counter-based generator. A seed of an operation, together with
the global seed, makes a stream of its own; `set_seed` starts every stream anew.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from weft import dtypes, ops
from weft import random as source
from weft.compat.conversion import as_dtype, known_int, known_ints, tensor
from weft.core.state import eager
from weft.core.tensor import Tensor
from weft.errors import ArgumentError, ArgumentTypeError
from weft.random.generator import SeedGenerator

_state: dict[str, Any] = {"global": None, "default": None}
_streams: dict[int, SeedGenerator] = {}

# -- seeds -------------------------------------------------------------------------------


def set_seed(seed: Any) -> None:
    """Make all random numbers from here on repeatable.

    Example:
        >>> import weft.compat.tensorflow as tf
        >>> tf.random.set_seed(7)
        >>> first = tf.random.normal(())
        >>> tf.random.set_seed(7)
        >>> bool(tf.random.normal(()) == first)
        True
    """
    source.set_seed(known_int("tf.random.set_seed", seed))
    _state["global"] = int(seed)
    with eager():
        for operation_seed, stream in _streams.items():
            stream.state.assign(_first_state(operation_seed))


def _first_state(operation_seed: int) -> np.ndarray:
    """The state that belongs to the pair of global and operation seed."""
    words = np.random.SeedSequence(
        [operation_seed & 0xFFFFFFFF, (_state["global"] or 0) & 0xFFFFFFFF]
    ).generate_state(2)
    return words.astype(np.uint32)


def seeded(seed: Any) -> Any:
    """What weft's distributions take for a `seed` argument of TensorFlow's operations."""
    if seed is None or isinstance(seed, SeedGenerator):
        return seed
    number = known_int("seed", seed)
    stream = _streams.get(number)
    if stream is None:
        with eager():
            stream = _streams[number] = SeedGenerator(0, name=f"operation_seed_{number}")
            stream.state.assign(_first_state(number))
    return stream


def _shape(shape: Any) -> tuple[int, ...]:
    return known_ints("tf.random", shape)


# -- distributions -----------------------------------------------------------------------


def _uniform(
    who: str, shape: Any, minval: Any, maxval: Any, dtype: Any, seed: Any
) -> Tensor:
    dtype = as_dtype(dtype)
    minval = 0 if minval is None else minval
    if dtype.is_integer:
        if maxval is None:
            raise ArgumentError(
                f"{who}: give maxval for integers; received dtype={dtype.name}"
            )
        return source.randint(_shape(shape), minval, maxval, dtype, seed)
    low = float(minval) if isinstance(minval, int) else minval
    high = 1.0 if maxval is None else float(maxval) if isinstance(maxval, int) else maxval
    return source.uniform(_shape(shape), low, high, dtype, seed)


def uniform(
    shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = dtypes.float32,
    seed: Any = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Uniform numbers in [minval, maxval); of integers too."""
    return _uniform("tf.random.uniform", shape, minval, maxval, dtype, seeded(seed))


def normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32,
    seed: Any = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Normally distributed numbers."""
    return source.normal(_shape(shape), mean, stddev, as_dtype(dtype), seeded(seed))


def truncated_normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32,
    seed: Any = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Normally distributed numbers within two standard deviations of the mean."""
    return source.truncated_normal(
        _shape(shape), mean, stddev, as_dtype(dtype), seeded(seed)
    )


def gamma(
    shape: Any, alpha: Any, beta: Any = None, dtype: Any = dtypes.float32, seed: Any = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Gamma distributed numbers: `shape` of them for each alpha (and rate beta)."""
    alpha = tensor("tf.random.gamma", alpha, dtype)
    found = source.gamma(
        (*_shape(shape), *alpha.shape), alpha, as_dtype(dtype), seeded(seed)
    )
    return found if beta is None else ops.divide(found, tensor("beta", beta, dtype))


def poisson(
    shape: Any, lam: Any, dtype: Any = dtypes.float32, seed: Any = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Poisson distributed numbers: `shape` of them for each rate, which must be known.

    How many exponentially distributed waits fit into the time `lam`.
    """
    rates = tensor("tf.random.poisson", lam, "float32")
    largest = float(np.max(rates._array, initial=0.0))
    waits = int(largest + 12.0 * math.sqrt(largest) + 24.0)
    extents = (*_shape(shape), *rates.shape)
    steps = source.uniform((waits, *extents), 1e-7, 1.0, "float32", seeded(seed))
    times = ops.cumsum(ops.negative(ops.log(steps)), axis=0)
    return ops.sum(ops.cast(ops.less(times, rates), as_dtype(dtype)), axis=0)


def categorical(
    logits: Any,
    num_samples: Any,
    dtype: Any = None,
    seed: Any = None,
    name: str | None = None,
) -> Tensor:
    """Classes drawn with probabilities softmax(logits), row by row."""
    kind = dtypes.int64 if dtype is None else as_dtype(dtype)
    count = known_int("num_samples", num_samples)
    return source.categorical(
        tensor("tf.random.categorical", logits), count, kind, seeded(seed)
    )


def shuffle(value: Any, seed: Any = None, name: str | None = None) -> Tensor:
    """The rows in random order."""
    return source.shuffle(tensor("tf.random.shuffle", value), 0, seeded(seed))


# -- stateless ---------------------------------------------------------------------------


def _stateless(seed: Any) -> Any:
    """A state made of both words of the seed, mixed: [1, 2] and [2, 1] are far apart."""
    words = tensor("seed", seed)
    if words.shape != (2,) or not words.dtype.is_integer:
        raise ArgumentTypeError(
            f"tf.random.stateless: seed must be two integers; received {words.spec}"
        )
    from weft.primitives.random import random_bits

    state = ops.cast(words, "uint32")
    return random_bits.bind(state, shape=(2,), dtype=dtypes.uint32)


def stateless_uniform(
    shape: Any, seed: Any, minval: Any = 0, maxval: Any = None, dtype: Any = dtypes.float32,
    name: str | None = None, alg: Any = "auto_select",
) -> Tensor:  # fmt: skip
    """Uniform numbers that depend on `seed` (two integers) alone."""
    state = _stateless(seed)
    return _uniform("tf.random.stateless_uniform", shape, minval, maxval, dtype, state)


def stateless_normal(
    shape: Any, seed: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32,
    name: str | None = None, alg: Any = "auto_select",
) -> Tensor:  # fmt: skip
    """Normally distributed numbers that depend on `seed` (two integers) alone."""
    return source.normal(_shape(shape), mean, stddev, as_dtype(dtype), _stateless(seed))


def stateless_truncated_normal(
    shape: Any, seed: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32,
    name: str | None = None, alg: Any = "auto_select",
) -> Tensor:  # fmt: skip
    """Truncated normal numbers that depend on `seed` (two integers) alone."""
    state = _stateless(seed)
    return source.truncated_normal(_shape(shape), mean, stddev, as_dtype(dtype), state)


def stateless_categorical(
    logits: Any, num_samples: Any, seed: Any, dtype: Any = dtypes.int64,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Classes drawn from rows of logits, that depend on `seed` (two integers) alone."""
    count = known_int("num_samples", num_samples)
    return source.categorical(
        tensor("logits", logits), count, as_dtype(dtype), _stateless(seed)
    )


def stateless_gamma(
    shape: Any, seed: Any, alpha: Any, beta: Any = None, dtype: Any = dtypes.float32,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Gamma distributed numbers that depend on `seed` (two integers) alone."""
    alpha = tensor("alpha", alpha, dtype)
    found = source.gamma(_shape(shape), alpha, as_dtype(dtype), _stateless(seed))
    return found if beta is None else ops.divide(found, tensor("beta", beta, dtype))


def stateless_binomial(
    shape: Any, seed: Any, counts: Any, probs: Any, output_dtype: Any = dtypes.int32,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Numbers of successes that depend on `seed` (two integers) alone."""
    drawn = source.binomial(_shape(shape), counts, probs, "float32", _stateless(seed))
    return ops.cast(drawn, as_dtype(output_dtype))


def stateless_shuffle(value: Any, seed: Any, name: str | None = None) -> Tensor:
    """The rows in an order that depends on `seed` (two integers) alone."""
    return source.shuffle(tensor("tf.random.stateless_shuffle", value), 0, _stateless(seed))


def split(seed: Any, num: int = 2, alg: Any = "auto_select") -> Tensor:
    """`num` new seeds out of one."""
    return stateless_uniform((num, 2), seed, None, 2**31 - 1, dtypes.int32)


def fold_in(seed: Any, data: Any, alg: Any = "auto_select") -> Tensor:
    """A new seed out of a seed and a number."""
    words = ops.cast(tensor("seed", seed), "uint32")
    mixed = ops.bitwise_xor(words, ops.cast(data, "uint32"))
    return stateless_uniform((2,), mixed, None, 2**31 - 1, dtypes.int32)


stateless_split, stateless_fold_in = split, fold_in

# -- generators --------------------------------------------------------------------------


class Generator:
    """A stream of random numbers with a state of its own.

    Example:
        >>> import weft.compat.tensorflow as tf
        >>> one, other = (tf.random.Generator.from_seed(5) for _ in range(2))
        >>> bool(one.normal(()) == other.normal(()))
        True
    """

    def __init__(self, copy_from: Any = None, state: Any = None, alg: Any = None) -> None:
        with eager():
            self._source = SeedGenerator(0, name="generator")
            if copy_from is not None:
                self._source.state.assign(copy_from._source.state)
            elif state is not None:
                words = np.asarray(tensor("state", state)._array).ravel()[:2]
                self._source.state.assign(words.astype(np.uint32))

    @classmethod
    def from_seed(cls, seed: Any, alg: Any = None) -> Generator:
        """A generator whose numbers follow from the seed."""
        made = cls()
        made.reset_from_seed(seed)
        return made

    @classmethod
    def from_state(cls, state: Any, alg: Any = None) -> Generator:
        """A generator that goes on from a state."""
        return cls(state=state)

    @classmethod
    def from_non_deterministic_state(cls, alg: Any = None) -> Generator:
        """A generator whose numbers can't be foretold."""
        return cls.from_seed(int(np.random.SeedSequence().generate_state(1)[0]))

    def reset_from_seed(self, seed: Any) -> None:
        """Start anew."""
        number = known_int("seed", seed)
        words = np.array([number & 0xFFFFFFFF, (number >> 32) & 0xFFFFFFFF], np.uint32)
        with eager():
            self._source.state.assign(words)

    @property
    def state(self) -> Any:
        """The variable that holds the state."""
        return self._source.state

    @property
    def key(self) -> Tensor:
        """The word of the state that is the seed."""
        return ops.get_item(self._source.state, 0)

    def normal(
        self, shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32,
        name: str | None = None,
    ) -> Tensor:  # fmt: skip
        """Normally distributed numbers."""
        return source.normal(_shape(shape), mean, stddev, as_dtype(dtype), self._source)

    def truncated_normal(
        self, shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32,
        name: str | None = None,
    ) -> Tensor:  # fmt: skip
        """Truncated normal numbers."""
        kind = as_dtype(dtype)
        return source.truncated_normal(_shape(shape), mean, stddev, kind, self._source)

    def uniform(
        self, shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = dtypes.float32,
        name: str | None = None,
    ) -> Tensor:  # fmt: skip
        """Uniform numbers in [minval, maxval)."""
        return _uniform("Generator.uniform", shape, minval, maxval, dtype, self._source)

    def uniform_full_int(
        self, shape: Any, dtype: Any = dtypes.uint64, name: str | None = None
    ) -> Tensor:
        """Integers of the whole range of the dtype."""
        from weft.primitives.random import random_bits

        kind = as_dtype(dtype)
        word = dtypes.uint64 if kind.size == 8 else dtypes.uint32
        bits = random_bits.bind(self._source.next(), shape=_shape(shape), dtype=word)
        return ops.cast(bits, kind)

    def make_seeds(self, count: int = 1) -> Tensor:
        """Seeds for stateless functions, as columns."""
        return self.uniform_full_int((2, count), dtypes.int64)

    def split(self, count: int = 1) -> list[Generator]:
        """New generators whose streams are independent."""
        seeds = self.uniform((count,), 0, 2**31 - 1, dtypes.int32).numpy()
        return [Generator.from_seed(int(seed)) for seed in seeds]

    def __repr__(self) -> str:
        return f"<tf.random.Generator state={self._source.state.numpy().tolist()}>"


def get_global_generator() -> Generator:
    """The generator that `set_global_generator` set, or a new one."""
    if _state["default"] is None:
        _state["default"] = Generator.from_non_deterministic_state()
    return _state["default"]


def set_global_generator(generator: Generator) -> None:
    """Set what `get_global_generator` gives."""
    _state["default"] = generator


class experimental:
    """tf.random.experimental: the same names as in tf.random."""

    Generator = Generator
    get_global_generator = staticmethod(get_global_generator)
    set_global_generator = staticmethod(set_global_generator)
    stateless_split = staticmethod(split)
    stateless_fold_in = staticmethod(fold_in)
    stateless_shuffle = staticmethod(stateless_shuffle)
