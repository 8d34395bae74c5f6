"""Distributions: bits of the counter-based generator, shaped by ordinary operations.

Everything is written in operations on tensors, so a compiled function draws the numbers
that the same line draws eagerly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from weft import dtypes, ops
from weft.core.tensor import Tensor
from weft.dtypes import DType, canonical
from weft.errors import ArgumentError, DTypeError
from weft.ops.convert import as_tensor, cast, convert_to_tensor, numbers
from weft.primitives.random import random_bits
from weft.random.generator import draw_state

# Bits of a significand: that many random bits make a float that never rounds up to 1.
_SIGNIFICANT = {"float64": 53, "float32": 24, "float16": 11, "bfloat16": 8}

_TRIALS = 12
"""Candidates per value in rejection sampling: each is taken with probability over 0.95."""


def _bits(state: Tensor, shape: tuple[int, ...], dtype: DType) -> Tensor:
    return random_bits.bind(state, shape=shape, dtype=dtype)


def _float_dtype(who: str, dtype: Any) -> DType:
    found = canonical(dtype)
    if not found.is_floating or found.name not in _SIGNIFICANT:
        raise DTypeError(
            f"random.{who}: the dtype must be a float; received {found}; "
            "use random.randint for integers"
        )
    return found


def _unit(state: Tensor, shape: tuple[int, ...], dtype: DType) -> Tensor:
    """Uniform in [0, 1), on an even grid as fine as the dtype allows."""
    count = _SIGNIFICANT[dtype.name]
    word = dtypes.uint64 if dtype.name == "float64" else dtypes.uint32
    bits = _bits(state, shape, word)
    bits = ops.right_shift(bits, np.array(8 * word.size - count, word.numpy))
    if dtype.size == 4:
        # Fewer than 25 bits are exact as int32, which is quicker to make a float of.
        bits = cast(bits, dtypes.int32)
    return cast(bits, dtype) * (0.5**count)


def _open_unit(state: Tensor, shape: tuple[int, ...], dtype: DType) -> Tensor:
    """Uniform in (0, 1): the middles of the grid's cells."""
    return _unit(state, shape, dtype) + 0.5 ** (_SIGNIFICANT[dtype.name] + 1)


def _shape(shape: Any, who: str) -> tuple[int, ...]:
    return numbers(shape, f"random.{who}", "a size")


def uniform(
    shape: Any,
    minval: float = 0.0,
    maxval: float = 1.0,
    dtype: Any = None,
    seed: Any = None,
) -> Tensor:
    """Uniform numbers in [minval, maxval).

    Example:
        >>> from weft import random
        >>> random.uniform((2, 3), seed=1).shape
        (2, 3)
    """
    dtype = _float_dtype("uniform", dtype)
    unit = _unit(draw_state(seed), _shape(shape, "uniform"), dtype)
    if type(minval) in (int, float) and type(maxval) in (int, float):
        if (minval, maxval) == (0, 1):
            return unit
        scaled = unit * (maxval - minval)
        return scaled + minval if minval else scaled
    low, high = convert_to_tensor(minval, dtype), convert_to_tensor(maxval, dtype)
    return unit * (high - low) + low


def _standard_normal(state: Tensor, shape: tuple[int, ...], dtype: DType) -> Tensor:
    """Box and Muller (1958): a random radius at a random angle, both coordinates used."""
    wide = dtype if dtype.size >= 4 else dtypes.float32
    size = math.prod(shape)
    half = (size + 1) // 2
    unit = _unit(state, (2, half), wide)
    # 1 - u is in (0, 1]: its logarithm is finite.
    radius = ops.sqrt(-2.0 * ops.log(1.0 - unit[0]))
    angle = unit[1] * (2.0 * math.pi)
    pair = ops.concatenate([radius * ops.cos(angle), radius * ops.sin(angle)])
    if 2 * half != size:
        pair = pair[:size]
    return cast(ops.reshape(pair, shape), dtype)


def normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Tensor:
    """Normally distributed numbers.

    Example:
        >>> from weft import random
        >>> random.normal((4,), mean=2.0, seed=1).dtype
        weft.float32
    """
    dtype = _float_dtype("normal", dtype)
    standard = _standard_normal(draw_state(seed), _shape(shape, "normal"), dtype)
    return _scaled(standard, mean, stddev)


def truncated_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Tensor:
    """Normally distributed numbers that are within two standard deviations of the mean.

    Made by the inverse of the distribution function, so each number takes one draw.
    """
    dtype = _float_dtype("truncated_normal", dtype)
    wide = dtype if dtype.size >= 4 else dtypes.float32
    state, shape = draw_state(seed), _shape(shape, "truncated_normal")
    bound = math.erf(2.0 / math.sqrt(2.0))
    inside = (2.0 * bound) * _open_unit(state, shape, wide) - bound
    standard = math.sqrt(2.0) * ops.erfinv(inside)
    return _scaled(cast(ops.clip(standard, -2.0, 2.0), dtype), mean, stddev)


def _scaled(standard: Tensor, mean: Any, stddev: Any) -> Tensor:
    if type(stddev) not in (int, float) or stddev != 1:
        standard = standard * stddev
    if type(mean) not in (int, float) or mean != 0:
        standard = standard + mean
    return standard


def randint(
    shape: Any, minval: int, maxval: int, dtype: Any = "int32", seed: Any = None
) -> Tensor:
    """Integers in [minval, maxval), all equally likely to within 2 ** -32.

    Example:
        >>> from weft import random
        >>> sorted(set(random.randint((100,), 3, 5, seed=1).tolist()))
        [3, 4]
    """
    dtype = canonical(dtype)
    if not dtype.is_integer:
        raise DTypeError(
            f"random.randint: the dtype must be an integer; received {dtype}; "
            "use random.uniform for floats"
        )
    known = all(isinstance(limit, int | np.integer) for limit in (minval, maxval))
    if known and maxval <= minval:
        raise ArgumentError(
            "random.randint: maxval must be greater than minval; "
            f"received minval={minval} and maxval={maxval}"
        )
    bits = _bits(draw_state(seed), _shape(shape, "randint"), dtypes.uint64)
    low = cast(as_tensor(minval), dtypes.int64)
    span = cast(cast(as_tensor(maxval), dtypes.int64) - low, dtypes.uint64)
    return cast(cast(ops.mod(bits, span), dtypes.int64) + low, dtype)


def bernoulli(
    shape: Any, probability: Any = 0.5, dtype: Any = None, seed: Any = None
) -> Tensor:
    """One with the given probability, else zero."""
    unit = _unit(draw_state(seed), _shape(shape, "bernoulli"), dtypes.float32)
    return cast(unit < probability, canonical(dtype))


def categorical(
    logits: Any, num_samples: int, dtype: Any = "int32", seed: Any = None
) -> Tensor:
    """Classes drawn with probabilities softmax(logits).

    Shapes: (batch, classes) → (batch, samples).

    The largest of logits plus Gumbel noise is such a draw (Gumbel, 1954).
    """
    logits = as_tensor(logits)
    if logits.ndim != 2:
        raise ArgumentError(
            "random.categorical: logits must have the shape (batch, classes); received "
            f"{logits.spec}; add an axis with logits[None]"
        )
    rows, classes = logits.shape
    unit = _open_unit(draw_state(seed), (rows, int(num_samples), classes), dtypes.float32)
    noise = -ops.log(-ops.log(unit))
    return cast(ops.argmax(logits[:, None, :] + noise, axis=-1), canonical(dtype))


