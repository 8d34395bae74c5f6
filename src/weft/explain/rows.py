"""From an executable to the rows of a report.

phases of the program ──► kernels, host calls, copies ──► work, time, share of the machine
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from weft.core.graph import Graph, text
from weft.explain.report import Machine, Memory, Report, Row

# Runs of a measurement: until so many seconds have passed, or so many runs.
_SECONDS = 0.5
_MOST_RUNS = 200
# Kernels that write a part of what they are given.
_UPDATES = frozenset(("scatter", "dynamic_update_slice"))
# Sizes at which memory is measured: the levels of the caches, and beyond them.
_WORKING_SETS = (64 << 10, 1 << 20, 16 << 20, 128 << 20)


def report_of(
    executable: Any,
    *,
    name: str,
    graph: Graph,
    arrays: Callable[[], list[np.ndarray]],
    state_bytes: int,
    written_bytes: int,
    measure: bool,
) -> Report:
    """The report on one native program.

    Args:
        executable: what `targets.llvm` made.
        graph: as it was traced, before simplification.
        arrays: makes fresh inputs, because a run may write over them.
        state_bytes: how much of the inputs belongs to variables.
        written_bytes: how much of the outputs is written over variables.
        measure: whether to run the program.
    """
    machine = measured_machine()
    rows = list(_rows(executable))
    seconds = None
    if measure:
        seconds, rows = _measured(executable, rows, arrays())
    rows = [_with_limits(row, machine) for row in rows]
    simplified = executable.layout.graph
    return Report(
        name=name,
        rows=rows,
        machine=machine,
        memory=_memory(executable, state_bytes, written_bytes, machine.threads),
        measured=measure,
        seconds=seconds,
        traced_text=lambda: text(graph),
        graph_text=lambda: text(simplified),
    )


def measured_machine() -> Machine:
    """The speeds of this machine with all threads that programs may use; measured once."""
    from weft.targets.llvm import speed
    from weft.targets.llvm.machine import host, thread_count

    threads = thread_count()
    peak = {
        dtype: max(
            speed.fused_multiply_adds(dtype, threads),
            speed.matrix_multiply(dtype, 512, threads),
        )
        for dtype in ("float32", "float64")
    }
    bandwidth = {size: speed.bandwidth(size, threads) for size in _WORKING_SETS}
    return Machine(host().name, threads, peak, bandwidth)


# -- what the program is made of ---------------------------------------------------------


def _rows(executable: Any) -> Iterator[Row]:
    """Kernels, host calls and copies in program order."""
    kernels = dict(executable.layout.phases)
    hosts = executable.program.hosts
    instructions = executable.program.instructions()
    looped = _inside_loops(instructions)
    phase = 0
    for place, (operation, operands) in enumerate(instructions):
        row = Row(place=place, phase=phase, in_loop=place in looped)
        if place in kernels:
            for kernel in kernels[place]:
                yield _kernel_row(row, kernel)
        elif place in hosts:
            yield _host_row(row, hosts[place].node)
        elif operation == "copy":
            yield dataclasses.replace(row, form="copy", label="copy", bytes=2 * operands[2])
        else:
            continue
        phase += 1


def _inside_loops(instructions: list[tuple[str, tuple[int, ...]]]) -> set[int]:
    """The places between a jump back and its target."""
    found: set[int] = set()
    for place, (operation, operands) in enumerate(instructions):
        if operation == "jump" and operands[0] <= place:
            found.update(range(operands[0], place + 1))
    return found


def _kernel_row(row: Row, kernel: Any) -> Row:
    dtypes = {value.dtype.name for value in kernel.writes}
    return dataclasses.replace(
        row,
        form=kernel.form,
        label=kernel.label,
        chunks=kernel.chunks,
        flops=kernel.flops,
        bytes=_bytes_moved(kernel),
        estimate=kernel.estimate * 1e-9,
        dtype="float64" if "float64" in dtypes else "float32",
        reads=tuple(str(value.spec) for value in kernel.reads),
        writes=tuple(str(value.spec) for value in kernel.writes),
    )


def _bytes_moved(kernel: Any) -> int:
    """The bytes that a kernel touches, as far as its buffers tell."""
    reads = sum(value.spec.nbytes for value in kernel.reads)
    if kernel.label in _UPDATES:
        # The target's other elements stay as they are.
        return 2 * reads
    if kernel.form == "map":
        # One point reads one element of each buffer, however large (a gather, a slice).
        points = max([value.spec.size for value in kernel.writes], default=0)
        reads = sum(min(v.spec.size, points) * v.dtype.size for v in kernel.reads)
    return reads + sum(value.spec.nbytes for value in kernel.writes)


def _host_row(row: Row, node: Any) -> Row:
    values = (*node.inputs, *node.outputs)
    return dataclasses.replace(
        row,
        form="host",
        label=f"{node.primitive.name} (on NumPy)",
        bytes=sum(value.spec.nbytes for value in values),
        reads=tuple(str(value.spec) for value in node.inputs),
        writes=tuple(str(value.spec) for value in node.outputs),
        source=node.source,
    )


# -- time --------------------------------------------------------------------------------


def _with_limits(row: Row, machine: Machine) -> Row:
    """The time in which this machine could do it, and a guess where none was taken."""
    arithmetic = row.flops / machine.peak[row.dtype]
    memory = row.bytes / machine.bandwidth_at(row.bytes)
    limit = "arithmetic" if arithmetic >= memory else "memory"
    row = dataclasses.replace(row, best=max(arithmetic, memory), limit=limit)
    if row.seconds is not None:
        return row
    # The scheduler's own estimate knows how dear each operation of a loop nest is.
    threads = min(machine.threads, max(row.chunks, 1))
    counted = 0.0 if row.form == "contraction" else row.estimate / threads
    return dataclasses.replace(row, seconds=max(row.best, counted))


def _measured(
    executable: Any, rows: list[Row], arrays: list[np.ndarray]
) -> tuple[float, list[Row]]:
    """Seconds of one run, and the rows with their share of it."""
    executable(arrays)
    executable(arrays)
    # First without the profile, whose clock readings cost a little.
    count, begin, best = 0, time.perf_counter(), float("inf")
    while count < _MOST_RUNS and time.perf_counter() - begin < _SECONDS:
        start = time.perf_counter()
        executable(arrays)
        best = min(best, time.perf_counter() - start)
        count += 1
    program = executable.program
    with _timed_hosts(program.hosts) as host_seconds:
        program.start_profile()
        for _ in range(count):
            executable(arrays)
        times = {time.place: time for time in program.stop_profile()}
    return best, _with_times(rows, times, host_seconds, count)


@contextlib.contextmanager
def _timed_hosts(hosts: dict[int, Callable]) -> Iterator[dict[int, float]]:
    """Host calls add their seconds to the table that is given, inside."""
    seconds = dict.fromkeys(hosts, 0.0)
    plain = dict(hosts)

    def timed(place: int, call: Callable) -> Callable:
        def run(table: int) -> Any:
            begin = time.perf_counter()
            try:
                return call(table)
            finally:
                seconds[place] += time.perf_counter() - begin

        return run

    hosts.update({place: timed(place, call) for place, call in plain.items()})
    try:
        yield seconds
    finally:
        hosts.update(plain)


def _with_times(
    rows: list[Row], times: dict[int, Any], host_seconds: dict[int, float], count: int
) -> list[Row]:
    by_place: dict[int, list[Row]] = {}
    for row in rows:
        by_place.setdefault(row.place, []).append(row)
    found: list[Row] = []
    for place, members in by_place.items():
        instruction = times.get(place)
        if instruction is None:
            # A branch that was not taken, or a loop that was not entered.
            found += [dataclasses.replace(row, runs=0.0, seconds=0.0) for row in members]
            continue
        seconds = host_seconds.get(place, instruction.seconds) / instruction.count
        for row, part in zip(members, _parts(members, instruction.launches)):
            runs = instruction.count / count
            found.append(dataclasses.replace(row, runs=runs, seconds=seconds * part))
    return found


def _parts(members: list[Row], launches: Sequence[Any]) -> list[float]:
    """Each kernel's part of its phase: its part of all threads' work in it."""
    total = sum(launch.seconds for launch in launches)
    if total <= 0:
        return [1 / len(members)] * len(members)
    # Kernels without work are not launched.
    working = iter(launches)
    return [next(working).seconds / total if row.chunks else 0.0 for row in members]


# -- memory ------------------------------------------------------------------------------


def _memory(executable: Any, state_bytes: int, written_bytes: int, threads: int) -> Memory:
    graph = executable.layout.graph
    inputs = sum(spec.nbytes for spec in graph.input_specs())
    outputs = sum(spec.nbytes for spec in graph.output_specs())
    constants = {
        id(node.parameters["value"]): node.parameters["value"].nbytes
        for node in graph.all_nodes()
        if node.primitive.name == "constant"
    }
    return Memory(
        arguments=inputs - state_bytes,
        variables=state_bytes,
        results=outputs - written_bytes,
        constants=sum(constants.values()),
        arena=executable.table.arena_bytes,
        scratch=executable.program.scratch_bytes * threads,
    )
