"""What the running thread is doing: the trace it adds nodes to, and the tapes that watch."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any


class ThreadState(threading.local):
    """`trace` is None in eager mode; `tapes` are the recording tapes, oldest first."""

    def __init__(self) -> None:
        self.trace: Any = None
        self.tapes: tuple[Any, ...] = ()


STATE = ThreadState()


@contextlib.contextmanager
def tracing(trace: Any) -> Iterator[Any]:
    """Operations inside add nodes to `trace`; with None they are evaluated at once."""
    before = STATE.trace
    STATE.trace = trace
    try:
        yield trace
    finally:
        STATE.trace = before


def eager() -> contextlib.AbstractContextManager:
    """Operations inside are evaluated at once, also while tracing."""
    return tracing(None)


@contextlib.contextmanager
def recording(tapes: tuple[Any, ...]) -> Iterator[None]:
    """Exactly `tapes` record inside."""
    before = STATE.tapes
    STATE.tapes = tapes
    try:
        yield
    finally:
        STATE.tapes = before


def is_tracing() -> bool:
    """Whether operations of this thread add nodes to a graph now."""
    return STATE.trace is not None