def dropout(
    inputs: Any, rate: float, noise_shape: Sequence[int | None] | None = None, seed: Any = None
) -> Tensor:
    """`inputs` with a share of `rate` set to zero, and the others enlarged to keep the sum.

    Args:
        noise_shape: the shape of the decisions, broadcast to the inputs; None in it means
            the inputs' own extent.
    """
    inputs = as_tensor(inputs)
    keep = 1.0 - float(rate)
    shape = inputs.shape
    if noise_shape is not None:
        noise_shape = tuple(noise_shape)
        shape = tuple(
            [own if n is None else n for n, own in zip(noise_shape, inputs.shape)]
        )
    kept = _unit(draw_state(seed), shape, dtypes.float32) < keep
    if keep <= 0.0:
        return ops.zeros_like(inputs)
    return ops.where(kept, inputs * (1.0 / keep), ops.zeros((), inputs.dtype))


def shuffle(x: Any, axis: int = 0, seed: Any = None) -> Tensor:
    """The slices of `x` along an axis, in random order."""
    x = as_tensor(x)
    bits = _bits(draw_state(seed), (x.shape[axis],), dtypes.uint64)
    return ops.take(x, ops.argsort(bits), axis=axis)


def gamma(shape: Any, alpha: Any, dtype: Any = None, seed: Any = None) -> Tensor:
    """Gamma distributed numbers of shape parameter `alpha` and scale 1.

    Marsaglia and Tsang, "A simple method for generating gamma variables" (2000), with
    several candidates drawn at once; the first that is accepted counts.
    """
    dtype = _float_dtype("gamma", dtype)
    wide = dtype if dtype.size >= 4 else dtypes.float32
    shape, state = _shape(shape, "gamma"), draw_state(seed)
    alpha = ops.broadcast_to(convert_to_tensor(alpha, wide), shape)
    # Below one: gamma(a) = gamma(a + 1) * u ** (1 / a).
    small = alpha < 1.0
    d = ops.where(small, alpha + 1.0, alpha) - 1.0 / 3.0
    c = 1.0 / ops.sqrt(9.0 * d)
    trials = (_TRIALS, *shape)
    z = _standard_normal(_branch(state, 1), trials, wide)
    u = _open_unit(_branch(state, 2), trials, wide)
    cube = ops.power(1.0 + c * z, 3)
    positive = ops.where(cube > 0.0, cube, 1.0)
    bound = 0.5 * z * z + d * (1.0 - positive + ops.log(positive))
    accepted = ops.logical_and(cube > 0.0, ops.log(u) < bound)
    first = ops.argmax(cast(accepted, dtypes.int32), axis=0)
    value = d * ops.take_along_axis(cube, first[None], axis=0)[0]
    # All candidates refused has a probability below 1e-15; the mode stands in.
    value = ops.where(ops.any(accepted, axis=0), value, d)
    boost = ops.power(_open_unit(_branch(state, 3), shape, wide), 1.0 / alpha)
    return cast(ops.where(small, value * boost, value), dtype)


def _branch(state: Tensor, number: int) -> Tensor:
    """A state for a further independent stream of the same draw."""
    return _bits(state, (2 * (number + 1),), dtypes.uint32)[-2:]


def beta(shape: Any, alpha: Any, beta: Any, dtype: Any = None, seed: Any = None) -> Tensor:
    """Beta distributed numbers: x / (x + y) of two gamma distributed ones."""
    dtype = _float_dtype("beta", dtype)
    state = draw_state(seed)
    x = gamma(shape, alpha, dtype, seed=_branch(state, 4))
    y = gamma(shape, beta, dtype, seed=_branch(state, 5))
    return x / (x + y)


def binomial(
    shape: Any, counts: Any, probabilities: Any, dtype: Any = None, seed: Any = None
) -> Tensor:
    """The number of successes in `counts` trials, each with its probability.

    The trials are made one by one, so `counts` must be known, not traced.
    """
    dtype = _float_dtype("binomial", dtype)
    shape = _shape(shape, "binomial")
    counts = as_tensor(counts)
    most = int(ops.max(counts)) if counts.size else 0
    unit = _unit(draw_state(seed), (most, *shape), dtypes.float32)
    trial = ops.reshape(ops.arange(most), (most,) + (1,) * len(shape))
    success = ops.logical_and(unit < probabilities, trial < counts)
    return ops.sum(cast(success, dtype), axis=0)
