"""The threads that run programs, one team per process.

    status = run(program, table.ctypes.data)

The calling thread leads: it follows the program inside a native call, without the
interpreter's lock, and takes part in every phase. Workers are Python threads; they sleep in
Python while nothing runs, are woken when a program begins (nobody waits for them), and stay
in native code for a moment after it ends, because another often follows.

One program at a time has the team. A second thread that calls meanwhile, or a host function
that runs another program, runs its program alone: the results are the same bits.
"""

from __future__ import annotations

import ctypes
import os
import queue
import threading
import time
import weakref
from typing import Any

import numpy as np

from weft.targets.llvm import layouts
from weft.targets.llvm import runner as native
from weft.targets.llvm.machine import thread_count
from weft.targets.llvm.runtime import INTERRUPTED, Program, aligned_words

_SPIN_SECONDS = 20e-6  # then we offer the core to others
_YIELD_SECONDS = 500e-6  # then we sleep, while a program runs
_NAPS = (50_000, 500_000)  # nanoseconds
_PATIENCE_SECONDS = 300e-6  # of a worker, after a program; it learns its own
_LEAST_PATIENCE, _MOST_PATIENCE = 100e-6, 2e-3


# -- running ---------------------------------------------------------------------------


def run(program: Program, buffers: int) -> int:
    """Run a program on the table of addresses at `buffers`; returns its status.

    0 or what `end` or a host function said, or INTERRUPTED. Raises what a host function
    raises. The table must stay where it is, and no other run may use it meanwhile.
    """
    if program.serial:
        return run_alone(program, buffers)
    return team().run(program, buffers)


def run_alone(program: Program, buffers: int) -> int:
    """Run a program on the calling thread only."""
    functions = native.runner()
    if program.profiled:
        function: Any = functions.run_profiled
    elif program.brief:
        function = functions.run_briefly
    else:
        function = functions.run
    if program.scratch_bytes:
        # The name holds the memory, should a program inside a host call want more.
        scratch = _own_scratch(program.scratch_bytes)
        return _follow(function, program, buffers, None, scratch.ctypes.data)
    return _follow(function, program, buffers, None, None)


def _follow(
    function: Any, program: Program, buffers: int, team: int | None, scratch: int | None
) -> int:
    """Call the runner until the program ends, serving its host calls."""
    address = program.address
    outcome = function(address, buffers, team, scratch, 0)
    while outcome:
        status, value = outcome & 255, outcome >> 8
        if status == layouts.FINISHED:
            return value
        if status == layouts.AT_HOST_CALL:
            answer = program.hosts[value](buffers)
            if answer:
                return answer
            value += 1
        elif status == layouts.AT_INTERRUPT:
            return INTERRUPTED
        # At a pause there is nothing to do: Python has just looked at its signals.
        outcome = function(address, buffers, team, scratch, value)
    return 0


_own = threading.local()


