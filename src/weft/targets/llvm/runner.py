"""The native code that runs programs: an interpreter of instruction records, and workers.

It is the same for every program, written in our IR, compiled once and kept on disk.

How a phase is shared. One word, the ticket, holds the chunks that nobody has taken as two
signed halves, `front` and `back`: chunks front … back-1 are free. A thread takes one by
adding to a half; what the word was before tells whether it got one. Threads with even
numbers take from the front, those with odd numbers from the back, so that with two threads
each meets the same part of the data in phase after phase.

    leader                                     worker
    write the phase; done = 0
    ticket = (0, total)          ── release ─► take a chunk          (acquire)
    take chunks and run them                   read the phase, run the chunk, take more
    wait until done == total     ◄─ release ── done += chunks run    (release)

Only a thread that has taken a chunk reads the description of the phase, and the leader
does not touch that description before all chunks are done. So nobody waits for a thread
that holds no chunk: a worker that is late, asleep or was never started costs nothing.
"""

from __future__ import annotations

import ctypes
import functools
import time
from dataclasses import dataclass

from weft.targets.llvm import kept

# -- the runner in this process --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Runner:
    """The runner's functions, to be called through ctypes."""

    code: object
    run: object
    run_profiled: object
    run_briefly: object  # keeps the interpreter's lock
    work: object
    ticks_per_second: float


@functools.cache
def runner() -> Runner:
    """The runner for this computer, loaded once and kept."""
    code = kept.code("runner", _compiled)
    word, pointer = ctypes.c_int64, ctypes.c_void_p
    arguments = (pointer, pointer, pointer, pointer, word)
    run, profiled = code.address("run"), code.address("run_profiled")
    ticks = ctypes.PYFUNCTYPE(word)(code.address("ticks"))
    return Runner(
        code,
        ctypes.CFUNCTYPE(word, *arguments)(run),
        ctypes.CFUNCTYPE(word, *arguments)(profiled),
        ctypes.PYFUNCTYPE(word, *arguments)(run),
        ctypes.CFUNCTYPE(None, pointer, word, word)(code.address("work")),
        _ticks_per_second(ticks),
    )


def _compiled() -> object:
    from weft.targets.llvm import cache, runner_source
    from weft.targets.llvm.machine import host

    return cache.get_or_link([runner_source.source(host())], host())


def _ticks_per_second(ticks) -> float:
    begin, first = time.perf_counter(), ticks()
    while (now := time.perf_counter()) < begin + 3e-4:
        pass
    return max(1.0, (ticks() - first) / (now - begin))
