"""Numbers for texts, the same on every machine and in every run: they place words in bins.

`fingerprint` is FarmHash's 64-bit fingerprint (G. Pike, 2014), `keyed_hash` is SipHash-2-4
(Aumasson and Bernstein, 2012), `crossed` joins several fingerprints to one. TensorFlow uses
the same three, so that words fall into the same bins.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Iterable, Sequence

_ALL = (1 << 64) - 1
_K0, _K1, _K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F
_CROSS, _CROSS_START = 0xC6A4A7935BD1E995, 0xDECAFCAFFE


def _rotate_right(x: int, count: int) -> int:
    x &= _ALL
    return (x >> count) | (x << (64 - count)) & _ALL


def _shift_mix(x: int) -> int:
    x &= _ALL
    return x ^ (x >> 47)


def _word(text: bytes, place: int) -> int:
    return int.from_bytes(text[place : place + 8], "little")


def _half_word(text: bytes, place: int) -> int:
    return int.from_bytes(text[place : place + 4], "little")


def _joined(u: int, v: int, factor: int) -> int:
    """Two words as one."""
    first = _shift_mix((u ^ v) * factor)
    return _shift_mix((v ^ first) * factor) * factor & _ALL


def _short(text: bytes) -> int:
    """Of at most 16 bytes."""
    size = len(text)
    factor = _K2 + size * 2
    if size >= 8:
        first, last = _word(text, 0) + _K2, _word(text, size - 8)
        c = _rotate_right(last, 37) * factor + first
        d = (_rotate_right(first, 25) + last) * factor
        return _joined(c & _ALL, d & _ALL, factor)
    if size >= 4:
        first = size + (_half_word(text, 0) << 3)
        return _joined(first, _half_word(text, size - 4), factor)
    if size:
        low = text[0] + (text[size >> 1] << 8)
        high = size + (text[-1] << 2)
        return _shift_mix(low * _K2 ^ high * _K0) * _K2 & _ALL
    return _K2


def _middle(text: bytes) -> int:
    """Of 17 to 64 bytes."""
    size = len(text)
    factor = _K2 + size * 2
    is_long = size > 32
    a = _word(text, 0) * (_K2 if is_long else _K1)
    b = _word(text, 8)
    c = _word(text, size - 8) * factor
    d = _word(text, size - 16) * _K2
    y = (_rotate_right(a + b, 43) + _rotate_right(c, 30) + d) & _ALL
    z = _joined(y, (a + _rotate_right(b + _K2, 18) + c) & _ALL, factor)
    if not is_long:
        return z
    e, f = _word(text, 16) * factor, _word(text, 24)
    g = (y + _word(text, size - 32)) * factor
    h = (z + _word(text, size - 24)) * factor
    first = _rotate_right(e + f, 43) + _rotate_right(g, 30) + h
    return _joined(first & _ALL, (e + _rotate_right(f + a, 18) + g) & _ALL, factor)


def _weak(text: bytes, place: int, a: int, b: int) -> tuple[int, int]:
    """32 bytes and two seeds as two words."""
    w, x, y, z = struct.unpack_from("<4Q", text, place)
    a += w
    b = _rotate_right(b + a + z, 21)
    c = a
    a += x + y
    b += _rotate_right(a, 44)
    return (a + z) & _ALL, (b + c) & _ALL


def _long(text: bytes) -> int:
    """Of more than 64 bytes: block by block; the last block may overlap the one before."""
    size = len(text)
    x, y = 81, 81 * _K1 + 113
    z = _shift_mix(y * _K2 + 113) * _K2
    v, w = (0, 0), (0, 0)
    x = x * _K2 + _word(text, 0)

    def step(place: int, factor: int, weight: int) -> None:
        nonlocal x, y, z, v, w
        x = _rotate_right(x + y + v[0] + _word(text, place + 8), 37) * factor
        y = _rotate_right(y + v[1] + _word(text, place + 48), 42) * factor
        x ^= w[1] * weight
        y += v[0] * weight + _word(text, place + 40)
        z = _rotate_right(z + w[0], 33) * factor
        v = _weak(text, place, v[1] * factor, x + w[0])
        w = _weak(text, place + 32, z + w[1], y + _word(text, place + 16))
        z, x = x, z

    for place in range(0, (size - 1) // 64 * 64, 64):
        step(place, _K1, 1)
    factor = _K1 + ((z & 0xFF) << 1)
    first = w[0] + ((size - 1) & 63)
    v = (v[0] + first, v[1])
    w = (first + v[0], w[1])
    step(size - 64, factor, 9)
    left = _joined(v[0] & _ALL, w[0] & _ALL, factor & _ALL) + _shift_mix(y) * _K0 + z
    right = _joined(v[1] & _ALL, w[1] & _ALL, factor & _ALL) + x
    return _joined(left & _ALL, right & _ALL, factor & _ALL)


@functools.lru_cache(maxsize=65536)
def fingerprint(text: bytes) -> int:
    """FarmHash's fingerprint of a text: 64 bits.

    Example:
        >>> fingerprint(b"a")
        12917804110809363939
    """
    size = len(text)
    return (_short if size <= 16 else _middle if size <= 64 else _long)(text)


def _rotate_left(x: int, count: int) -> int:
    return ((x << count) | (x >> (64 - count))) & _ALL


@functools.lru_cache(maxsize=65536)
def keyed_hash(text: bytes, key: tuple[int, int]) -> int:
    """SipHash-2-4 of a text: 64 bits that depend on a secret key of two words."""
    first, second = key[0] & _ALL, key[1] & _ALL
    state = [
        first ^ 0x736F6D6570736575, second ^ 0x646F72616E646F6D,
        first ^ 0x6C7967656E657261, second ^ 0x7465646279746573,
    ]  # fmt: skip
    whole = len(text) // 8 * 8
    words = [_word(text, place) for place in range(0, whole, 8)]
    words.append(_word(text, whole) | (len(text) & 0xFF) << 56)
    for word in words:
        state[3] ^= word
        _rounds(state, 2)
        state[0] ^= word
    state[2] ^= 0xFF
    _rounds(state, 4)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def _rounds(state: list[int], count: int) -> None:
    a, b, c, d = state
    for _ in range(count):
        a = (a + b) & _ALL
        b = _rotate_left(b, 13) ^ a
        a = _rotate_left(a, 32)
        c = (c + d) & _ALL
        d = _rotate_left(d, 16) ^ c
        a = (a + d) & _ALL
        d = _rotate_left(d, 21) ^ a
        c = (c + b) & _ALL
        b = _rotate_left(b, 17) ^ c
        c = _rotate_left(c, 32)
    state[:] = a, b, c, d


def crossed(parts: Iterable[int]) -> int:
    """Several fingerprints as one; their order counts."""
    found = _CROSS_START
    for part in parts:
        mixed = _shift_mix(part * _CROSS) * _CROSS
        found = (found ^ _CROSS ^ mixed) * _CROSS
        found = _shift_mix(_shift_mix(found) * _CROSS)
    return found


def bucket(text: bytes, count: int, key: Sequence[int] | None = None) -> int:
    """A bin below `count` for a text; `key` gives other bins to the same texts."""
    if key is None:
        return fingerprint(text) % count
    return keyed_hash(text, (key[0], key[1])) % count
