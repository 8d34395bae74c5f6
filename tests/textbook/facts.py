"""Facts that a chapter states; it stops at the first that does not hold."""

from __future__ import annotations

import contextlib
import io
import re
import sys

import numpy as np

_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_count = 0


def fact(holds, what):
    """Require that something holds."""
    global _count
    if not holds:
        raise AssertionError(what)
    _count += 1


def same(received, expected):
    """Require equality."""
    fact(received == expected, f"received {received!r}, expected {expected!r}")


def close(received, expected, tolerance=1e-5):
    """Require equal shapes and almost equal numbers."""
    received, expected = np.asarray(received), np.asarray(expected)
    fact(received.shape == expected.shape, f"shapes {received.shape}, {expected.shape}")
    fact(
        np.allclose(received, expected, rtol=tolerance, atol=tolerance),
        f"received {received!r}, expected {expected!r}",
    )


def raises(kinds, action):
    """Require an error; its message."""
    try:
        action()
    except kinds as error:
        fact(True, "")
        return str(error)
    raise AssertionError(f"expected {kinds}; nothing was raised")


@contextlib.contextmanager
def printed():
    """Collect what is printed, without colours; a list with the text in the end."""
    stream, before, texts = io.StringIO(), sys.stdout, []
    sys.stdout = stream
    try:
        yield texts
    finally:
        sys.stdout = before
        texts.append(re.sub(r"[\x08\r]+", "\n", _ANSI.sub("", stream.getvalue())))


def done():
    """Say how many facts held."""
    print(f"FACTS {_count}")
