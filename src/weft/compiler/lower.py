"""Lowering: a cluster of nodes into a loop nest.

Reductions are put into stages: a stage may use the results of earlier ones. Full-size values
are computed again in every stage that needs them, from operands that lie in cache.
Adjacent loops over memory without gaps are joined, and one variable is chosen for vectors.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable

from weft.compiler.fuse import REDUCTIONS, Cluster, kind_of
from weft.compiler.index import Index, Var, linear, of_var
from weft.compiler.indexed import Builder, Where
from weft.compiler.loops import (
    Expression,
    Given,
    Load,
    Nest,
    Position,
    Reduce,
    Stage,
    Store,
    substitute,
    walk,
)
from weft.core.graph import Node, Value
from weft.dtypes import DType, int32


class Buffers:
    """The values that a kernel reads and writes, numbered in order of first use."""

    def __init__(self) -> None:
        self.numbers: dict[Value, int] = {}

    def number(self, value: Value) -> int:
        return self.numbers.setdefault(value, len(self.numbers))

    @property
    def values(self) -> tuple[Value, ...]:
        return tuple(self.numbers)

    @property
    def dtypes(self) -> tuple[DType, ...]:
        return tuple(value.dtype for value in self.numbers)


def lower_loops(cluster: Cluster) -> tuple[Nest, tuple[Value, ...]]:
    """The loop nest of a cluster, and the values of its buffers in order."""
    buffers = Buffers()
    variables = tuple([Var(f"i{axis}", e) for axis, e in enumerate(cluster.shape)])
    outer = tuple(v for axis, v in enumerate(variables) if axis not in cluster.axes)
    inner = tuple(v for axis, v in enumerate(variables) if axis in cluster.axes)
    members = set(cluster.nodes)
    builder = Builder(lambda n: n in members or kind_of(n) == "free", buffers.number)
    full = tuple([of_var(v) for v in variables])
    row = tuple([of_var(v) for v in outer])
    stage_of: dict[Given, int] = {}
    stages: list[Stage] = []

    def stage_needed(expression: Expression) -> int:
        """One more than the last stage whose reductions the expression uses."""
        needed = 0
        for part in walk(expression, set()):
            if isinstance(part, Given):
                needed = max(needed, stage_of[part] + 1)
        return needed

    def stage(number: int) -> Stage:
        while len(stages) <= number:
            stages.append(Stage())
        return stages[number]

    depends = frozenset(outer)
    for node in cluster.nodes:
        if kind_of(node) != "reduce":
            continue
        expression = builder.build(node.inputs[0], full)
        given = Given(f"r{len(stage_of)}", node.output.dtype, depends)
        combine = REDUCTIONS[node.primitive.name]
        position = _position(node, full) if combine in ("argmax", "argmin") else None
        number = stage_needed(expression)
        stage(number).reductions.append(Reduce(given, combine, expression, position))
        stage_of[given] = number
        builder.given[node.output] = (row, given)

    row_stores: list[Store] = []
    for value in cluster.stores:
        level = cluster.level(value.shape)
        if level == "full":
            expression = builder.build(value, full)
            store = Store(buffers.number(value), linear(full, value.shape), expression)
            if cluster.axes:
                stage(stage_needed(expression)).stores.append(store)
            else:
                row_stores.append(store)
        else:
            where = row if level == "row" else _kept(cluster, row)
            expression = builder.build(value, where)
            row_stores.append(
                Store(buffers.number(value), linear(where, value.shape), expression)
            )
    nest = Nest(outer, inner, stages, row_stores, buffers.dtypes)
    return collapse(nest), buffers.values


def _kept(cluster: Cluster, row: Where) -> Where:
    rest = iter(row)
    return tuple(
        Index() if axis in cluster.axes else next(rest) for axis in range(len(cluster.shape))
    )


def _position(node: Node, full: Where) -> Expression:
    return Position(full[node.parameters["axis"]], int32)


# -- joining loops -----------------------------------------------------------------------


def accesses(nest: Nest) -> list[Index]:
    """The offsets of all loads and stores."""
    found = [e.offset for e in nest.expressions() if isinstance(e, Load)]
    found += [s.offset for s in nest.statements() if isinstance(s, Store)]
    return found


def _other_indices(nest: Nest) -> list[Index]:
    """Indices that are used as numbers or conditions."""
    found: list[Index] = []
    for expression in nest.expressions():
        if not isinstance(expression, Load):
            found += expression.own_indices()
    return found


def collapse(nest: Nest) -> Nest:
    """for i<A: for j<B: x[i*B + j]   →   for k<A*B: x[k]"""
    changed = True
    while changed:
        changed = False
        for group in ("outer", "inner"):
            pair = _joinable(nest, getattr(nest, group))
            if pair is not None:
                nest = _join(nest, *pair)
                changed = True
                break
    return _without_single(nest)


def _joinable(nest: Nest, group: tuple[Var, ...]) -> tuple[Var, Var] | None:
    live = [var for var in group if var.extent != 1]
    if len(live) < 2:
        return None
    offsets, others = accesses(nest), _other_indices(nest)
    for high, low in itertools.pairwise(live):
        if any(_hidden(index, high, low) for index in [*offsets, *others]):
            continue
        if any(high in index.terms or low in index.terms for index in others):
            continue
        if all(i.coefficient(high) == i.coefficient(low) * low.extent for i in offsets):
            return high, low
    return None


def _hidden(index: Index, *variables: Var) -> bool:
    """Whether a variable occurs inside a quotient, remainder or run-time value."""
    inside = index.variables() - {a for a in index.terms if isinstance(a, Var)}
    mixed = set()
    for atom in index.terms:
        if not isinstance(atom, Var):
            mixed |= Index([(atom, 1)]).variables()
    return any(v in inside or v in mixed for v in variables)


def _join(nest: Nest, high: Var, low: Var) -> Nest:
    joined = Var(low.name, high.extent * low.extent)
    # Every access has high * (c * B) + low * c, so high may vanish and low become the joint.
    mapping = {high: Index(), low: of_var(joined)}
    return rewrite_variables(nest, mapping, {high: (), low: (joined,)})


def _without_single(nest: Nest) -> Nest:
    def kept(group: tuple[Var, ...]) -> tuple[Var, ...]:
        return tuple(var for var in group if var.extent != 1)

    return dataclasses.replace(nest, outer=kept(nest.outer), inner=kept(nest.inner))


def rewrite_variables(
    nest: Nest, mapping: dict[Var, Index], replaced: dict[Var, tuple[Var, ...]]
) -> Nest:
    """The nest with loop variables replaced: in indices as `mapping` says, in the lists of
    loops by those in `replaced`."""
    memo: dict[Expression, Expression] = {}
    renamed: dict[Given, Given] = {}

    def variables(group: Iterable[Var]) -> tuple[Var, ...]:
        return tuple(new for var in group for new in replaced.get(var, (var,)))

    for statement in nest.statements():
        if isinstance(statement, Reduce):
            old = statement.given
            new = Given(old.name, old.dtype, frozenset(variables(old.depends)))
            memo[old] = renamed[old] = new

    def expression(old: Expression) -> Expression:
        return substitute(old, mapping, memo)

    def index(old: Index) -> Index:
        return old.substitute(mapping, expression)

    def store(old: Store) -> Store:
        guard = expression(old.guard) if old.guard is not None else None
        return Store(old.buffer, index(old.offset), expression(old.expression), guard)

    stages = [
        Stage(
            [
                Reduce(
                    renamed[r.given],
                    r.combine,
                    expression(r.expression),
                    expression(r.position) if r.position is not None else None,
                )
                for r in stage.reductions
            ],
            [store(s) for s in stage.stores],
        )
        for stage in nest.stages
    ]
    row_stores = [store(s) for s in nest.row_stores]
    return Nest(
        variables(nest.outer), variables(nest.inner), stages, row_stores, nest.buffers,
        nest.ordered,
    )  # fmt: skip


def vector_variable(nest: Nest) -> Var | None:
    """The loop variable along which vectors run: most accesses have step 1 or 0 in it.

    In a nest with reductions, a store inside a stage may not be reordered against the
    reduction, so any inner or outer variable will do; the last of equals wins.
    """
    inner = () if nest.ordered else nest.inner
    candidates = [v for v in (*nest.outer, *inner) if v.extent > 1]
    if not candidates:
        return None
    offsets = accesses(nest)

    def score(var: Var) -> float:
        total = 0.0
        for index in offsets:
            if _hidden(index, var):
                total -= 1.0
            else:
                total += {1: 1.0, 0: 0.25}.get(index.coefficient(var), -1.0)
        return total + min(var.extent, 8) / 8

    return max(reversed(candidates), key=score)
