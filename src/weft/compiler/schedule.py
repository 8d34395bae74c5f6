"""Scheduling: which step may overwrite what, in which order steps run, and what runs together.

A step reads and writes values. An alias (old, new) asks that `new` be written into the buffer
of `old`: a variable's next value, or what a loop carries. It is granted if the writer reads
`old` only at the point that it writes, and if all other readers of `old` can run before.
Steps that do not depend on each other share a phase.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from weft.core.graph import Graph, Value


@dataclass(eq=False, slots=True)
class Step:
    """Something that a program does. `alone` steps share a phase with nothing."""

    payload: Any
    reads: tuple[Value, ...]
    writes: tuple[Value, ...]
    in_place: dict[Value, set[Value]] = field(default_factory=dict)
    alone: bool = False
    effects: bool = False


@dataclass(slots=True)
class Schedule:
    """Phases of steps in order; `aliases` maps each new value to the old one it replaces."""

    phases: list[list[Step]]
    aliases: dict[Value, Value]


def schedule(
    graph: Graph, steps: Sequence[Step], wanted: Iterable[tuple[Value, Value]]
) -> Schedule:
    """Order the steps of a graph, granting what can be granted of the wanted aliases."""
    orders = _Orders(steps)
    aliases: dict[Value, Value] = {}
    taken: set[Value] = set()
    results = list(graph.outputs)
    for old, new in wanted:
        writer = orders.writer.get(new)
        if writer is None or new in aliases or old in taken or old.spec != new.spec:
            continue
        if results.count(new) != 1 or old in results:
            continue
        if old in writer.reads and old not in writer.in_place.get(new, ()):
            continue
        readers = [s for s in orders.readers.get(old, ()) if s is not writer]
        if orders.try_before(readers, writer):
            aliases[new] = old
            taken.add(old)
    return Schedule(_phases(orders.sorted(), orders), aliases)


class _Orders:
    """The order among steps: data, effects, and readers before overwriting."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self.steps = list(steps)
        self.writer: dict[Value, Step] = {}
        self.readers: dict[Value, list[Step]] = {}
        for step in self.steps:
            for value in step.writes:
                self.writer[value] = step
        self.before: dict[Step, set[Step]] = {step: set() for step in self.steps}
        for step in self.steps:
            for value in dict.fromkeys(step.reads):
                self.readers.setdefault(value, []).append(step)
                source = self.writer.get(value)
                if source is not None and source is not step:
                    self.before[step].add(source)
        effects = [step for step in self.steps if step.effects]
        for first, second in itertools.pairwise(effects):
            self.before[second].add(first)

    def try_before(self, readers: list[Step], writer: Step) -> bool:
        """Make `readers` run before `writer`, unless one of them needs its results."""
        if any(self._needs(reader, writer) for reader in readers):
            return False
        self.before[writer].update(readers)
        return True

    def _needs(self, step: Step, other: Step) -> bool:
        pending, seen = [step], {step}
        while pending:
            current = pending.pop()
            if current is other:
                return True
            fresh = self.before[current] - seen
            seen |= fresh
            pending += fresh
        return False

    def sorted(self) -> list[Step]:
        """The steps in an order that respects `before`, else as given."""
        order: list[Step] = []
        done: set[Step] = set()
        for first in self.steps:
            pending = [first]
            while pending:
                step = pending[-1]
                missing = [s for s in self.steps_before(step) if s not in done]
                if missing:
                    pending.append(missing[0])
                    continue
                pending.pop()
                if step not in done:
                    done.add(step)
                    order.append(step)
        return order

    def steps_before(self, step: Step) -> list[Step]:
        earlier = self.before[step]
        return [s for s in self.steps if s in earlier] if len(earlier) > 1 else list(earlier)


def _phases(order: list[Step], orders: _Orders) -> list[list[Step]]:
    level: dict[Step, int] = {}
    shared: dict[int, list[Step]] = {}
    alone: dict[int, list[Step]] = {}
    for step in order:
        level[step] = 1 + max([level[s] for s in orders.before[step]], default=-1)
        (alone if step.alone else shared).setdefault(level[step], []).append(step)
    phases = []
    for number in range(1 + max(level.values(), default=-1)):
        if number in shared:
            phases.append(shared[number])
        phases += [[step] for step in alone.get(number, [])]
    return phases
