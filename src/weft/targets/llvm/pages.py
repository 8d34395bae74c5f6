"""The compiler's pages, given back while nobody compiles.

LLVM is a library of 150 MB. Its start-up touches some 40 MB of it, and a compilation as much,
and all of that would count as this process's memory from then on. The pages are those of a
file: given back, they cost a soft page fault when they are wanted again.
"""

from __future__ import annotations

import ctypes
import functools
import re
import sys
from collections.abc import Callable, Iterator

_DONT_NEED = 4  # MADV_DONTNEED
_MAPS = "/proc/self/smaps"
_HEAD = re.compile(rb"([0-9a-f]+)-([0-9a-f]+) r-.p .* (/.*)\n")


def release(library: str) -> None:
    """Give back the pages of a library's file that nobody has written to.

    Does nothing where the system is not Linux, or does not tell about mappings.
    """
    advise = _advise()
    if advise is None:
        return
    try:
        for start, end in _untouched(library.encode()):
            advise(start, end - start, _DONT_NEED)
    except OSError:
        return


def _untouched(library: bytes) -> Iterator[tuple[int, int]]:
    """Where the library is mapped for reading, without pages of this process's own."""
    found: list[tuple[int, int]] = []
    where: tuple[int, int] | None = None
    with open(_MAPS, "rb") as lines:
        for line in lines:
            head = _HEAD.match(line)
            if head is not None:
                is_its = head[3] == library
                where = (int(head[1], 16), int(head[2], 16)) if is_its else None
            elif where is not None and line.startswith(b"Anonymous:"):
                # What the loader has relocated exists nowhere else.
                if int(line.split()[1]) == 0:
                    found.append(where)
                where = None
    yield from found


@functools.cache
def _advise() -> Callable[[int, int, int], int] | None:
    if not sys.platform.startswith("linux"):
        return None
    advise = ctypes.CDLL(None).madvise
    advise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    return advise
