"""Calls of NumPy without its floating-point warnings, at a tenth of a microsecond each.

Infinities and NaNs are results like any others here, as on every target. `numpy.errstate`
costs more than a small addition, and `numpy.seterr` would change the user's own settings.
NumPy keeps these settings in a context variable, so each thread gets a context of ours, in
which warnings are off, and the calls are made inside it.
"""

from __future__ import annotations

import contextvars
import functools
import threading
from collections.abc import Callable
from typing import Any

import numpy as np


class _QuietContext(threading.local):
    """A thread's context with all of NumPy's floating-point warnings off."""

    def __init__(self) -> None:
        # An empty context, not a copy: it must not keep the user's values alive.
        self.run = contextvars.Context().run
        self.run(np.seterr, all="ignore")


_CONTEXT = _QuietContext()


def quiet(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` of positional arrays, called with floating-point warnings off.

    Example:
        >>> import numpy as np
        >>> from weft.primitives.quiet import quiet
        >>> quiet(np.divide)(1.0, 0.0)
        np.float64(inf)
    """

    @functools.wraps(function)
    def call(*arrays: Any) -> Any:
        try:
            return _CONTEXT.run(function, *arrays)
        except RuntimeError:
            # A finalizer or a signal handler that runs inside such a call and makes one
            # of its own cannot enter the same context again.
            with np.errstate(all="ignore"):
                return function(*arrays)

    return call
