"""Programs as tables of instructions, which the native runner follows.

    builder = ProgramBuilder(buffers=3)
    top = builder.here()
    builder.run([Launch(kernel_address, slots=(0, 1), chunks=16)])
    builder.swap(0, 1)
    builder.jump_if(top, condition=2)        # while the bool at buffer 2 is true
    program = builder.finish(scratch_bytes=4096)
    status = run(program, table.ctypes.data)  # in team.py; `table` holds three addresses

A kernel is `void kernel(ptr buffers, ptr slots, i64 chunk, ptr scratch)`: the table of
buffer addresses; an int32 array that says which of them are its arguments; which part of
the work to do; 64-byte aligned memory of the running thread, whose content is lost
between calls. Kernels of one phase, and chunks of one kernel, may run in any order and at
once. A program is fixed when it is made; what differs from run to run is the table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from weft.targets.llvm import layouts
from weft.targets.llvm import runner as native

# A status of `run` that no program returns by itself.
INTERRUPTED = -1

# To begin and end a shared phase takes about as long as this much work.
_SHORT_NANOSECONDS = 1_000
_LARGEST_PHASE = 2**31 - 2**16  # chunk numbers are 32 bits, with room for the threads


class Launch(NamedTuple):
    """One kernel of a phase: its address, the buffers it is given, its count of chunks,
    and about how long each takes."""

    address: int
    slots: Sequence[int]
    chunks: int
    nanoseconds: float = 0.0


class Label:
    """A place in a program, known now or later."""

    __slots__ = ("place",)

    def __init__(self, place: int | None = None) -> None:
        self.place = place


HostFunction = Callable[[int], int | None]


class ProgramBuilder:
    """Appends instructions; `finish` makes the program.

    `buffers` is the length of the table that the program will be given.
    """

    def __init__(self, buffers: int) -> None:
        self._buffers = buffers
        self._records: list[list[Any]] = []
        # Addresses, slots, and where the chunks begin, end, and begin within the kernel.
        self._launches: list[tuple[int, int, int, int, int]] = []
        self._slots: list[int] = []
        self._slots_known: dict[tuple[int, ...], int] = {}
        self._hosts: dict[int, HostFunction] = {}
        self._width = 0

    # -- places

    def here(self) -> Label:
        """The place of the next instruction, to jump back to."""
        return Label(len(self._records))

    def label(self) -> Label:
        """A place to jump forward to; `place` says where it is."""
        return Label()

    def place(self, label: Label) -> None:
        """Put a label of `label()` before the next instruction."""
        if label.place is not None:
            raise ValueError(
                "program: a label has one place; received one that is placed"
            )
        label.place = len(self._records)

    # -- instructions

    def run(self, launches: Sequence[Launch]) -> int:
        """A phase: kernels that do not depend on each other, those of long chunks first.

        Returns its place.
        """
        first, total = len(self._launches), 0
        for launch, begin, end in _from_both_ends(launches):
            count = end - begin
            if count < 0 or total + count > _LARGEST_PHASE:
                raise ValueError(
                    f"program: a phase has 0 to {_LARGEST_PHASE} chunks; received "
                    f"{total + count}; give a chunk more work"
                )
            if not count:
                continue
            where = self._remember(tuple(map(self._slot, launch.slots)))
            self._launches.append((launch.address, where, total, total + count, begin))
            total += count
        work = sum([launch.nanoseconds * launch.chunks for launch in launches])
        is_short = 0 < work < _SHORT_NANOSECONDS
        self._width = max(self._width, 1 if is_short else total)
        return self._append(layouts.RUN, first, len(self._launches) - first, total, is_short)

    def jump(self, target: Label) -> int:
        return self._append(layouts.JUMP, target)

    def jump_if(self, target: Label, condition: int) -> int:
        """Jump if the bool at the address in slot `condition` is true."""
        return self._append(layouts.JUMP_IF, target, self._slot(condition))

    def jump_unless(self, target: Label, condition: int) -> int:
        """Jump if the bool at the address in slot `condition` is false."""
        return self._append(layouts.JUMP_UNLESS, target, self._slot(condition))

    def host(self, function: HostFunction) -> int:
        """Call a Python function with the address of the table.

        If it returns neither None nor 0 the program ends with that status; if it raises,
        the program ends and `run` raises.
        """
        place = self._append(layouts.HOST_CALL)
        self._hosts[place] = function
        return place

    def copy(self, to: int, source: int, size: int) -> int:
        """Copy `size` bytes between buffers, which may overlap."""
        return self._append(layouts.COPY, self._slot(to), self._slot(source), size)

    def swap(self, one: int, two: int) -> int:
        """Exchange two entries of the table."""
        return self._append(layouts.SWAP, self._slot(one), self._slot(two))

    def end(self, status: int = 0) -> int:
        """Stop here; `run` returns `status`, a number from 0."""
        if status < 0:
            raise ValueError(f"program: a status is 0 or more; received {status}")
        return self._append(layouts.END, status)

    def finish(
        self,
        *,
        scratch_bytes: int = 0,
        serial: bool = False,
        brief: bool = False,
        keep: object = None,
    ) -> Program:
        """The program, with an `end` after its last instruction.

        `serial`: too small to be shared, it runs on the calling thread and wakes nobody.
        `brief`: so short (microseconds) that the interpreter's lock is not given up.
        `keep`: whatever must live as long as the program, as the libraries of its kernels.
        """
        self.end()
        code = [[self._number(operand) for operand in record] for record in self._records]
        return Program(
            Tables(code, self._launches, self._slots),
            hosts=self._hosts,
            buffers=self._buffers,
            width=self._width,
            scratch_bytes=scratch_bytes,
            serial=serial or self._width < 2,
            brief=brief,
            keep=keep,
        )

    # -- helpers

    def _append(self, *record: Any) -> int:
        self._records.append(list(record))
        return len(self._records) - 1

    def _slot(self, slot: int) -> int:
        if not 0 <= slot < self._buffers:
            raise ValueError(
                f"program: a slot is a number from 0 below {self._buffers}; "
                f"received {slot}; make the table longer"
            )
        return int(slot)

    def _remember(self, slots: tuple[int, ...]) -> int:
        """Where this list of slots begins among all slots; equal lists are kept once."""
        if slots not in self._slots_known:
            self._slots_known[slots] = len(self._slots)
            self._slots.extend(slots)
        return self._slots_known[slots]

    def _number(self, operand: int | Label) -> int:
        if not isinstance(operand, Label):
            return operand
        if operand.place is None:
            raise ValueError("program: a jump needs a placed label; call place(label)")
        return operand.place


def _from_both_ends(launches: Sequence[Launch]) -> list[tuple[Launch, int, int]]:
    """Launches and ranges of their chunks, the first launch's at both ends.

    The leader takes chunks from the front, workers from the back. Where they meet, chunks
    should be short, so that nobody waits long for the other.
    """
    whole = [(launch, 0, launch.chunks) for launch in launches]
    if len(launches) < 2 or launches[0].chunks < 2:
        return whole
    cut = launches[0]
    half = cut.chunks // 2
    return [(cut, 0, half), *whole[1:], (cut, half, cut.chunks)]


def aligned_words(*shape: int) -> np.ndarray:
    """An int64 array of zeros that begins at a multiple of 128 bytes."""
    size = int(np.prod(shape))
    whole = np.zeros(size + 16, np.int64)
    start = -whole.ctypes.data % 128 // 8
    return whole[start : start + size].reshape(shape)


@dataclass(frozen=True, slots=True)
class LaunchTime:
    """Seconds that one kernel took, over all threads."""

    address: int
    chunks: int
    seconds: float


@dataclass(frozen=True, slots=True)
class InstructionTime:
    """Seconds, by the clock, that one instruction took, and how often it ran."""

    place: int
    operation: str
    count: int
    seconds: float
    launches: tuple[LaunchTime, ...]


class Tables(NamedTuple):
    """A program as numbers that mean the same wherever it lies in memory.

    Each row of `code` is an operation and its operands; `run` names its first launch by
    number. Each launch is a kernel's address (less the program's base), the place of its
    slots in `slots`, and its chunks.
    """

    code: Sequence[Sequence[int]]
    launches: Sequence[Sequence[int]]
    slots: Sequence[int]


class Program:
    """A finished table of instructions. Make it with `ProgramBuilder.finish`.

    Args:
        tables: the numbers.
        base: what is added to the kernels' addresses.
        hosts: the Python functions of host calls, by their places.
        buffers: the length of the table of addresses.
        width: the most chunks that one phase has.
    """

    __slots__ = (
        "__weakref__", "_code", "_header", "_launches", "_profile", "_slots",
        "address", "brief", "buffers", "code", "hosts", "profiled", "scratch_bytes",
        "serial", "width",
    )  # fmt: skip

    def __init__(
        self,
        tables: Tables,
        *,
        base: int = 0,
        hosts: dict[int, HostFunction],
        buffers: int,
        width: int,
        scratch_bytes: int,
        serial: bool,
        brief: bool,
        keep: object,
    ) -> None:
        slots = np.array(tables.slots or [0], np.int32)
        launches = aligned_words(len(tables.launches) + 1, layouts.LAUNCH)
        for row, (address, where, *chunks) in zip(launches, tables.launches, strict=False):
            row[: layouts.TICKS] = base + address, slots.ctypes.data + 4 * where, *chunks
        code = aligned_words(len(tables.code), layouts.RECORD)
        for row, record in zip(code, tables.code, strict=True):
            row[: len(record)] = record
            if record[0] == layouts.RUN:
                row[1] = launches.ctypes.data + 8 * layouts.LAUNCH * record[1]
        self._code, self._launches, self._slots = code, launches, slots
        self.code = keep
        self.hosts, self.buffers, self.width = hosts, buffers, width
        self.scratch_bytes = -(-scratch_bytes // 128) * 128
        self.serial, self.brief = serial, brief and serial
        self._profile: np.ndarray | None = None
        self.profiled = False
        header = self._header = aligned_words(layouts.HEADER)
        header[layouts.CODE] = code.ctypes.data
        # Ten times a second Python may handle its signals.
        header[layouts.HEARTBEAT] = int(native.runner().ticks_per_second * 0.1)
        self.address = header.ctypes.data

    def interrupt(self) -> None:
        """Make runs of this program stop at their next backward jump.

        May be called from any thread; `run` then returns INTERRUPTED. A run that begins
        later is not affected.
        """
        self._header[layouts.INTERRUPT] = 1

    def tables(self, base: int) -> Tables:
        """The numbers that make this program again, for kernels counted from `base`."""
        first, slots = self._launches.ctypes.data, self._slots.ctypes.data
        code = self._code.tolist()
        for record in code:
            if record[0] == layouts.RUN:
                record[1] = (record[1] - first) // (8 * layouts.LAUNCH)
        launches = [
            [address - base, (where - slots) // 4, *chunks]
            for address, where, *chunks in self._launches[:-1, : layouts.TICKS].tolist()
        ]
        return Tables(code, launches, self._slots.tolist())

    def instructions(self) -> list[tuple[str, tuple[int, ...]]]:
        """The table, for explanations: the operation of each place, and its operands."""
        names = layouts.OPERATION_NAMES
        return [(names[row[0]], tuple(row[1:])) for row in self._code.tolist()]

    def start_profile(self) -> None:
        """Measure each instruction of the runs from now on."""
        self._profile = aligned_words(len(self._code), 2)
        self._launches[:, layouts.TICKS] = 0
        self._header[layouts.PROFILE] = self._profile.ctypes.data
        self.profiled = True

    def stop_profile(self) -> list[InstructionTime]:
        """The times since `start_profile`, one row per instruction that ran."""
        if self._profile is None:
            raise RuntimeError("program: nothing was measured; call start_profile first")
        self.profiled = False
        second = native.runner().ticks_per_second
        rows = []
        for place, (ticks, count) in enumerate(self._profile.tolist()):
            record = self._code[place].tolist()
            if not count:
                continue
            # A kernel that was cut in two counts as one.
            launches: dict[tuple[int, int], LaunchTime] = {}
            if record[0] == layouts.RUN:
                offset = record[1] - self._launches.ctypes.data
                first = offset // (8 * layouts.LAUNCH)
                for row in self._launches[first : first + record[2]].tolist():
                    who = row[layouts.KERNEL], row[layouts.SLOTS]
                    chunks = row[layouts.FINISH] - row[layouts.BEGIN]
                    seconds = row[layouts.TICKS] / second
                    if row[layouts.FIRST]:
                        chunks += launches[who].chunks
                        seconds += launches[who].seconds
                    launches[who] = LaunchTime(row[layouts.KERNEL], chunks, seconds)
            name = layouts.OPERATION_NAMES[record[0]]
            times = InstructionTime(place, name, count, ticks / second, tuple(launches.values()))
            rows.append(times)
        return rows
