"""Work beside the consumer: elements made ahead by a thread, functions run by several.

No thread outlives its iterator: a generator here stops and joins its threads in `finally`,
which Python runs at a `break`, at the last reference, and, through `atexit`, at the end.
"""

from __future__ import annotations

import atexit
import collections
import contextvars
import os
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice

from weft.data.element import Element
from weft.random import generator as seeds

AUTOTUNE = -1

# How many elements are made ahead where weft chooses.
_AHEAD = 4
# Elements per task of a compiled function: handing over costs as much as several calls.
_CHUNK = 16

_running: weakref.WeakSet[_Producer] = weakref.WeakSet()


class _Producer:
    """A thread that makes elements until so many wait to be taken."""

    def __init__(self, make: Callable[[], Iterator[Element]], most_waiting: int) -> None:
        self._make, self._most = make, most_waiting
        self._ready: collections.deque = collections.deque()
        self._changed = threading.Condition()
        self._is_stopped = self._has_ended = False
        self._error: BaseException | None = None
        # The thread goes on with the consumer's random numbers, and knows if it only peeks.
        self._random = dict(vars(seeds._DEFAULTS))
        context = contextvars.copy_context()
        self._thread = threading.Thread(
            target=context.run, args=(self._run,), name="weft.data", daemon=True
        )
        _running.add(self)
        self._thread.start()

    def _run(self) -> None:
        vars(seeds._DEFAULTS).update(self._random)
        elements = None
        try:
            elements = self._make()
            for element in elements:
                if not self._give(element):
                    break
        except BaseException as error:
            self._error = error
        finally:
            if hasattr(elements, "close"):
                elements.close()  # type: ignore[union-attr]
            with self._changed:
                self._has_ended = True
                self._changed.notify_all()

    def _give(self, element: Element) -> bool:
        """Put one element where it can be taken; False if nobody wants more."""
        with self._changed:
            while len(self._ready) >= self._most and not self._is_stopped:
                self._changed.wait()
            self._ready.append(element)
            self._changed.notify_all()
            return not self._is_stopped

    def elements(self) -> Iterator[Element]:
        """The elements in order; an error of the thread rises here, at its place."""
        while True:
            with self._changed:
                while not self._ready and not self._has_ended:
                    self._changed.wait()
                if not self._ready:
                    break
                element = self._ready.popleft()
                self._changed.notify_all()
            yield element
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """End the thread and wait until it has ended."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()
        # Garbage may be collected, and this be called, on any thread.
        if self._thread is not threading.current_thread():
            self._thread.join()
        self._ready.clear()


@atexit.register
def _stop_all() -> None:
    for producer in list(_running):
        producer.stop()


def ahead(make: Callable[[], Iterator[Element]], count: int) -> Iterator[Element]:
    """The elements of `make()`, up to `count` of them made ahead by a thread."""
    producer = _Producer(make, _AHEAD if count == AUTOTUNE else count)
    try:
        yield from producer.elements()
    finally:
        producer.stop()


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def worker_count(calls: int | None) -> int:
    """How many threads `num_parallel_calls` means; 0: none but the caller's."""
    if calls is None:
        return 0
    if calls == AUTOTUNE:
        return min(16, processors())
    return calls


def in_parallel(
    numbered: Iterator[tuple[int, Element]],
    function: Callable[[Element, int], Element],
    workers: int,
    in_order: bool,
    together: bool,
) -> Iterator[Element]:
    """`function(element, number)` for all elements, on several threads.

    in_order: results come in the order of the elements, else as they are ready.
    together: whether one task takes several elements.
    """

    def task(part: list[tuple[int, Element]]) -> list[Element]:
        return [function(element, number) for number, element in part]

    size = _CHUNK if together else 1
    pool = ThreadPoolExecutor(workers, thread_name_prefix="weft.data")
    waiting: collections.deque[Future] = collections.deque()
    try:
        while True:
            while len(waiting) <= workers and (part := list(islice(numbered, size))):
                waiting.append(pool.submit(contextvars.copy_context().run, task, part))
            if not waiting:
                return
            yield from _next_done(waiting, in_order).result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _next_done(waiting: collections.deque[Future], in_order: bool) -> Future:
    if in_order:
        return waiting.popleft()
    done = next(iter(wait(waiting, return_when=FIRST_COMPLETED).done))
    waiting.remove(done)
    return done


__all__ = ["AUTOTUNE", "ahead", "in_parallel", "worker_count"]
