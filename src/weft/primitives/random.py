"""Random bits: a pure function of (state, element index), the same on every target.

The generator is Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as
easy as 1, 2, 3", SC 2011): ten rounds of multiplication turn a counter of four words and a
key of two into four random words. The key is the state; block number b has the counter
(low 32 bits of b, high 32 bits of b, 0, 0). The words of the blocks, in order, are the
elements; an element of 64 bits takes two words, the low one first.
"""

from __future__ import annotations

import math

import numpy as np

from weft.core.primitive import Primitive
from weft.core.spec import Spec
from weft.dtypes import DType, uint32, uint64
from weft.errors import DTypeError, ShapeError

_MULTIPLIERS = np.array([[0xD2511F53], [0xCD9E8D57]], np.uint64)
_KEY_STEPS = np.array([0x9E3779B9, 0xBB67AE85], np.uint64)
_ROUNDS = 10
_LOW = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)

# Blocks made at once: what they need stays in the second-level cache.
_CHUNK = 4096


def philox(counters: np.ndarray, key: np.ndarray) -> np.ndarray:
    """The random words of blocks.

    Args:
        counters: words as uint64[4, blocks], each less than 2 ** 32.
        key: two words.

    Returns:
        uint32[blocks, 4].
    """
    # Words 0 and 2 are multiplied, words 1 and 3 are mixed into the products' high halves.
    multiplied, mixed = counters[0::2].copy(), counters[1::2].copy()
    keys = np.asarray(key).astype(np.uint64)
    products = np.empty_like(multiplied)
    for _ in range(_ROUNDS):
        np.multiply(multiplied, _MULTIPLIERS, out=products)
        np.right_shift(products[::-1], _SHIFT, out=multiplied)
        multiplied ^= mixed
        multiplied ^= keys[:, None]
        np.bitwise_and(products[::-1], _LOW, out=mixed)
        keys = (keys + _KEY_STEPS) & _LOW
    words = np.empty((counters.shape[1], 4), np.uint32)
    words[:, 0::2], words[:, 1::2] = multiplied.T, mixed.T
    return words


def _words(key: np.ndarray, count: int) -> np.ndarray:
    """The first `count` words of the stream of a key."""
    blocks = -(-count // 4)
    words = np.empty((blocks, 4), np.uint32)
    for first in range(0, blocks, _CHUNK):
        numbers = np.arange(first, min(first + _CHUNK, blocks), dtype=np.uint64)
        counters = np.zeros((4, len(numbers)), np.uint64)
        counters[0], counters[1] = numbers & _LOW, numbers >> _SHIFT
        words[first : first + len(numbers)] = philox(counters, key)
    return words.reshape(-1)[:count]


def _spec(state: Spec, *, shape: tuple[int, ...], dtype: DType) -> Spec:
    if state != Spec((2,), uint32):
        raise ShapeError(
            f"random_bits: the state must be u32[2]; received {state}; "
            "make it with weft.random"
        )
    if dtype not in (uint32, uint64):
        raise DTypeError(
            f"random_bits: the dtype must be uint32 or uint64; received {dtype}; "
            "cast the bits afterwards"
        )
    return Spec(shape, dtype)


def _evaluate(state: np.ndarray, *, shape: tuple[int, ...], dtype: DType) -> np.ndarray:
    size = math.prod(shape)
    if dtype == uint32:
        return _words(state, size).reshape(shape)
    pairs = _words(state, 2 * size).astype("<u4", copy=False).view("<u8")
    return pairs.astype(np.uint64, copy=False).reshape(shape)


random_bits = Primitive("random_bits", spec=_spec, evaluate=_evaluate)
"""Independent uniform bits; a state gives the same ones each time."""


@random_bits.vjp
def _(ct, out, state, *, shape, dtype):
    return None
