"""Words to the user while tracing: said once, at the user's line."""

from __future__ import annotations

import threading
import warnings
from typing import Any

from weft.core.state import STATE
from weft.core.tensor import Tensor
from weft.core.variable import Variable
from weft.function.autograph.values import here

# Loops that Python unrolls longer than this are worth a word.
MANY_STEPS = 1000


class TracingNote(UserWarning):
    """Something that a traced function does while it is traced, and not when it runs.

    Silence it with `warnings.simplefilter("ignore", TracingNote)`.
    """


_said: set[tuple] = set()
_LOCK = threading.Lock()


def say_once(kind: str, message: str) -> None:
    """A note at the user's line, the first time that line does this."""
    place = here()
    key = (kind, place)
    with _LOCK:
        if key in _said:
            return
        _said.add(key)
    warnings.warn_explicit(message, TracingNote, place.filename, place.line)


def side_effect(root: Any, text: str) -> None:
    """Note that something outside of the function is changed while tracing."""
    if STATE.trace is None or isinstance(root, Tensor | Variable):
        return
    say_once(
        "side effect",
        f"`{text}` changes a Python object outside of the function: that happens once, "
        "while the function is traced, and not at every call; keep values that change in a "
        "weft.Variable",
    )


def unrolled(steps: int) -> None:
    """Note that a Python loop has become a very long graph."""
    if STATE.trace is not None and steps == MANY_STEPS:
        say_once(
            "unrolled",
            f"this loop over Python values has been traced {steps} times, and makes the "
            "graph that much longer; go through a tensor, or range() of a tensor, to keep "
            "it a loop",
        )
