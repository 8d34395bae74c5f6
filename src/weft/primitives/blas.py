"""NumPy's matrix products, on one thread.

OpenBLAS has threads of its own, which wait by spinning. Beside weft's team, or on a machine
where something else runs, they take each other's processors: a step of training then takes
five times as long now and then. Products that are worth two threads are weft's own
(`targets.eager`); the others are quick on one, and their bits depend on no number of threads.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np

from weft.primitives.quiet import quiet

# Multiplications up to which OpenBLAS does not think of threads.
_SMALL = 1 << 13

_NAMES = [
    f"{prefix}openblas_{{}}_num_threads{suffix}"
    for prefix in ("scipy_", "")
    for suffix in ("64_", "")
]

_matmul = quiet(np.matmul)


def multiply(a: np.ndarray, b: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """`np.matmul(a, b, out)`."""
    if a.size * b.shape[-1] <= _SMALL:
        return _matmul(a, b, out)
    threads = _threads()
    if threads is None:
        return _matmul(a, b, out)
    count, set_count = threads
    before = count()
    if before == 1:
        return _matmul(a, b, out)
    set_count(1)
    try:
        return _matmul(a, b, out)
    finally:
        set_count(before)


@functools.cache
def _threads() -> tuple[Callable[[], int], Callable[[int], None]] | None:
    """What tells and what sets the number of threads of NumPy's own OpenBLAS, if it has one."""
    package = Path(np.__file__).parent
    folders = package.parent / "numpy.libs", package / ".dylibs"
    for path in (path for folder in folders for path in folder.glob("*openblas*")):
        try:
            library = ctypes.CDLL(str(path))
        except OSError:
            continue
        for name in _NAMES:
            if hasattr(library, name.format("set")):
                tell = getattr(library, name.format("get"))
                change = getattr(library, name.format("set"))
                tell.restype, tell.argtypes = ctypes.c_int, []
                change.restype, change.argtypes = None, [ctypes.c_int]
                return tell, change
    return None