def _own_scratch(size: int) -> np.ndarray:
    """At least `size` bytes that belong to this thread."""
    scratch = getattr(_own, "scratch", None)
    if scratch is None or scratch.nbytes < size:
        scratch = _own.scratch = aligned_words(-(-size // 8))
    return scratch


# -- the team --------------------------------------------------------------------------


class Team:
    """The calling thread and `threads - 1` workers, started when they are first wanted."""

    def __init__(self, threads: int | None = None) -> None:
        self.threads = threads or thread_count()
        self._crew = _Crew(self.threads)
        self._finalizer = weakref.finalize(self, self._crew.dismiss)
        _teams.add(self)

    def run(self, program: Program, buffers: int) -> int:
        """Run `program` with all threads, or alone if the team is busy."""
        crew = self._crew
        too_small = program.serial or self.threads < 2
        if too_small or not crew.lock.acquire(blocking=False):
            return run_alone(program, buffers)
        try:
            scratch = crew.begin(program)
            functions = native.runner()
            function = functions.run_profiled if program.profiled else functions.run
            return _follow(function, program, buffers, crew.address, scratch)
        finally:
            crew.words[layouts.ACTIVE] = 0
            crew.lock.release()

    def close(self) -> None:
        """End the workers. A team that is used again starts new ones.

        A program that runs meanwhile is finished by its calling thread.
        """
        former = self._finalizer
        self._renew()
        former()

    def _renew(self) -> None:
        self._crew = _Crew(self.threads)
        self._finalizer = weakref.finalize(self, self._crew.dismiss)


class _Crew:
    """A team's workers and the memory that they share with the leader.

    A team changes crews as a whole, after a fork or when it is closed; a program that is
    running keeps the crew that it began with.
    """

    def __init__(self, threads: int) -> None:
        self.lock = threading.Lock()
        self.threads = threads
        self.words = words = aligned_words(layouts.TEAM_WORDS)
        self.address = words.ctypes.data
        self._workers: list[_Worker] = []
        self._started = False
        self._runs = 0
        self._scratch = np.zeros(0, np.int64)
        self._scratch_bytes = self._scratch_address = 0
        self._profiled = False
        second = native.runner().ticks_per_second
        words[layouts.SPIN_TICKS] = int(_SPIN_SECONDS * second)
        words[layouts.YIELD_TICKS] = int(_YIELD_SECONDS * second)
        words[layouts.YIELD] = _system_function("sched_yield", "SwitchToThread")
        words[layouts.SLEEP] = _system_function("nanosleep", "Sleep")
        words[layouts.SHORT_SLEEP], words[layouts.LONG_SLEEP] = _sleep_arguments(words)

    def begin(self, program: Program) -> int:
        """Make ready for `program` and wake who is useful; returns the leader's scratch."""
        if not self._started:
            self._start()
        scratch = self._scratch_for(program.scratch_bytes)
        if program.profiled is not self._profiled:
            self._profiled = self.words[layouts.PROFILED] = program.profiled
        # Every run has its own number: a worker that lingers sees that one has begun.
        self._runs += 1
        self.words[layouts.ACTIVE] = self._runs
        for worker in self._workers[: program.width - 1]:
            if worker.asleep:
                worker.wake()
        return scratch

    def dismiss(self) -> None:
        """Let the workers end, and see them go."""
        self.words[layouts.STOP] = 1
        for worker in self._workers:
            worker.wake()
        limit = time.monotonic() + 2.0
        for worker in self._workers:
            if worker.thread is not threading.current_thread():
                worker.thread.join(max(0.0, limit - time.monotonic()))

    def _start(self) -> None:
        self._started = True
        for number in range(1, self.threads):
            worker = _Worker(self.words, number)
            try:
                worker.thread.start()
            except RuntimeError:  # no more threads to be had: fewer will do
                break
            self._workers.append(worker)

    def _scratch_for(self, size: int) -> int:
        """The address of `size` bytes or more for each thread; the leader's come first."""
        if self._scratch_bytes < size:
            self._scratch = aligned_words(self.threads, size // 8)
            self._scratch_address = self._scratch.ctypes.data
            self._scratch_bytes = size
            self.words[layouts.SCRATCH] = self._scratch_address
            self.words[layouts.SCRATCH_STRIDE] = size
        return self._scratch_address


class _Worker:
    """A thread that serves chunks."""

    def __init__(self, words: np.ndarray, number: int) -> None:
        self.words, self.number = words, number
        self.asleep = False
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.thread = threading.Thread(
            target=self._live, name=f"weft-worker-{number}", daemon=True
        )

    def wake(self) -> None:
        self.asleep = False
        self._bell.put(None)

    def _live(self) -> None:
        words, functions = self.words, native.runner()
        address = words.ctypes.data
        patience = _PATIENCE_SECONDS
        while not words[layouts.STOP]:
            ticks = int(patience * functions.ticks_per_second)
            functions.work(address, self.number, ticks)  # type: ignore[operator]
            self.asleep = True
            # Looked at after saying so: a program that begins now sees us asleep, or we
            # see it.
            if not words[layouts.ACTIVE] and not words[layouts.STOP]:
                before = time.perf_counter()
                self._bell.get()
                slept = time.perf_counter() - before
                # Woken at once: it was worth staying. After a long time: it was not.
                if slept < 2 * patience:
                    patience = min(2 * patience, _MOST_PATIENCE)
                elif slept > 20 * patience:
                    patience = max(patience / 2, _LEAST_PATIENCE)
            self.asleep = False


# -- what the operating system offers --------------------------------------------------


def _address_of(function: Any) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0


def _system_function(posix: str, windows: str) -> int:
    if os.name == "nt":
        kernel: Any = ctypes.WinDLL("kernel32")  # type: ignore[attr-defined]
        return _address_of(getattr(kernel, windows))
    return _address_of(getattr(ctypes.CDLL(None), posix))


def _sleep_arguments(words: np.ndarray) -> tuple[int, int]:
    """The first arguments of a short and of a long sleep."""
    if os.name == "nt":
        return 1, 1  # milliseconds
    naps = words[layouts.NAPS : layouts.NAPS + 4]
    naps[:] = 0, _NAPS[0], 0, _NAPS[1]  # seconds and nanoseconds, twice
    return naps.ctypes.data, naps.ctypes.data + 16


# -- the process's team ----------------------------------------------------------------

_teams: weakref.WeakSet[Team] = weakref.WeakSet()
_team: list[Team] = []
_team_lock = threading.Lock()


def team() -> Team:
    """This process's team; its size is `thread_count()` when it is first asked for."""
    if not _team:
        with _team_lock:
            if not _team:
                _team.append(Team())
    return _team[0]


def set_thread_count(threads: int) -> None:
    """Give this process's team another size; 1 runs everything on the calling thread."""
    if threads < 1:
        raise ValueError(f"threads: at least 1 is needed; received {threads}")
    with _team_lock:
        former = list(_team)
        _team[:] = [Team(threads)]
    for one in former:
        one.close()


def _after_fork() -> None:
    """In a child: the workers are not here, and the locks may be held by no one."""
    global _team_lock
    _team_lock = threading.Lock()
    for one in list(_teams):
        one._finalizer.detach()
        one._renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
