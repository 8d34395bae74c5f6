"""Random bits: the published vectors of Philox4x32-10, and the layout of the stream."""

from __future__ import annotations

import numpy as np
import pytest

from weft import dtypes
from weft.core.spec import Spec
from weft.errors import DTypeError, ShapeError
from weft.primitives.random import philox, random_bits

# Counter, key, words: the known answers of the authors' Random123.
KNOWN = (
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2,
     (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    ((0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0),
     (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)),
)  # fmt: skip


@pytest.mark.parametrize("counter, key, words", KNOWN)
def test_known_answers(counter, key, words):
    counters = np.array(counter, np.uint64).reshape(4, 1)
    found = philox(counters, np.array(key, np.uint32))
    np.testing.assert_array_equal(found, [words])


def _bits(state, shape, dtype=dtypes.uint32):
    return random_bits.evaluate(np.array(state, np.uint32), shape=shape, dtype=dtype)


def test_the_first_block_is_counter_zero():
    np.testing.assert_array_equal(_bits((0, 0), (4,)), KNOWN[0][2])


def test_an_element_depends_on_its_index_alone():
    # More elements than are made at once, and no multiple of a block.
    many = _bits((7, 9), (20_003,))
    np.testing.assert_array_equal(_bits((7, 9), (5, 3)).ravel(), many[:15])
    counters = np.zeros((4, 1), np.uint64)
    counters[0] = 5000
    block = philox(counters, np.array([7, 9], np.uint32))[0]
    np.testing.assert_array_equal(many[20_000:], block[:3])


def test_long_elements_are_pairs_of_words_low_one_first():
    words = _bits((1, 2), (14,)).astype(np.uint64)
    found = _bits((1, 2), (7,), dtypes.uint64)
    np.testing.assert_array_equal(found, words[0::2] + (words[1::2] << np.uint64(32)))


def test_bits_are_fair():
    bits = np.unpackbits(_bits((3, 4), (50_000,)).view(np.uint8))
    assert abs(bits.mean() - 0.5) < 5 * 0.5 / np.sqrt(bits.size)


def test_errors():
    state = Spec((2,), "uint32")
    with pytest.raises(ShapeError, match=r"random_bits: .*u32\[2\]; received u32\[3\]"):
        random_bits.spec(Spec((3,), "uint32"), shape=(), dtype=dtypes.uint32)
    with pytest.raises(DTypeError, match=r"random_bits: .*received float32"):
        random_bits.spec(state, shape=(), dtype=dtypes.float32)
