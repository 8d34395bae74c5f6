"""What this machine can do, measured: arithmetic, memory, and our own matrix product.

    fused_multiply_adds("float32", threads=2)     # operations per second, registers only
    bandwidth(64 << 20, threads=2)                # bytes per second, read and written
    matrix_multiply("float32", 1024, threads=2)   # operations per second of our kernels

Each figure is the best of several short tries, because other programs can only take time
away. Everything runs in native code on threads of Python.
"""

from __future__ import annotations

import ctypes
import functools
import threading
import time
from collections.abc import Callable, Sequence

import numpy as np

from weft.core.graph import Graph, Node, Value
from weft.core.spec import Spec
from weft.core.variable import aligned_copy
from weft.primitives.contraction import dot_general
from weft.targets.llvm import cache, ir
from weft.targets.llvm.machine import host
from weft.targets.llvm.program import Executable, compile_graph
from weft.targets.llvm.team import Team

TRIES = 5
_TRY_SECONDS = 0.012
_TYPES = {"float32": ir.F32, "float64": ir.F64}


@functools.cache
def fused_multiply_adds(dtype: str = "float32", threads: int = 1) -> float:
    """Operations per second of multiply-adds that never leave the registers."""
    function, lanes, chains = _multiply_add_loop(dtype)
    sinks = [np.zeros(lanes * chains, dtype) for _ in range(threads)]

    def run(count: int) -> None:
        _together([functools.partial(function, s.ctypes.data, count) for s in sinks])

    per_turn = 2.0 * lanes * chains * threads
    return per_turn / _seconds_per_turn(run, 20_000)


@functools.cache
def bandwidth(size: int, threads: int = 1) -> float:
    """Bytes per second, read and written, of adding a constant to `size` bytes in place."""
    function = _adding_loop()
    # Whole pages, so that two threads share none.
    elements = max(1024, size // 4 // threads // 1024 * 1024)
    parts = [aligned_copy(np.ones(elements, np.float32)) for _ in range(threads)]

    def run(count: int) -> None:
        each = functools.partial
        _together([each(function, p.ctypes.data, elements, count) for p in parts])

    return 8.0 * elements * threads / _seconds_per_turn(run, 1)


@functools.cache
def matrix_multiply(dtype: str = "float32", size: int = 1024, threads: int = 1) -> float:
    """Operations per second of a square product by our kernels."""
    executable = _product(dtype, size)
    generator = np.random.default_rng(0)
    operands = [generator.standard_normal((size, size)).astype(dtype) for _ in range(2)]
    arrays = [aligned_copy(array) for array in operands]
    # After one run the table names the operands and the result, which we hold on to.
    result = executable(arrays)
    team = Team(threads)

    def run(count: int) -> None:
        for _ in range(count):
            team.run(executable.program, executable.table_address)

    try:
        seconds = _seconds_per_turn(run, 1)
    finally:
        team.close()
    del arrays, result
    return 2.0 * size**3 / seconds


# -- loops ---------------------------------------------------------------------------------


def _seconds_per_turn(run: Callable[[int], None], count: int) -> float:
    """The best seconds of one turn; a try takes some milliseconds."""
    run(1)
    while True:
        # Twice, so that one interruption does not end the search too early.
        seconds = min(_seconds(run, count), _seconds(run, count))
        if seconds > _TRY_SECONDS / 2:
            break
        count = int(count * min(10.0, 1.2 * _TRY_SECONDS / max(seconds, 1e-7))) + 1
    return min(seconds, *[_seconds(run, count) for _ in range(TRIES - 2)]) / count


def _seconds(run: Callable[[int], None], count: int) -> float:
    begin = time.perf_counter()
    run(count)
    return time.perf_counter() - begin


def _together(calls: Sequence[Callable[[], None]]) -> None:
    """Run every call on a thread of its own, the first on this one."""
    others = [threading.Thread(target=call) for call in calls[1:]]
    for other in others:
        other.start()
    calls[0]()
    for other in others:
        other.join()


@functools.cache
def _multiply_add_loop(dtype: str) -> tuple[Callable, int, int]:
    """A loop of independent chains of multiply-adds, its lanes, and its chains."""
    machine, scalar = host(), _TYPES[dtype]
    lanes = machine.lanes(scalar.bytes)
    # As many chains as hide the latency and leave registers for the two factors.
    chains = 24 if machine.registers >= 32 else 12
    vector = scalar.vector(lanes)
    module = ir.Module()
    module.has_fma = machine.has_fma
    f = module.function("kernel", [("out", ir.PTR), ("count", ir.I64)])
    out, count = f.parameters
    factor = f.splat(f.load(scalar, out), lanes)
    sums = [f.variable(vector, f.constant(vector, 0.0)) for _ in range(chains)]
    with f.loop(0, count):
        for chain in sums:
            # Loaded at run time, the factor can't be folded away.
            value = f.fma(chain.get(), factor, factor)
            chain.set(value)
    for number, chain in enumerate(sums):
        f.store(chain.get(), f.element(out, scalar, number * lanes), scalar.bytes)
    f.ret()
    library = cache.get_or_link([module.text()], machine)
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(
        library.address("kernel")
    )
    return _holding(function, library), lanes, chains


@functools.cache
def _adding_loop() -> Callable:
    """`x += tiny` over an array, again and again."""
    machine = host()
    lanes = machine.lanes(4)
    vector = ir.F32.vector(lanes)
    module = ir.Module()
    f = module.function("kernel", [("x", ir.PTR), ("size", ir.I64), ("count", ir.I64)])
    x, size, count = f.parameters
    unroll = 4
    small = f.constant(vector, 1e-30)
    with f.loop(0, count), f.loop(0, size, unroll * lanes) as i:
        places = [f.element(x, ir.F32, i + lanes * number) for number in range(unroll)]
        loaded = [f.load(vector, place, 64) for place in places]
        for place, value in zip(places, loaded):
            f.store(value + small, place, 64)
    f.ret()
    library = cache.get_or_link([module.text()], machine)
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)(
        library.address("kernel")
    )
    return _holding(function, library)


def _holding(function: Callable, library: object) -> Callable:
    """The function, which keeps its machine code in memory."""

    def call(*arguments: int, _library: object = library) -> None:
        function(*arguments)

    return call


@functools.cache
def _product(dtype: str, size: int) -> Executable:
    spec = Spec((size, size), dtype)
    left, right = Value(spec), Value(spec)
    parameters = {"contract": ((1,), (0,)), "batch": ((), ())}
    node = Node(dot_general, [left, right], parameters, [spec])
    return compile_graph(Graph([left, right], [node], [node.output], "product"))
