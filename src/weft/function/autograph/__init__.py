"""AutoGraph: Python's control flow on tensors, as control flow of the graph.

    @weft.function
    def collatz(n):
        steps = 0
        while n > 1:
            n = n // 2 if n % 2 == 0 else 3 * n + 1
            steps += 1
        return steps

The source of a function is parsed, rewritten and compiled again: every `if`, loop,
condition and call asks at run time whether a tensor decides. Where none does, Python goes
its own way.

    source.py       finds the syntax tree of a function
    jumps.py        return, break and continue become values and flags
    scopes.py       which names a statement assigns, and which are read later
    rewrite.py      statements become local functions, conditions calls
    conversion.py   compiles the result, keeps it, and converts what it calls
    statements.py   what rewritten statements call; staging.py, iteration.py, values.py
"""

from __future__ import annotations

from weft.function.autograph.conversion import (
    convert,
    converted,
    do_not_convert,
    source_of,
)
from weft.function.autograph.iteration import TensorRange
from weft.function.autograph.notes import TracingNote
from weft.function.autograph.values import UndefinedError

__all__ = [
    "TensorRange",
    "TracingNote",
    "UndefinedError",
    "convert",
    "converted",
    "do_not_convert",
    "source_of",
]
