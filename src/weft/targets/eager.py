"""Large eager operations as native programs.

NumPy works through one array after the other on one thread. An operation on large arrays
that comes again and again with the same shapes is compiled instead, and shared by the team
of threads. Only operations whose every bit IEEE 754 fixes are taken, so that nobody can tell
from the numbers which way was gone. Sums and matrix products, whose last bits depend on the
order of additions, go the native way always or never, by their size.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from weft import targets
from weft.core.primitive import Primitive
from weft.core.spec import Spec
from weft.core.tensor import Tensor
from weft.core.trace import trace_function
from weft.dtypes import from_numpy
from weft.primitives import shape

# Multiplications from which on a product is worth compiling at once.
LARGE_PRODUCT = 1 << 24

# Elements from which on a sum is.
LARGE_SUM = 1 << 19

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


def evaluate_large(
    primitive: Primitive, arrays: Sequence[np.ndarray], parameters: dict
) -> Any:
    """What `primitive.evaluate` gives; from the ninth time on by a native program."""
    key = (primitive.name, tuple([(a.shape, a.strides, a.dtype.char) for a in arrays]))
    program = _programs.find(key)
    if program is not None:
        return program(arrays)
    if not parameters and _programs.is_due(key):
        program = _compile(primitive, arrays, together=True)
        _programs.keep(key, program)
        if program is not None:
            return program(arrays)
    return primitive.evaluate(*arrays, **parameters)


def multiply_large(
    primitive: Primitive, arrays: Sequence[np.ndarray], parameters: dict
) -> Any:
    """What `dot_general` gives, by a native program where the product is large."""
    contracted = math.prod([arrays[0].shape[axis] for axis in parameters["contract"][0]])
    batch = math.prod([arrays[0].shape[axis] for axis in parameters["batch"][0]])
    work = arrays[0].size * arrays[1].size // max(1, contracted * batch)
    if work < LARGE_PRODUCT:
        return primitive.evaluate(*arrays, **parameters)
    return _native(primitive, arrays, parameters)


def add_up_large(
    primitive: Primitive, arrays: Sequence[np.ndarray], parameters: dict
) -> Any:
    """What `reduce_sum` gives, by a native program where there is much to add."""
    if arrays[0].size < LARGE_SUM:
        return primitive.evaluate(*arrays, **parameters)
    return _native(primitive, arrays, parameters)


def _native(primitive: Primitive, arrays: Sequence[np.ndarray], parameters: dict) -> Any:
    """The result of a program that is compiled the first time it is needed."""
    layouts = tuple([(a.shape, a.strides, a.dtype.char) for a in arrays])
    key = (primitive.name, layouts, tuple(parameters.items()))
    program = _programs.find(key)
    if program is None and key not in _programs.made:
        program = _compile(primitive, arrays, parameters)
        _programs.keep(key, program)
    if program is None:
        return primitive.evaluate(*arrays, **parameters)
    return program(arrays)


def _compile(
    primitive: Primitive,
    arrays: Sequence[np.ndarray],
    parameters: dict | None = None,
    together: bool = False,
) -> Callable | None:
    """A program of one operation; with `together` its operands are broadcast."""
    if any(from_numpy(array.dtype).name not in _DTYPES for array in arrays):
        return None
    kept = [_Layout(array) for array in arrays]
    packed = [layout.packed(array) for array, layout in zip(arrays, kept)]
    if not all(array.flags.c_contiguous for array in packed):
        return None
    specs = [Spec(array.shape, from_numpy(array.dtype)) for array in packed]

    common = np.broadcast_shapes(*[array.shape for array in arrays]) if together else ()

    def operation(*tensors: Tensor) -> Tensor:
        whole = [layout.restored(tensor) for tensor, layout in zip(tensors, kept)]
        if together:
            whole = [_broadcast(tensor, common) for tensor in whole]
        return primitive.bind(*whole, **(parameters or {}))

    executable = targets.compile_graph(trace_function(operation, specs)[0])
    if all(layout.is_plain for layout in kept):
        return lambda given: executable(given)[0]

    def run(given: Sequence[np.ndarray]) -> np.ndarray:
        return executable([layout.packed(array) for array, layout in zip(given, kept)])[0]

    return run


def _broadcast(tensor: Tensor, common: tuple[int, ...]) -> Tensor:
    """A traced tensor repeated to a shape."""
    if tensor.shape == common:
        return tensor
    added = (1,) * (len(common) - len(tensor.shape))
    whole = shape.reshape.bind(tensor, shape=added + tensor.shape)
    return shape.broadcast.bind(whole, shape=common)


class _Layout:
    """How an array lies in memory: which axes repeat one element, and the axes' order."""

    def __init__(self, array: np.ndarray) -> None:
        self.shape = array.shape
        self.pick = tuple(
            [slice(0, 1) if step == 0 else slice(None) for step in array.strides]
        )
        # From the longest step to the shortest; repeated axes are of extent 1 and come first.
        self.order = tuple(sorted(range(array.ndim), key=lambda axis: -array.strides[axis]))
        self.back = tuple(np.argsort(self.order).tolist())
        self.is_plain = array.flags.c_contiguous

    def packed(self, array: np.ndarray) -> np.ndarray:
        """The elements that differ, in the order of memory."""
        return array[self.pick].transpose(self.order)

    def restored(self, tensor: Tensor) -> Tensor:
        """The traced counterpart of the whole array."""
        turned = shape.transpose.bind(tensor, permutation=self.back)
        return shape.broadcast.bind(turned, shape=self.shape)
