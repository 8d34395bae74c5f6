"""Large eager operations as native programs.

NumPy works through one array after the other on one thread. An operation on large arrays
that comes again and again with the same shapes is compiled instead, and shared by the team
of threads. Only operations whose every bit IEEE 754 fixes are taken, so that nobody can tell
from the numbers which way was gone.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from weft import targets
from weft.core.primitive import REGISTRY, Primitive
from weft.core.spec import Spec
from weft.core.tensor import Tensor
from weft.core.trace import trace_function
from weft.dtypes import from_numpy
from weft.primitives import shape

EXACT = """add subtract multiply divide maximum minimum equal not_equal less less_equal greater
    greater_equal bitwise_and bitwise_or bitwise_xor bitwise_not negative absolute sqrt select
    relu is_finite is_nan is_inf""".split()

# Compiling costs some ten milliseconds: worth it for what is repeated.
REPEATS = 8
MOST_PROGRAMS = 256

_DTYPES = frozenset("bool int32 int64 uint8 float32 float64".split())


class _Programs:
    """Programs by operation and layout, the least recently used dropped."""

    def __init__(self) -> None:
        self.seen: dict[Any, int] = {}
        self.made: OrderedDict[Any, Callable | None] = OrderedDict()
        self.lock = threading.Lock()

    def find(self, key: Any) -> Callable | None:
        found = self.made.get(key)
        if found is not None:
            return found
        self.seen[key] = self.seen.get(key, 0) + 1
        return None

    def is_due(self, key: Any) -> bool:
        return self.seen[key] > REPEATS and key not in self.made

    def keep(self, key: Any, program: Callable | None) -> None:
        with self.lock:
            self.made[key] = program
            while len(self.made) > MOST_PROGRAMS:
                self.made.popitem(last=False)
            if len(self.seen) > 16 * MOST_PROGRAMS:
                self.seen.clear()


_programs = _Programs()


def evaluate_large(primitive: Primitive, arrays: Sequence[np.ndarray], parameters: dict) -> Any:
    """What `primitive.evaluate` gives; from the ninth time on by a native program."""
    key = (primitive.name, tuple([(a.shape, a.strides, a.dtype.char) for a in arrays]))
    program = _programs.find(key)
    if program is not None:
        return program(arrays)
    if not parameters and _programs.is_due(key):
        program = _compile(primitive, arrays)
        _programs.keep(key, program)
        if program is not None:
            return program(arrays)
    return primitive.evaluate(*arrays, **parameters)


def _compile(primitive: Primitive, arrays: Sequence[np.ndarray]) -> Callable | None:
    if any(from_numpy(array.dtype).name not in _DTYPES for array in arrays):
        return None
    kept = [_without_repeats(array) for array in arrays]
    if not all(array[pick].flags.c_contiguous for array, pick in zip(arrays, kept)):
        return None
    specs = [
        Spec(array[pick].shape, from_numpy(array.dtype)) for array, pick in zip(arrays, kept)
    ]
    whole = arrays[0].shape

    def operation(*tensors: Tensor) -> Tensor:
        return primitive.bind(*[shape.broadcast.bind(t, shape=whole) for t in tensors])

    executable = targets.compile_graph(trace_function(operation, specs)[0])

    def run(given: Sequence[np.ndarray]) -> np.ndarray:
        return executable([array[pick] for array, pick in zip(given, kept)])[0]

    return run


def _without_repeats(array: np.ndarray) -> tuple[slice, ...]:
    """What to take of an array so that broadcast axes have extent 1."""
    return tuple([slice(0, 1) if stride == 0 else slice(None) for stride in array.strides])


def install() -> None:
    """Let large operations be compiled."""
    for name in EXACT:
        REGISTRY[name].large = evaluate_large
