"""The report that `weft.explain` returns: rows, totals, memory; as text and as a page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_LABEL_WIDTH = 52


@dataclass(frozen=True, slots=True)
class Machine:
    """What the machine was measured to do with all its threads.

    peak       operations per second, by dtype
    bandwidth  bytes per second, by the size of the working set in bytes
    """

    vectors: str
    threads: int
    peak: dict[str, float]
    bandwidth: dict[int, float]

    def bandwidth_at(self, size: int) -> float:
        """Bytes per second where `size` bytes are at work."""
        fitting = [speed for known, speed in self.bandwidth.items() if known >= size]
        return fitting[0] if fitting else list(self.bandwidth.values())[-1]


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that the program does.

    phase     its number: kernels of one phase run at once
    form      contraction, map, rows, host (runs on NumPy) or copy
    label     the operations that are fused in it, in order
    chunks    the pieces of work that threads take
    flops     operations of one run; bytes: that it reads and writes
    runs      how often it runs in one run of the program; None if not known (in a loop)
    seconds   of one run, measured or estimated
    best      seconds that the machine's measured speeds allow, which `limit` bounds
    """

    place: int
    phase: int
    in_loop: bool = False
    form: str = ""
    label: str = ""
    chunks: int = 0
    flops: int = 0
    bytes: int = 0
    estimate: float = 0.0
    dtype: str = "float32"
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    source: tuple[str, int] | None = None
    runs: float | None = None
    seconds: float | None = None
    best: float = 0.0
    limit: str = "memory"

    @property
    def total_seconds(self) -> float:
        """Seconds in one run of the program; a loop of unknown length counts once."""
        return (self.seconds or 0.0) * self.repeats

    @property
    def repeats(self) -> float:
        """`runs`, or 1 where that is not known."""
        return 1.0 if self.runs is None else self.runs

    @property
    def gflops_per_second(self) -> float:
        return _ratio(self.flops, self.seconds) / 1e9

    @property
    def gigabytes_per_second(self) -> float:
        return _ratio(self.bytes, self.seconds) / 1e9

    @property
    def share_of_peak(self) -> float:
        """How near it comes to the machine's measured speed, from 0 to about 1."""
        return _ratio(self.best, self.seconds)


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes while the program runs."""

    arguments: int
    variables: int
    results: int
    constants: int
    arena: int
    scratch: int

    @property
    def peak(self) -> int:
        """All of it: nothing else is allocated during a run."""
        return (
            self.arguments + self.variables + self.results + self.constants
            + self.arena + self.scratch
        )  # fmt: skip

    def parts(self) -> dict[str, int]:
        """Bytes by name."""
        return {name: getattr(self, name) for name in self.__slots__}


class Report:
    """What a function became. Print it, or look at its parts.

    Attributes:
        name: of the function.
        rows: a `Row` per kernel, host call and copy, in program order.
        machine: the machine's measured speeds.
        memory: bytes by kind, and their sum `memory.peak`.
        measured: whether times were taken, else they are estimated.
        seconds: of one run, by the clock; None if it was not run.
    """

    def __init__(
        self,
        *,
        name: str,
        rows: list[Row],
        machine: Machine,
        memory: Memory,
        measured: bool,
        seconds: float | None,
        traced_text: Callable[[], str],
        graph_text: Callable[[], str],
    ) -> None:
        self.name, self.rows, self.machine, self.memory = name, rows, machine, memory
        self.measured, self.seconds = measured, seconds
        self._traced_text, self._graph_text = traced_text, graph_text

    # -- facts ---------------------------------------------------------------------

    @property
    def host_rows(self) -> list[Row]:
        """What runs on NumPy because no native kernel exists for it."""
        return [row for row in self.rows if row.form == "host"]

    @property
    def flops(self) -> float:
        """Operations of one run of the program."""
        return sum(row.flops * row.repeats for row in self.rows)

    @property
    def bytes(self) -> float:
        """Bytes read and written by all kernels of one run of the program."""
        return sum(row.bytes * row.repeats for row in self.rows)

    @property
    def graph_text(self) -> str:
        """The graph after simplification, as text."""
        return self._graph_text()

    @property
    def traced_text(self) -> str:
        """The graph as it was traced, as text."""
        return self._traced_text()

    # -- text ----------------------------------------------------------------------

    def __str__(self) -> str:
        head: tuple[str, ...] = (
            "phase",
            "kernel",
            "form",
            "runs",
            "MFLOP",
            "MB",
            "time",
            "%",
            "limit",
        )
        if self.measured:
            head += ("GFLOP/s", "GB/s", "of peak")
        total = sum(row.total_seconds for row in self.rows) or 1.0
        lines = [head, *[_cells(row, total)[: len(head)] for row in self.rows]]
        widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
        left = {1, 2, 8}
        listed = [
            "  ".join(
                cell.ljust(width) if i in left else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(line, widths))
            ).rstrip()
            for line in lines
        ]
        rule = "─" * max(map(len, listed))
        return "\n".join([self._title(), "", listed[0], rule, *listed[1:], rule,
                          *self.summary()])  # fmt: skip

    __repr__ = __str__

    def _title(self) -> str:
        kind = "measured" if self.measured else "estimated; measure=True measures"
        return f"{self.name}: {len(self.rows)} kernels and steps, times {kind}"

    def summary(self) -> list[str]:
        """Totals, speeds and memory, a line each."""
        total = sum(row.total_seconds for row in self.rows)
        loops = any(row.runs is None and row.in_loop for row in self.rows)
        once = "; loops counted once" if loops else ""
        lines = [
            f"Work     {_number(self.flops)}FLOP, {_number(self.bytes)}B read and written, "
            f"{seconds_text(total)} in kernels{once}"
        ]
        if self.seconds is not None:
            rate = _ratio(self.flops, self.seconds)
            lines.append(
                f"Run      {seconds_text(self.seconds)} by the clock, the best of several: "
                f"{_number(rate)}FLOP/s"
            )
        best = sum(row.best * row.repeats for row in self.rows)
        lines.append(
            f"Machine  {self.machine.vectors}, {self.machine.threads} threads, peak "
            f"{_number(self.machine.peak['float32'])}FLOP/s in float32; at its measured "
            f"speeds the same kernels take {seconds_text(best)}"
        )
        parts = [
            f"{name} {_number(size)}B" for name, size in self.memory.parts().items() if size
        ]
        lines.append(f"Memory   {_number(self.memory.peak)}B at most: {', '.join(parts)}")
        if self.host_rows:
            names = ", ".join(dict.fromkeys(row.label.split()[0] for row in self.host_rows))
            lines.append(f"On NumPy {names}: no native kernel for these yet")
        return lines

    # -- pages ---------------------------------------------------------------------

    def to_html(self, path: str | Path | None = None) -> str:
        """The report as a page that needs nothing else; written to `path` if given."""
        from weft.explain.page import page

        made = page(self)
        if path is not None:
            Path(path).write_text(made, encoding="utf-8")
        return made

    def _repr_html_(self) -> str:
        from weft.explain.page import fragment

        return fragment(self)


def _cells(row: Row, total: float) -> tuple[str, ...]:
    arithmetic = row.flops and row.form != "host"
    runs = "loop" if row.runs is None and row.in_loop else f"{row.repeats:g}"
    return (
        str(row.phase),
        shortened(row.label, _LABEL_WIDTH),
        row.form,
        runs,
        f"{row.flops / 1e6:.3f}" if arithmetic else "",
        f"{row.bytes / 1e6:.3f}",
        seconds_text(row.total_seconds),
        f"{100 * row.total_seconds / total:.1f}",
        row.limit,
        f"{row.gflops_per_second:.1f}" if arithmetic else "",
        f"{row.gigabytes_per_second:.1f}",
        f"{100 * row.share_of_peak:.0f} %",
    )


def shortened(label: str, width: int) -> str:
    """The text, with its middle left out where it is too long."""
    if len(label) <= width:
        return label
    tail = width // 3
    return f"{label[: width - tail - 1]}…{label[-tail:]}"


def seconds_text(seconds: float) -> str:
    """Seconds in the unit that suits them."""
    for scale, unit, digits in ((1.0, "s", 2), (1e-3, "ms", 2), (1e-6, "µs", 1)):
        if seconds >= scale:
            return f"{seconds / scale:.{digits}f} {unit}"
    return f"{seconds * 1e9:.0f} ns"


def _number(value: float) -> str:
    """A number with its prefix: 1.2 M, so that a unit can follow."""
    for scale, prefix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= scale:
            return f"{value / scale:.1f} {prefix}"
    return f"{value:.0f} "


number_text = _number


def _ratio(amount: float, seconds: float | None) -> float:
    return amount / seconds if seconds else 0.0
