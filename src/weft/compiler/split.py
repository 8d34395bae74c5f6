"""Splitting: a reduction to few results as partial results, and their combination.

    sum over i < N          →   partial[p] = sum over i < N / P of piece p
                                result     = sum over p < P of partial[p]

One outer point would be one task; the pieces are many. Their number depends on the shape
alone, so the order of the sum is the same for any number of threads.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

from weft.compiler.index import Index, Var, linear, of_var
from weft.compiler.loops import (
    Apply,
    Expression,
    Given,
    Load,
    Nest,
    Reduce,
    Stage,
    Store,
)
from weft.compiler.lower import Buffers, rewrite_variables
from weft.core.graph import Value
from weft.core.spec import Spec
from weft.dtypes import DType, float32

# Elements of a piece, about; and results from which on there is enough to share out.
PIECE = 16384
FEW_RESULTS = 256

Bound = tuple[Nest, tuple[Value, ...]]


def split_reduction(nest: Nest, values: tuple[Value, ...]) -> tuple[Bound, Bound] | None:
    """The nests of partial results and of their combination, or None if one nest is better.

    `values` are those of the nest's buffers; each nest comes with its own.
    """
    pieces = _pieces(nest)
    if pieces < 2:
        return None
    stage, lead = nest.stages[0], nest.inner[0]
    piece, part = Var("p", pieces), Var(lead.name, lead.extent // pieces)
    mapping = {lead: of_var(piece) * part.extent + of_var(part)}
    cut = rewrite_variables(nest, mapping, {lead: (part,)})
    outer = (piece, *cut.outer)
    shape = tuple(var.extent for var in outer)
    where = linear(tuple(of_var(var) for var in outer), shape)
    back = linear(tuple(of_var(var) for var in (piece, *nest.outer)), shape)
    first, second = _Renumbering(values), _Renumbering(values)
    reductions: list[Reduce] = []
    partial_stores: list[Store] = []
    combines: list[Reduce] = []
    for old, reduce in zip(stage.reductions, cut.stages[0].reductions):
        dtype = _accumulated(reduce.given.dtype)
        value = Value(Spec(shape, dtype), name="partial")
        given = Given(old.given.name, dtype, frozenset(outer))
        expression = _cast(first.expression(reduce.expression), dtype)
        reductions.append(Reduce(given, old.combine, expression))
        partial_stores.append(Store(first.buffers.number(value), where, given))
        load = Load(second.buffers.number(value), back, dtype)
        total = Given(old.given.name, dtype, old.given.depends)
        combines.append(Reduce(total, old.combine, load))
        second.memo[old.given] = _cast(total, old.given.dtype)
    stores = [first.store(store) for store in cut.stages[0].stores]
    partial_stage = Stage(reductions, stores)
    partial = Nest(outer, cut.inner, [partial_stage], partial_stores, first.buffers.dtypes)
    row_stores = [second.store(store) for store in nest.row_stores]
    total_nest = Nest(nest.outer, (piece,), [Stage(combines)], row_stores, ())
    return (
        (partial, first.buffers.values),
        (dataclasses.replace(total_nest, buffers=second.buffers.dtypes), second.buffers.values),
    )


def _pieces(nest: Nest) -> int:
    """Into how many pieces to cut; 1 for not at all."""
    rows = math.prod([var.extent for var in nest.outer])
    points = math.prod([var.extent for var in nest.inner])
    if len(nest.stages) != 1 or rows > FEW_RESULTS or not nest.inner or points < 2 * PIECE:
        return 1
    if any(reduce.position is not None for reduce in nest.stages[0].reductions):
        return 1
    return divisor_near(nest.inner[0].extent, max(1, round(points / PIECE)))


def _accumulated(dtype: DType) -> DType:
    """16-bit floats are added up as float32."""
    return float32 if dtype.name in ("float16", "bfloat16") else dtype


def _cast(expression: Expression, dtype: DType) -> Expression:
    if expression.dtype is dtype:
        return expression
    return Apply("cast", (expression,), dtype)


class _Renumbering:
    """Copies expressions and stores into a nest that has fewer buffers."""

    def __init__(self, values: tuple[Value, ...]) -> None:
        self.values, self.buffers = values, Buffers()
        self.memo: dict[Expression, Expression] = {}

    def expression(self, old: Expression) -> Expression:
        known = self.memo.get(old)
        if known is None:
            known = self.memo[old] = self._copied(old)
        return known

    def _copied(self, old: Expression) -> Expression:
        operands = tuple([self.expression(operand) for operand in old.operands])
        if isinstance(old, Load):
            number = self.buffers.number(self.values[old.buffer])
            return Load(number, self.index(old.offset), old.dtype, *operands)
        return old.rebuild(operands, self.index)

    def index(self, old: Index) -> Index:
        return old.substitute({}, self.expression)

    def store(self, old: Store) -> Store:
        number = self.buffers.number(self.values[old.buffer])
        return Store(number, self.index(old.offset), self.expression(old.expression))


def divisor_near(number: int, wanted: int) -> int:
    """The divisor of `number` nearest to `wanted` by ratio; 1 if all are over four times away.

    >>> divisor_near(1000, 60)
    50
    """
    distance: Callable[[int], float] = lambda divisor: abs(math.log(divisor / wanted))
    small = [d for d in range(1, math.isqrt(number) + 1) if number % d == 0]
    best = min([*small, *[number // d for d in small]], key=distance)
    return best if distance(best) <= math.log(4) else 1
